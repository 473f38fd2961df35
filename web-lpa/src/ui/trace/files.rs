//! The trace as a file: saved in the forms that other tools read, and read back.

use js_sys::Uint8Array;
use leptos::html::Input;
use leptos::prelude::*;
use trace::{Format, Import, Level, MAX_IMPORT, Origin, Trace};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;
use words::{Text, text};

use super::compare::{self, Comparison};
use super::looking::{Looking, Opening, looking};
use crate::ui::modal::Modal;
use crate::ui::{context, file};
use crate::units::size;

/// The forms, with what they are good for.
const FORMATS: [(Format, &str, Text); 4] = [
    (
        Format::Json,
        "json",
        Text::new("JSON: everything, can be opened here again", "JSON: すべての内容。ここで再び開けます"),
    ),
    (Format::Text, "text", Text::new("Text: for reading and for reports", "テキスト: 読み物や報告用")),
    (
        Format::Har,
        "har",
        Text::new(
            "HAR: only HTTP, for a browser’s network tools",
            "HAR: HTTP のみ。ブラウザーの開発者ツール用",
        ),
    ),
    (
        Format::Pcap,
        "pcap",
        Text::new("GSMTAP pcap: only APDUs, for Wireshark", "GSMTAP pcap: APDU のみ。Wireshark 用"),
    ),
];

/// The button and the dialog that save the trace.
#[component]
pub(super) fn Export() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let open = RwSignal::new(false);
    let format = RwSignal::new(Format::Json);
    let numbers = RwSignal::new(false);
    let only_shown = RwSignal::new(false);
    let start = move |_| {
        // The safe choice each time.
        numbers.set(false);
        open.set(true);
    };
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let level = if numbers.get_untracked() { Level::KeysOnly } else { Level::Identifiers };
        let format = format.get_untracked();
        let bytes = trace::export(&looking.trace(only_shown.get_untracked()), format, level, &origin());
        if file::save(&format!("esim-trace.{}", format.extension()), format.media_type(), &bytes).is_none() {
            looking.trouble.set(Some(
                Text::new(
                    "The browser does not save files here.",
                    "このブラウザーではファイルを保存できません。",
                )
                .owned(),
            ));
        }
        open.set(false);
    };
    let choices = move || {
        FORMATS
            .into_iter()
            .map(|(one, value, text)| {
                view! {
                    <label class="check">
                        <input
                            type="radio"
                            name="format"
                            value=value
                            prop:checked=move || format.get() == one
                            on:change=move |_| format.set(one)
                        />
                        {say.of(text)}
                    </label>
                }
            })
            .collect_view()
    };
    view! {
        <button type="button" class="quiet" disabled=move || looking.with(Trace::is_empty) on:click=start>
            {say.of(Text::new("Save…", "保存…"))}
        </button>
        <Modal open=open.into() on_cancel=move || open.set(false) label=Text::new("Save the messages", "メッセージの保存")>
            <form class="export" on:submit=save>
                <h2>{say.of(Text::new("Save the messages", "メッセージの保存"))}</h2>
                <fieldset>
                    <legend>{say.of(Text::new("As", "形式"))}</legend>
                    {choices()}
                </fieldset>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=only_shown
                        on:change=move |event| only_shown.set(event_target_checked(&event))
                    />
                    {move || {
                        let count = looking.with_sift(crate::look::sift::Sift::len);
                        say.now(text!("Only the {count} that are shown", "表示中の {count} 件だけ"))
                    }}
                </label>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=numbers
                        on:change=move |event| numbers.set(event_target_checked(&event))
                    />
                    {say.of(Text::new("With real numbers and codes", "実際の番号とコードを含める"))}
                </label>
                {move || if numbers.get() {
                    view! { <p class="warning" role="alert">{say.of(Text::new(
                        "The file will tell EID, ICCID, IMSI, telephone numbers, activation codes and tokens. Whoever gets it can know the subscriber and may use the codes. Keys and PINs stay masked.",
                        "ファイルには EID、ICCID、IMSI、電話番号、アクティベーションコード、トークンが含まれます。受け取った人は加入者を特定でき、コードを使えるおそれがあります。鍵と PIN は隠されたままです。",
                    ))}</p> }.into_any()
                } else {
                    view! { <p class="help">{say.of(Text::new(
                        "Numbers of persons and chips, codes, keys and PINs are masked; lengths and structure stay. It can be shared.",
                        "個人やチップの番号、コード、鍵、PIN は隠されます。長さと構造はそのままなので、共有できます。",
                    ))}</p> }.into_any()
                }}
                <div class="buttons">
                    <button type="button" on:click=move |_| open.set(false)>{say.of(Text::new("Cancel", "キャンセル"))}</button>
                    <button type="submit" class="primary">{say.of(Text::new("Save", "保存"))}</button>
                </div>
            </form>
        </Modal>
    }
}

