//! libFuzzer's door to the target `bridge`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::bridge::bridge(bytes));
