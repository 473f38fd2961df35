//! libFuzzer's door to the target `elements`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::targets::elements(bytes));
