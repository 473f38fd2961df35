//! The chip: what it says of itself.

use leptos::prelude::*;

use super::modal::Modal;
use super::{Context, context};
use crate::model::Slot;
use crate::transport::chip::ChipState;
use crate::units::{hex, size};

#[component]
pub(super) fn Chip() -> impl IntoView {
    let Context { model, phone, say, .. } = context();
    let slot = Slot::Phone;
    let chip_model = model.chip(slot);
    let erasing = RwSignal::new(false);
    let facts = move || {
        chip_model.info.get().map(|chip| {
            let keys = |list: &[rsp::CiPkId]| {
                let keys = list.iter().map(|key| view! { <li><code>{key.to_string()}</code></li> });
                view! { <ul class="keys">{keys.collect_view()}</ul> }
            };
            let default = chip.addresses.default_dp_address.clone().filter(|address| !address.is_empty());
            view! {
                <dl>
                    <dt>"EID"</dt>
                    <dd class="digits" data-testid="eid">{grouped(&chip.eid.to_string())}</dd>
                    <dt>"Free memory"</dt>
                    <dd>{size(chip.info.ext_card_resource.free_non_volatile_memory as usize)}</dd>
                    <dt>"SGP.22 version"</dt>
                    <dd>{chip.info.svn.to_string()}</dd>
                    <dt>"Profile format"</dt>
                    <dd>{chip.info.profile_version.to_string()}</dd>
                    <dt>"Firmware"</dt>
                    <dd>{chip.info.firmware_version.to_string()}</dd>
                    <dt>"Default SM-DP+"</dt>
                    <dd>{default.unwrap_or_else(|| "none".to_owned())}</dd>
                    <dt>"CI keys trusted"</dt>
                    <dd>{keys(&chip.info.ci_pk_ids_for_verification)}</dd>
                    <dt>"CI keys signed under"</dt>
                    <dd>{keys(&chip.info.ci_pk_ids_for_signing)}</dd>
                </dl>
            }
        })
    };
    let memory = move || match chip_model.state.get() {
        ChipState::Durable(place) => {
            format!("Kept in this browser, {place}, also when the page is closed.")
        }
        ChipState::Volatile(_) => "Lost when the page is closed.".to_owned(),
        _ => String::new(),
    };
    let nothing = move || say.now(chip_model.state.with(ChipState::nothing_read));
    let atr = move || {
        let atr = model.card.with(|card| card.atr.clone());
        (!atr.is_empty())
            .then(|| view! { <dl><dt>"Answer to reset"</dt><dd><code>{hex(&atr)}</code></dd></dl> })
    };
    view! {
        <section class="chip" aria-labelledby="chip-title">
            <h2 id="chip-title">"Chip"</h2>
            {move || facts().map_or_else(|| view! { <p class="empty">{nothing}</p> }.into_any(), IntoAny::into_any)}
            {atr}
            <p class="help">{memory}</p>
            <button
                type="button"
                class="quiet danger"
                disabled=move || model.task.with(Option::is_some) || !chip_model.state.with(ChipState::can_be_replaced)
                on:click=move |_| erasing.set(true)
            >"New chip"</button>
            <Modal open=Signal::from(erasing) on_cancel=move || erasing.set(false) label=words::Text::new("Replace the chip", "Replace the chip")>
                <h2>"Replace the chip by a new one?"</h2>
                <p>"All profiles on it are lost; codes that were used are not valid again. The new chip is as it left the factory, with its provisioning profile."</p>
                <div class="actions">
                    <button type="button" on:click=move |_| erasing.set(false)>"Keep this chip"</button>
                    <button
                        type="button"
                        class="danger solid"
                        on:click=move |_| {
                            erasing.set(false);
                            phone.erase_chip(slot);
                        }
                    >"Replace"</button>
                </div>
            </Modal>
        </section>
    }
}

/// Digits in groups of four.
fn grouped(digits: &str) -> String {
    digits
        .as_bytes()
        .chunks(4)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}
