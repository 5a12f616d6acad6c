//! What Kafka and the schema registry bring: records of every topic, their headers, schemas of others.

use std::borrow::Cow;
use std::sync::LazyLock;

use bytes::Bytes;

use super::halves;
use crate::model::{
    Analysis, ArticleBatch, Cancellation, ChartInContext, Deferral, Job, JobEvent, Learned, LedgerEntry, MarketBatch,
    Pending, RawArticle, Series, Signal, WorkerReport,
};
use crate::wire::headers::{self, DeadLetter, Headers, Tags};
use crate::wire::{self, ALLOCATION_BYTES_MAX, Codec, ERROR_CHARS_MAX, Record, Undecoded};

type Check = Box<dyn Fn(&[u8]) + Send + Sync>;

/// A codec of every topic, made once.
static CHECKS: LazyLock<Vec<Check>> = LazyLock::new(|| {
    vec![
        check::<RawArticle>(),
        check::<ArticleBatch>(),
        check::<Analysis>(),
        check::<Series>(),
        check::<MarketBatch>(),
        check::<ChartInContext>(),
        check::<Learned>(),
        check::<Pending>(),
        check::<Signal>(),
        check::<Deferral>(),
        check::<LedgerEntry>(),
        check::<Job>(),
        check::<JobEvent>(),
        check::<Cancellation>(),
        check::<WorkerReport>(),
    ]
});

/// A record of any topic. What is read can be written, read again, and is the same then; what is refused is told in a
/// short text.
///
/// # Panics
/// A law is broken.
pub fn records(bytes: &[u8]) {
    assert_eq!(CHECKS.len(), wire::CATALOG.len(), "every topic of the catalog is read");
    for check in &*CHECKS {
        check(bytes);
    }
}

fn check<T: Record>() -> Check {
    let codec = Codec::<T>::new(ALLOCATION_BYTES_MAX);
    Box::new(move |bytes| {
        let Ok(codec) = &codec else { unreachable!("the catalog's schemas fit their types") };
        let record = match codec.decode(bytes) {
            Ok(record) => record,
            Err(Undecoded::Refused(refusal)) => {
                let chars = refusal.error.chars().count();
                assert!((1..=ERROR_CHARS_MAX).contains(&chars), "a refusal says why, shortly: {refusal}");
                return;
            }
            Err(Undecoded::NeedsSchema(id)) => unreachable!("no registry is set, and {id} was asked for"),
        };
        let mut written = Vec::new();
        // A number that the schema has no room for, such as an amount above nine billion dollars.
        if codec.encode(&record, &mut written).is_err() {
            return;
        }
        let mut twice = Vec::new();
        let again = codec.decode(&written).map(|record| codec.encode(&record, &mut twice));
        assert_eq!(again, Ok(Ok(())), "{}: what was written can be read", T::TOPIC);
        assert_eq!(twice, written, "{}: what was written is read as it was", T::TOPIC);
    })
}

/// The headers of a record, `name=value` a line. What is read is the same when it is written and read again.
///
/// # Panics
/// A law is broken.
pub fn headers(bytes: &[u8]) {
    let lines = bytes.split(|byte| *byte == b'\n');
    let pairs = lines.filter_map(|line| {
        let end = line.iter().position(|byte| *byte == b'=')?;
        Some((String::from_utf8_lossy(&line[..end]).into_owned(), &line[end + 1..]))
    });
    let mut given: Headers = pairs.map(|(name, value)| (Cow::Owned(name), Bytes::copy_from_slice(value))).collect();
    let tags = Tags::read(&given);
    let letter = DeadLetter::read(&given);
    let _ = headers::command(&given);
    tags.write(&mut given);
    assert_eq!(Tags::read(&given), tags, "tags are read as they were written");
    if let Some(letter) = letter {
        letter.write(&mut given);
        assert_eq!(DeadLetter::read(&given), Some(letter), "a dead letter is read as it was written");
    }
}

/// A schema of somebody else, as the registry gives it; behind a NUL a body that was written by it. A schema that is
/// taken has no type that contains itself and none without bytes, so that no body costs more than its length allows.
pub fn schemas(bytes: &[u8]) {
    let (schema, _) = halves(bytes);
    let body = bytes.get(schema.len() + 1..).unwrap_or_default();
    wire::read_by_schema_of_others(&schema, body);
}
