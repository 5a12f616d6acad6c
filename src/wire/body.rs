//! The bytes of one Avro value, handed to the decoder under a budget.
//!
//! # Why
//! A few hostile bytes can claim a string of 2^60 bytes, or be eight million empty strings of 24 bytes each once they
//! are in memory. The first is stopped by [`ALLOCATION_BYTES_MAX`], the second by the budget of reads: every value
//! takes at least one read (`schema::vet` sees to it), so memory stays within about 100 bytes a read.
//! The decoder's generic path also takes the end of the input for a null; here the end is an error of another kind,
//! which that path passes on.
//!
//! Invariants: after an error nothing more is handed out. Positions are bytes from the start of the body.

use std::io::{self, Read};

use super::schema::Unfit;

/// The most that one length prefix may ask for; also the largest record that any topic of ours takes (32 MiB).
pub const ALLOCATION_BYTES_MAX: usize = 32 << 20;

/// Sets the bound of the decoder, which is one for the whole process: the first caller's counts, and without one it is
/// 512 MiB.
///
/// # Errors
/// Somebody was here before, with a larger bound.
pub(super) fn bound_allocations() -> Result<(), Unfit> {
    let bound = apache_avro::util::max_allocation_bytes(ALLOCATION_BYTES_MAX);
    if bound > ALLOCATION_BYTES_MAX {
        return Err(Unfit::new(format!("apache-avro was used before, and may allocate {bound} bytes at once")));
    }
    Ok(())
}

/// Why reading stopped before the value was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes ended inside the value.
    Truncated,
    /// More values than the record's type may have.
    Overdrawn,
}

/// A cursor over a body.
pub(super) struct Body<'a> {
    rest: &'a [u8],
    len: usize,
    reads_left: u32,
    stop: Option<Stop>,
}

impl<'a> Body<'a> {
    pub(super) fn new(bytes: &'a [u8], reads_max: u32) -> Self {
        Self { rest: bytes, len: bytes.len(), reads_left: reads_max, stop: None }
    }

    /// Bytes taken so far.
    pub(super) fn position(&self) -> usize {
        self.len - self.rest.len()
    }

    /// Bytes not taken.
    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Why reading stopped, where it was the body that stopped it.
    pub(super) fn stop(&self) -> Option<Stop> {
        self.stop
    }

    #[cold]
    fn stopped(&mut self, stop: Stop) -> io::Error {
        self.stop = Some(stop);
        self.reads_left = 0;
        io::ErrorKind::InvalidData.into()
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let taken = buffer.len().min(self.rest.len());
        self.read_exact(&mut buffer[..taken])?;
        Ok(taken)
    }

    #[inline]
    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if self.reads_left == 0 {
            let stop = self.stop.unwrap_or(Stop::Overdrawn);
            return Err(self.stopped(stop));
        }
        self.reads_left -= 1;
        let Some((taken, rest)) = self.rest.split_at_checked(buffer.len()) else {
            return Err(self.stopped(Stop::Truncated));
        };
        buffer.copy_from_slice(taken);
        self.rest = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_and_an_empty_budget_both_stop_for_good() {
        let mut body = Body::new(b"abc", 9);
        body.read_exact(&mut [0; 2]).unwrap();
        let error = body.read_exact(&mut [0; 2]).unwrap_err();
        assert_ne!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(body.read_exact(&mut [0; 1]).is_err());
        assert_eq!((body.stop(), body.position()), (Some(Stop::Truncated), 2));

        let mut body = Body::new(b"abc", 1);
        body.read_exact(&mut [0; 1]).unwrap();
        assert!(body.read_exact(&mut [0; 1]).is_err());
        assert_eq!((body.stop(), body.remaining()), (Some(Stop::Overdrawn), 2));
    }
}
