//! A chip that is not as it should be, and what the page says of it.

use leptos::prelude::*;
use lpa::CardLost;
use wasm_bindgen_test::wasm_bindgen_test as test;
use words::Language;

use super::super::ChipBanner;
use super::Page;
use super::chip::program;
use crate::model::Slot;
use crate::transport::chip::ChipState;

/// A chip's program that answers a reset only, and breaks off in what follows: as a module does
/// that stops (`unreachable`) in a task of its own.
fn breaking(how: &str) -> String {
    let source = "
        const module = Uint8Array.of(
          0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 116, 0, 0, 10, 5, 1, 3, 0, 0, 11);
        const { t: trap } = new WebAssembly.Instance(new WebAssembly.Module(module)).exports;
        // As that of the chip does.
        addEventListener('unhandledrejection', ({ reason }) => {
          postMessage({ state: 'broken', because: String(reason?.message ?? reason) });
        });
        postMessage({ state: 'durable', because: 'in files (OPFS)' });
        onmessage = ({ data: { id, reset } }) => {
          if (reset) postMessage({ id, rsp: Uint8Array.of(0x3B, 0x00) });
          else HOW;
        };";
    program(&source.replace("HOW", how))
}

#[test]
async fn a_program_that_breaks_off_is_told_and_nobody_waits_for_it() {
    for how in ["trap()", "queueMicrotask(trap)", "Promise.resolve().then(trap)", "setTimeout(trap)"] {
        let page = Page::show(|_| view! { <ChipBanner/> }).await;
        page.context.phone.start(&breaking(how));
        page.until("the banner", |page| page.text().contains("The chip does not answer.")).await;
        let said = page.text();
        assert!(said.contains("unreachable"), "{how}: {said}");
        assert_eq!(page.all("[role=alert]").len(), 1);
        // Who was asking has an answer, and who asks now has one too.
        page.until("the end of what was asked", |page| {
            page.context.model.task.with_untracked(Option::is_none)
        })
        .await;
        assert!(matches!(page.context.phone.transmit(Slot::Phone, &[0, 0xA4, 0, 4]).await, Err(CardLost(_))));
        assert!(!page.button("Power on again").has_attribute("disabled"));
        page.speak(Language::Japanese).await;
        assert!(page.text().contains("チップが応答しません。"), "{}", page.text());
        // Who looks into the browser's console sees it as well.
        page.excuse("unreachable");
        page.close().await;
    }
}

#[test]
async fn each_state_of_a_chip_is_told_in_both_languages() {
    let page = Page::show(|_| view! { <ChipBanner/> }).await;
    let chip = page.context.model.chip(Slot::Phone);
    assert!(page.all("[role=alert]").is_empty());
    let files = "this browser keeps no files here: Not allowed; no database";
    for (state, english, japanese) in [
        (
            ChipState::Volatile(files.into()),
            "This browser keeps no files here: Not allowed; no database. To keep profiles,",
            "このブラウザーはここにファイルを保存しません: Not allowed；no database。プロファイルを残すには",
        ),
        (ChipState::Elsewhere, "in use in another tab", "別のタブで使われています"),
        (
            ChipState::Unreadable("the memory of the chip is damaged".into()),
            "(the memory of the chip is damaged)",
            "(チップのメモリーが壊れています)",
        ),
        (
            ChipState::Broken("its program can’t be loaded".into()),
            "(its program can’t be loaded)",
            "(プログラムを読み込めません)",
        ),
    ] {
        chip.state.set(state);
        page.settle().await;
        assert!(page.text().contains(english), "{}", page.text());
        page.speak(Language::Japanese).await;
        assert!(page.text().contains(japanese), "{}", page.text());
        page.speak(Language::English).await;
    }
    let [phone, watch] = [Slot::Phone, Slot::Watch].map(|slot| page.context.model.chip(slot));
    phone.state.set(ChipState::Durable(String::new()));
    watch.state.set(ChipState::Broken("its program can’t be loaded".into()));
    page.settle().await;
    assert_eq!(page.all("[role=alert]").len(), 1);
    assert!(page.text().starts_with("Watch: The chip does not answer."), "{}", page.text());
}
