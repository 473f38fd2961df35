//! libFuzzer's door to the target `at`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::targets::at(bytes));
