//! See `signalmill::fuzzed::prices`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::prices(bytes));
