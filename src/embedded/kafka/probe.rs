//! Asks a broker whether it is up, without a Kafka client: one Metadata request over a plain socket.
//!
//! An open port is not enough: the listener accepts connections before the broker is unfenced. A Metadata
//! answer that lists a broker means that topics can be created and records written.
//!
//! The frames are those of <https://kafka.apache.org/protocol>: request header 1, Metadata version 1.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Longest time to connect, and to wait for each read and write.
const SOCKET_PATIENCE: Duration = Duration::from_secs(2);
/// Largest answer that is read; one node with thousands of topics stays below.
const ANSWER_BYTES_MAX: u32 = 4 << 20;
/// `api_key` of Metadata.
const METADATA: [u8; 2] = 3_i16.to_be_bytes();
const VERSION: [u8; 2] = 1_i16.to_be_bytes();
const CORRELATION: [u8; 4] = 7_i32.to_be_bytes();
const CLIENT: &str = "signalmill-probe";

/// What a broker says about its cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// Number of brokers that are up.
    pub brokers: usize,
    /// Names of all topics, in the broker's order.
    pub topics: Vec<String>,
}

/// Asks the broker on a loopback port. Blocks for a few seconds at most.
///
/// # Errors
/// When nobody listens, the connection breaks, or the answer is not one to this request.
pub fn cluster(port: u16) -> io::Result<Cluster> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, SOCKET_PATIENCE)?;
    stream.set_read_timeout(Some(SOCKET_PATIENCE))?;
    stream.set_write_timeout(Some(SOCKET_PATIENCE))?;
    stream.write_all(&request())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > ANSWER_BYTES_MAX {
        return Err(odd("answer too long"));
    }
    let mut answer = Vec::new();
    stream.take(length.into()).read_to_end(&mut answer)?;
    parse(&answer).ok_or_else(|| odd("no Metadata answer"))
}

fn request() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(METADATA);
    body.extend(VERSION);
    body.extend(CORRELATION);
    body.extend(u16::try_from(CLIENT.len()).unwrap_or(0).to_be_bytes());
    body.extend(CLIENT.as_bytes());
    // A null array of topics asks for all of them.
    body.extend((-1_i32).to_be_bytes());
    let mut frame = u32::try_from(body.len()).unwrap_or(0).to_be_bytes().to_vec();
    frame.append(&mut body);
    frame
}

fn parse(answer: &[u8]) -> Option<Cluster> {
    let mut rest = answer;
    if take(&mut rest, 4)? != CORRELATION {
        return None;
    }
    let brokers = count(&mut rest)?;
    for _ in 0..brokers {
        take(&mut rest, 4)?; // node id
        string(&mut rest)?; // host
        take(&mut rest, 4)?; // port
        string(&mut rest)?; // rack
    }
    take(&mut rest, 4)?; // controller id
    let mut topics = Vec::new();
    for _ in 0..count(&mut rest)? {
        take(&mut rest, 2)?; // error
        topics.push(string(&mut rest)?);
        take(&mut rest, 1)?; // internal
        for _ in 0..count(&mut rest)? {
            take(&mut rest, 2 + 4 + 4)?; // error, partition, leader
            for _ in 0..2 {
                // replicas, in-sync replicas
                let nodes = count(&mut rest)?;
                take(&mut rest, nodes.checked_mul(4)?)?;
            }
        }
    }
    Some(Cluster { brokers, topics })
}

fn take<'a>(rest: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(n)?;
    *rest = left;
    Some(taken)
}

/// Length of an array. Every loop over it takes bytes each round, so a false length ends with the answer.
fn count(rest: &mut &[u8]) -> Option<usize> {
    let bytes: [u8; 4] = take(rest, 4)?.try_into().ok()?;
    usize::try_from(i32::from_be_bytes(bytes)).ok()
}

/// A string; null reads as empty.
fn string(rest: &mut &[u8]) -> Option<String> {
    let bytes: [u8; 2] = take(rest, 2)?.try_into().ok()?;
    let length = usize::try_from(i16::from_be_bytes(bytes)).unwrap_or(0);
    Some(String::from_utf8_lossy(take(rest, length)?).into_owned())
}

fn odd(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Correlation 7; broker 1 at "h":9 without rack; controller 1; topic "t" with partition 0 on node 1.
    const ANSWER: &[u8] = b"\0\0\0\x07\0\0\0\x01\0\0\0\x01\0\x01h\0\0\0\x09\xff\xff\0\0\0\x01\
        \0\0\0\x01\0\0\0\x01t\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x01";

    #[test]
    fn reads_brokers_and_topics() {
        let cluster = parse(ANSWER).unwrap();
        assert_eq!(cluster.brokers, 1);
        assert_eq!(cluster.topics, ["t"]);
    }

    #[test]
    fn every_truncation_is_refused() {
        for n in 0..ANSWER.len() {
            assert_eq!(parse(&ANSWER[..n]), None, "{n} bytes");
        }
        assert_eq!(parse(b"\0\0\0\x07\x7f\xff\xff\xff"), None);
    }

    #[test]
    fn silence_is_an_error() {
        let [port] = crate::embedded::port::free().unwrap();
        assert!(cluster(port).is_err());
    }
}
