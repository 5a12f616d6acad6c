//! The bound against two real tokenizers: on news, on hostile texts, and on every word of the list.

use std::fs;

use proptest::prelude::*;
use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

use super::*;

/// More than the true count on English prose is a hold that is too large: money that cannot be used meanwhile.
const WASTE_PERCENT_MAX: u64 = 160;

fn tokenizers() -> [(&'static str, &'static CoreBPE); 2] {
    [("o200k_base", o200k_base_singleton()), ("cl100k_base", cl100k_base_singleton())]
}

/// Fails where a tokenizer makes more of the text.
fn check(text: &str) {
    let bound = input_tokens_max(text);
    for (name, tokenizer) in tokenizers() {
        let count = tokenizer.count_ordinary(text) as u64;
        assert!(count <= bound, "{name}: {count} tokens, at most {bound} expected: {text:?}");
    }
}

#[test]
fn counts_are_what_the_rules_say() {
    for (text, tokens) in [
        ("", 0),
        (" ", 1),
        ("   ", 3),
        // Words of the list, with the space before them.
        ("the", 1),
        (" the market", 2),
        // Two spaces do not go with the word.
        ("  the", 3),
        // Pieces of two letters: at most every other token is a single one. No pieces of two: the space takes one letter.
        ("azer", 3),
        (" qzjx", 4),
        // Digits and marks are bytes.
        ("$1,234.5", 8),
        ("don't", 3),
        ("Bitcoin’s", 6),
        // Other scripts are bytes, and a word among them is none of the list.
        ("日本", 6),
        ("éthe", 4),
        ("🦀", 4),
    ] {
        assert_eq!(input_tokens_max(text), tokens, "{text:?}");
    }
    assert_eq!(question_tokens_max(&["the", "the"]), 2 * (1 + FRAME_TOKENS));
}

#[test]
fn the_list_holds_for_every_word_wherever_it_may_stand() {
    assert!(PIECES.words.len() > 15_000, "{}", PIECES.words.len());
    for word in PIECES.words.keys() {
        for (before, after) in [
            ("", ""),
            (" ", ""),
            (" ", "'s"),
            (" ", "’s"),
            ("\n", "."),
            ("(", ")"),
            ("“", "”"),
            ("-", "-"),
            ("@", "'LL"),
        ] {
            check(&format!("{before}{word}{after}"));
        }
    }
}

#[test]
fn hostile_texts_stay_below_the_bound() {
    let zalgo: String = "bitcoin".chars().flat_map(|letter| [letter, '\u{301}', '\u{316}', '\u{489}']).collect();
    for text in [
        "🚀🚀🌕👩‍👩‍👧‍👦🏳️‍🌈 to the moon 🇺🇸",
        "比特币突破十万美元，创历史新高。",
        "ビットコインが急騰、過去最高値を更新しました。",
        "비트코인 사상 최고가 경신",
        "Биткоин вырос на 4 % после решения регулятора",
        "ارتفع سعر البيتكوين إلى مستوى قياسي",
        "3141592653589793238462643383279502884197169399375105820974944592307816406286",
        "0xdeadbeef00c0ffee1337f00dbaadcafe8badf00d",
        "TWFuIGlzIGRpc3Rpbmd1aXNoZWQsIG5vdCBvbmx5IGJ5IGhpcyByZWFzb24sIGJ1dCBieSB0aGlz",
        "a\u{200b}b\u{200c}c\u{200d}d\u{2060}e\u{feff}f",
        "\t\t\t\n\n\n   \r\n \u{a0}\u{3000}\u{2003}",
        "qzjxkvwqzjxkvw QZJXKVWQZJXKVW qZjXkVwqZjXkVw",
        "it'sample he'llo we'RElentless 'tis 'twas o'clock 'ſ",
        "<|endoftext|><start_of_turn><unused12><h1>[toxicity=0]",
        &zalgo,
        &"A".repeat(1000),
        &"'".repeat(1000),
        &" \u{301}".repeat(300),
        &"aA".repeat(300),
    ] {
        check(text);
    }
}

/// Words of the list, broken and glued as no language does.
fn broken_words() -> impl Strategy<Value = String> {
    let mut words: Vec<&str> = PIECES.words.keys().copied().collect();
    words.sort_unstable();
    let glue = prop::sample::select(vec![" ", "", "'", "’", "-", "\n", "  ", "'s ", "1", "é", "\"", "(", "_", "\t"]);
    let part = (prop::sample::select(words), 0..12_usize, glue)
        .prop_map(|(word, kept, glue)| format!("{}{glue}", &word[..kept.min(word.len())]));
    prop::collection::vec(part, 1..12).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_text_passes_the_bound(text in "\\PC{0,80}", letters in "[a-zA-Z' ]{0,80}", bytes in "[ -~\\t\\n]{0,80}", words in broken_words()) {
        for text in [&text, &letters, &bytes, &words] {
            check(text);
        }
    }

    #[test]
    fn what_is_joined_is_bounded_by_its_parts(left in "[a-z ,']{0,30}", right in "\\PC{0,30}") {
        // A space belongs to the word behind it: apart, each costs at most one more.
        let joined = [left.as_str(), right.as_str()].join("\n");
        prop_assert!(input_tokens_max(&joined) <= input_tokens_max(&left) + 1 + input_tokens_max(&right));
    }
}

/// Bound divided by true count, in percent: least, median, 95th percentile, most.
fn ratios(texts: &[String], tokenizer: &CoreBPE) -> [u64; 4] {
    let ratio = |text: &String| input_tokens_max(text) * 100 / tokenizer.count_ordinary(text) as u64;
    let mut ratios: Vec<u64> = texts.iter().map(ratio).collect();
    ratios.sort_unstable();
    [0, ratios.len() / 2, ratios.len() * 95 / 100, ratios.len() - 1].map(|at| ratios[at])
}

/// Titles and bodies of a file of articles, those that a program would take.
fn articles(file: &str) -> Option<Vec<String>> {
    let lines = fs::read(file).ok()?;
    let text = String::from_utf8_lossy(&lines);
    let read = |line: &str| {
        let article: serde_json::Value = serde_json::from_str(line).ok()?;
        let body = article["body"].as_str().filter(|body| body.len() > 500)?;
        Some(format!("{}\n{body}", article["title"].as_str()?))
    };
    Some(text.lines().filter_map(read).collect())
}

#[test]
fn news_is_not_held_for_much_more_than_it_has() {
    let root = env!("CARGO_MANIFEST_DIR");
    let environment = crate::config::Environment::process();
    let shared = environment.get("SIGNALMILL_DATA").map_or_else(|| format!("{root}/../shared/data"), str::to_owned);
    for file in [format!("{root}/deploy/local/samples/articles.jsonl"), format!("{shared}/articles-oss/articles.jsonl")]
    {
        let Some(texts) = articles(&file) else {
            println!("skipped: {file} is not there");
            continue;
        };
        assert!(texts.len() > 50, "{file}");
        for (name, tokenizer) in tokenizers() {
            let [least, median, high, most] = ratios(&texts, tokenizer);
            println!("{name}, {} texts of {file}: {least} %, {median} %, {high} %, {most} %", texts.len());
            assert!(least >= 100 && median <= WASTE_PERCENT_MAX, "{file}: {least} % to {median} %");
        }
    }
}
