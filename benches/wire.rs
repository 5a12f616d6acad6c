//! How long the codecs take for a record, on one thread: `cargo bench --bench wire`.
//!
//! Every figure is the best of several rounds, which is the one that other programs disturbed least, and its median.

use std::hint::black_box;
use std::time::{Duration, Instant};

use signalmill::model::{Article, ArticleBatch, CloseReason, Id, RawArticle, Screen, Timestamp};
use signalmill::wire::Codec;

const RECORD_BYTES_MAX: usize = 8 << 20;
const BODY_BYTES: usize = 4_400;
const ROUNDS: usize = 30;
const ROUND_TIME: Duration = Duration::from_millis(50);

fn measure(what: &str, bytes: usize, mut work: impl FnMut()) {
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let (start, mut times) = (Instant::now(), 0_u32);
        while start.elapsed() < ROUND_TIME {
            work();
            times += 1;
        }
        rounds.push(start.elapsed() / times);
    }
    rounds.sort_unstable();
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "{what:44} {bytes:>6} bytes  best {:>7.2} us  median {:>7.2} us",
        micros(rounds[0]),
        micros(rounds[ROUNDS / 2])
    );
}

fn text() -> String {
    "<p>Spot funds took in $1.2bn, the \"largest\" day since March \u{2014} says CoinDesk.</p>\n"
        .chars()
        .cycle()
        .take(BODY_BYTES)
        .collect()
}

fn batch() -> ArticleBatch {
    let article = |number: i64| Article {
        article_id: format!("news-{number}"),
        title: "Bitcoin ETF inflows: a record".into(),
        text: text(),
        publisher: "CoinDesk".into(),
        url: "https://example.org/a".into(),
        published_at: Timestamp(1_795_168_800_000),
        date_inferred: false,
        received_at: Timestamp(1_795_168_801_234),
        language: "en".into(),
        text_chars: 4_400,
        content_hash: "00112233445566778899aabbccddeeff".into(),
        screen: Screen::None,
        near_duplicate_of: String::new(),
        origin: format!("articles.raw/3/{number}"),
        version: number,
    };
    ArticleBatch {
        batch_id: Id("0123456789abcdef0123456789abcdef".into()),
        session_id: "2026-11-20".into(),
        account: "articles".into(),
        run_id: "live".into(),
        opened_at: Timestamp(1_795_168_801_000),
        closed_at: Timestamp(1_795_168_806_000),
        close_reason: CloseReason::Count,
        articles: (0..10).map(article).collect(),
        screened: Vec::new(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let raw = RawArticle {
        id: "news-1".into(),
        title: "Bitcoin ETF inflows: a record".into(),
        body: text(),
        publisher: "CoinDesk".into(),
        url: "https://example.org/a".into(),
        published_at: "2026-11-20T10:00:00Z".into(),
    };
    let articles: Codec<RawArticle> = Codec::new(RECORD_BYTES_MAX)?;
    let json = serde_json::to_vec(&raw)?;
    let mut avro = Vec::new();
    articles.encode(&raw, &mut avro)?;
    measure("article, decode JSON", json.len(), || {
        drop(black_box(articles.decode(black_box(&json))));
    });
    measure("article, decode Avro", avro.len(), || {
        drop(black_box(articles.decode(black_box(&avro))));
    });

    let newest = ArticleBatch::schema_texts();
    let batches: Codec<ArticleBatch> = Codec::new(RECORD_BYTES_MAX)?;
    let other: Codec<ArticleBatch> = Codec::with_versions(&newest, RECORD_BYTES_MAX)?;
    let batch = batch();
    let mut out = Vec::new();
    batches.encode(&batch, &mut out)?;
    let bytes = out.clone();
    measure("batch of 10, encode", bytes.len(), || {
        out.clear();
        drop(black_box(batches.encode(black_box(&batch), &mut out)));
    });
    measure("batch of 10, decode", bytes.len(), || {
        drop(black_box(batches.decode(black_box(&bytes))));
    });
    measure("batch of 10, decode another version", bytes.len(), || {
        drop(black_box(other.decode(black_box(&bytes))));
    });
    Ok(())
}

/// Today's schema as an older one, and one that differs in its name only as the newest.
trait SchemaTexts {
    fn schema_texts() -> [String; 2];
}

impl<T: signalmill::wire::Record> SchemaTexts for T {
    fn schema_texts() -> [String; 2] {
        let today = T::VERSIONS.last().copied().unwrap_or_default();
        let other = today.replacen("\"signalmill\"", "\"elsewhere\"", 1);
        [today.to_owned(), other]
    }
}
