//! The file system of the enabled profile: a tree, what stands in the files, who may read them.

use std::sync::Arc;

use ef::{Ending, File, Node, Operation, PinTries, Place, Value, Verification};
use leptos::prelude::*;
use words::{Language, Text, text};

use super::super::{Context, context};
use crate::model::{Files, Slot};
use crate::transport::chip::ChipState;
use crate::units::shortened;

/// Files that hold numbers of the person or of the chip: hidden when those are hidden.
const NAMING: [&str; 15] = [
    "EF.ICCID",
    "EF.IMSI",
    "EF.MSISDN",
    "EF.IMPI",
    "EF.IMPU",
    "EF.ADN",
    "EF.FDN",
    "EF.SMS",
    "EF.SMSP",
    "EF.LND",
    "EF.SDN",
    "EF.ICI",
    "EF.OCI",
    "EF.GUTI",
    "EF.5GSN3GPPLOCI",
];

#[component]
pub(super) fn Tree(slot_shown: Slot) -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let files = model.chip(slot_shown).files;
    let busy = move || {
        model.task.with(Option::is_some)
            || !model.power.get()
            || !model.chip(slot_shown).state.with(ChipState::answers)
    };
    let thorough = RwSignal::new(false);
    let wanted = RwSignal::new(String::new());
    let pin = RwSignal::new(String::new());
    let wrong = RwSignal::new(false);
    let read = move |_| phone.read_files(slot_shown, Vec::new(), thorough.get_untracked());
    let any = move || files.with(|files| files.ending.is_some());
    let ending = move || {
        files.with(|files| {
            let count = files.found.len();
            let words = match files.ending? {
                Ending::Complete => {
                    text!("{count} files and directories.", "ファイルとディレクトリ: {count} 個")
                }
                Ending::Stopped => text!("Stopped after {count}.", "{count} 個で停止しました。"),
                Ending::Limit => {
                    text!("{count}; there is more than is read here.", "{count} 個。まだ続きがあります。")
                }
                Ending::NoChannel(sw) => {
                    text!("The card gives no channel (SW {sw}).", "カードがチャネルを開けません (SW {sw})。")
                }
                Ending::NoMf(sw) => {
                    text!("The card has no master file (SW {sw}).", "カードに MF がありません (SW {sw})。")
                }
                Ending::NoAnswer => text!("The card did not answer.", "カードが応答しませんでした。"),
            };
            Some(say.now(words))
        })
    };
    let pins = move || files.with(|files| pins_once(&files.pins));
    let present = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let typed = pin.get_untracked();
        let reference = pins().first().map_or(0x01, |tries| tries.reference);
        match ef::Pin::new(typed.trim()) {
            None => wrong.set(true),
            Some(value) => {
                wrong.set(false);
                pin.set(String::new());
                phone.read_files(slot_shown, vec![(reference, value)], thorough.get_untracked());
            }
        }
    };
    let sought = Memo::new(move |_| wanted.get().trim().to_uppercase());
    let seeks = Memo::new(move |_| sought.with(|sought| !sought.is_empty()));
    let tree = move || {
        if seeks.get() {
            return view! { <Hits hits=Signal::derive(move || sought.with(|sought| files.with(|files| hits(files, sought))))/> }
                .into_any();
        }
        files.with(branches)
    };
    view! {
        <section class="files" aria-labelledby="files-title">
            <h3 id="files-title">{say.of(Text::new("Files of the profile that is on", "オンのプロファイルのファイル"))}</h3>
            <div class="files-top">
                <button type="button" disabled=busy on:click=read>
                    {move || say.now(if any() { Text::new("Read again", "読み直す") } else { Text::new("Read the files", "ファイルを読む") })}
                </button>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=thorough
                        on:change=move |event| thorough.set(event_target_checked(&event))
                    />
                    {say.of(Text::new("try unknown identifiers too (slow)", "未知の ID も試す（時間がかかります）"))}
                </label>
            </div>
            {move || model.task.with(|task| task.as_ref().and_then(|task| task.portion.map(|portion| (portion, task.step.clone())))).map(|(portion, step)| view! {
                <div class="reading">
                    <progress max="100" value=portion.to_string() aria-label=say.of(Text::new("Files read", "読み取りの進み"))></progress>
                    <span class="digits">{say.of(step)}</span>
                    <button type="button" class="quiet" on:click=move |_| phone.stop()>{say.of(Text::new("Stop reading", "読み取りを停止"))}</button>
                </div>
            })}
            <Show when=any fallback=move || view! {
                <p class="empty">{say.of(Text::new(
                    "Not read yet. It is done on a channel of its own, by the commands of every phone, and changes nothing.",
                    "まだ読んでいません。専用のチャネルで通常の電話と同じコマンドを使い、何も変更しません。",
                ))}</p>
            }>
                <p class="help" role="status">{ending}</p>
                {move || {
                    let pins = pins();
                    (!pins.is_empty()).then(|| view! {
                        <ul class="pins">{pins.into_iter().map(|tries| view! { <li>{say.of(pin_words(&tries))}</li> }).collect_view()}</ul>
                    })
                }}
                <div class="files-top">
                    <label>
                        {say.of(Text::new("Search by name or identifier", "名前または ID で検索"))}
                        <input
                            type="search"
                            name="file"
                            autocomplete="off"
                            placeholder="EF.IMSI"
                            prop:value=wanted
                            on:input=move |event| wanted.set(event_target_value(&event))
                        />
                    </label>
                    <form class="field" on:submit=present>
                        <label>
                            {say.of(Text::new("PIN, for files that need it", "PIN（必要なファイル用）"))}
                            <input
                                type="password"
                                name="pin"
                                inputmode="numeric"
                                autocomplete="off"
                                maxlength="8"
                                aria-invalid=move || wrong.get().to_string()
                                prop:value=pin
                                on:input=move |event| {
                                    wrong.set(false);
                                    pin.set(event_target_value(&event));
                                }
                            />
                        </label>
                        <button type="submit" disabled=busy>{say.of(Text::new("Read with PIN", "PIN で読む"))}</button>
                    </form>
                </div>
                <Show when=move || wrong.get()>
                    <p class="help wrong" role="alert">{say.of(Text::new("A PIN has 4 to 8 digits.", "PIN は 4〜8 桁の数字です。"))}</p>
                </Show>
                <div class="tree">{tree}</div>
            </Show>
        </section>
    }
}

