//! Odd input, each kind with what becomes of it by the contract, and a sound article before and behind each.
//!
//! All of it goes through one partition of one run, so that a record that stops the hop stops the test.

mod cases;

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use signalmill::model::Analysis;

use crate::audit::READ;
use crate::mill::{Mill, Worker};
use crate::stack::{Raw, Seen, Stack};
use crate::texts;
use cases::{Becomes, Case, cases};

const PATIENCE: Duration = Duration::from_mins(1);

/// Headers that nobody of ours understands: any bytes, a name that comes twice, an empty value.
fn headers() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("source", b"feed \xff\x00".to_vec()),
        ("source", b"again".to_vec()),
        ("empty", Vec::new()),
        ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_vec()),
    ]
}

/// Case by case, a sound article before each and one at the end; odd places are the cases.
fn records(cases: &[Case]) -> Vec<Raw> {
    let sound =
        |number: usize| Raw { partition: Some(0), value: Some(texts::json(number).into_bytes()), ..Raw::default() };
    let mut records = vec![sound(0)];
    for (number, case) in cases.iter().enumerate() {
        records.push(Raw { partition: Some(0), key: case.key.clone(), value: case.value.clone(), headers: headers() });
        records.push(sound(number + 1));
    }
    records
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").unwrap();
        text
    })
}

#[test]
fn odd_input_becomes_what_the_contract_says_and_the_rest_passes() {
    let cases = cases();
    // One window for all of it, so that repetitions meet in it.
    let mill = Mill::on(Stack::shared(), "bad_input")
        .set("articles.batch_size", "1000")
        .set("articles.batch_bytes_max", "16 MiB")
        .set("articles.batch_age_max", "5s");
    let places = mill.produce("articles.raw", &records(&cases));
    let mut worker = mill.start();
    let dead = cases.iter().filter(|case| matches!(case.becomes, Becomes::DeadLetter(..))).count();
    let last = format!("SELECT count() FROM signals_v WHERE source_id = '{}'", texts::id(cases.len()));
    mill.until_answer(&last, "1", PATIENCE);
    mill.until_answer("SELECT count() FROM dead_letters_v", &dead.to_string(), PATIENCE);
    mill.until_landed(READ);

    for (view, id) in [("articles_v", "article_id"), ("article_analyses_v", "article_id"), ("signals_v", "source_id")] {
        let sql = format!("SELECT count() FROM {view} WHERE match({id}, '^a[0-9]{{6}}$')");
        assert_eq!(mill.ask(&sql), (cases.len() + 1).to_string(), "sound articles in {view}");
    }
    let letters = mill.read("articles.raw.dlq");
    assert_eq!(letters.len(), dead);
    for (number, case) in cases.iter().enumerate() {
        let place = places[number * 2 + 1];
        match &case.becomes {
            Becomes::DeadLetter(reason, part) => dead_letter(&mill, &letters, case, place, (reason, part)),
            Becomes::Screened(id, screen) => {
                assert_eq!(
                    mill.ask(&format!("SELECT screen, text_chars < 1000 FROM articles_v WHERE article_id = '{id}'")),
                    format!("{screen}\t1")
                );
                assert_eq!(mill.ask(&format!("SELECT count() FROM signals_v WHERE source_id = '{id}'")), "0");
            }
            Becomes::Analysed(id, check, expected) => {
                let origin = format!("{}/{}/{}", mill.topic("articles.raw"), place.0, place.1);
                let (row, analysis, signal) = rows(&mill, id);
                assert_eq!([&row, &analysis, &signal], [&origin; 3], "{}", case.name);
                let found = mill.ask(&format!("SELECT {check} FROM articles_v WHERE article_id = '{id}'"));
                assert_eq!(found, *expected, "{}: {check}", case.name);
            }
            Becomes::Superseded(id) => {
                assert_eq!(mill.ask(&format!("SELECT count() FROM articles_v WHERE article_id = '{id}'")), "1");
            }
            Becomes::Counted(sample) => assert!(worker.metric(sample) >= 1.0, "{sample}"),
        }
    }
    repetitions(&mill, &mut worker);
}

