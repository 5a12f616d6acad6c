//! The real broker: starts, keeps its topics over a stop, a kill and a new process, and gives its port back.

use std::io::{Read, Write};
use std::net::TcpStream;

use signalmill::embedded::kafka::{Kafka, Settings};

/// Creates a topic with two partitions by one `CreateTopics` request (version 2), without a client.
fn create_topic(brokers: &str, name: &str) {
    let mut body = Vec::new();
    body.extend(19_i16.to_be_bytes());
    body.extend(2_i16.to_be_bytes());
    body.extend(5_i32.to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    body.extend(u16::try_from(name.len()).unwrap().to_be_bytes());
    body.extend(name.as_bytes());
    body.extend(2_i32.to_be_bytes());
    body.extend(1_i16.to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    body.extend(10_000_i32.to_be_bytes());
    body.push(0);
    let mut stream = TcpStream::connect(brokers).unwrap();
    stream.write_all(&u32::try_from(body.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&body).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    // Correlation, throttle time, one topic, its name; then its error code.
    let at = 4 + 4 + 4 + 2 + name.len();
    assert_eq!(answer[at..at + 2], [0, 0], "the topic was not created");
}

#[test]
fn topics_survive_stop_kill_and_a_new_process() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::in_folder(folder.path());
    let mut kafka = Kafka::start(&settings).unwrap();
    let brokers = kafka.brokers();
    assert_eq!(kafka.topics().unwrap(), [""; 0]);

    create_topic(&brokers, "first");
    kafka.stop().unwrap();
    assert!(kafka.topics().is_err());
    kafka.restart().unwrap();
    assert_eq!(kafka.brokers(), brokers);
    assert_eq!(kafka.topics().unwrap(), ["first"]);

    create_topic(&brokers, "second");
    // A drop kills the node; the next one is another `Kafka`, on another port.
    drop(kafka);
    let mut kafka = Kafka::start(&settings).unwrap();
    let mut topics = kafka.topics().unwrap();
    topics.sort_unstable();
    assert_eq!(topics, ["first", "second"]);
    let pid = kafka.pid();
    kafka.kill().unwrap();
    kafka.kill().unwrap();
    kafka.stop().unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    assert!(folder.path().join("logs/second-1").is_dir());
}

#[test]
fn taken_port_is_an_error_and_not_another_broker() {
    let folder = tempfile::tempdir().unwrap();
    let held = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let settings = Settings { port: Some(held.local_addr().unwrap().port()), ..Settings::in_folder(folder.path()) };
    let error = Kafka::start(&settings).unwrap_err();
    assert!(format!("{error:#}").contains("Address already in use"), "{error:#}");
}
