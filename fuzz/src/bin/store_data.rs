//! libFuzzer's door to the target `store_data`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::targets::store_data(bytes));