/// Each PIN once, as it was told last.
fn pins_once(pins: &[PinTries]) -> Vec<PinTries> {
    let mut once: Vec<PinTries> = Vec::new();
    for tries in pins {
        match once.iter_mut().find(|known| known.reference == tries.reference) {
            Some(known) => {
                let before = known.verification;
                *known = tries.clone();
                known.verification = known.verification.or(before);
            }
            None => once.push(tries.clone()),
        }
    }
    once
}

/// A PIN and its counter, in words.
fn pin_words(tries: &PinTries) -> Text<String> {
    let name = ef::key_name(tries.reference);
    let state = match (tries.enabled, tries.left) {
        (false, _) => Text::new("is not asked for", "照合不要").owned(),
        (true, Some(0)) => Text::new("is blocked", "ブロックされています").owned(),
        (true, Some(left)) => text!("tries left: {left}", "残り {left} 回"),
        (true, None) => Text::new("is asked for", "照合が必要").owned(),
    };
    let done = match tries.verification {
        None => Text::default(),
        Some(Verification::Verified) => text!(" — right", " — 正しい PIN です"),
        Some(Verification::Wrong) => text!(" — wrong, and not tried again", " — 誤り（再試行しません）"),
        Some(Verification::NotNeeded) => {
            text!(" — not presented: not asked for", " — 不要なため送っていません")
        }
        Some(Verification::NotTried) => {
            text!(
                " — not presented: it could have been the last try",
                " — 最後の 1 回になり得るため送っていません"
            )
        }
        Some(Verification::Refused(sw)) => {
            text!(" — the card does not take it (SW {sw})", " — カードが受け付けません (SW {sw})")
        }
    };
    Text::new(format!("{name}: {}{}", state.en, done.en), format!("{name}: {}{}", state.ja, done.ja))
}

