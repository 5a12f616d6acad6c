//! Golden tests of what the command line says, and of what it takes.

use clap::{CommandFactory, Parser};

use clap_complete::Shell;

use super::args::{Cli, Command, Completions, Filter, From, Ingest};
use super::reference::{self, TopicRow};

fn printed(print: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    print(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The help of a command and of all below it; the global options once only.
fn helps(command: &mut clap::Command, path: &str, texts: &mut Vec<String>) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    let help = command.clone().bin_name(&path).term_width(100).render_long_help().to_string();
    let own = match help.split_once("Global options:") {
        Some((own, _)) if !texts.is_empty() => own,
        _ => &help,
    };
    texts.push(format!("### {path} --help\n{}\n", own.trim_end()));
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        helps(inner, &path, texts);
    }
}

#[test]
fn help_of_every_command() {
    let mut command = Cli::command();
    command.build();
    command.clone().debug_assert();
    let mut texts = Vec::new();
    helps(&mut command, "", &mut texts);
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn the_references() {
    insta::assert_snapshot!("config", printed(|out| reference::config(out, false)));
    let topics = [TopicRow {
        name: "articles.raw".into(),
        direction: "input".into(),
        key: "any, or none".into(),
        schema: "article: JSON | Avro".into(),
        partitions: 4,
        retention: "7d".into(),
        cleanup: "delete".into(),
    }];
    insta::assert_snapshot!("topics", printed(|out| reference::topics(out, &topics, false)));
    for json in [
        printed(|out| reference::config(out, true)),
        printed(|out| reference::metrics(out, true)),
        printed(|out| reference::topics(out, &topics, true)),
    ] {
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(value.as_array().is_some_and(|rows| !rows.is_empty()));
    }
}

#[test]
fn arguments_are_parsed_not_checked() {
    let parse = |line: &str| Cli::try_parse_from(line.split(' ')).map(|cli| cli.command);
    let Ok(Command::Tap(tap)) = parse("signalmill tap signals --from 15 --filter a.b=c=d --limit 2 --json") else {
        panic!("tap");
    };
    assert_eq!(tap.from, From::Offset(15));
    assert_eq!(tap.filters, [Filter { path: vec!["a".into(), "b".into()], value: "c=d".into() }]);
    let Ok(Command::Run(run)) = parse("signalmill run") else { panic!("run") };
    assert_eq!(run.stages, super::Stages::all());
    let Ok(Command::Ingest(Ingest::Articles(ingest))) = parse("signalmill ingest articles - a.csv --rate 5") else {
        panic!("ingest");
    };
    assert_eq!(ingest.files.len(), 2);
    for wrong in [
        "signalmill",
        "signalmill tap",
        "signalmill tap x --from yesterday",
        "signalmill tap x --from 9223372036854775808",
        "signalmill tap x --filter nothing",
        "signalmill tap x --limit 0",
        "signalmill run --stages scroe",
        "signalmill ingest articles",
        "signalmill ingest articles x --rate 0",
    ] {
        assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
    }
    assert_eq!(parse("signalmill --version").unwrap_err().exit_code(), 0);
}

#[test]
fn completions_know_the_commands() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = printed(|out| Completions { shell }.write(out));
        assert!(script.contains("topology"), "{shell}");
    }
}
