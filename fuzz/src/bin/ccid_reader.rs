//! libFuzzer's door to the target `ccid_reader`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::readers::ccid_reader(bytes));
