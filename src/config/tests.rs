//! The configuration as a user meets it: a file and an environment in, a [`Config`] or all problems out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::{Cadence, NanoUsd, Strategy};

use super::*;

/// A file of its own for each caller, removed afterwards.
struct File(PathBuf);

impl File {
    fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("signalmill-{}-{name}.toml", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn load(name: &str, content: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let file = File::new(name, content);
    let shown = file.0.display().to_string();
    Config::load(Some(&file.0), &Environment::of(variables))
        .map_err(|problems| problems.to_string().replace(&shown, "FILE"))
}

#[test]
fn without_file_and_environment_the_defaults_hold() {
    let config = Config::load(Some(Path::new("/dev/null")), &Environment::default()).unwrap();
    assert_eq!(config, Config::default());
}

/// The table of the public contract.
#[test]
fn defaults_are_those_of_the_contract() {
    let entries = Config::entries();
    for (path, default) in [
        ("kafka.brokers", "\"127.0.0.1:9092\""),
        ("kafka.topic_prefix", "\"\""),
        ("kafka.partitions", "4"),
        ("kafka.replication", "1"),
        ("schema_registry.url", "unset"),
        ("clickhouse.url", "\"http://127.0.0.1:8123\""),
        ("clickhouse.database", "\"signalmill\""),
        ("clickhouse.user", "\"default\""),
        ("clickhouse.cluster", "unset"),
        ("llm.provider", "\"lexicon\""),
        ("llm.base_url", "unset"),
        ("llm.model", "unset"),
        ("llm.max_output_tokens", "unset"),
        ("llm.timeout", "unset"),
        ("llm.concurrency_max", "64"),
        ("tavily.enabled", "false"),
        ("tavily.base_url", "\"https://api.tavily.com\""),
        ("tavily.min_strength", "0.6"),
        ("coinalyze.enabled", "false"),
        ("coinalyze.base_url", "\"https://api.coinalyze.net/v1\""),
        ("coinalyze.units_per_minute", "40"),
        ("coinalyze.quota_window", "\"1m\""),
        ("coinalyze.symbols_per_request", "20"),
        ("coinalyze.data_ttl", "\"15m\""),
        ("coinalyze.symbols_ttl", "\"24h\""),
        ("articles.min_chars", "1000"),
        ("articles.ready_chars", "2000"),
        ("articles.languages", "[]"),
        ("articles.batch_size", "10"),
        ("articles.batch_age_max", "\"5s\""),
        ("articles.publishers_first", "[\"NewsBTC\", \"CoinDesk\", \"CryptoPotato\"]"),
        ("articles.session", "\"daily\""),
        ("budget.account", "\"articles\""),
        ("budget.session_usd", "\"0.30\""),
        ("budget.daily_usd", "unset"),
        ("budget.monthly_usd", "unset"),
        ("budget.alert_at", "0.8"),
        ("budget.ladder", "[{at = 1.0, action = \"defer\"}]"),
        ("limits.record_bytes_max", "\"8 MiB\""),
        ("market.batch_size", "20"),
        ("market.strategies", "\"all\""),
        ("retry.attempts_max", "3"),
        ("breaker.failures", "5"),
        ("breaker.open", "\"1m\""),
        ("analysis.batch_size", "5"),
        ("analysis.immediate_candles_max", "1000"),
        ("api.listen", "\"127.0.0.1:8080\""),
        ("metrics.listen", "\"127.0.0.1:9464\""),
    ] {
        let entry = entries.iter().find(|entry| entry.path == path).unwrap();
        assert_eq!(entry.default, default, "{path}");
    }
    let secrets: BTreeSet<&str> =
        entries.iter().filter(|entry| entry.secret).map(|entry| entry.variables[0].as_str()).collect();
    for name in [
        "GEMINI_API_KEY",
        "OPENAI_API_KEY",
        "TAVILY_API_KEY",
        "COINALYZE_API_KEYS",
        "CLICKHOUSE_PASSWORD",
        "SIGNALMILL_API_TOKENS",
        "KAFKA_PASSWORD",
    ] {
        assert!(secrets.contains(name), "{name}");
    }
}

/// Every default, written out as the reference shows it, is read back as it is: no default breaks its own rule.
#[test]
fn defaults_are_read_back_from_file_and_environment() {
    let entries = Config::entries();
    let paths: BTreeSet<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths.len(), entries.len(), "a key is there once");
    let settable = || entries.iter().filter(|entry| !entry.secret && entry.default != "unset");
    let lines: Vec<String> = settable().map(|entry| format!("{} = {}", entry.path, entry.default)).collect();
    assert_eq!(load("defaults", &lines.join("\n"), &[]), Ok(Config::default()));
    let variables: Vec<(&str, &str)> =
        settable().map(|entry| (entry.variables[0].as_str(), entry.default.as_str())).collect();
    assert_eq!(load("defaults-env", "", &variables), Ok(Config::default()));
    for entry in &entries {
        assert!(entry.meaning.ends_with('.') && entry.meaning.len() > 4, "{} says what it means", entry.path);
    }
}

#[test]
fn a_file_sets_and_the_environment_overrides() {
    let config = load(
        "sets",
        r#"
            [articles]
            batch_size = 50
            batch_age_max = "1m 30s"
            languages = ["en"]
            session = "autumn"
            [budget]
            session_usd = 0.123456789
            daily_usd = "12.5"
            ladder = [{ at = 0.7, action = "cheaper_model", model = "small" }, { at = 1.0, action = "defer" }]
            [limits]
            record_bytes_max = 4_194_304
            [kafka]
            worker_id = "w1"
        "#,
        &[
            ("SIGNALMILL__ARTICLES__BATCH_SIZE", "7"),
            ("SIGNALMILL__ARTICLES__LANGUAGES", "en, de"),
            ("SIGNALMILL__KAFKA__WORKER_ID", "1"),
            ("SIGNALMILL__TAVILY__ENABLED", "true"),
            ("SIGNALMILL__BUDGET__DAILY_USD", ""),
            ("SIGNALMILL__MARKET__STRATEGIES", "[\"breakout\"]"),
            ("ANALYSIS_WORKER_BATCH_SIZE", "9"),
            ("ANALYSIS_HEALTH_CHECK_INTERVAL", "45"),
            ("BACKGROUND_ANALYSIS_THRESHOLD", "2000"),
            ("SIGNALMILL__ANALYSIS__IMMEDIATE_CANDLES_MAX", "3000"),
            ("KAFKA_PASSWORD", "hunter2"),
            ("COINALYZE_API_KEYS", "one,two"),
        ],
    )
    .unwrap();
    assert_eq!(config.articles.batch_size, 7);
    assert_eq!(config.articles.batch_age_max, Duration::from_secs(90));
    assert_eq!(config.articles.languages, ["en", "de"]);
    assert_eq!(config.articles.session, Cadence::Named("autumn".to_owned()));
    assert_eq!(config.budget.session_usd, NanoUsd(123_456_789), "money is read digit by digit");
    assert_eq!(config.budget.daily_usd, None, "the empty text unsets");
    assert_eq!(config.budget.ladder.len(), 2);
    assert_eq!(config.limits.record_bytes_max, Bytes::mebi(4));
    assert_eq!(config.kafka.worker_id.as_deref(), Some("1"), "a number may be a name");
    assert!(config.tavily.enabled);
    assert_eq!(config.market.strategies, [Strategy::Breakout]);
    assert_eq!(config.analysis.batch_size, 9);
    assert_eq!(config.analysis.health_check_interval, Duration::from_secs(45));
    assert_eq!(config.analysis.immediate_candles_max, 3000, "an alias yields");
    assert_eq!(config.kafka.security.password.as_ref().map(Secret::expose), Some("hunter2"));
    assert_eq!(config.coinalyze.api_keys.len(), 2);
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let error = load(
        "mistakes",
        r#"
[articles]
batch_sise = 5
batch_age_max = 5
min_chars = "many"
languages = ["english"]
[kafka]
partitions = 0
security = "none"
"#,
        &[
            ("SIGNALMILL__BUDGET__SESSION_USD", "0.1234567891"),
            ("SIGNALMILL__KAFKA_BROKERS", "here:1"),
            ("SIGNALMILL__CLICKHOUSE__URL", "http://bob:hunter2@host"),
            ("SIGNALMILL__metrics__LISTEN", "127.0.0.1:1"),
            ("SIGNALMILL__API__LISTEN", "somewhere"),
        ],
    )
    .unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn keys_that_contradict_each_other_are_named() {
    let error = load(
        "contradictions",
        "[kafka.security]\nprotocol = \"sasl_ssl\"\nmechanism = \"PLAIN\"\ncert_file = \"/c\"\n[articles]\nready_chars = 10",
        &[],
    )
    .unwrap_err();
    insta::assert_snapshot!(error);
}

#[test]
fn secrets_come_from_the_environment_and_are_never_repeated() {
    let empty = File::new("empty-secret", "\n");
    let full = File::new("full-secret", "hunter4\r\n");
    let full_path = full.0.display().to_string();
    let error = load(
        "secrets",
        "[kafka.security]\npassword = \"hunter2\"\npasword = \"hunter2\"\n[clickhouse]\npassword = \"hunter2\"",
        &[
            ("SIGNALMILL__LLM__GEMINI_API_KEY", "hunter3"),
            ("SIGNALMILL_API_TOKENS", "hunter3"),
            ("OPENAI_API_KEY", "hunter3"),
            ("OPENAI_API_KEY_FILE", &full_path),
            ("TAVILY_API_KEY_FILE", &empty.0.display().to_string()),
            ("CLICKHOUSE_PASSWORD_FILE", "/nowhere/at/all"),
        ],
    )
    .unwrap_err();
    assert!(!error.contains("hunter"), "{error}");
    insta::assert_snapshot!(error);
    let config = load("secret-file", "", &[("CLICKHOUSE_PASSWORD_FILE", &full_path)]).unwrap();
    assert_eq!(config.clickhouse.password.as_ref().map(Secret::expose), Some("hunter4"));
}

#[test]
fn what_is_not_toml_is_told_by_line_without_its_text() {
    let error = load("syntax", "[kafka]\nbrokers = \"hunter2\n\nx = = 1\n", &[]).unwrap_err();
    assert!(!error.contains("hunter") && error.contains("FILE line 2"), "{error}");
    let missing = Config::load(Some(Path::new("/nowhere.toml")), &Environment::default()).unwrap_err();
    assert!(missing.to_string().contains("/nowhere.toml: cannot be read"), "{missing}");
}

#[test]
fn hostile_files_are_refused_in_bounded_time() {
    let many: Vec<String> = (0..20_000).map(|index| format!("k{index} = {index}")).collect();
    let error = load("many", &many.join("\n"), &[]).unwrap_err();
    assert!(error.lines().count() < 60 && error.ends_with("and 19950 more"), "{error}");
    let deep = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(load("deep", &deep, &[]).is_err());
    let large = format!("# {}", "x".repeat(2 << 20));
    assert!(load("large", &large, &[]).unwrap_err().contains("is larger than"));
    let control = load("control", "\"a\\u001b[31m\" = 1", &[]).unwrap_err();
    assert!(!control.contains('\u{1b}'), "{control}");
}
