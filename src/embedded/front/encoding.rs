//! How the bytes of a request and of its answer are packed.
//!
//! Two layers that clients combine freely: HTTP's `Content-Encoding` (gzip, or lz4 in the frame format), and
//! below it ClickHouse's own blocks (`decompress=1` for the request, `compress=1` for the answer).

use std::io::{Read, Write};

use bytes::Bytes;

use super::blocks;
use super::exception::{Exception, Result};

/// Unpacks a request's body.
///
/// # Errors
/// When the content encoding is none that the front knows.
pub fn decode<'a>(body: impl Read + 'a, content_encoding: &str, as_blocks: bool) -> Result<Box<dyn Read + 'a>> {
    let body: Box<dyn Read + 'a> = match content_encoding {
        "" | "identity" => Box::new(body),
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(body)),
        "lz4" => Box::new(lz4_flex::frame::FrameDecoder::new(body)),
        other => {
            let what = format!("Content-Encoding {other:?} is not supported here: use gzip or lz4");
            return Err(Exception::new(48, "NOT_IMPLEMENTED", what));
        }
    };
    Ok(if as_blocks { Box::new(blocks::Decoder::new(body)) } else { body })
}

/// How an answer is to be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// ClickHouse's compressed blocks.
    Blocks,
    /// `Content-Encoding: lz4`.
    Lz4,
    /// `Content-Encoding: gzip`.
    Gzip,
}

impl Packing {
    /// What the client asked for: blocks by `compress=1`, otherwise the first encoding of `accepted` (the
    /// header `Accept-Encoding`) that is known, if the client turned HTTP compression on, as a server wants.
    #[must_use]
    pub fn negotiate(compress: bool, http_compression: bool, accepted: &str) -> Self {
        if compress {
            return Self::Blocks;
        }
        accepted
            .split(',')
            .filter(|_| http_compression)
            .find_map(|encoding| match encoding.split(';').next()?.trim() {
                "lz4" => Some(Self::Lz4),
                "gzip" => Some(Self::Gzip),
                _ => None,
            })
            .unwrap_or(Self::Plain)
    }

    /// The value of `Content-Encoding`.
    #[must_use]
    pub fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Blocks => None,
            Self::Lz4 => Some("lz4"),
            Self::Gzip => Some("gzip"),
        }
    }
}

/// Packs an answer piece by piece. Every piece can be unpacked as soon as it has arrived.
pub enum Encoder {
    /// Leaves bytes as they are.
    Plain,
    /// Each piece becomes whole blocks.
    Blocks,
    /// A frame that is flushed after each piece.
    Lz4(Box<lz4_flex::frame::FrameEncoder<Vec<u8>>>),
    /// A member that is flushed after each piece.
    Gzip(Box<flate2::write::GzEncoder<Vec<u8>>>),
}

impl Encoder {
    /// Starts an answer.
    #[must_use]
    pub fn new(packing: Packing) -> Self {
        match packing {
            Packing::Plain => Self::Plain,
            Packing::Blocks => Self::Blocks,
            Packing::Lz4 => Self::Lz4(Box::new(lz4_flex::frame::FrameEncoder::new(Vec::new()))),
            Packing::Gzip => {
                let fast = flate2::Compression::fast();
                Self::Gzip(Box::new(flate2::write::GzEncoder::new(Vec::new(), fast)))
            }
        }
    }

    /// Packs a piece. Writing into memory does not fail.
    #[must_use]
    pub fn pack(&mut self, plain: &[u8]) -> Bytes {
        let mut out = Vec::new();
        match self {
            Self::Plain => return Bytes::copy_from_slice(plain),
            Self::Blocks => blocks::compress(plain, &mut out),
            Self::Lz4(frame) => {
                let _ = frame.write_all(plain).and_then(|()| frame.flush());
                out.append(frame.get_mut());
            }
            Self::Gzip(member) => {
                let _ = member.write_all(plain).and_then(|()| member.flush());
                out.append(member.get_mut());
            }
        }
        out.into()
    }

    /// What has to stand at the end.
    #[must_use]
    pub fn finish(self) -> Bytes {
        match self {
            Self::Plain | Self::Blocks => Bytes::new(),
            Self::Lz4(frame) => frame.finish().unwrap_or_default().into(),
            Self::Gzip(member) => member.finish().unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_can_be_unpacked_piece_by_piece() {
        for packing in [Packing::Plain, Packing::Blocks, Packing::Lz4, Packing::Gzip] {
            let mut encoder = Encoder::new(packing);
            let mut packed = encoder.pack(b"one ").to_vec();
            let first = packed.clone();
            packed.extend(encoder.pack(b"two"));
            packed.extend(encoder.finish());
            let encoding = packing.content_encoding().unwrap_or("");
            let as_blocks = packing == Packing::Blocks;
            let mut plain = String::new();
            let mut decoder = decode(&packed[..], encoding, as_blocks).unwrap();
            decoder.read_to_string(&mut plain).unwrap();
            assert_eq!(plain, "one two", "{packing:?}");
            let mut early = [0; 4];
            let mut decoder = decode(&first[..], encoding, as_blocks).unwrap();
            decoder.read_exact(&mut early).unwrap();
            assert_eq!(&early, b"one ", "{packing:?}");
        }
    }

    #[test]
    fn negotiation() {
        let accepted = "br, gzip;q=0.9, lz4";
        assert_eq!(Packing::negotiate(true, true, accepted), Packing::Blocks);
        assert_eq!(Packing::negotiate(false, true, accepted), Packing::Gzip);
        assert_eq!(Packing::negotiate(false, false, accepted), Packing::Plain);
        assert_eq!(Packing::negotiate(false, true, "br"), Packing::Plain);
        let Err(refused) = decode(&b""[..], "zstd", false) else {
            unreachable!("zstd is not supported");
        };
        assert_eq!(refused.http_status(), 501);
    }
}
