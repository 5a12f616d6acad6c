//! What is written down is what there is: the commands of the README and of the runbooks, the README's keys, metrics, links
//! and picture, the metrics page.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use signalmill::cli::args::Cli;
use signalmill::cli::reference;
use signalmill::config::Config;
use signalmill::market::candles;
use signalmill::observe::{TABLE, Values};
use signalmill::wire::Reason;

use crate::tidy::source::{Role, files};

/// As it stands in the README and in the gate.
const TEST_COMMAND: &str = "./deploy/local/test.sh";

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The blocks of code in a language, without their fences.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(&fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// What stands between backticks in a line.
fn quoted(page: &str) -> Vec<&str> {
    page.lines().filter(|line| !line.starts_with("```")).flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// The words of a command, up to a pipe or a redirection. Knows single and double quotes.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in command.chars() {
        match (letter, quote) {
            (mark, Some(open)) if mark == open => quote = None,
            ('\'' | '"', None) => quote = Some(letter),
            ('|' | '>' | '#' | '&', None) => break,
            (' ', None) => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The lines that are commands of ours.
fn ours(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| line.starts_with("signalmill "))
}

#[test]
fn every_command_of_the_readme_is_understood() {
    let readme = read("README.md");
    let blocks = blocks(&readme, "sh").join("\n").replace("\\\n", " ");
    let in_text = quoted(&readme).join("\n");
    let commands: Vec<&str> = ours(&blocks).chain(ours(&in_text)).collect();
    assert!(commands.len() > 8, "{commands:?}");
    for command in commands {
        let parsed = Cli::try_parse_from(words(command));
        assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
    }
}

/// What a reader of a runbook puts in place of a word in capitals.
const FILLED_IN: &[(&str, &str)] = &[("TOPIC", "articles.raw"), ("PARTITION", "0"), ("OFFSET", "1742")];

#[test]
fn every_command_of_the_runbooks_is_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/runbooks");
    let (mut checked, mut wrong) = (0, Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        let blocks = blocks(&page, "sh").join("\n").replace("\\\n", " ");
        let in_text = quoted(&page).join("\n");
        for command in ours(&blocks).chain(ours(&in_text)) {
            let filled_in = FILLED_IN.iter().fold(command.to_owned(), |text, (word, value)| text.replace(word, value));
            checked += 1;
            if let Err(error) = Cli::try_parse_from(words(&filled_in)) {
                wrong.push(format!("{}: {command}: {error}", path.display()));
            }
        }
    }
    assert!(checked > 10, "the commands are found: {checked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_path_of_the_readme_is_there() {
    let readme = read("README.md");
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let scripts = readme.split_whitespace().map(|word| word.trim_matches(['`', '.', ',', ';']));
    let paths: Vec<&str> = links
        .filter(|link| !link.starts_with("http"))
        .chain(scripts.filter(|word| word.starts_with("/deploy/local/") || word.starts_with("deploy/local/")))
        .collect();
    assert!(paths.len() > 8, "{paths:?}");
    for path in paths {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path.trim_start_matches('/'));
        assert!(path.exists(), "{}", path.display());
    }
}

#[test]
fn the_gate_runs_the_test_command_of_the_readme() {
    let is_command = |block: &&str| block.trim() == TEST_COMMAND;
    assert_eq!(blocks(&read("README.md"), "sh").iter().filter(|block| is_command(block)).count(), 1);
    let gate = read(".ci/run");
    assert_eq!(gate.lines().last(), Some(format!("step \"tests\" {TEST_COMMAND}").as_str()));
    for command in quoted(&read("README.md"))
        .iter()
        .filter(|quoted| quoted.starts_with("cargo ") && quoted.contains("--") && !quoted.starts_with("cargo bench"))
    {
        assert!(gate.contains(command), "{command}");
    }
}

#[test]
fn keys_and_defaults_of_the_readme_are_those_of_the_program() {
    let readme = read("README.md");
    let entries = Config::entries();
    let rows = readme.lines().skip_while(|line| !line.starts_with("| key | default |")).skip(2);
    let mut checked = 0;
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let entry = entries.iter().find(|entry| entry.path == cells[1]);
        assert_eq!(entry.map(|entry| entry.default.as_str()), Some(cells[2]), "{row}");
        checked += 1;
    }
    assert!(checked > 10, "the table of keys is found: {checked}");
    let sections: Vec<&str> = entries.iter().filter_map(|entry| entry.path.split('.').next()).collect();
    let names = quoted(&readme).into_iter().map(|name| name.split('{').next().unwrap_or_default());
    for name in names.filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte))) {
        // A name with a dot whose first part is a section is a key, or a group of keys.
        if name.split_once('.').is_some_and(|(section, _)| sections.contains(&section)) {
            let group = format!("{name}.");
            let known = entries.iter().any(|entry| entry.path == name || entry.path.starts_with(&group));
            assert!(known || read("src/kafka/topics.rs").contains(name), "{name} is no key");
        }
        if name.starts_with("signalmill_") {
            assert!(TABLE.iter().any(|metric| metric.name == name), "{name} is no metric");
        }
    }
    for example in blocks(&readme, "toml") {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("signalmill.toml");
        fs::write(&file, example).unwrap();
        ask(&["--config", file.to_str().unwrap(), "reference", "topics"]);
    }
}

#[test]
fn the_picture_of_the_readme_is_the_topology() {
    assert_eq!(blocks(&read("README.md"), "mermaid"), [ask(&["topology"])]);
}

#[test]
fn the_page_of_the_metrics_is_the_table() {
    let mut table = Vec::new();
    reference::metrics(&mut table, false).unwrap();
    let table = String::from_utf8(table).unwrap();
    assert!(read("dashboards/METRICS.md") == table, "signalmill reference metrics > dashboards/METRICS.md\n\n{table}");
}

#[test]
fn every_reason_of_a_dead_letter_is_in_the_table() {
    let metric = TABLE.iter().find(|metric| metric.name == "signalmill_dead_letters_total").unwrap();
    let Some(Values::Closed(known)) = metric.labels.last().map(|label| label.values) else { panic!("{metric:?}") };
    let files = files(Role::Source);
    // Reasons are written where a record is rejected, or are constants that say so.
    let written = files.iter().filter(|file| !file.path.ends_with("tests.rs")).flat_map(|file| {
        let rejects = file.text.split("Reject(\"").skip(1);
        let constants = file.text.split("/// The dead letter's code of ").skip(1);
        rejects.chain(constants.filter_map(|rest| rest.split_once("&str = \"").map(|(_, rest)| rest)))
    });
    let written = written.filter_map(|rest| rest.split('"').next());
    let refused = Reason::ALL.map(Reason::as_str).into_iter().chain(candles::Reason::ALL.map(candles::Reason::as_str));
    let used: BTreeSet<&str> = written.chain(refused).collect();
    assert_eq!(used, known.iter().copied().collect());
}

#[test]
fn the_samples_are_what_the_readme_says() {
    let samples = read("deploy/local/samples/articles.jsonl");
    let articles: Vec<serde_json::Value> = samples.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let long = |article: &&serde_json::Value| {
        article["body"].as_str().is_some_and(|body| (1_000..=12_000).contains(&body.chars().count()))
    };
    let lines = samples.lines().count();
    assert!(read("README.md").contains(&format!("sends {lines} sample articles")), "{lines} samples");
    assert_eq!(lines, articles.len() + 1, "one line is cut off on purpose");
    assert!(articles.iter().filter(long).count() >= 60);
}

/// What the program prints.
fn ask(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_signalmill")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
