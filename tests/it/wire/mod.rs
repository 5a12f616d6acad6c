//! The wire from outside: bytes in, records or refusals out.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by a panic")]

mod evolution;
mod golden;
mod hostile;
mod registry;
mod round_trip;
mod samples;

use signalmill::wire::{Codec, Record};

/// As `limits.record_bytes_max` has it by default.
const RECORD_BYTES_MAX: usize = 8 << 20;
/// What single-object encoding puts before a body: marker and fingerprint.
const HEADER: usize = 10;

fn codec<T: Record>() -> Codec<T> {
    Codec::new(RECORD_BYTES_MAX).unwrap()
}

fn encoded<T: Record>(record: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec().encode(record, &mut bytes).unwrap();
    bytes
}
