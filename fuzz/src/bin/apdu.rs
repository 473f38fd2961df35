//! libFuzzer's door to the target `apdu`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::targets::apdu(bytes));
