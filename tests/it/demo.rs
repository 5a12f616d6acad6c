//! `demo` as somebody runs it who has just built the program: without a key, and with the lexicon.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What would have the demo ask a real provider.
const KEYS: [&str; 6] = [
    "GEMINI_API_KEY",
    "GEMINI_API_KEY_FILE",
    "OPENAI_API_KEY",
    "OPENAI_API_KEY_FILE",
    "TAVILY_API_KEY",
    "TAVILY_API_KEY_FILE",
];

fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalmill"));
    command.arg("demo").current_dir(folder.path());
    for key in KEYS {
        command.env_remove(key);
    }
    command
}

/// Held by whoever runs a demo: two at a time would take each other's ports, and their processors, away.
static TURN: Semaphore = Semaphore::const_new(1);

fn turn() -> SemaphorePermit<'static> {
    Runtime::new().unwrap().block_on(TURN.acquire()).unwrap()
}

/// A demo that stays up; killed, and its services with it, when dropped.
pub struct Running {
    process: Child,
    result: Value,
    _folder: TempDir,
    _turn: SemaphorePermit<'static>,
}

impl Running {
    /// The one that tests share which run at the same time.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Running>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *shared = Arc::downgrade(&started);
            started
        })
    }

    /// Returns when the samples have gone through.
    fn start() -> Self {
        let turn = turn();
        let folder = tempfile::tempdir().unwrap();
        let mut process = command(&folder).arg("--json").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let result = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { process, result, _folder: folder, _turn: turn }
    }

    /// Where one of its parts is, such as `clickhouse`.
    pub fn address(&self, part: &str) -> String {
        self.result["addresses"][part].as_str().unwrap_or_else(|| panic!("{part}: {}", self.result)).to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn demo(args: &[&str]) -> String {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(&folder);
    command.arg("--once").args(args);
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{status}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[test]
fn a_session_runs_out_of_its_budget_and_the_lexicon_has_none() {
    let shown = demo(&["--json"]);
    let result: Value = serde_json::from_str(&shown).unwrap();
    let count = |name: &str| result[name].as_u64().unwrap();
    let session = &result["session"];
    assert_eq!((&result["provider"], &result["stand_in"]), (&"gemini".into(), &true.into()), "{shown}");
    assert_eq!((count("sent"), count("dead_letters"), count("failed")), (80, 2, 0), "{shown}");
    assert_eq!((&session["status"], &session["budget_usd"]), (&"exhausted".into(), &0.3.into()), "{shown}");
    assert_eq!(&session["reserved_usd"], 0.0, "{shown}");
    let analyzed = session["articles_analyzed"].as_u64().unwrap();
    assert_eq!(analyzed + count("deferred"), count("admitted"), "{shown}");
    assert!(analyzed > 30 && count("deferred") > 10, "{shown}");
    let spending = &result["spending"];
    assert_eq!(spending["spent_usd"], result["billed"]["usd"], "both books agree: {shown}");
    assert!((0.27..=0.3).contains(&spending["spent_usd"].as_f64().unwrap()), "{shown}");
    for happened in ["searches", "failed_free"] {
        assert!(spending[happened].as_u64().unwrap() > 0, "{happened}: {shown}");
    }
    let strongest = result["strongest"].as_array().unwrap();
    assert!(!strongest.is_empty() && strongest.iter().all(|signal| signal["model"] == "stand-in-flash"), "{shown}");

    let shown = demo(&["--lexicon"]);
    assert!(shown.contains("read by the built-in lexicon, which costs nothing"), "{shown}");
    assert!(!shown.contains("deferred") && !shown.contains("dollars"), "{shown}");
}
