//! libFuzzer's door to the target `ota`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::messages::ota(bytes));
