//! The stand-ins over real connections: answers, cuts, outages, and their end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::*;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that stays open, as long as the other side wants it.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(stand_ins: &StandIns) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", stand_ins.ports[0]))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn send(&mut self, article: &str) {
        let body = gemini::question(article).to_string();
        let path = gemini::PATH;
        let request = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        self.0.get_mut().write_all(request.as_bytes()).unwrap();
    }

    /// Head and body; `None` where the connection ended without a byte.
    fn receive(&mut self) -> Option<(String, Value)> {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let start = head.len();
            if self.0.read_line(&mut head).unwrap_or(0) == 0 {
                assert_eq!(head, "", "cut before the first byte, or not at all");
                return None;
            }
            let line = head[start..].trim();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Some((head, serde_json::from_slice(&body).unwrap()))
    }
}

/// Asks until something is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn answers_come_over_one_connection_and_say_what_they_are() {
    let stand_ins = StandIns::start(Settings::default()).unwrap();
    assert!(stand_ins.gemini_url().ends_with("/v1beta") && stand_ins.openai_url().ends_with("/v1"));
    assert!(stand_ins.tavily_url().starts_with("http://127.0.0.1:"));
    let mut connection = Connection::open(&stand_ins).unwrap();
    for article in ["Bitcoin surges", "Ether slumps"] {
        connection.send(article);
        let (head, body) = connection.receive().unwrap();
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("x-signalmill-stand-in: yes"), "{head}");
        assert_eq!(body["candidates"][0]["finishReason"], "STOP");
    }
    let bill = stand_ins.bill();
    assert_eq!(bill.entries.iter().filter(|entry| entry.delivered).count(), 2);
    assert_eq!(bill.in_flight_max(Provider::Gemini), 1);
}

#[test]
fn a_lost_answer_is_billed_and_cut() {
    let stand_ins = StandIns::start(Settings::default()).unwrap();
    stand_ins.set(Provider::Gemini, |knobs| knobs.lost = 1.0);
    let mut connection = Connection::open(&stand_ins).unwrap();
    connection.send("Bitcoin surges");
    assert!(connection.receive().is_none());
    let bill = stand_ins.bill();
    assert!(bill.total() > NanoUsd::ZERO && !bill.entries[0].delivered);
    assert_eq!(stand_ins.knobs(Provider::OpenAi), Knobs::default());
}

#[test]
fn a_client_that_goes_away_pays_all_the_same() {
    let knobs = Knobs { latency: knobs::Latency::fixed(PATIENCE * 10), ..Knobs::default() };
    let stand_ins = StandIns::start(Settings { knobs, ..Settings::default() }).unwrap();
    let mut connection = Connection::open(&stand_ins).unwrap();
    connection.send("Bitcoin surges");
    until("the call is billed", || !stand_ins.bill().entries.is_empty());
    drop(connection);
    assert!(!stand_ins.bill().entries[0].delivered);
}

#[test]
fn an_outage_cuts_and_refuses_and_ends_on_the_same_port() {
    let knobs = Knobs { latency: knobs::Latency::fixed(PATIENCE * 10), ..Knobs::default() };
    let stand_ins = StandIns::start(Settings { knobs, ..Settings::default() }).unwrap();
    let mut waiting = Connection::open(&stand_ins).unwrap();
    waiting.send("Bitcoin surges");
    until("the call is under way", || !stand_ins.bill().entries.is_empty());
    stand_ins.set_all(|knobs| knobs.outage = Some(knobs::Outage::Refused));
    assert!(waiting.receive().is_none());
    until("connections are refused", || Connection::open(&stand_ins).is_err());
    stand_ins.set_all(|knobs| *knobs = Knobs::default());
    until("connections are taken again", || Connection::open(&stand_ins).is_ok());
    let mut connection = Connection::open(&stand_ins).unwrap();
    connection.send("Ether slumps");
    assert!(connection.receive().is_some());
}

#[test]
fn dropping_them_ends_everything() {
    let stand_ins = StandIns::start(Settings::default()).unwrap();
    let mut connection = Connection::open(&stand_ins).unwrap();
    drop(stand_ins);
    assert!(connection.receive().is_none());
}