/// The files with this in their name or place.
fn hits(files: &Files, sought: &str) -> Vec<Arc<File>> {
    let fits = |file: &&Arc<File>| {
        file.name().to_uppercase().contains(sought) || file.place.shown().to_uppercase().contains(sought)
    };
    files.found.iter().filter(fits).cloned().collect()
}

/// Files without their directories. One that is open stays so as long as it is among them.
#[component]
fn Hits(hits: Signal<Vec<Arc<File>>>) -> impl IntoView {
    let say = context().say;
    view! {
        <Show when=move || !hits.with(Vec::is_empty) fallback=move || view! {
            <p class="empty">{say.of(Text::new("No such file was read.", "そのようなファイルはありません。"))}</p>
        }>
            <ul>
                <For
                    each=move || hits.get()
                    // What is read anew is another file, whatever its name.
                    key=|file| Arc::as_ptr(file) as usize
                    children=|file| view! { <li><OneFile file full_place=true/></li> }
                />
            </ul>
        </Show>
    }
}

/// The top of the tree: the MF and the applications.
fn branches(files: &Files) -> AnyView {
    let top = files.found.iter().filter(|file| file.place.parent().is_none());
    view! { <ul>{top.map(|file| branch(files, file)).collect_view()}</ul> }.into_any()
}

/// A directory with what is in it, or a file.
fn branch(files: &Files, file: &Arc<File>) -> AnyView {
    let say = context().say;
    if file.body.is_some() {
        let file = Arc::clone(file);
        return view! { <li><OneFile file full_place=false/></li> }.into_any();
    }
    let inside = |place: &Place| -> Vec<Arc<File>> {
        files.found.iter().filter(|one| one.place.parent().as_ref() == Some(place)).cloned().collect()
    };
    let children = inside(&file.place);
    let count = children.len();
    let about = file.entry.map(|entry| view! { <span class="about">{say.of(entry.about)}</span> });
    // The card's root and its applications are open from the beginning.
    let open = file.place.parent().is_none();
    view! {
        <li>
            <details class="directory" open=open>
                <summary>
                    <strong>{file.name()}</strong>" "<span class="iccid">{file.place.shown()}</span>" "
                    <small>{count}</small>" "{about}
                </summary>
                <ul>{children.iter().map(|child| branch(files, child)).collect_view()}</ul>
            </details>
        </li>
    }
    .into_any()
}

/// A file; what is in it is decoded when it is opened.
#[component]
fn OneFile(file: Arc<File>, full_place: bool) -> impl IntoView {
    let Context { say, .. } = context();
    let open = RwSignal::new(false);
    let place = if full_place {
        file.place.shown()
    } else {
        file.place.path.last().map(|fid| format!("{fid:04X}")).unwrap_or_default()
    };
    let unread = match &file.body {
        Some(Err(unread)) => {
            let words = unread.words();
            Some(view! { <span class="unread">{say.of(words)}</span> })
        }
        _ => None,
    };
    let about = file.entry.map(|entry| view! { <span class="about">{say.of(entry.about)}</span> });
    let name = file.name();
    let content = move || open.get().then(|| content(&file));
    view! {
        <details
            class="file"
            on:toggle=move |event| {
                use wasm_bindgen::JsCast;
                // Of a closed one, the attribute is gone.
                let element = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
                open.set(element.is_some_and(|element| element.has_attribute("open")));
            }
        >
            <summary><strong>{name}</strong>" "<span class="iccid">{place}</span>" "{unread}{about}</summary>
            {content}
        </details>
    }
}

