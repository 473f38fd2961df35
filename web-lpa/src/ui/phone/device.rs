//! Whose chip is managed: the phone's, the watch's, or a real card.

use leptos::prelude::*;
use trace::Party;
use words::Text;

use super::super::later::{self, Part};
use super::super::{Context, context, icons};
use crate::model::Slot;
use crate::transport::chip::ChipState;

/// This phone, the watch, the card: the radio is the phone's in any case.
#[component]
pub(super) fn Device() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let there = move |slot: Slot| {
        slot == Slot::Phone || model.chip(slot).state.with(|state| *state != ChipState::Absent)
    };
    let several = move || Slot::ALL.into_iter().filter(|slot| there(*slot)).nth(1).is_some();
    let busy = move || model.task.with(Option::is_some);
    let connecting = RwSignal::new(false);
    // The dialog comes when it is first wanted, and stays.
    let wanted =
        Memo::new(move |before: Option<&bool>| before.copied().unwrap_or_default() || connecting.get());
    let choice = move |slot: Slot| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="device"
                    value=slot.word()
                    prop:checked=move || model.slot.get() == slot
                    disabled=busy
                    on:change=move |_| model.slot.set(slot)
                />
                {match slot {
                    Slot::Phone => icons::party(Party::Phone).into_any(),
                    Slot::Watch => icons::party(Party::Watch).into_any(),
                    Slot::Card => icons::party(Party::Card).into_any(),
                }}
                <span>{say.of(slot.name())}</span>
            </label>
        }
    };
    let about = move || {
        match model.slot.get() {
        Slot::Phone => None,
        Slot::Watch => Some(
            view! {
                <p class="help">
                    {say.of(Text::new(
                        "The watch has no network of its own here: this phone fetches its profiles.",
                        "この時計は自分の回線を持ちません。プロファイルはこの電話が取得します。",
                    ))}
                    " "
                    <button type="button" class="quiet danger" disabled=busy on:click=move |_| phone.remove_watch()>
                        {say.of(Text::new("Remove the watch", "時計を外す"))}
                    </button>
                </p>
            }
            .into_any(),
        ),
        Slot::Card => {
            let place = move || match model.chip(Slot::Card).state.get() {
                ChipState::Real(place) => {
                    Text::new(format!("In {}. ", place.en), format!("{} に挿入されています。", place.ja))
                }
                ChipState::Out(place) => {
                    Text::new(format!("Not in {}. ", place.en), format!("{} にありません。", place.ja))
                }
                _ => Text::default(),
            };
            Some(
                view! {
                    <p class="help">
                        {move || say.now(place())}
                        {say.of(Text::new(
                            "A real eUICC: what you do to it is done. This phone’s connection fetches its profiles.",
                            "実物の eUICC です。操作は実際に反映されます。プロファイルはこの電話の回線で取得します。",
                        ))}
                        " "
                        <button type="button" class="quiet" on:click=move |_| phone.give_back()>
                            {say.of(Text::new("Give the card back", "カードを返却"))}
                        </button>
                    </p>
                }
                .into_any(),
            )
        }
    }
    };
    view! {
        <Show when=several>
            <fieldset class="devices">
                <legend>{say.of(Text::new("Whose eSIMs", "対象の機器"))}</legend>
                {move || Slot::ALL.into_iter().filter(|slot| there(*slot)).map(choice).collect_view()}
                {about}
            </fieldset>
        </Show>
        <div class="more-devices">
            <Show when=move || !there(Slot::Watch)>
                <button type="button" class="quiet add-watch" disabled=busy on:click=move |_| phone.add_watch()>
                    {say.of(Text::new("Add a watch", "時計を追加"))}
                </button>
            </Show>
            <Show when=move || !model.chip(Slot::Card).state.with(ChipState::answers)>
                <button type="button" class="quiet" disabled=busy on:click=move |_| connecting.set(true)>
                    {say.of(Text::new("Use a real card", "実物のカードを使う"))}
                </button>
            </Show>
        </div>
        {move || wanted.get().then(|| later::shown(Part::Roads(connecting)))}
    }
}
