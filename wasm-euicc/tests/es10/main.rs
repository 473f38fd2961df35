//! The chip through its one door: every ES10 function and ES8+ command by APDUs,
//! against an SM-DP+ and a test PKI made on the spot from a seed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod card;
mod curves;
mod download;
mod every_write;
mod files;
mod fixture;
mod full;
mod garbage;
mod management;
mod negative;
mod notifications;
mod observe;
mod ota;
mod power;
mod read_back;
mod revocation;
mod scenario;
mod server;
mod subject;

// Where the chip lives on a page.
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);
