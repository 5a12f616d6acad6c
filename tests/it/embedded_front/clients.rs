//! The clients that people use, unmodified.

use std::path::PathBuf;
use std::process::{Command, Output};

use clickhouse::{Compression, Row};
use serde::{Deserialize, Serialize};
use signalmill::embedded::cache::Cache;

use super::Engine;

const CLICKHOUSE_CONNECT: &str = "1.12.0";

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Reading {
    id: u64,
    name: String,
    value: f64,
    tags: Vec<String>,
    note: Option<String>,
}

#[tokio::test]
async fn official_crate() {
    let engine = Engine::start();
    for compression in [Compression::Lz4, Compression::None] {
        let client = engine.client().with_compression(compression);
        client
            .query("CREATE OR REPLACE TABLE readings (id UInt64, name String, value Float64, tags Array(String), note Nullable(String)) ENGINE = MergeTree ORDER BY id")
            .execute()
            .await
            .unwrap();
        let readings: Vec<_> = (0..10_000).map(reading).collect();
        let mut insert = client.insert::<Reading>("readings").await.unwrap().with_setting("async_insert", "0");
        for reading in &readings {
            insert.write(reading).await.unwrap();
        }
        insert.end().await.unwrap();

        let all = client.query("SELECT ?fields FROM readings ORDER BY id").fetch_all::<Reading>().await.unwrap();
        assert_eq!(all, readings);
        let one = client
            .query("SELECT ?fields FROM readings WHERE name = {name:String} AND id = ?")
            .param("name", "reading '7'")
            .bind(7)
            .fetch_one::<Reading>()
            .await
            .unwrap();
        assert_eq!(one, reading(7));
        let none = client.query("SELECT ?fields FROM readings WHERE id > 99999").fetch_all::<Reading>().await.unwrap();
        assert_eq!(none, []);
    }
}

fn reading(id: u64) -> Reading {
    Reading {
        id,
        name: format!("reading '{id}'"),
        value: 1.0 / f64::from(u32::try_from(id).unwrap() + 1),
        tags: (0..id % 4).map(|tag| format!("tag {tag}")).collect(),
        note: (id.is_multiple_of(3)).then(|| "noted".to_owned()),
    }
}

#[derive(Row, Serialize)]
struct Number {
    a: u64,
}

#[tokio::test]
async fn insert_deduplication_token_is_honoured() {
    let engine = Engine::start();
    let client = engine.client();
    client
        .query("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100")
        .execute()
        .await
        .unwrap();
    for token in ["one", "one", "two"] {
        let client = client.clone().with_setting("async_insert", "0").with_setting("insert_deduplication_token", token);
        let mut insert = client.insert::<Number>("t").await.unwrap();
        insert.write(&Number { a: 7 }).await.unwrap();
        insert.end().await.unwrap();
    }
    assert_eq!(client.query("SELECT count() FROM t").fetch_one::<u64>().await.unwrap(), 2);
}

/// Errors before, at and amid a result; each with the engine's code.
#[tokio::test]
async fn official_crate_sees_errors() {
    let engine = Engine::start();
    let client = engine.client();
    for (sql, code) in [
        ("SELECT * FROM nowhere", "Code: 60."),
        ("SELECT 1 +", "Code: 62."),
        ("SELECT throwIf(number = 3000000) FROM numbers(4000000)", "Code: 395."),
    ] {
        let error = client.query(sql).fetch_all::<u8>().await.unwrap_err();
        assert!(error.to_string().contains(code), "{sql}: {error}");
    }
    let rows = client.query("SELECT number FROM numbers(3000000)").fetch_all::<u64>().await.unwrap();
    assert!(rows.iter().copied().eq(0..3_000_000));
}

