//! What the person chose for this browser: language, colours, the phone's settings.
//!
//! A browser that keeps nothing (private windows of some) loses it with the page.

use rsp::ids::Eid;

use crate::model::Slot;

/// Where the phone's settings are kept.
pub(crate) const SETTINGS: &str = "settings";

/// Where the APN is kept that the phone asks for.
pub(crate) const APN: &str = "apn";

/// Where it is kept whether the LPA proves who it is.
pub(crate) const SIGNS: &str = "signs";

/// Where it is kept what a chip has shown of its certificates.
pub(crate) fn certificates(slot: Slot) -> String {
    format!("certificates-{}", slot.word())
}

/// Where it is kept how much memory of a chip was ever free. Cards come and go: each has its own.
fn most_free(slot: Slot, eid: Eid) -> String {
    match slot {
        Slot::Card => format!("most-free-{eid}"),
        slot => format!("most-free-{}", slot.word()),
    }
}

/// The most that was ever free of a chip's memory here, in bytes, this time included.
pub(crate) fn most_ever_free(slot: Slot, eid: Eid, free: u32) -> u32 {
    let kept = most_free(slot, eid);
    let most = read(&kept).and_then(|most| most.parse::<u32>().ok()).unwrap_or(0).max(free);
    write(&kept, &most.to_string());
    most
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}

/// What was chosen before.
pub(crate) fn read(name: &str) -> Option<String> {
    storage()?.get_item(name).ok().flatten()
}

/// Keeps a choice.
pub(crate) fn write(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(name, value);
    }
}
