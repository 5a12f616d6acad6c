//! What an operator is handed beside the manifests: the rules as Prometheus' operator takes them, and the runbooks.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use signalmill::config::Config;
use signalmill::observe::TABLE;

use super::{list, read, root, text, yaml};

fn rules(label: &str) -> Output {
    Command::new("bash").arg(root("deploy/kubernetes/rules.sh")).arg(label).output().unwrap()
}

/// Whether a word in backticks has the form of a key.
fn is_key(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte))
}

#[test]
fn the_rules_for_the_operator_are_those_of_prometheus() {
    let made = rules("release=monitoring");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let rule: Value = serde_saphyr::from_str(&String::from_utf8(made.stdout).unwrap()).unwrap();
    assert_eq!(text(&rule["kind"]), "PrometheusRule");
    assert_eq!(text(&rule["metadata"]["labels"]["release"]), "monitoring");
    let files = ["recording.yml", "alerts.yml"].map(|file| yaml(&format!("deploy/prometheus/{file}")));
    let groups: Vec<&Value> = files.iter().flat_map(|file| list(&file["groups"])).collect();
    assert_eq!(list(&rule["spec"]["groups"]).iter().collect::<Vec<_>>(), groups);
    let refused = rules("release");
    assert!(!refused.status.success() && refused.stdout.is_empty(), "half a rule is never applied");
}

#[test]
fn every_metric_and_key_of_the_runbooks_is_there() {
    let entries = Config::entries();
    let sections: BTreeSet<&str> = entries.iter().filter_map(|entry| entry.path.split('.').next()).collect();
    let topics = read("src/kafka/topics.rs");
    let is_metric_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let (mut metrics, mut keys) = (0, 0);
    for file in fs::read_dir(root("deploy/runbooks")).unwrap() {
        let path = file.unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        for word in page.split(|letter| !is_metric_letter(letter)).filter(|word| word.starts_with("signalmill_")) {
            let base = ["_bucket", "_sum", "_count"].into_iter().find_map(|part| word.strip_suffix(part));
            let known = TABLE.iter().any(|metric| metric.name == word || Some(metric.name) == base);
            assert!(known, "{}: {word} is no metric", path.display());
            metrics += 1;
        }
        for word in page.split('`').skip(1).step_by(2).filter(|word| is_key(word)) {
            // A name with a dot whose first part is a section is a key, or a topic.
            if word.split_once('.').is_some_and(|(section, _)| sections.contains(section)) {
                let known = entries.iter().any(|entry| entry.path == word) || topics.contains(word);
                assert!(known, "{}: {word} is no key", path.display());
                keys += 1;
            }
        }
    }
    assert!(metrics > 15 && keys > 15, "they are found: {metrics}, {keys}");
}
