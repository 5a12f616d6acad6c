//! ClickHouse's own compressed blocks, as in `compress=1` and `decompress=1`.
//!
//! A block is a checksum (16 bytes), a method (1), the compressed size including these nine bytes of header
//! (4, little endian), the plain size (4), and the data. The checksum is CityHash128 of version 1.0.2 over
//! all after it, the upper half first. Methods: 0x82 LZ4, 0x02 none.
//! Source: `CompressedReadBufferBase.cpp` and `CompressionInfo.h` of ClickHouse.
//!
//! A reader believes a size only up to [`BLOCK_BYTES_MAX`], and the plain size only after the checksum.

use std::io::{self, Read};

/// Largest block, compressed and plain. Clients send blocks of about 1 MB, and a single row above that in one.
const BLOCK_BYTES_MAX: usize = 64 << 20;
/// Plain bytes in one block that is written (ClickHouse's `max_compress_block_size`).
const WRITTEN_BLOCK_BYTES: usize = 1 << 20;
const CHECKSUM_BYTES: usize = 16;
const HEADER_BYTES: usize = 9;
const METHOD_LZ4: u8 = 0x82;
const METHOD_NONE: u8 = 0x02;

/// Appends `data` to `out` in compressed blocks.
pub fn compress(data: &[u8], out: &mut Vec<u8>) {
    for plain in data.chunks(WRITTEN_BLOCK_BYTES) {
        let compressed = lz4_flex::block::compress(plain);
        let mut block = Vec::with_capacity(HEADER_BYTES + compressed.len());
        block.push(METHOD_LZ4);
        block.extend(size(HEADER_BYTES + compressed.len()));
        block.extend(size(plain.len()));
        block.extend(compressed);
        out.extend(checksum(&block));
        out.extend(block);
    }
}

/// Reads the plain bytes of compressed blocks.
#[derive(Debug)]
pub struct Decoder<R> {
    blocks: R,
    plain: Vec<u8>,
    at: usize,
}

impl<R: Read> Decoder<R> {
    /// Reads blocks from `blocks`.
    pub fn new(blocks: R) -> Self {
        Self { blocks, plain: Vec::new(), at: 0 }
    }

    /// The next block's plain bytes; `None` where the input ends between two blocks.
    fn block(&mut self) -> io::Result<Option<Vec<u8>>> {
        let head = self.bytes(CHECKSUM_BYTES + HEADER_BYTES)?;
        if head.is_empty() {
            return Ok(None);
        }
        let [sum @ .., method, c0, c1, c2, c3, p0, p1, p2, p3] = head.as_slice() else {
            return Err(cut());
        };
        let compressed_bytes = u32::from_le_bytes([*c0, *c1, *c2, *c3]) as usize;
        let plain_bytes = u32::from_le_bytes([*p0, *p1, *p2, *p3]) as usize;
        if !(HEADER_BYTES..=BLOCK_BYTES_MAX).contains(&compressed_bytes) || plain_bytes > BLOCK_BYTES_MAX {
            return Err(odd("a compressed block has an impossible size"));
        }
        let mut block = head[CHECKSUM_BYTES..].to_vec();
        let data = self.bytes(compressed_bytes - HEADER_BYTES)?;
        if data.len() != compressed_bytes - HEADER_BYTES {
            return Err(cut());
        }
        block.extend(data);
        if sum != checksum(&block) {
            return Err(odd("checksum of a compressed block doesn't match: corrupted data"));
        }
        let data = block.split_off(HEADER_BYTES);
        match *method {
            METHOD_LZ4 => lz4_flex::block::decompress(&data, plain_bytes)
                .map(Some)
                .map_err(|error| odd(&format!("a compressed block is no LZ4: {error}"))),
            METHOD_NONE => Ok(Some(data)),
            other => Err(odd(&format!("compression method 0x{other:02x} is not supported"))),
        }
    }

    /// Up to `n` bytes, fewer only at the end; memory grows with what comes, not with what was announced.
    fn bytes(&mut self, n: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.blocks).take(n as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl<R: Read> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() {
            let Some(plain) = self.block()? else {
                return Ok(0);
            };
            self.plain = plain;
            self.at = 0;
        }
        let n = (&self.plain[self.at..]).read(buffer)?;
        self.at += n;
        Ok(n)
    }
}

fn checksum(block: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_rs::cityhash_102_128(block).rotate_left(64).to_le_bytes()
}

fn size(bytes: usize) -> [u8; 4] {
    // A block that is written holds 1 MiB plain, and LZ4 adds less than 1 %.
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a compressed block is cut short")
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(blocks: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        Decoder::new(blocks).read_to_end(&mut plain)?;
        Ok(plain)
    }

    fn sample(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|i| u8::try_from(i * i % 251).unwrap()).collect()
    }

    #[test]
    fn roundtrip() {
        for bytes in [0, 1, 100, WRITTEN_BLOCK_BYTES, 2 * WRITTEN_BLOCK_BYTES + 7] {
            let plain = sample(bytes);
            let mut blocks = Vec::new();
            compress(&plain, &mut blocks);
            assert_eq!(decoded(&blocks).unwrap(), plain);
        }
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let mut blocks = Vec::new();
        compress(&sample(300), &mut blocks);
        for n in 1..blocks.len() {
            assert!(decoded(&blocks[..n]).is_err(), "cut after {n}");
        }
        for i in 0..blocks.len() {
            let mut changed = blocks.clone();
            changed[i] ^= 0x55;
            assert!(decoded(&changed).is_err(), "byte {i}");
        }
    }

    #[test]
    fn plain_and_unknown_methods() {
        let with_method = |method| {
            let mut block = vec![method];
            block.extend(size(HEADER_BYTES + 3));
            block.extend(size(3));
            block.extend(b"abc");
            [checksum(&block).to_vec(), block].concat()
        };
        assert_eq!(decoded(&with_method(METHOD_NONE)).unwrap(), b"abc");
        assert!(decoded(&with_method(0x90)).unwrap_err().to_string().contains("0x90"));
    }
}
