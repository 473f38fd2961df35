//! libFuzzer's door to the target `ccid_card`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::readers::ccid_card(bytes));
