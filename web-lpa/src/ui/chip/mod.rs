//! The chip: what it says of itself, its certificates and profiles, and the files of the one that is on.

mod certificates;
mod files;
mod info;
mod profiles;

use leptos::prelude::*;
use words::Text;

use self::certificates::Certificates;
use self::files::Tree;
use self::info::Facts;
use self::profiles::Profiles;
use super::modal::Modal;
use super::{Context, context};
use crate::model::{Bridge, Slot};
use crate::said;
use crate::transport::chip::ChipState;
use crate::units::hex;

#[component]
pub(super) fn Chip() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let chip = move || model.shown_chip();
    let erasing = RwSignal::new(false);
    let facts = move || match chip().info.get() {
        Some(info) => view! { <Facts info/> }.into_any(),
        None => view! { <p class="empty">{move || say.now(chip().nothing_read())}</p> }.into_any(),
    };
    let memory = move || match chip().state.get() {
        ChipState::Durable(place) => say.now(said::within(
            Text::new(
                "Kept in this browser, {}, also when the page is closed.",
                "このブラウザーに保存され ({})、ページを閉じても残ります。",
            ),
            &place,
        )),
        ChipState::Volatile(_) => {
            say.now(Text::new("Lost when the page is closed.", "ページを閉じると失われます。")).to_owned()
        }
        ChipState::Real(place) => say
            .now(Text::new(format!("A real card, in {}.", place.en), format!("実物のカード ({})", place.ja))),
        _ => String::new(),
    };
    let atr = move || {
        let atr = model.card.with(|card| card.atr.clone());
        (model.slot.get() == Slot::Phone && !atr.is_empty()).then(|| {
            view! {
                <dl><dt>{say.of(Text::new("Answer to reset", "リセット応答 (ATR)"))}</dt><dd><code>{hex(&atr)}</code></dd></dl>
            }
        })
    };
    // What programs of this computer may have is a chip of the page; a card they reach by themselves.
    let offering = move || {
        (model.slot.get() != Slot::Card).then(|| {
            let help = move || {
                let is_open = model.bridge.with(|bridge| matches!(bridge, Bridge::Open(_)));
                say.now(if is_open {
                    Text::new(
                        "Puts the chip into the bridge’s virtual reader (card-bridge --vpcd), where any PC/SC program finds it. The phone leaves it alone meanwhile.",
                        "チップをブリッジの仮想リーダー (card-bridge --vpcd) に入れ、PC/SC のプログラムから使えるようにします。その間、電話はチップを使用しません。",
                    )
                } else {
                    Text::new(
                        "PC/SC programs of this computer can use this chip: start card-bridge --vpcd, and connect to it under “Use a real card”.",
                        "このコンピューターの PC/SC プログラムからこのチップを使用できます。card-bridge --vpcd を起動し、「実物のカードを使う」から接続してください。",
                    )
                })
            };
            view! {
                <div class="offer">
                    <button
                        type="button"
                        class="quiet"
                        disabled=move || {
                            model.task.with(Option::is_some)
                                || !model.bridge.with(|bridge| matches!(bridge, Bridge::Open(_)))
                                || !chip().state.with(ChipState::answers)
                        }
                        on:click=move |_| phone.offer_chip(model.slot.get_untracked())
                    >{say.of(Text::new("Offer to this computer’s programs", "このコンピューターのプログラムに提供"))}</button>
                    <p class="help">{help}</p>
                </div>
            }
        })
    };
    let whose = move || {
        say.now(match model.slot.get() {
            Slot::Phone => Text::new("Chip of the phone", "電話のチップ"),
            Slot::Watch => Text::new("Chip of the watch", "時計のチップ"),
            Slot::Card => Text::new("Card", "カード"),
        })
    };
    view! {
        <section class="chip" aria-labelledby="chip-title">
            <h2 id="chip-title">{whose}</h2>
            {facts}
            {atr}
            {move || view! { <Certificates slot_shown=model.slot.get()/> }}
            <Profiles/>
            <p class="help">{memory}</p>
            <button
                type="button"
                class="quiet danger new-chip"
                disabled=move || model.task.with(Option::is_some) || !chip().state.with(ChipState::can_be_replaced)
                on:click=move |_| erasing.set(true)
            >{say.of(Text::new("New chip", "新しいチップ"))}</button>
            {offering}
            {move || view! { <Tree slot_shown=model.slot.get()/> }}
            <Modal
                open=Signal::from(erasing)
                on_cancel=move || erasing.set(false)
                label=Text::new("Replace the chip", "チップの交換")
            >
                <h2>{say.of(Text::new("Replace the chip by a new one?", "新しいチップに交換しますか？"))}</h2>
                <p>{say.of(Text::new(
                    "All profiles on it are lost; codes that were used are not valid again. The new chip is as it left the factory, with its provisioning profile.",
                    "チップのプロファイルはすべて失われ、使用済みのコードは二度と使えません。新しいチップは工場出荷時の状態で、プロビジョニングプロファイルが入っています。",
                ))}</p>
                <div class="actions">
                    <button type="button" on:click=move |_| erasing.set(false)>{say.of(Text::new("Keep this chip", "このチップを残す"))}</button>
                    <button
                        type="button"
                        class="danger solid"
                        on:click=move |_| {
                            erasing.set(false);
                            phone.erase_chip(model.slot.get_untracked());
                        }
                    >{say.of(Text::new("Replace", "交換"))}</button>
                </div>
            </Modal>
        </section>
    }
}
