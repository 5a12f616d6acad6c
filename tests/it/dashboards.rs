//! The dashboards, as Grafana would show them over the demo: every panel says what it shows, every question runs on the
//! real engine and brings rows, and every metric that they name is one of ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use signalmill::clickhouse::{Settings, Store};
use signalmill::clock::Clock;
use signalmill::observe::{Shape, TABLE};
use tokio::runtime::Runtime;

use crate::demo::Running;
use crate::stack::until;

/// Time that the demo may take until it has something to show.
const PATIENCE: Duration = Duration::from_mins(1);

struct Dashboard {
    name: String,
    json: Value,
}

impl Dashboard {
    fn all() -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<Self> = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .map(|path| Self {
                name: path.file_stem().unwrap().to_string_lossy().into_owned(),
                json: serde_json::from_slice(&fs::read(&path).unwrap()).unwrap(),
            })
            .collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        assert!(all.len() >= 5, "the dashboards are found");
        all
    }

    /// The panels that are no rows.
    fn panels(&self) -> impl Iterator<Item = &Value> {
        self.json["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
    }

    fn variables(&self) -> impl Iterator<Item = &Value> {
        self.json["templating"]["list"].as_array().unwrap().iter()
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// A question as Grafana's ClickHouse data source would send it, with every variable at "All" and the last day chosen.
fn expand(sql: &str, dashboard: &Dashboard, database: &str) -> String {
    let mut sql = sql.replace("${database}", database);
    for variable in dashboard.variables().filter(|variable| variable["type"] == "query") {
        let all = format!("({})", text(variable, "query").replace("${database}", database));
        sql = sql.replace(&format!("(${{{}:singlequote}})", text(variable, "name")), &all);
    }
    let mut expanded = String::new();
    let mut rest = sql.as_str();
    while let Some((before, after)) = rest.split_once("$__") {
        let (name, after) = after.split_once('(').unwrap();
        let (column, after) = after.split_once(')').unwrap();
        expanded.push_str(before);
        let [open, close] = match name {
            "timeFilter" => ["(now() - INTERVAL 30 DAY <= ", ")"],
            "timeInterval" => ["toStartOfInterval(toDateTime(", "), INTERVAL 60 second)"],
            other => panic!("an unknown macro: {other}"),
        };
        for part in [open, column, close] {
            expanded.push_str(part);
        }
        rest = after;
    }
    expanded.push_str(rest);
    assert!(!expanded.contains('$'), "something is left to fill in: {expanded}");
    expanded
}

#[test]
fn every_panel_says_what_it_shows() {
    let mut uids = BTreeSet::new();
    for dashboard in Dashboard::all() {
        let Dashboard { name, json } = &dashboard;
        assert!(uids.insert(text(json, "uid").to_owned()), "{name}: its uid is taken");
        assert_eq!(text(json, "uid"), format!("signalmill-{name}"));
        assert!(json["schemaVersion"].as_u64().is_some_and(|version| version <= 39), "{name}");
        assert!(json["__inputs"].is_null() && json["id"].is_null(), "{name}: made for one Grafana only");
        assert!(!text(json, "title").is_empty() && !text(json, "description").is_empty(), "{name}");
        let mut ids = BTreeSet::new();
        for panel in dashboard.panels() {
            let title = text(panel, "title");
            assert!(!title.is_empty() && text(panel, "description").ends_with('.'), "{name}: {title}");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{name}: {title}: its id is taken");
            // A table's columns have units of their own, and a share of something has none.
            let defaults = &panel["fieldConfig"]["defaults"];
            let has_unit = defaults["unit"].is_string() || defaults["decimals"].is_number();
            assert!(has_unit || ["table", "state-timeline"].contains(&text(panel, "type")), "{name}: {title}");
            for target in panel["targets"].as_array().unwrap() {
                let source = text(&target["datasource"], "uid");
                let is_variable = |variable: &Value| source == format!("${{{}}}", text(variable, "name"));
                let known = dashboard.variables().filter(|variable| variable["type"] == "datasource").any(is_variable);
                assert!(known, "{name}: {title}: {source} is no variable of the dashboard");
            }
        }
    }
}

#[test]
fn every_metric_of_the_dashboards_is_ours() {
    let known: BTreeSet<String> = TABLE
        .iter()
        .flat_map(|metric| match metric.shape {
            Shape::Histogram(_) => ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name)).to_vec(),
            Shape::Counter | Shape::Gauge => vec![metric.name.to_owned()],
        })
        .collect();
    let mut asked = BTreeSet::new();
    for dashboard in Dashboard::all() {
        let targets = dashboard.panels().flat_map(|panel| panel["targets"].as_array().unwrap());
        for expression in targets.filter_map(|target| target["expr"].as_str()) {
            let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
            asked.extend(words.filter(|word| word.starts_with("signalmill_")).map(str::to_owned));
        }
    }
    assert!(asked.len() > 15, "{asked:?}");
    assert!(asked.is_subset(&known), "unknown: {:?}", asked.difference(&known).collect::<Vec<_>>());
}

#[test]
fn every_question_brings_rows_over_the_demo() {
    let demo = Running::shared();
    let settings = Settings { url: demo.address("clickhouse"), ..Settings::default() };
    let store = Store::new(settings, Clock::system()).unwrap();
    let runtime = Runtime::new().unwrap();
    let mut asked = 0;
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            let title = format!("{}: {}", dashboard.name, text(panel, "title"));
            for sql in panel["targets"].as_array().unwrap().iter().filter_map(|target| target["rawSql"].as_str()) {
                let sql = expand(sql, &dashboard, store.database());
                asked += 1;
                // The charts of the demo are scored while its result is shown.
                until(&title, PATIENCE, || match runtime.block_on(store.ask(&sql)) {
                    Ok(rows) if rows.is_empty() => Err("no rows".to_owned()),
                    Ok(rows) if rows.split(['\t', '\n']).all(|cell| ["\\N", "nan", ""].contains(&cell)) => {
                        Err(format!("nothing in its rows: {rows}"))
                    }
                    Ok(_) => Ok(()),
                    Err(error) => Err(format!("{error}\n{sql}")),
                });
            }
        }
    }
    assert!(asked > 30, "{asked}");
}
