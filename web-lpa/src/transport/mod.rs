//! The ways out of the page: the chip's worker, and HTTP to the site.

pub(crate) mod chip;
pub(crate) mod http;
pub(crate) mod later;
pub(crate) mod once;
