//! libFuzzer's door to the target `httpsig`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::messages::httpsig(bytes));
