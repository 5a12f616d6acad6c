//! The rules in `deploy/prometheus`: Prometheus' own tool accepts and tests them, each alert fires in a test and has a
//! runbook, and every metric that they name is one of ours.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use signalmill::observe::{Shape, TABLE};

const SEVERITIES: [&str; 3] = ["critical", "warning", "info"];
/// Where a runbook is, before its name.
const RUNBOOKS_URL: &str = "{{ $externalLabels.runbooks }}/";

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    record: Option<String>,
    alert: Option<String>,
    expr: String,
    labels: Option<Labels>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
struct Labels {
    severity: String,
}

#[derive(Deserialize)]
struct Annotations {
    summary: String,
    description: String,
    runbook_url: String,
}

#[derive(Deserialize)]
struct RuleTests {
    tests: Vec<RuleTest>,
}

#[derive(Deserialize)]
struct RuleTest {
    alert_rule_test: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    alertname: String,
    exp_alerts: Vec<serde_json::Value>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rules of a file, one after another.
fn rules(name: &str) -> Vec<Rule> {
    read::<Rules>(&folder("prometheus").join(name)).groups.into_iter().flat_map(|group| group.rules).collect()
}

/// The names of the files in a folder.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    entries.collect()
}

fn tool(program: &str, package: &str, arguments: &[&str]) {
    let run = Command::new(program).args(arguments).current_dir(folder("prometheus")).output();
    let output = run.unwrap_or_else(|error| panic!("{program}: {error}: install the Debian package {package}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

#[test]
fn prometheus_and_alertmanager_accept_the_files() {
    tool("promtool", "prometheus", &["check", "config", "prometheus.yml"]);
    tool("promtool", "prometheus", &["check", "rules", "recording.yml", "alerts.yml"]);
    tool("amtool", "prometheus-alertmanager", &["check-config", "alertmanager.yml"]);
}

#[test]
fn every_alert_fires_when_it_should_and_not_before() {
    let cases = folder("prometheus/tests");
    let files = names(&cases);
    let paths: Vec<String> = files.iter().map(|name| format!("tests/{name}")).collect();
    let arguments: Vec<&str> = ["test", "rules"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    tool("promtool", "prometheus", &arguments);

    let cases: Vec<Case> = files
        .iter()
        .flat_map(|name| read::<RuleTests>(&cases.join(name)).tests)
        .flat_map(|test| test.alert_rule_test)
        .collect();
    let alerts: BTreeSet<String> = rules("alerts.yml").into_iter().filter_map(|rule| rule.alert).collect();
    let fired = |fires: bool| -> BTreeSet<String> {
        let cases = cases.iter().filter(|case| case.exp_alerts.is_empty() != fires);
        cases.map(|case| case.alertname.clone()).collect()
    };
    assert_eq!(alerts, fired(true), "every alert has a case in which it fires");
    assert!(fired(false).is_subset(&alerts) && fired(false).len() * 2 > alerts.len(), "{:?}", fired(false));
}

#[test]
fn every_alert_says_what_to_do() {
    let mut linked = BTreeSet::new();
    for rule in rules("alerts.yml") {
        let (Some(alert), Some(labels), Some(told)) = (rule.alert, rule.labels, rule.annotations) else {
            panic!("an alert has a name, a severity and annotations: {}", rule.expr);
        };
        assert!(SEVERITIES.contains(&labels.severity.as_str()), "{alert}: {}", labels.severity);
        assert!(!told.summary.is_empty() && !told.description.is_empty(), "{alert}");
        let runbook = told.runbook_url.strip_prefix(RUNBOOKS_URL);
        linked.insert(runbook.unwrap_or_else(|| panic!("{alert}: {}", told.runbook_url)).to_owned());
    }
    assert_eq!(names(&folder("runbooks")), linked, "each runbook is linked, and each link leads somewhere");
    for name in &linked {
        let page = fs::read_to_string(folder("runbooks").join(name)).unwrap();
        assert!(["# ", "**Means.**", "**See.**", "**Do.**"].iter().all(|part| page.contains(part)), "{name}");
    }
}

#[test]
fn every_metric_of_the_rules_is_ours() {
    let mut known: BTreeSet<String> = TABLE
        .iter()
        .flat_map(|metric| match metric.shape {
            Shape::Histogram(_) => ["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", metric.name)).to_vec(),
            Shape::Counter | Shape::Gauge => vec![metric.name.to_owned()],
        })
        .collect();
    let (recorded, alerts) = (rules("recording.yml"), rules("alerts.yml"));
    known.extend(recorded.iter().filter_map(|rule| rule.record.clone()));
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let mut asked = BTreeSet::new();
    for rule in recorded.iter().chain(&alerts) {
        let words = rule.expr.split(|letter| !is_name(letter));
        asked.extend(words.filter(|word| word.contains("signalmill")).map(str::to_owned));
    }
    // The name of the scrape's job.
    asked.remove("signalmill");
    assert!(asked.len() > 20, "{asked:?}");
    assert!(asked.is_subset(&known), "unknown: {:?}", asked.difference(&known).collect::<Vec<_>>());
}
