//! libFuzzer's door to the target `ccid_driver`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::readers::ccid_driver(bytes));