/// When the page's clock began, and what its addresses are relative to.
pub(super) fn origin() -> Origin {
    let window = web_sys::window();
    let epoch = window.as_ref().and_then(|window| window.performance()).map(|clock| clock.time_origin());
    let url = window.and_then(|window| window.location().origin().ok());
    let other = Origin::default();
    Origin { epoch_ms: epoch.unwrap_or(other.epoch_ms), url: url.unwrap_or(other.url) }
}

/// The button that opens a file.
#[component]
pub(super) fn Open() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let input = NodeRef::<Input>::new();
    view! {
        <button
            type="button"
            class="quiet"
            on:click=move |_| if let Some(input) = input.get_untracked() { input.click() }
        >{say.of(Text::new("Open…", "開く…"))}</button>
        <input
            type="file"
            class="unseen"
            tabindex="-1"
            accept=".json,.txt,.log,application/json,text/plain"
            aria-label=say.of(Text::new("A saved trace", "保存したメッセージのファイル"))
            node_ref=input
            on:change=move |_| {
                if let Some(input) = input.get_untracked() {
                    if let Some(file) = input.files().and_then(|files| files.get(0)) {
                        read(looking, file);
                    }
                    // So that the same file can be chosen again.
                    input.set_value("");
                }
            }
        />
    }
}

/// A file was dropped on the view.
pub(super) fn dropped(looking: Looking, event: &web_sys::DragEvent) {
    let file = event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0));
    match file {
        Some(file) => read(looking, file),
        None => looking.trouble.set(Some(
            Text::new(
                "That was no file. Drop a trace that was saved here.",
                "ファイルではありません。ここで保存したファイルをドロップしてください。",
            )
            .owned(),
        )),
    }
}

fn read(looking: Looking, file: File) {
    let name = file.name();
    if file.size() > MAX_IMPORT as f64 {
        let most = size(MAX_IMPORT);
        looking.trouble.set(Some(text!(
            "“{name}” is larger than {most}: no trace that was saved here is.",
            "「{name}」は {most} を超えています。ここで保存したファイルではありません。"
        )));
        return;
    }
    let id = looking.begin(name.clone(), file.size() as usize);
    leptos::task::spawn_local(async move {
        let Some(read) = in_pieces(looking, id, &file).await else { return };
        looking.end();
        match read {
            Ok(trace) => looking.load(name, trace),
            Err(words) => looking
                .trouble
                .set(Some(text!("“{name}” can’t be shown.", "「{name}」は表示できません。").with(words))),
        }
    });
}

