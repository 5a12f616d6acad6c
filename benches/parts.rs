//! What one article costs, step by step, on one thread: `cargo bench --bench parts -- [--articles N] [--json]`.
//!
//! Every step runs over the same varied articles; its time is the best of several rounds, the one that other programs
//! disturbed least. `x decode` holds it against the bare parse of the JSON record.

mod articles;
mod options;
mod report;

use std::hint::black_box;
use std::time::Instant;

use signalmill::bare::Bare;
use signalmill::clock::Clock;
use signalmill::flow::Record;
use signalmill::kafka::ARTICLES_RAW;
use signalmill::model::{Analysis, Article, ArticleBatch, CloseReason, Id, RawArticle, Signal, Timestamp};
use signalmill::wire::{ALLOCATION_BYTES_MAX, Codec, Record as _};

use options::Options;
use report::Report;

const ROUNDS: usize = 15;
/// Articles in a batch, as `articles.batch_size` has it.
const BATCH: usize = 10;

fn main() -> anyhow::Result<()> {
    let options = Options::of_process();
    let count = options.number("--articles", 2_000)?;
    let bytes = usize::try_from(options.number("--bytes", 4_400)?)?;
    let bare = Bare::new(Clock::system())?;
    let json: Vec<Vec<u8>> = (0..count).map(|number| articles::json(number, bytes)).collect::<anyhow::Result<_>>()?;
    let raw: Vec<RawArticle> = json.iter().filter_map(|json| bare.decode(json).ok()).collect();
    let place = place();
    let clean: Vec<Article> = raw.iter().map(|raw| bare.clean(raw.clone(), &place)).collect();
    let analyses: Vec<Analysis> = clean.iter().filter_map(|article| bare.analyze(article.clone())).collect();
    let signals: Vec<Signal> = analyses.iter().filter_map(|analysis| bare.score(analysis.clone())).collect();

    let decode = best(&json, |json| bare.decode(json).is_ok());
    let mut report = Report::new("parts", options.json());
    let mut row =
        |what: &str, micros: f64| report.row(what, vec![("us/article", micros), ("x decode", micros / decode)]);
    row("decode JSON", decode);
    row("decode Avro", best(&avro(&raw)?, |avro| bare.decode(avro).is_ok()));
    let mut copies = raw.clone().into_iter().cycle();
    row("copy (in the steps below)", best(&raw, Clone::clone));
    row("clean", best(&raw, |_| copies.next().map(|raw| bare.clean(raw, &place))));
    row("analyse", best(&clean, |article| bare.analyze(article.clone())));
    row("score", best(&analyses, |analysis| bare.score(analysis.clone())));
    let mut out = Vec::new();
    row("encode signal", best(&signals, |signal| written(&mut out, |out| bare.encode(signal, out).is_ok())));
    for (what, micros) in carried(&clean, &analyses)? {
        row(what, micros);
    }
    report.print();
    Ok(())
}

/// The same articles as producers send them in Avro.
fn avro(raw: &[RawArticle]) -> anyhow::Result<Vec<Vec<u8>>> {
    let codec: Codec<RawArticle> = Codec::new(ALLOCATION_BYTES_MAX)?;
    let mut all = Vec::with_capacity(raw.len());
    for article in raw {
        let mut bytes = Vec::new();
        codec.encode(article, &mut bytes)?;
        all.push(bytes);
    }
    Ok(all)
}

/// What the topics between the hops cost: a batch is counted as its articles.
fn carried(clean: &[Article], analyses: &[Analysis]) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let batches: Codec<ArticleBatch> = Codec::new(ALLOCATION_BYTES_MAX)?;
    let codec: Codec<Analysis> = Codec::new(ALLOCATION_BYTES_MAX)?;
    let gathered: Vec<ArticleBatch> = clean.chunks(BATCH).map(batch).collect();
    let mut out = Vec::new();
    let mut encoded = |encode: &mut dyn FnMut(&mut Vec<u8>)| {
        out.clear();
        encode(&mut out);
        out.clone()
    };
    let batch_bytes: Vec<Vec<u8>> =
        gathered.iter().map(|batch| encoded(&mut |out| drop(batches.encode(batch, out)))).collect();
    let analysis_bytes: Vec<Vec<u8>> =
        analyses.iter().map(|analysis| encoded(&mut |out| drop(codec.encode(analysis, out)))).collect();
    let a_batch = f64::from(u32::try_from(BATCH)?);
    let mut out = Vec::new();
    let mut rows = vec![(
        "encode in batches",
        best(&gathered, |batch| written(&mut out, |out| batches.encode(batch, out).is_ok())) / a_batch,
    )];
    rows.push(("decode in batches", best(&batch_bytes, |bytes| batches.decode(bytes).is_ok()) / a_batch));
    let other: Codec<ArticleBatch> = Codec::with_versions(&another_version(), ALLOCATION_BYTES_MAX)?;
    rows.push(("decode of another version", best(&batch_bytes, |bytes| other.decode(bytes).is_ok()) / a_batch));
    rows.push((
        "encode analysis",
        best(analyses, |analysis| written(&mut out, |out| codec.encode(analysis, out).is_ok())),
    ));
    rows.push(("decode analysis", best(&analysis_bytes, |bytes| codec.decode(bytes).is_ok())));
    Ok(rows)
}

/// Today's schema as an older one, and one that differs in its name only as the newest.
fn another_version() -> [String; 2] {
    let today = ArticleBatch::VERSIONS.last().copied().unwrap_or_default();
    [today.to_owned(), today.replacen("\"signalmill\"", "\"elsewhere\"", 1)]
}

fn batch(articles: &[Article]) -> ArticleBatch {
    ArticleBatch {
        batch_id: Id("0123456789abcdef0123456789abcdef".into()),
        session_id: "2026-11-20".into(),
        account: "articles".into(),
        run_id: "live".into(),
        opened_at: Timestamp(1_795_168_801_000),
        closed_at: Timestamp(1_795_168_806_000),
        close_reason: CloseReason::Count,
        articles: articles.to_vec(),
        screened: Vec::new(),
    }
}

fn place() -> Record {
    Record {
        topic: ARTICLES_RAW.into(),
        partition: 3,
        offset: 123_456,
        epoch: 0,
        timestamp: Timestamp(1_795_168_801_234),
        key: None,
        value: None,
        headers: Vec::new(),
        hold: None,
    }
}

fn written(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
    out.clear();
    encode(out)
}

/// Microseconds an item, in the best round.
fn best<T, R>(items: &[T], mut work: impl FnMut(&T) -> R) -> f64 {
    let count = f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
    let round = |_| {
        let start = Instant::now();
        for item in items {
            drop(black_box(work(black_box(item))));
        }
        start.elapsed().as_secs_f64() * 1e6 / count
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}
