//! The API of the real binary, on the real services: who is let in, what it says of the installation, how it ends, and its
//! document against whatever schemathesis thinks of.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use signalmill::config::Environment;

use crate::mill::{Mill, get};
use crate::stack::{Raw, Stack, until};
use crate::texts;
use crate::tidy::source::{Role, files};

const PATIENCE: Duration = Duration::from_mins(1);
const TOKENS: &str = "alice-token-1=alice:admin,bob-token-2=bob";
const ALICE: &str = "Authorization: Bearer alice-token-1\r\n";
const BOB: &str = "Authorization: Bearer bob-token-2\r\n";
/// The version that `deploy/local/tools.sh` installs.
const SCHEMATHESIS: &str = "schemathesis-4.32.5";

fn json(address: &str, path: &str, headers: &str) -> Value {
    let (status, _, body) = get(address, path, headers).unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn operators_see_how_everything_stands() {
    let mill = Mill::on(Stack::shared(), "api_status").set("budget.daily_usd", "1.5");
    let mill = mill.variable("SIGNALMILL_API_TOKENS", TOKENS);
    let mut serving = mill.serve();
    serving.until_ready();
    let api = serving.api();
    mill.produce(
        "articles.raw",
        &(0..5).map(|n| Raw { value: Some(texts::json(n).into_bytes()), ..Raw::default() }).collect::<Vec<_>>(),
    );
    // Nobody runs the hops: what was sent waits.
    let waits = |status: &Value, records: u64| {
        let queues = status["queues"].as_array().unwrap();
        let first = queues.iter().find(|queue| queue["hop"] == "window/articles");
        let others: u64 = queues.iter().map(|queue| queue["lag_records"].as_u64().unwrap()).sum();
        let is_first = |first: &Value| first["topic"] == "articles.raw" && first["lag_records"] == records;
        // What did not answer in time is named, and left out.
        first.is_some_and(is_first) && others == records && status["unknown"] == Value::Array(Vec::new())
    };
    let status = until("five articles wait", PATIENCE, || {
        let status = json(&api, "/admin/status", ALICE);
        let is_old = status["queues"][0]["lag_seconds"].as_f64().is_some_and(|seconds| seconds > 0.0);
        if waits(&status, 5) && is_old { Ok(status) } else { Err(status.to_string()) }
    });
    assert_eq!(status["hops"][0]["name"], "serve");
    assert_eq!((&status["budgets"][0]["budget"], &status["budgets"][0]["limit_usd"]), (&"daily".into(), &1.5.into()));
    assert!(status["tables"]["migrations"].as_u64().unwrap() >= 11);
    assert!(status["services"].as_array().unwrap().iter().all(|service| service["state"] == "ready"), "{status}");

    let (status, head, body) =
        get(&api, "/admin/status?token=geheim", &format!("{BOB}X-Request-Id: bob-1\r\n")).unwrap();
    assert!(status == 403 && head.contains("x-request-id: bob-1") && body.contains("\"forbidden\""), "{head}{body}");
    assert_eq!(get(&api, "/metrics", BOB).unwrap().0, 403);
    let (_, _, metrics) = get(&api, "/metrics", ALICE).unwrap();
    let counted = "signalmill_http_requests_total{route=\"/admin/status\",method=\"GET\",status=\"403\"} 1";
    assert!(metrics.contains(counted), "{metrics}");

    let worker = mill.start_ready();
    until("nothing waits", PATIENCE, || {
        let status = json(&api, "/admin/status", ALICE);
        if waits(&status, 0) { Ok(()) } else { Err(status["queues"].to_string()) }
    });
    worker.kill();

    // A silent connection and one that has only begun to speak do not hold up the end.
    let _silent = TcpStream::connect(&api).unwrap();
    let mut slow = TcpStream::connect(&api).unwrap();
    slow.write_all(b"GET /health HTTP/1.1\r\nHost").unwrap();
    let log = serving.log();
    assert!(log.contains("/admin/status") && log.contains("bob-1"), "{log}");
    for secret in ["geheim", "alice-token-1", "bob-token-2"] {
        assert!(!log.contains(secret) && !metrics.contains(secret), "{secret}");
    }
    let (ended, took) = serving.stop();
    assert!(ended.success() && took < Duration::from_secs(6), "{ended} {took:?}");
}

#[test]
fn without_tokens_it_does_not_listen_to_others() {
    let mill = Mill::on(Stack::shared(), "api_exposed").set("api.listen", "0.0.0.0:0");
    for command in ["serve", "run"] {
        let refused = mill.command(&[command], "");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("SIGNALMILL_API_TOKENS") && said.contains("api.listen is 0.0.0.0:0"), "{said}");
    }
}

/// Two schemas of one name would be one in the document, and one of the endpoints would not be as it says.
#[test]
fn every_schema_has_a_name_of_its_own() {
    let mut seen = BTreeMap::new();
    for file in files(Role::Source) {
        let mut lines = file.text.lines().map(str::trim);
        while lines.by_ref().any(|line| line.starts_with("#[derive(") && line.contains("ToSchema")) {
            let of = lines.clone().take_while(|line| !line.is_empty());
            let named = of.clone().find_map(|line| line.strip_prefix("#[schema(as = ")?.split([',', ')']).next());
            let own = of.clone().find_map(|line| line.split_once("struct ").or_else(|| line.split_once("enum ")));
            let name = named.or_else(|| own?.1.split(|letter: char| !letter.is_alphanumeric()).next()).unwrap();
            assert_eq!(seen.insert(name.to_owned(), file.path.clone()), None, "{name} of {}", file.path);
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
}

/// Where it is installed; `None` where nobody asked for it to be.
fn schemathesis() -> Option<PathBuf> {
    let environment = Environment::process();
    if let Some(program) = environment.get("SIGNALMILL_SCHEMATHESIS") {
        return Some(program.into());
    }
    let cache = environment.get("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| environment.get("HOME").map(|home| Path::new(home).join(".cache")))?;
    let program = cache.join("signalmill-tools").join(SCHEMATHESIS).join("bin/schemathesis");
    if !program.exists() {
        println!("skipped: no {}; deploy/local/test.sh installs it", program.display());
        return None;
    }
    Some(program)
}

#[test]
fn the_document_holds_whatever_is_asked() {
    let Some(program) = schemathesis() else { return };
    let mill = Mill::on(Stack::shared(), "api_document").variable("SIGNALMILL_API_TOKENS", TOKENS);
    let mut worker = mill.start_ready();
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(root.join("deploy/local/schemathesis.toml"))
        .args(["run", &format!("http://{}/openapi.json", worker.api())])
        .args(["--header", "Authorization: Bearer alice-token-1", "--report-dir"])
        .arg(folder.path())
        .current_dir(folder.path())
        .env("NO_COLOR", "1");
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert_eq!(worker.page("/live").unwrap().0, 200);
}
