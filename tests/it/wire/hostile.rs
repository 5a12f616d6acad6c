//! Bytes that are no record: each has its reason, nothing panics, and little memory is taken.

use std::fmt::Debug;

use proptest::prelude::*;
use signalmill::model::{
    Analysis, ArticleBatch, Deferral, LedgerEntry, NanoUsd, RawArticle, Signal, Spend, SpendOutcome,
};
use signalmill::wire::{Codec, ERROR_CHARS_MAX, Reason, Record, Refusal, Undecoded};

use super::{HEADER, RECORD_BYTES_MAX, codec, encoded, samples};

/// The most that decoding may hold at any time beside its input: one false length prefix of at most 32 MiB, and what
/// the budget of reads allows.
const HEAP_BYTES_MAX: u64 = 96 << 20;

fn refusal<T: Record + Debug>(codec: &Codec<T>, bytes: &[u8]) -> Refusal {
    match codec.decode(bytes) {
        Err(Undecoded::Refused(refusal)) => {
            assert!(refusal.error.chars().count() <= ERROR_CHARS_MAX);
            refusal
        }
        other => panic!("{other:?}"),
    }
}

fn zigzag(number: i64) -> Vec<u8> {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    while rest > 0x7F {
        bytes.push((rest & 0x7F) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push((rest & 0x7F) as u8);
    bytes
}

/// The bytes are refused for this reason, with this part of a text, and without a word of the payload.
fn check<T: Record + Debug>(bytes: &[u8], reason: Reason, part: &str) {
    let refusal = refusal(&codec::<T>(), bytes);
    assert_eq!(refusal.reason, reason, "{refusal}");
    assert!(refusal.error.contains(part), "{refusal}, not {part}");
    assert!(!refusal.error.contains("SECRET"), "{refusal}");
}

#[test]
fn bytes_of_no_format_are_refused() {
    use Reason::{Malformed, UnknownSchema};
    let good = encoded(&samples::raw_article());
    let with = |head: &[u8]| [head, &good[HEADER..]].concat();
    let check = check::<RawArticle>;
    check(b"SECRET, not JSON", Malformed, "wrong magic byte 0x53");
    check(b"[1]", Malformed, "wrong magic byte 0x5b");
    check(b"\"SECRET\"", Malformed, "wrong magic byte 0x22");
    check(b"", Malformed, "empty value");
    check(b"\n\n", Malformed, "empty value");
    check(b"\x00\x00", Malformed, "truncated: 2 bytes");
    check(b"\xC3\x01\x00", Malformed, "truncated: 3 bytes");
    let bytes = with(b"\xC3\x01\x01\x02\x03\x04\x05\x06\x07\x08");
    check(&bytes, UnknownSchema, "fingerprint 0807060504030201");
    check(&with(b"\x00\x00\x00\x00\x07"), UnknownSchema, "no schema registry");
}

#[test]
fn bad_json_is_refused() {
    use Reason::{Invalid, Malformed, TooLarge};
    let check_json = |json: &str, reason, part| check::<RawArticle>(json.as_bytes(), reason, part);
    check_json("{SECRET", Malformed, "line 1 column 2");
    check_json(r#"{"id":"a""#, Malformed, "EOF");
    check_json(r#"{"id":"a","body":5}"#, Malformed, "text in the field body");
    check_json(r#"{"body":"SECRET"}"#, Invalid, "id: missing or empty");
    check_json(r#"{"id":" ","body":"SECRET"}"#, Invalid, "id: missing or empty");
    check_json(&format!(r#"{{"id":"SECRET{}","body":""}}"#, "x".repeat(507)), Invalid, "id: more than 512 bytes");
    check_json(r#"{"id":"SECRET\u0000","body":""}"#, Invalid, "or a control character");
    check_json(r#"{"id":"a","text":"SECRET"}"#, Invalid, "body: missing");
    let bad_text = b"{\"id\":\"a\",\"body\":\"SECRET\xFF\"}";
    check::<RawArticle>(bad_text, Malformed, "invalid UTF-8 at byte 24");
    let huge = format!(r#"{{"id":"a","body":"{}"}}"#, "x".repeat(20 << 20));
    check_json(&huge, TooLarge, "bytes, above 8388608");
    check::<Signal>(b"{}", Malformed, "takes Avro");
}

#[test]
fn bad_avro_is_refused() {
    use Reason::{Invalid, Malformed};
    let good = encoded(&samples::raw_article());
    let (head, len) = (&good[..HEADER], good.len());
    let with = |body: &[u8]| [head, body].concat();
    let check = check::<RawArticle>;
    check(head, Malformed, "truncated, at byte 0 of 0");
    check(&good[..len - 1], Malformed, "articles.raw v1: truncated, at byte");
    check(&[&good[..], b"SECRET"].concat(), Malformed, "6 bytes after the value");
    let lie = "a length of 1152921504606846976 bytes";
    check(&with(&zigzag(1 << 60)), Malformed, lie);
    check(&with(&zigzag(-1)), Malformed, "a length of -1");
    check(&with(&[0xFF; 12]), Malformed, "a number out of range");
    let mut bad_text = good.clone();
    let place = good.windows(4).position(|part| part == b"Spot").unwrap();
    bad_text[place] = 0xFF;
    check(&bad_text, Malformed, "text that is not UTF-8");
    let nameless = RawArticle { body: "SECRET".into(), ..RawArticle::default() };
    check(&encoded(&nameless), Invalid, "id: missing or empty");
    for id in ["\u{e9}".repeat(257), "SECRET\n".into(), "SECRET\u{85}".into()] {
        check(&encoded(&RawArticle { id, ..RawArticle::default() }), Invalid, "id: more than 512 bytes");
    }
}

#[test]
fn what_looks_odd_but_is_no_fault_is_accepted() {
    let codec = codec::<RawArticle>();
    for (json, body) in [
        ("\u{FEFF} \n{\"id\":1,\"body\":\"\"}", ""),
        ("{\"id\":\"a\",\"body\":\"\\u0000\\u001b<b>\",\"published_at\":\"1970-01-01\"}", "\0\u{1b}<b>"),
        ("{\"body\":\"one\",\"id\":\"a\",\"body\":\"two\",\"published_at\":4102444800}\n", "two"),
    ] {
        assert_eq!(codec.decode(json.as_bytes()).unwrap().body, body);
    }
    for id in ["a".into(), "\u{e9}".repeat(256), "https://example.org/?a='\\\"\u{202e}".into()] {
        let empty = RawArticle { id, ..RawArticle::default() };
        assert_eq!(codec.decode(&encoded(&empty)), Ok(empty));
    }
}

#[test]
fn values_that_avro_allows_and_the_types_do_not_are_refused() {
    let bytes = encoded(&samples::analysis());
    // The enum `outcome` follows `attempt`, which is 2 (zigzag 4); analyzed is symbol 0.
    let place = bytes.windows(3).position(|part| part == b"\x04\x00\x0e").unwrap() + 1;
    let refused = |value: Vec<u8>| {
        let mut bytes = bytes.clone();
        bytes.splice(place..=place, value);
        refusal(&codec::<Analysis>(), &bytes).error
    };
    assert!(refused(zigzag(3)).contains("enum symbol 3"));
    assert!(refused(zigzag(-1)).contains("does not fit"));
    assert!(refused(zigzag(1 << 40)).contains("out of range"));

    let bytes = encoded(&samples::signal());
    let cost = bytes.windows(4).position(|part| part == b"\x04v3\x02").unwrap() + 3;
    let mut negative = bytes;
    negative[cost] = 1;
    let refused = refusal(&codec::<Signal>(), &negative);
    assert!(refused.error.contains("below zero"), "{refused}");

    // A hold of 1 nano-dollar that cost 2 and was settled: the three stand side by side, as zigzag 2, 4 and 2.
    let spend = Spend { held: NanoUsd(1), cost: NanoUsd(2), outcome: SpendOutcome::Settled, ..samples::spend() };
    let bytes = encoded(&LedgerEntry { spend: Some(spend), ..LedgerEntry::default() });
    let place = bytes.windows(3).position(|part| part == b"\x02\x04\x02").unwrap();
    for (at, value, part) in [(0, 1, "below zero"), (1, 1, "below zero"), (2, 12, "enum symbol 6")] {
        let mut bytes = bytes.clone();
        bytes[place + at] = value;
        let refused = refusal(&codec::<LedgerEntry>(), &bytes);
        assert!(refused.error.contains(part), "{refused}, not {part}");
    }
}

/// Decodes, and says how many bytes of heap that took at its height.
fn heap<T: Record + Debug>(codec: &Codec<T>, bytes: &[u8]) -> u64 {
    let mut ignored = None;
    let used = allocation_counter::measure(|| ignored = Some(codec.decode(bytes)));
    drop(ignored);
    used.bytes_max
}

#[test]
fn small_lies_take_little_memory() {
    let codec = codec::<ArticleBatch>();
    let empty = ArticleBatch { articles: vec![], screened: vec![], ..samples::batch() };
    let head = encoded(&empty);
    let head = &head[..head.len() - 2];
    // Every text empty, every number zero: 15 bytes that become a record of nine texts.
    let article = [0; 15];
    let room = RECORD_BYTES_MAX - head.len() - 32;
    let many = room / article.len();
    for body in [
        zigzag(1 << 60),
        [zigzag(i64::MIN), zigzag(1 << 60)].concat(),
        [zigzag(1), zigzag(32 << 20)].concat(),
        [zigzag(i64::try_from(many).unwrap()), article.repeat(many)].concat(),
        vec![0xFF; room],
        vec![2; room],
    ] {
        let bytes = [head, &body].concat();
        let used = heap(&codec, &bytes);
        assert!(used < HEAP_BYTES_MAX, "{used} bytes of heap");
        refusal(&codec, &bytes);
    }
    let strings = encoded(&samples::analysis());
    let place = strings.windows(5).position(|part| part == b"\x04\x06BTC").unwrap();
    let bytes = [&strings[..place], &zigzag(8 << 20), &vec![0; 7 << 20]].concat();
    let used = heap(&super::codec::<Analysis>(), &bytes);
    assert!(used < HEAP_BYTES_MAX, "{used} bytes of heap");
    assert!(refusal(&super::codec::<Analysis>(), &bytes).error.contains("more values"));
}

/// Decodes damaged bytes through the newest schema and through resolution.
fn survive<T: Record + Debug>(bytes: &[u8]) {
    let today = T::VERSIONS.last().unwrap().to_string();
    let other = today.replacen("\"signalmill\"", "\"elsewhere\"", 1);
    let resolving = Codec::<T>::with_versions(&[today, other], RECORD_BYTES_MAX).unwrap();
    for codec in [codec::<T>(), resolving] {
        let used = heap(&codec, bytes);
        assert!(used < HEAP_BYTES_MAX, "{used} bytes of heap");
        if let Err(undecoded) = codec.decode(bytes) {
            assert!(undecoded.to_string().chars().count() < ERROR_CHARS_MAX + 20);
        }
    }
}

fn damaged<T: Record + Debug>(good: &[u8], at: usize, with: &[u8], cut: usize) {
    let at = HEADER + at % (good.len() - HEADER);
    let mut bytes = good.to_vec();
    let end = (at + with.len()).min(bytes.len());
    bytes.splice(at..end, with.iter().copied());
    survive::<T>(&bytes);
    bytes.truncate(HEADER + cut % (good.len() - HEADER));
    survive::<T>(&bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn random_bytes_never_panic(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        survive::<RawArticle>(&noise);
        let json = [b"{", &noise[..]].concat();
        survive::<RawArticle>(&json);
        let samples = [
            encoded(&samples::analysis()),
            encoded(&samples::signal()),
            encoded(&samples::batch()),
            encoded(&samples::deferral()),
            encoded(&samples::ledger_entry()),
        ];
        for good in samples {
            let bytes = [&good[..HEADER], &noise].concat();
            survive::<Analysis>(&bytes);
            survive::<Signal>(&bytes);
            survive::<ArticleBatch>(&bytes);
            survive::<Deferral>(&bytes);
            survive::<LedgerEntry>(&bytes);
        }
    }

    #[test]
    fn damaged_records_never_panic(
        at in any::<usize>(),
        with in prop::collection::vec(any::<u8>(), 0..12),
        cut in any::<usize>(),
    ) {
        damaged::<RawArticle>(&encoded(&samples::raw_article()), at, &with, cut);
        damaged::<ArticleBatch>(&encoded(&samples::batch()), at, &with, cut);
        damaged::<Analysis>(&encoded(&samples::analysis()), at, &with, cut);
        damaged::<Signal>(&encoded(&samples::signal()), at, &with, cut);
        damaged::<Deferral>(&encoded(&samples::deferral()), at, &with, cut);
        damaged::<LedgerEntry>(&encoded(&samples::ledger_entry()), at, &with, cut);
    }
}

#[test]
fn every_cut_of_a_record_is_refused() {
    fn check<T: Record + Debug>(good: &[u8]) {
        let today = T::VERSIONS.last().unwrap().to_string();
        let other = today.replacen("\"signalmill\"", "\"elsewhere\"", 1);
        let resolving = Codec::<T>::with_versions(&[today, other], RECORD_BYTES_MAX).unwrap();
        for cut in 0..good.len() {
            assert_eq!(refusal(&codec::<T>(), &good[..cut]).reason, Reason::Malformed);
            assert_eq!(refusal(&resolving, &good[..cut]).reason, Reason::Malformed);
        }
    }
    check::<RawArticle>(&encoded(&samples::raw_article()));
    check::<ArticleBatch>(&encoded(&samples::batch()));
    check::<Analysis>(&encoded(&samples::analysis()));
    check::<Signal>(&encoded(&samples::signal()));
    check::<Deferral>(&encoded(&samples::deferral()));
    check::<LedgerEntry>(&encoded(&samples::ledger_entry()));
}
