//! libFuzzer's door to the target `bound`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::targets::bound(bytes));
