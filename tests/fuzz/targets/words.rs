//! See `signalmill::fuzzed::words`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::words(bytes));