/// Everything that is known of a file.
fn content(file: &File) -> AnyView {
    let Context { say, hidden, .. } = context();
    let naming = NAMING.contains(&file.name().as_str());
    let hide = move || naming && hidden.get();
    let structure = match &file.fcp {
        Ok(fcp) => {
            let words = fcp.structure.words();
            let size = fcp.size.map(|size| text!(" · {size} bytes", " · {size} バイト")).unwrap_or_default();
            Text::new(words.en + &size.en, words.ja + &size.ja)
        }
        Err(_) => Text::new("its parameters can’t be read", "パラメーターを読めません").owned(),
    };
    let access = file.rules.as_ref().map(|rules| {
        let rows = [Operation::Read, Operation::Update, Operation::Activate, Operation::Deactivate].map(
            |operation| {
                let (name, condition) = (operation.words(), rules.of(operation).words());
                view! { <li>{say.of(name)}": "<b>{say.of(condition)}</b></li> }
            },
        );
        view! {
            <dt>{say.of(Text::new("Access", "アクセス条件"))}</dt>
            <dd><ul class="tags">{rows.into_iter().collect_view()}</ul></dd>
        }
    });
    let source = file.entry.map(|entry| {
        view! {
            <dt>{say.of(Text::new("Standard", "規格"))}</dt><dd>{entry.source}</dd>
        }
    });
    let decoded = file.decoded();
    let raw = file.shown_bytes();
    let many = decoded.len() > 1;
    let records = decoded.into_iter().zip(raw).enumerate().map(|(number, (nodes, bytes))| {
        let number = number + 1;
        let heading =
            many.then(|| view! { <h4>{say.of(text!("Record {number}", "レコード {number}"))}</h4> });
        let nodes = StoredValue::new(nodes);
        let bytes = spaced(&bytes);
        view! {
            <div class="record">
                {heading}
                <ul class="nodes">
                    {move || nodes.with_value(|nodes| {
                        nodes.iter().map(|node| node_view(node, say.language(), hide())).collect_view()
                    })}
                </ul>
                <details class="raw">
                    <summary>{say.of(Text::new("Bytes", "バイト列"))}</summary>
                    <code>{move || if hide() { shortened(&bytes) } else { bytes.clone() }}</code>
                </details>
            </div>
        }
    });
    let unread = match &file.body {
        Some(Err(unread)) => {
            let words = unread.words();
            Some(view! {
                <p class="unread">{say.of(Text::new(
                    format!("Can’t be read: {}.", words.en),
                    format!("読めません: {}。", words.ja),
                ))}</p>
            })
        }
        _ => None,
    };
    view! {
        <div class="content">
            <dl>
                <dt>{say.of(Text::new("Structure", "構造"))}</dt><dd>{say.of(structure)}</dd>
                {access}
                {source}
            </dl>
            {unread}
            {records.collect_view()}
        </div>
    }
    .into_any()
}

/// Hex digits in pairs.
fn spaced(digits: &str) -> String {
    let digits: Vec<char> = digits.chars().collect();
    digits.chunks(2).map(|pair| pair.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// A piece of a file, and what it is made of.
fn node_view(node: &Node, language: Language, hide: bool) -> AnyView {
    let name = node.name.say(language).to_owned();
    let value = match &node.value {
        Value::Text(text) if hide => shortened(text),
        Value::Bytes(_) if hide => "…".to_owned(),
        value => value.say(language),
    };
    let class = match &node.value {
        Value::Wrong(_) => "wrong",
        Value::Flag(true) => "flag on",
        Value::Flag(false) => "flag off",
        Value::Bytes(_) | Value::Secret(_) => "digits",
        Value::Empty => "empty",
        _ => "",
    };
    let flags = node.parts.iter().filter(|part| matches!(part.value, Value::Flag(_))).count();
    let parts = (!node.parts.is_empty()).then(|| {
        let list = node.parts.iter().map(|part| node_view(part, language, hide)).collect_view();
        // A service table has a hundred flags: side by side.
        let class = if flags > 4 { "nodes flags" } else { "nodes" };
        view! { <ul class=class>{list}</ul> }
    });
    let colon = if value.is_empty() { "" } else { ": " };
    let value = match node.value {
        Value::Flag(on) => {
            let mark = if on { "✓" } else { "–" };
            view! { <span class=class><span aria-hidden="true">{mark}</span><span class="spoken">{value}</span></span> }.into_any()
        }
        _ => view! { <span class=class>{value}</span> }.into_any(),
    };
    view! { <li><span class="name">{name}</span>{colon}{value}{parts}</li> }.into_any()
}
