//! The ways out of the page: the chips' workers, the roads to real cards, HTTP to the site; and
//! what the browser keeps.

pub(crate) mod bridge;
pub(crate) mod card;
pub(crate) mod chip;
pub(crate) mod http;
pub(crate) mod keep;
pub(crate) mod later;
pub(crate) mod mac;
pub(crate) mod once;
pub(crate) mod serial;
pub(crate) mod signature;
pub(crate) mod usb;