/// Reads a file piece by piece: between two of them the page does what else there is to do. `None` when it
/// is no longer wanted.
async fn in_pieces(looking: Looking, id: u32, file: &File) -> Option<Result<Trace, Text<String>>> {
    let mut import = Import::new();
    let size = file.size();
    let mut from = 0.0;
    while from < size {
        let to = (from + Import::PIECE as f64).min(size);
        // The browser reads it aside, and what waits has its turn before the answer has.
        let read = match file.slice_with_f64_and_f64(from, to) {
            Ok(piece) => JsFuture::from(piece.array_buffer()).await,
            Err(error) => Err(error),
        };
        if !looking.go_on(id, to as usize, import.messages()) {
            return None;
        }
        let Ok(buffer) = read else {
            return Some(Err(Text::new(
                "It can’t be read. Check that it is still there, then open it again.",
                "ファイルを読み取れません。まだあるか確認して、もう一度開いてください。",
            )
            .owned()));
        };
        if let Err(error) = import.take(&Uint8Array::new(&buffer).to_vec()) {
            return Some(Err(error.text()));
        }
        from = to;
    }
    Some(import.finish().map_err(|error| error.text()))
}

/// How far the reading of a file is, and what ends it.
#[component]
fn Reading() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    // Only what changes is drawn again, and only the name is read out.
    let name =
        Memo::new(move |_| looking.opening.with(|opening| opening.as_ref().map(|one| one.name.clone())));
    let of =
        move |part: fn(&Opening) -> usize| looking.opening.with(|opening| opening.as_ref().map_or(0, part));
    let count = move || {
        let messages = looking.opening.with(|opening| opening.as_ref().map_or(0, |one| one.messages));
        let (taken, all) = (size(of(|one| one.taken)), size(of(|one| one.size)));
        say.now(text!("{taken} of {all} · {messages} messages", "{taken} / {all} · {messages} 件"))
    };
    move || {
        name.get().map(|name| {
            view! {
                <div class="saved" data-testid="reading-trace">
                    <p role="status">{say.of(text!("Opening “{name}”…", "「{name}」を開いています…"))}</p>
                    <progress
                        aria-label=say.of(Text::new("Read", "読み込み済み"))
                        max=move || of(|one| one.size).to_string()
                        value=move || of(|one| one.taken).to_string()
                    ></progress>
                    <span class="count">{count}</span>
                    <button type="button" on:click=move |_| looking.end()>{say.of(Text::new("Stop", "停止"))}</button>
                </div>
            }
        })
    }
}

/// Tells that a file is looked at, or why one is not.
#[component]
pub(super) fn Loaded() -> impl IntoView {
    let say = context().say;
    let looking = looking();
    let compared = RwSignal::new(None::<Vec<trace::Pair>>);
    Effect::new(move |_| {
        looking.loaded.track();
        compared.set(None);
    });
    let loaded = move || {
        looking.loaded.get().map(|loaded| {
            let (name, count) = (loaded.name.get_value(), looking.with(Trace::len));
            view! {
                <div class="saved" role="status" data-testid="saved-trace">
                    <p>{say.of(text!(
                        "You are looking at the saved messages of “{name}” ({count}). What happens now is recorded beside it.",
                        "保存されたメッセージ「{name}」({count} 件) を表示しています。現在の通信は別に記録されています。"
                    ))}</p>
                    <div class="acts">
                        <button
                            type="button"
                            aria-pressed=move || compared.with(Option::is_some).to_string()
                            on:click=move |_| compared.update(|compared| {
                                *compared = if compared.is_some() { None } else { Some(compare::pairs(looking)) };
                            })
                        >{say.of(Text::new("Compare with the live messages", "ライブのメッセージと比較"))}</button>
                        <button type="button" class="primary" on:click=move |_| {
                            compared.set(None);
                            looking.unload();
                        }>{say.of(Text::new("Back to the live messages", "ライブのメッセージに戻る"))}</button>
                    </div>
                </div>
                {move || compared.get().map(|pairs| view! { <Comparison pairs=pairs/> })}
            }
        })
    };
    let trouble = move || {
        looking.trouble.get().map(|trouble| {
            view! {
                <div class="saved trouble" role="alert">
                    <p>{say.of(trouble)}</p>
                    <button type="button" on:click=move |_| looking.trouble.set(None)>
                        {say.of(Text::new("Close", "閉じる"))}
                    </button>
                </div>
            }
        })
    };
    view! { <Reading/>{loaded}{trouble} }
}