#[tokio::test]
async fn many_requests_at_once_and_a_password() {
    let engine = Engine::start_with(|settings| settings.password = Some("s3cret".to_owned()));
    let client = engine.client();
    let refused = client.query("SELECT 1").fetch_one::<u8>().await.unwrap_err();
    assert!(refused.to_string().contains("Code: 516."), "{refused}");
    let client = client.with_user("default").with_password("s3cret");
    let mut requests = tokio::task::JoinSet::new();
    for n in 0..200_u64 {
        let client = client.clone();
        requests.spawn(async move {
            let sum =
                client.query("SELECT sum(number) + ? FROM numbers(1000)").bind(n).fetch_one::<u64>().await.unwrap();
            assert_eq!(sum, 499_500 + n);
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap();
    }
}

#[test]
fn curl() {
    let engine = Engine::start();
    let url = engine.clickhouse.url();
    let Some(curl) = find("curl") else {
        println!("skipped: no curl");
        return;
    };
    let ask = |path: &str, arguments: &[&str]| {
        let mut command = Command::new(&curl);
        let output = command.args(["-sS", &format!("{url}{path}")]).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let post = |sql: &str| ask("/", &["--data-binary", sql]);
    assert_eq!(ask("/ping", &[]), "Ok.\n");
    assert_eq!(ask("/", &[]), "Ok.\n");
    assert_eq!(post("CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a"), "");
    assert_eq!(post("INSERT INTO t VALUES (1, 'x;''y'), (2, concat('a', 'b'));"), "");
    assert_eq!(post("INSERT INTO t FORMAT JSONEachRow\n{\"a\":3,\"s\":\"FORMAT CSV\"}"), "");
    assert_eq!(ask("/?query=INSERT+INTO+t+FORMAT+TSV", &["--data-binary", "4\tfour\n"]), "");
    assert_eq!(post("INSERT INTO t SELECT 5, 'selected'"), "");
    assert_eq!(post("SELECT * FROM t ORDER BY a"), "1\tx;\\'y\n2\tab\n3\tFORMAT CSV\n4\tfour\n5\tselected\n");
    assert_eq!(post("SELECT a FROM t WHERE 0 FORMAT TSVWithNames"), "a\n");
    assert_eq!(ask("/?query=SELECT+%7Bx:UInt8%7D&param_x=4&max_threads=1", &[]), "4\n");
    assert!(ask("/?query=DROP+TABLE+t", &[]).starts_with("Code: 164."));
    assert!(ask("/?nonsense=1", &["-d", "SELECT 1"]).starts_with("Code: 115."));
    assert!(ask("/nowhere", &[]).starts_with("There is no handle"));
    assert!(post("INSERT INTO t VALUES (1").starts_with("Code: "));
    assert!(post("INSERT INTO t FORMAT TSV\nabc\n").starts_with("Code: 27."));
    assert_eq!(post("SELECT count() FROM t"), "5\n");
    let rows: String = (0..200_000).flat_map(|n| [n.to_string(), "\n".to_owned()]).collect();
    let compressed = ask(
        "/?enable_http_compression=1",
        &["--compressed", "-d", "SELECT number FROM numbers(200000) FORMAT TSVWithNames"],
    );
    assert!(compressed == format!("number\n{rows}"));
    let head = ask("/", &["-i", "-d", "SELECT * FROM nowhere"]);
    assert!(head.starts_with("HTTP/1.1 404") && head.contains("x-clickhouse-exception-code: 60"));
    for (id, answer) in [("one", "9\n"), ("two", "Code: 60.")] {
        ask("/?session_id=one", &["-d", "CREATE TEMPORARY TABLE IF NOT EXISTS mine AS SELECT 9"]);
        let own = ask(&format!("/?session_id={id}"), &["-d", "SELECT * FROM mine"]);
        assert!(own.starts_with(answer), "{own}");
    }
}

/// Reads, writes and fails by Python's official client, in an environment that is kept in the cache.
#[test]
fn clickhouse_connect_of_python() {
    let Some(python) = find("python3") else {
        println!("skipped: no python3");
        return;
    };
    let cache = Cache::of_user().unwrap();
    let name = format!("clickhouse-connect-{CLICKHOUSE_CONNECT}");
    let environment = cache
        .entry(&name, |folder| {
            let run = |command: &mut Command| check(&command.output()?);
            run(Command::new(&python).args(["-m", "venv"]).arg(folder))?;
            // Through the interpreter: the scripts of an environment know its path, which changes once.
            run(Command::new(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .arg(format!("clickhouse-connect=={CLICKHOUSE_CONNECT}")))
        })
        .unwrap();
    let engine = Engine::start();
    let output = Command::new(environment.join("bin/python"))
        .args(["-c", include_str!("connect.py")])
        .arg(engine.clickhouse.url().rsplit(':').next().unwrap())
        .output()
        .unwrap();
    check(&output).unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "all is well\n");
}

fn check(output: &Output) -> anyhow::Result<()> {
    let error = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{error}");
    Ok(())
}

fn find(command: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(command)).find(|file| file.is_file())
}
