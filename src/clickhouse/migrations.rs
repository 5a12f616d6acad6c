//! The migrations: `schemas/clickhouse/NNN_name.sql`, built into the binary in order.
//!
//! A file is a list of statements, each ended by `;` at the end of a line. Every statement may run twice
//! (`IF NOT EXISTS`, `OR REPLACE`; `MODIFY TTL` and `MATERIALIZE INDEX IF EXISTS` come to the same end again), and an added
//! column has a DEFAULT, so that an older binary can still insert.
//! Placeholders: `{database}`; `{on_cluster}`, which is empty or ` ON CLUSTER 'name'`; `{replicated}`, which is empty or
//! `Replicated` in front of the engine. A file that was released is never changed: the next one changes the tables.

use super::Settings;

/// One file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Script {
    /// From 1, without gaps.
    pub(super) version: u32,
    pub(super) name: &'static str,
    text: &'static str,
}

macro_rules! scripts {
    ($($version:literal $file:literal;)*) => {
        /// Every migration, in order.
        pub(super) const SCRIPTS: &[Script] = &[$(Script {
            version: $version,
            name: $file,
            text: include_str!(concat!("../../schemas/clickhouse/", $file, ".sql")),
        },)*];
    };
}

scripts! {
    1 "001_articles";
    2 "002_sessions";
    3 "003_signals";
    4 "004_dead_letters";
    5 "005_market";
    6 "006_runs";
    7 "007_paid_answers";
    8 "008_session_events";
    9 "009_limits_and_dates";
    10 "010_market_contexts";
    11 "011_market_series";
    12 "012_analysis";
    13 "013_batch_articles";
    14 "014_promoted_runs";
    15 "015_evaluations";
    16 "016_dead_letter_actions";
    17 "017_analysis_times";
}

/// Where applied migrations are noted. Not a migration itself: it must be there before the first.
const NOTES: &str = "\
CREATE TABLE IF NOT EXISTS {database}.schema_migrations{on_cluster}
(
    version UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = {replicated}ReplacingMergeTree
ORDER BY (version, checksum)";

impl Script {
    /// The statements, ready to run.
    pub(super) fn statements(&self, settings: &Settings) -> Vec<String> {
        statements(self.text).iter().map(|statement| fill(statement, settings)).collect()
    }

    /// A hash of what the file does: comments and placeholders' values do not count.
    pub(super) fn checksum(&self) -> String {
        crate::model::identity(&statements(self.text).iter().map(String::as_str).collect::<Vec<_>>()).0
    }
}

/// What must be there before the first migration.
pub(super) fn foundation(settings: &Settings) -> [String; 2] {
    [fill("CREATE DATABASE IF NOT EXISTS {database}{on_cluster}", settings), fill(NOTES, settings)]
}

/// Cuts a file into statements, without comments.
fn statements(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
        let (line, ends) = match line.trim_end().strip_suffix(';') {
            Some(line) => (line, true),
            None => (line, false),
        };
        current.push_str(line);
        current.push('\n');
        if ends {
            statements.push(std::mem::take(&mut current).trim().to_owned());
        }
    }
    if !current.trim().is_empty() {
        statements.push(current.trim().to_owned());
    }
    statements
}

/// Names were checked by [`Settings::validate`]: nothing in them needs escaping.
fn fill(statement: &str, settings: &Settings) -> String {
    let on_cluster = settings.cluster.as_ref().map_or(String::new(), |name| format!(" ON CLUSTER '{name}'"));
    let replicated = if settings.cluster.is_some() { "Replicated" } else { "" };
    statement
        .replace("{database}", &format!("`{}`", settings.database))
        .replace("{on_cluster}", &on_cluster)
        .replace("{replicated}", replicated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_and_every_statement_may_run_twice() {
        let settings = Settings::default();
        for (index, script) in SCRIPTS.iter().enumerate() {
            assert_eq!(usize::try_from(script.version).unwrap(), index + 1);
            assert!(script.name.starts_with(&format!("{:03}_", script.version)));
            let statements = script.statements(&settings);
            assert!(!statements.is_empty());
            for statement in statements {
                let harmless = ["IF NOT EXISTS", "OR REPLACE", "MODIFY TTL", "MATERIALIZE INDEX IF EXISTS"];
                let twice = harmless.iter().any(|words| statement.contains(words));
                assert!(twice && !statement.contains(['{', '}', ';']), "{statement}");
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/clickhouse");
        let entries = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(files, SCRIPTS.iter().map(|script| format!("{}.sql", script.name)).collect::<Vec<_>>());
    }

    #[test]
    fn a_cluster_replicates_every_table_on_every_server() {
        let settings = Settings { cluster: Some("main".into()), ..Settings::default() };
        let scripts = SCRIPTS.iter().flat_map(|script| script.statements(&settings));
        for statement in scripts.chain(foundation(&settings)) {
            assert!(statement.contains(" ON CLUSTER 'main'"), "{statement}");
            assert_eq!(statement.contains("ENGINE = "), statement.contains("ENGINE = ReplicatedReplacingMergeTree"));
        }
    }

    #[test]
    fn statements_end_with_a_semicolon_at_the_end_of_a_line() {
        assert_eq!(
            statements("-- a;\nSELECT ';' ,\n 1;\n\n  -- b\nSELECT 2; \nSELECT 3"),
            ["SELECT ';' ,\n 1", "SELECT 2", "SELECT 3"]
        );
        assert!(statements(" \n-- nothing;\n").is_empty());
    }

    #[test]
    fn a_checksum_sees_statements_and_no_comments() {
        let sum = |text| Script { version: 1, name: "001_x", text }.checksum();
        assert_eq!(sum("-- one\nSELECT 1;\n"), sum("SELECT 1;"));
        assert_ne!(sum("SELECT 1;"), sum("SELECT 2;"));
    }
}
