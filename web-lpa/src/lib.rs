//! The LPA as a Leptos application, and the playground around it.
//!
//! ```text
//!   ui ──shows──► model ◄──changes── phone ──► bench ──► transport ─┬─► the chips' workers, real cards
//!                   ▲                  │                            └─► the network's HTTP API
//!                   └─ record ◄────────┴─ terminal (radio side), lpa (procedures)
//! ```
//!
//! `phone` performs the effects of the procedures of crate `lpa`; `terminal` is what a
//! phone's modem does by itself: reset, reading the profile, attaching. Everything that
//! passes between the parties goes through `bench`, which may change or lose it, and is
//! kept in `record` (crate `trace`). `ui` only renders.

pub mod bench;
pub mod capability;
pub mod code;
pub mod five_g;
pub mod keepsake;
pub mod look;
pub mod network;
pub mod network_policy;
pub mod order;
pub mod road;
pub mod said;
pub mod scenario;
pub mod settings;
pub mod units;

#[cfg(target_arch = "wasm32")]
mod model;
#[cfg(target_arch = "wasm32")]
mod phone;
#[cfg(target_arch = "wasm32")]
mod record;
#[cfg(target_arch = "wasm32")]
mod terminal;
#[cfg(target_arch = "wasm32")]
mod transport;
#[cfg(target_arch = "wasm32")]
mod ui;

/// Starts the application in the page that loaded the module. Tests mount what they look at.
#[cfg(all(target_arch = "wasm32", not(test)))]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    ui::mount();
}
