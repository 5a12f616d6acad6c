//! What texts are read as.

use super::*;

/// Statement, format and data of an INSERT with data.
fn cut(text: &str) -> Option<(&str, String, &str)> {
    let parts = classify(text.as_bytes()).insert?;
    Some((&text[..parts.statement_end], parts.format, &text[parts.data_start..]))
}

#[test]
fn insert_is_cut() {
    for (text, statement, format, data) in [
        ("INSERT INTO t FORMAT TSV\n1\n", "INSERT INTO t ", "TSV", "1\n"),
        ("insert into t format TSV 1\n", "insert into t ", "TSV", "1\n"),
        ("INSERT INTO t FORMAT TSV\r\n\n1", "INSERT INTO t ", "TSV", "\n1"),
        ("INSERT INTO t(a) VALUES (1),('FORMAT')", "INSERT INTO t(a) ", "Values", " (1),('FORMAT')"),
        ("INSERT INTO t VALUES(1)", "INSERT INTO t ", "Values", "(1)"),
        ("INSERT INTO t SETTINGS x='FORMAT y' FORMAT CSV\n1", "INSERT INTO t SETTINGS x='FORMAT y' ", "CSV", "1"),
        ("INSERT INTO t /* FORMAT a /* b */ */ FORMAT CSV\n1", "INSERT INTO t /* FORMAT a /* b */ */ ", "CSV", "1"),
        (
            "-- FORMAT x\nINSERT INTO `FORMAT x` FORMAT JSONEachRow{}",
            "-- FORMAT x\nINSERT INTO `FORMAT x` ",
            "JSONEachRow",
            "{}",
        ),
        (
            "INSERT INTO t (`values`, \"format\", format) FORMAT RowBinary",
            "INSERT INTO t (`values`, \"format\", format) ",
            "RowBinary",
            "",
        ),
        ("INSERT INTO f('it\\'s FORMAT a') FORMAT TSV", "INSERT INTO f('it\\'s FORMAT a') ", "TSV", ""),
        ("INSERT INTO f('it''s FORMAT a') FORMAT TSV", "INSERT INTO f('it''s FORMAT a') ", "TSV", ""),
        ("INSERT INTO t FORMAT\n-- why\nTSV\n1", "INSERT INTO t ", "TSV", "1"),
    ] {
        assert_eq!(cut(text), Some((statement, format.to_owned(), data)), "{text}");
    }
}

#[test]
fn insert_without_data_stays_whole() {
    for text in [
        "INSERT INTO t SELECT 1 FORMAT Null",
        "INSERT INTO t (a) WITH 1 AS x SELECT x",
        "INSERT INTO t (SELECT 1)",
        "INSERT INTO t (a) (SELECT 1)",
        "INSERT INTO t SELECT * FROM VALUES('a UInt8', 1)",
        "INSERT INTO t",
        "INSERT INTO t FORMAT",
        "INSERT",
    ] {
        assert_eq!(cut(text), None, "{text}");
        assert_eq!(classify(text.as_bytes()).verb, "INSERT");
    }
}

#[test]
fn verb_and_format_of_the_rest() {
    for (text, verb, format) in [
        ("SELECT 1", "SELECT", None),
        ("  /* a */ # b\n-- c\n(select 'FORMAT x') FORMAT JSON;", "SELECT", Some("JSON")),
        ("WITH x AS (SELECT 1 FORMAT TSV) SELECT format FROM x", "WITH", None),
        ("SELECT format(a, b) FROM t FORMAT TSVWithNames SETTINGS a=1", "SELECT", Some("TSVWithNames")),
        ("CREATE TABLE t (a UInt8) ENGINE=Null", "CREATE", None),
        ("SELECT $x$ FORMAT JSON $y$ $x$ FORMAT CSV", "SELECT", Some("CSV")),
        ("SELECT $$ FORMAT JSON $$", "SELECT", None),
        ("'unfinished", "", None),
        ("/* unfinished", "", None),
        ("\\", "", None),
        ("", "", None),
    ] {
        let statement = classify(text.as_bytes());
        assert_eq!(statement.verb, verb, "{text}");
        assert_eq!(statement.format.as_deref(), format, "{text}");
        assert_eq!(statement.insert, None, "{text}");
    }
}

#[test]
fn totals_are_seen() {
    assert!(classify(b"SELECT a FROM t GROUP BY a WITH TOTALS").totals);
    assert!(!classify(b"SELECT 'WITH TOTALS'").totals);
}

#[test]
fn hostile_text_ends_soon() {
    let fences: String = (0..200_000).flat_map(|i| ["$t".to_owned(), i.to_string(), "$ ".to_owned()]).collect();
    let _ = classify(fences.as_bytes());
    for piece in ["$a", "$", "/*", "(", "'", "\\", "FORMAT ", "INSERT ", "-- \n", "$a$b"] {
        let _ = classify(piece.repeat(200_000).as_bytes());
    }
}
