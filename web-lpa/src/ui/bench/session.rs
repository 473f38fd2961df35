//! The whole session in one file.

use leptos::html::Input;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;
use words::{Text, text};

use crate::keepsake::{Keepsake, MAX_FILE, Wrong};
use crate::model::Slot;
use crate::said;
use crate::transport::chip::ChipState;
use crate::ui::{Context, context, file};
use crate::units::size;

#[component]
pub(super) fn Session() -> impl IntoView {
    let context = context();
    let Context { model, say, .. } = context;
    let said = RwSignal::new(None::<(bool, Text<String>)>);
    let input = NodeRef::<Input>::new();
    let over = RwSignal::new(false);
    let busy = move || model.task.with(Option::is_some);
    let save = move |_| {
        said.set(None);
        spawn_local(async move {
            said.try_set(Some(keep(context).await));
        });
    };
    let open = move |file: Option<web_sys::File>| {
        said.set(None);
        // What is said of an earlier file is not said of this one.
        model.notice.set(None);
        let Some(file) = file else { return };
        spawn_local(async move {
            if let Err(why) = take(context, &file).await {
                said.try_set(Some((false, why)));
            }
        });
    };
    view! {
        <p class="help">{say.of(Text::new(
            "Chips, messages, settings and armed faults in one JSON file, to go on later or in another browser.",
            "チップ、メッセージ、設定、仕掛けた障害を一つの JSON ファイルに保存し、後で、または別のブラウザーで続けられます。",
        ))}</p>
        <p class="warning">{say.of(Text::new(
            "The file holds the secrets of the chips: their keys, PINs and those of every profile. Give it to nobody whom you would not give the chips.",
            "ファイルにはチップの秘密 (鍵、PIN、各プロファイルの鍵) が含まれます。チップそのものを渡せない相手には渡さないでください。",
        ))}</p>
        <div
            class="drop"
            class:over=over
            on:dragover=move |event| { event.prevent_default(); over.set(true); }
            on:dragleave=move |_| over.set(false)
            on:drop=move |event| {
                event.prevent_default();
                over.set(false);
                open(event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0)));
            }
        >
            <button type="button" class="primary" disabled=busy on:click=save>
                {say.of(Text::new("Save the session", "セッションを保存"))}
            </button>
            <button type="button" disabled=busy on:click=move |_| if let Some(input) = input.get_untracked() { input.click() }>
                {say.of(Text::new("Open a session…", "セッションを開く…"))}
            </button>
            <input
                type="file"
                hidden
                accept=".json,application/json"
                data-testid="session-file"
                aria-label=say.of(Text::new("A saved session", "保存したセッション"))
                node_ref=input
                on:change=move |_| {
                    if let Some(input) = input.get_untracked() {
                        open(input.files().and_then(|files| files.get(0)));
                        // So that the same file can be chosen again.
                        input.set_value("");
                    }
                }
            />
            <span class="help">{say.of(Text::new("or drop a file here", "またはここにファイルをドロップ"))}</span>
        </div>
        <div role="status" data-testid="session-said">
            {move || said.get().map(|(good, words)| view! {
                <p class="said" class:wrong=!good>{say.of(words)}</p>
            })}
        </div>
    }
}

async fn keep(context: Context) -> (bool, Text<String>) {
    let Context { model, phone, bench, .. } = context;
    if model.task.with_untracked(Option::is_some) {
        return (
            false,
            Text::new("Wait until the phone is idle.", "電話の処理が終わるまでお待ちください。").owned(),
        );
    }
    let own = match phone.snapshot(Slot::Phone).await {
        Ok(memory) => memory,
        Err(lpa::CardLost(why)) => {
            return (
                false,
                said::with(Text::new("The chip can’t be saved: {}.", "チップを保存できません: {}。"), &why),
            );
        }
    };
    let watch = if model.chip(Slot::Watch).state.with_untracked(ChipState::answers) {
        phone.snapshot(Slot::Watch).await.ok()
    } else {
        None
    };
    let session = Keepsake {
        phone: own,
        watch,
        trace: model.record.with_untracked(trace::Trace::clone),
        options: model.options.get_untracked(),
        device: model.device.get_untracked(),
        apn: model.apn.get_untracked(),
        faults: bench.armed.with_untracked(|armed| armed.iter().map(|one| one.fault.clone()).collect()),
    };
    let saved = session.write().and_then(|bytes| {
        file::save("esim-session.json", "application/json", &bytes)?;
        Some(bytes.len())
    });
    match saved {
        Some(bytes) => {
            let bytes = size(bytes);
            (true, text!("Saved: {bytes}.", "保存しました: {bytes}。"))
        }
        None => (
            false,
            Text::new(
                "The browser does not save files here.",
                "このブラウザーではファイルを保存できません。",
            )
            .owned(),
        ),
    }
}

/// Opens a file; what the phone makes of it, it says itself.
async fn take(context: Context, file: &web_sys::File) -> Result<(), Text<String>> {
    let unchanged =
        |why: Text<String>| why.with(Text::new("Nothing was changed.", "何も変更していません。").owned());
    if file.size() > MAX_FILE as f64 {
        return Err(unchanged(Wrong::TooLarge.words()));
    }
    let bytes = file::read(file).await.ok_or_else(|| {
        unchanged(Text::new("The file can’t be read.", "ファイルを読み取れません。").owned())
    })?;
    let session = Keepsake::read(&bytes).map_err(|wrong| unchanged(wrong.words()))?;
    if context.model.task.with_untracked(Option::is_some) {
        return Err(unchanged(
            Text::new(
                "The phone is busy: try again in a moment.",
                "電話が処理中です。少し待ってやり直してください。",
            )
            .owned(),
        ));
    }
    context.phone.load(session);
    Ok(())
}
