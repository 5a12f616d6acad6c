//! A request's body on its way from the socket (async) to the engine (blocking).
//!
//! Invariant: the reader sees the end only when the client sent it. A connection that breaks, a body that is
//! too long, a client that falls silent and a handler that was dropped all read as an error, so a cut insert
//! is cancelled and never acknowledged.

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::mpsc;

/// Pieces that wait for the engine; hyper cuts them at some 400 KB at most.
const PIECES_IN_FLIGHT_MAX: usize = 4;
/// Longest silence of a client inside a body.
const SILENCE_MAX: Duration = Duration::from_mins(5);
/// What is still read of a body that nobody wants, so that the client gets to read why.
const DRAINED_BYTES_MAX: u64 = 64 << 20;

enum Piece {
    Data(Bytes),
    End,
    Broken(io::Error),
}

/// The two ends of the way.
#[must_use]
pub fn channel(bytes_max: u64) -> (Feeder, Reader) {
    let (sender, receiver) = mpsc::channel(PIECES_IN_FLIGHT_MAX);
    let feeder = Feeder { sender, bytes_max };
    let reader = Reader { receiver, current: Bytes::new(), ended: false };
    (feeder, reader)
}

/// Takes the body from the socket.
#[derive(Debug)]
pub struct Feeder {
    sender: mpsc::Sender<Piece>,
    bytes_max: u64,
}

impl Feeder {
    /// Hands the whole body over. Once the reader is gone, reads on for a while and drops what comes.
    pub async fn feed<B>(self, mut body: B)
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: std::error::Error + Send + Sync + 'static,
    {
        let mut taken = 0_u64;
        let mut unwanted = 0_u64;
        loop {
            let frame = match tokio::time::timeout(SILENCE_MAX, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return self.send(Piece::End).await,
                Ok(Some(Err(error))) => {
                    return self.send(Piece::Broken(io::Error::other(error))).await;
                }
                Err(_elapsed) => {
                    let silent = io::Error::new(io::ErrorKind::TimedOut, "the client fell silent");
                    return self.send(Piece::Broken(silent)).await;
                }
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            taken += data.len() as u64;
            if self.sender.is_closed() {
                unwanted += data.len() as u64;
                if unwanted > DRAINED_BYTES_MAX {
                    return;
                }
            } else if taken > self.bytes_max {
                let what = format!("the body is longer than {} bytes", self.bytes_max);
                let long = io::Error::new(io::ErrorKind::FileTooLarge, what);
                self.send(Piece::Broken(long)).await;
            } else {
                self.send(Piece::Data(data)).await;
            }
        }
    }

    /// A reader that is gone is noticed by `is_closed` at the next piece.
    async fn send(&self, piece: Piece) {
        let _ = self.sender.send(piece).await;
    }
}

/// Gives the body to the engine's thread; blocks until bytes come.
#[derive(Debug)]
pub struct Reader {
    receiver: mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            if self.ended {
                return Ok(0);
            }
            match self.receiver.blocking_recv() {
                Some(Piece::Data(data)) => self.current = data,
                Some(Piece::End) => self.ended = true,
                Some(Piece::Broken(error)) => return Err(error),
                None => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the client is gone"));
                }
            }
        }
        let n = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    fn read_all(mut reader: Reader) -> io::Result<String> {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    }

    fn feed(text: &'static str, bytes_max: u64) -> io::Result<String> {
        let (feeder, reader) = channel(bytes_max);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(feeder.feed(Full::new(Bytes::from_static(text.as_bytes()))));
        read_all(reader)
    }

    #[test]
    fn whole_body_arrives() {
        assert_eq!(feed("some rows", 9).unwrap(), "some rows");
        assert_eq!(feed("", 9).unwrap(), "");
    }

    #[test]
    fn long_body_is_an_error() {
        assert_eq!(feed("some rows", 8).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn dropped_feeder_is_no_end() {
        let (feeder, reader) = channel(9);
        drop(feeder);
        assert!(read_all(reader).is_err());
    }
}
