//! libFuzzer's door to the target `segments`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::targets::segments(bytes));
