//! The operator's console of the SM-DP+ as a Leptos application.
//!
//! ```text
//!   ui ──► client ──HTTP──► /operator/…   (edge-smdp/openapi.json)
//!    └───► api, state, order, batch, qr, route, time, words   (pure)
//! ```
//!
//! The console knows the server by its documented interface only and shows what comes
//! from there as text. What can be decided without a browser is decided in the pure
//! modules, which are tested natively and in a browser.

pub mod api;
pub mod batch;
pub mod order;
pub mod profile_type;
pub mod qr;
pub mod route;
pub mod state;
pub mod time;
pub mod words;

#[cfg(target_arch = "wasm32")]
mod client;
#[cfg(target_arch = "wasm32")]
mod ui;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// Starts the application in the page that loaded the module.
#[cfg(all(target_arch = "wasm32", not(test)))]
#[wasm_bindgen::prelude::wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    ui::mount();
}
