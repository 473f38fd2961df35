//! What the person chose for this browser: language, colours, the phone's settings.
//!
//! A browser that keeps nothing (private windows of some) loses it with the page.

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
