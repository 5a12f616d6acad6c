//! Keys of providers are needed where providers are asked, and nowhere else. Kafka and ClickHouse are away: what a process
//! does without them is to wait, or to say at once what a person has to mend.

use std::fs;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use signalmill::embedded::child::Child;
use tempfile::TempDir;

use crate::mill::get;
use crate::stack::until;

const PATIENCE: Duration = Duration::from_mins(1);
/// Where nobody listens.
const NOBODY: &str = "127.0.0.1:1";
const KEYS: [&str; 6] = [
    "GEMINI_API_KEY",
    "GEMINI_API_KEY_FILE",
    "TAVILY_API_KEY",
    "TAVILY_API_KEY_FILE",
    "COINALYZE_API_KEYS",
    "COINALYZE_API_KEYS_FILE",
];

/// A command where all providers are configured, and none has a key.
fn program(folder: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_signalmill"));
    command.args(args).current_dir(folder.path()).env("SIGNALMILL_LOG_FORMAT", "human");
    for (name, value) in [
        ("KAFKA__BROKERS", NOBODY),
        ("CLICKHOUSE__URL", &format!("http://{NOBODY}")),
        ("METRICS__LISTEN", "127.0.0.1:0"),
        ("API__LISTEN", "127.0.0.1:0"),
        ("LLM__PROVIDER", "gemini"),
        ("TAVILY__ENABLED", "true"),
        ("COINALYZE__ENABLED", "true"),
    ] {
        command.env(format!("SIGNALMILL__{name}"), value);
    }
    for key in KEYS {
        command.env_remove(key);
    }
    command
}

/// Starts a process that waits for its services; says where it is asked how it is.
fn start(folder: &TempDir, name: &str, args: &[&str]) -> (Child, String) {
    let log = folder.path().join(name);
    let mut process = Child::spawn("signalmill", program(folder, args), &log).unwrap();
    let address = until("it is asked how it is", PATIENCE, || {
        let said = fs::read_to_string(&log).unwrap();
        assert!(process.exited().unwrap().is_none(), "{args:?} ended: {said}");
        let address =
            said.split_once("listen=").and_then(|(_, rest)| rest.split_whitespace().next().map(str::to_owned));
        address.ok_or(said)
    });
    (process, address)
}

#[test]
fn who_asks_nobody_starts_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    for (number, stages) in ["window,score,sink", "sink,serve"].into_iter().enumerate() {
        let (_process, address) = start(&folder, &format!("run-{number}.log"), &["run", "--stages", stages]);
        assert_eq!(get(&address, "/live", "").unwrap().0, 200, "{stages}");
    }
    let (_process, address) = start(&folder, "serve.log", &["serve"]);
    let (_, _, metrics) = get(&address, "/metrics", "").unwrap();
    assert!(metrics.contains("signalmill_hop_ready{hop=\"serve\"} 0"), "it waits for its services: {metrics}");

    let health = |more: &[&str]| -> Output {
        let mut command = program(&folder, &[&["health"][..], more].concat());
        command.env("SIGNALMILL__METRICS__LISTEN", &address).output().unwrap()
    };
    let alive = health(&[]);
    assert_eq!((alive.status.code(), alive.stdout.as_slice()), (Some(0), b"live\n".as_slice()), "{alive:?}");
    let not_yet = health(&["--ready"]);
    let said = String::from_utf8_lossy(&not_yet.stderr).into_owned();
    assert_eq!((not_yet.status.code(), not_yet.stdout.len(), said.lines().count()), (Some(1), 0, 1), "{said}");
    assert!(said.contains("serve starting"), "{said}");
}

#[test]
fn who_asks_a_provider_says_at_once_that_its_key_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for (args, missing) in [
        (&["run"][..], "GEMINI_API_KEY is not set"),
        (&["run", "--stages", "enrich/articles"], "GEMINI_API_KEY is not set"),
        (&["run", "--stages", "enrich/market"], "COINALYZE_API_KEYS is not set"),
        (&["run", "--stages", "serve,analyze"], "GEMINI_API_KEY is not set"),
    ] {
        let refused = program(&folder, args).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(missing), "{args:?}: {said}");
    }
    let checked = program(&folder, &["check", "--json"]).output().unwrap();
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    let findings: Vec<Value> = serde_json::from_slice(&checked.stdout).unwrap();
    let of_providers = findings.iter().filter(|finding| finding["subject"] == "providers" && finding["ok"] == false);
    let hops: Vec<&str> = of_providers.map(|finding| finding["name"].as_str().unwrap()).collect();
    assert_eq!(hops, ["enrich/articles", "enrich/market", "analyze"], "{findings:?}");
}
