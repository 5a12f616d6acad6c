//! A service that refuses everything, and repeats what it was sent: headers, address and all, as some gateways do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;

/// Listens until the process ends.
pub struct Parrot {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Parrot {
    /// Answers with this status.
    pub fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let ears = Arc::clone(&ears);
                // Who goes away before the answer does not want it.
                std::thread::spawn(move || answer(stream, status, &ears));
            }
        });
        Self { address, heard }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether somebody sent this.
    pub fn heard(&self, word: &str) -> bool {
        self.heard.lock().iter().any(|head| head.contains(word))
    }
}

fn answer(stream: TcpStream, status: u16, heard: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut request, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        request.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let words = request.replace("\r\n", " ");
    heard.lock().push(request);
    let said = json!({
        "error": { "code": status, "message": format!("cannot take this: {words}"), "status": "INVALID_ARGUMENT" },
        "message": words,
        "detail": { "error": words },
    });
    let said = said.to_string();
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
        said.len()
    )?;
    stream.flush()
}
