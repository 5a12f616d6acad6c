//! See `signalmill::fuzzed::questions`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| signalmill::fuzzed::questions(bytes));
