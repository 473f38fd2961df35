//! The driver against the reader model: every level, voltage and protocol, and everything that
//! goes wrong between them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod coming;
#[path = "../common/mod.rs"]
mod common;
mod exchange;
mod faults;
mod grid;
mod power;
mod protocols;

use std::time::Duration;

use ccid::atr::{Factors, Protocol};
use ccid::descriptor::{Features, Identity, Level, Voltage, Voltages};
use ccid::message::{Clock, Icc, Notice};
use ccid::model::{Card, CardDesign, Design, Fault, Reader};
use ccid::{
    Driver, Effect, Error, Event, Options, Parameters, Pipe, Procedure, Report, SlotError, Step, T1Error,
    discover,
};
use common::{Echo, T0, T1, atr_of, connected, designs, driver, pattern, reader, transmit};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn ok(mut data: Vec<u8>) -> Vec<u8> {
    data.extend([0x90, 0x00]);
    data
}

/// The four cases, and answers that T=0 has in pieces.
fn all_cases(reader: &mut Reader<Echo>, driver: &Driver, context: &str) {
    let mut send = |command: &str| transmit(reader, driver, command);
    // Case 1.
    assert_eq!(send("00200001").unwrap(), [0x90, 0x00], "{context}");
    // Case 2: exactly so much; more than there is.
    assert_eq!(send("00B0000010").unwrap(), ok(pattern(16)), "{context}");
    assert_eq!(send("00B0000000").unwrap(), ok(pattern(200)), "{context}");
    // Case 3.
    assert_eq!(send("00D6000003010203").unwrap(), [0x90, 0x00], "{context}");
    // Case 4: the shortest, the longest.
    assert_eq!(send("80E2000002AABB00").unwrap(), ok(vec![0xBB, 0xAA]), "{context}");
    let most = format!("81E29100FF{}00", hex(&pattern(255)));
    let reversed: Vec<u8> = pattern(255).into_iter().rev().collect();
    assert_eq!(send(&most).unwrap(), ok(reversed), "{context}");
    // 256 bytes come back.
    assert_eq!(send("008801000101 00").unwrap(), ok(pattern(256)), "{context}");
    // Refused by the card.
    assert_eq!(send("00FF0000").unwrap(), [0x6D, 0x00], "{context}");
    assert_eq!(reader.card(0).unwrap().kept, [1, 2, 3], "{context}");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