/// The origins of an article's row, of its analysis and of its signal, each the only one of its view.
fn rows(mill: &Mill, id: &str) -> (String, String, String) {
    let one = |view: &str, column: &str| {
        let sql = format!("SELECT if(count() = 1, any(origin), toString(count())) FROM {view} WHERE {column} = '{id}'");
        mill.ask(&sql)
    };
    (one("articles_v", "article_id"), one("article_analyses_v", "article_id"), one("signals_v", "source_id"))
}

/// The dead letter keeps the record as it was, says why, and has a row under the place of the original.
fn dead_letter(mill: &Mill, letters: &[Seen], case: &Case, place: (i32, i64), expected: (&str, &str)) {
    let name = case.name;
    let origin = format!("{}/{}/{}", mill.topic("articles.raw"), place.0, place.1);
    let letter = letters.iter().find(|letter| letter.header("dlq.origin") == origin);
    let letter = letter.unwrap_or_else(|| panic!("{name}: no dead letter of {origin}"));
    assert_eq!(letter.key, case.key, "{name}");
    assert!(letter.value == case.value, "{name}: other bytes");
    let before: Vec<_> = headers().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    assert_eq!(letter.headers[..before.len()], before, "{name}");
    let added: Vec<&str> = letter.headers[before.len()..].iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        added,
        ["dlq.reason", "dlq.error", "dlq.stage", "dlq.origin", "dlq.attempts", "dlq.spent_usd", "dlq.at"],
        "{name}"
    );
    assert_eq!(letter.header("dlq.reason"), expected.0, "{name}: {}", letter.header("dlq.error"));
    assert!(letter.header("dlq.error").contains(expected.1), "{name}: {}", letter.header("dlq.error"));
    assert!(!letter.header("dlq.error").contains("SECRET"), "{name}: {}", letter.header("dlq.error"));
    assert_eq!((letter.header("dlq.stage"), letter.header("dlq.attempts")), ("window/decode", "1"), "{name}");
    assert_eq!(letter.header("dlq.spent_usd"), "0.00", "{name}");

    let value = case.value.as_deref().unwrap();
    let columns = "reason, error = '{error}', stage, attempts, spent_usd, ifNull(hex(key), 'NULL'), length(payload), \
                   hex(SHA256(payload)), arrayMap(h -> (h.1, hex(h.2)), headers)";
    let columns = columns.replace("{error}", &letter.header("dlq.error").replace('\\', "\\\\").replace('\'', "\\'"));
    let topic = mill.topic("articles.raw");
    let sql = format!(
        "SELECT {columns} FROM dead_letters_v WHERE topic = '{topic}' AND partition = {} AND offset = {}",
        place.0, place.1
    );
    let key = case.key.as_deref().map_or("NULL".to_owned(), hex);
    let pairs: Vec<String> = headers().iter().map(|(name, value)| format!("('{name}','{}')", hex(value))).collect();
    assert_eq!(
        mill.ask(&sql),
        format!(
            "{}\t1\twindow/decode\t1\t0\t{key}\t{}\t{}\t[{}]",
            expected.0,
            value.len(),
            hex(&Sha256::digest(value)),
            pairs.join(",")
        ),
        "{name}"
    );
}

/// What came twice: once analysed with the same text, twice with another, and the views show the newest.
fn repetitions(mill: &Mill, worker: &mut Worker) {
    let analyses = mill.decoded::<Analysis>();
    let of = |id: &str| analyses.iter().filter(|(_, analysis)| analysis.article_id == id).count();
    assert_eq!((of("same-text"), of("other-text")), (1, 2));
    let duplicates = worker.metric("signalmill_records_total{stage=\"window/articles\",outcome=\"duplicate\"}");
    assert!((duplicates - 1.0).abs() < f64::EPSILON, "{duplicates}");
    let letters = worker.metric(&format!(
        "signalmill_dead_letters_total{{topic=\"{}\",reason=\"too_large\"}}",
        mill.topic("articles.raw")
    ));
    assert!((letters - 1.0).abs() < f64::EPSILON, "{letters}");
}
