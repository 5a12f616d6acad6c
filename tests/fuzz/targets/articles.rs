//! See `signalmill::fuzzed::articles`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::articles(bytes));
