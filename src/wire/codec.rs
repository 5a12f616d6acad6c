//! Bytes to records and back, one codec a topic, built once a hop and shared by its threads.
//!
//! # Formats
//! * Avro single-object encoding: `C3 01`, the schema's CRC-64-AVRO fingerprint (little endian), the body. Always read;
//!   written where no registry is configured.
//! * Confluent framing: `00`, the schema id (4 bytes, big endian), the body. Read and written where a registry is.
//! * JSON, read on the topics whose type takes it: an object, after an optional byte order mark and white space.
//!
//! # Speed
//! Records of the newest schema are decoded from the bytes into the type, without a tree between. Records of another
//! schema go through Avro's resolution, about three times slower: that is for the time of a rollout, or a replay of
//! old data. Readers and writers are made once, never per record.
//!
//! Decoding never waits. A Confluent id that is not known yet is [`Undecoded::NeedsSchema`]; the caller awaits
//! [`Codec::learn`] and decodes again, or uses [`Codec::read`], which does both.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use apache_avro::Schema;
use apache_avro::writer::datum::GenericDatumWriter;
use parking_lot::RwLock;
use tokio::runtime::Handle;

use super::body::{ALLOCATION_BYTES_MAX, bound_allocations};
use super::canonical::{self, Fingerprint};
use super::catalog::Record;
use super::frame::{CONFLUENT, Frame, SINGLE_OBJECT};
use super::reader::Reader;
use super::refusal::{Reason, Refusal, bounded};
use super::registry::{self, Registry, SchemaId};
use super::schema::{self, Unfit};
use crate::model::Timestamp;

/// How many schema ids a codec keeps readers for. Beyond it, it forgets them all and asks again.
const LEARNED_MAX: usize = 256;
/// How long an id that the registry does not have, or whose schema is of no use, is refused without asking again: a
/// registry's replicas may lag behind its leader, and a flood of bad records must not become a flood of requests.
const UNREADABLE_FOR: Duration = Duration::from_secs(10);

/// Encodes and decodes the records of one topic.
pub struct Codec<T> {
    schema: &'static Schema,
    writer: GenericDatumWriter<'static>,
    fingerprint: Fingerprint,
    newest: Reader,
    older: Vec<(Fingerprint, Reader)>,
    /// What stands before the body of a record that we write.
    header: Vec<u8>,
    confluent: Option<Confluent>,
    record_bytes_max: usize,
    marker: PhantomData<fn() -> T>,
}

struct Confluent {
    registry: Arc<Registry>,
    learned: RwLock<HashMap<SchemaId, Learned>>,
}

#[derive(Clone)]
enum Learned {
    /// The newest schema under this id.
    Newest,
    Another(Arc<Reader>),
    Unreadable {
        error: Arc<str>,
        until: Timestamp,
    },
}

/// Why bytes are not a record yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undecoded {
    /// They never will be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// They may be, after [`Codec::learn`] with this id.
    #[error("schema id {0} is not known yet")]
    NeedsSchema(SchemaId),
}

/// Why [`Codec::read`] has no record.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// The bytes never will be one: dead letter.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The registry did not say: stop, commit nothing, try again later.
    #[error(transparent)]
    Registry(#[from] registry::Error),
}

/// A record that its schema has no place for. The schemas in the catalog fit their types (a test says so), so this is
/// a value out of range, such as an amount above nine billion dollars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a record of {topic} cannot be written: {error}")]
pub struct Unwritable {
    /// The topic, without a prefix.
    pub topic: &'static str,
    /// What does not fit.
    pub error: String,
}

impl<T: Record> Codec<T> {
    /// A codec that writes single-object encoding. Records above `record_bytes_max`, or above 32 MiB, are refused.
    ///
    /// # Errors
    /// A schema of the catalog is broken.
    pub fn new(record_bytes_max: usize) -> Result<Self, Unfit> {
        Self::with_versions(T::VERSIONS, record_bytes_max)
    }

    /// A codec that writes Confluent framing: registers the newest schema under `<topic>-value`, where `topic` is the
    /// real name, with its prefix.
    ///
    /// # Errors
    /// The registry cannot be reached, or does not take the schema.
    pub async fn connect(
        registry: Arc<Registry>,
        topic: &str,
        record_bytes_max: usize,
    ) -> Result<Self, registry::Error> {
        let mut codec = Self::new(record_bytes_max)?;
        let newest = T::VERSIONS.last().copied().unwrap_or_default();
        let id = registry.register(&format!("{topic}-value"), newest).await?;
        codec.header.clear();
        codec.header.push(CONFLUENT);
        codec.header.extend_from_slice(&id.0.to_be_bytes());
        codec.confluent = Some(Confluent { registry, learned: RwLock::new(HashMap::from([(id, Learned::Newest)])) });
        Ok(codec)
    }

    /// A codec that reads what others wrote through a registry, and registers nothing. It writes single-object
    /// encoding.
    ///
    /// # Errors
    /// A schema of the catalog is broken.
    pub fn reading(registry: Arc<Registry>, record_bytes_max: usize) -> Result<Self, Unfit> {
        let mut codec = Self::new(record_bytes_max)?;
        codec.confluent = Some(Confluent { registry, learned: RwLock::default() });
        Ok(codec)
    }

    /// As [`Codec::new`], with other schema texts, oldest first.
    ///
    /// # Errors
    /// A schema is broken, or there is none, or the process lets the decoder allocate too much.
    pub fn with_versions<S: AsRef<str>>(versions: &[S], record_bytes_max: usize) -> Result<Self, Unfit> {
        bound_allocations()?;
        let mut schemas = Vec::with_capacity(versions.len());
        for text in versions {
            schemas.push(schema::parse(text.as_ref())?);
        }
        let Some((&newest, older)) = schemas.split_last() else {
            return Err(Unfit::new(format!("{} has no schema", T::TOPIC)));
        };
        let mut readers = Vec::with_capacity(older.len());
        for (number, schema) in (1..).zip(older) {
            let reader = Reader::new(schema, newest, format!("v{number}"))?;
            readers.push((canonical::fingerprint(schema), reader));
        }
        let fingerprint = canonical::fingerprint(newest);
        Ok(Self {
            schema: newest,
            writer: GenericDatumWriter::builder(newest)
                .human_readable(false)
                .build()
                .map_err(|error| Unfit::new(error.to_string()))?,
            fingerprint,
            newest: Reader::new(newest, newest, format!("v{}", versions.len()))?,
            older: readers,
            header: [&SINGLE_OBJECT[..], &fingerprint].concat(),
            confluent: None,
            record_bytes_max: record_bytes_max.min(ALLOCATION_BYTES_MAX),
            marker: PhantomData,
        })
    }

    /// Appends the bytes of `record` to `out`.
    ///
    /// # Errors
    /// The record does not fit the schema; `out` is as it was.
    pub fn encode(&self, record: &T, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let start = out.len();
        out.extend_from_slice(&self.header);
        match self.writer.write_ser(out, record) {
            Ok(_) => Ok(()),
            Err(error) => {
                out.truncate(start);
                Err(Unwritable { topic: T::TOPIC, error: bounded(error.to_string()) })
            }
        }
    }

    /// The record that `bytes` say.
    ///
    /// # Errors
    /// [`Undecoded::Refused`] for a dead letter; [`Undecoded::NeedsSchema`] for a schema id that is new to this codec.
    pub fn decode(&self, bytes: &[u8]) -> Result<T, Undecoded> {
        if bytes.len() > self.record_bytes_max {
            let error = format!("{} bytes, above {}", bytes.len(), self.record_bytes_max);
            return Err(Refusal::new(Reason::TooLarge, error).into());
        }
        let record = match Frame::of(bytes) {
            Frame::SingleObject(fingerprint, body) => self.single_object(fingerprint, body)?,
            Frame::Confluent(id, body) => self.framed(id, body)?,
            Frame::Json(json) => from_json(json)?,
            Frame::Unknown(error) => return Err(Refusal::malformed(error).into()),
        };
        record.check()?;
        Ok(record)
    }

    /// Makes sure that this codec knows what stands behind `id`: a reader, or that there is none. Does nothing without
    /// a registry.
    ///
    /// # Errors
    /// The registry could not be asked. That is no property of the record: nothing may be dead-lettered for it.
    pub async fn learn(&self, id: SchemaId) -> Result<(), registry::Error> {
        let Some(confluent) = &self.confluent else {
            return Ok(());
        };
        if confluent.known(id).is_some() {
            return Ok(());
        }
        let learned = match confluent.registry.schema(id).await {
            Ok(text) => self.learned(&text, id),
            Err(registry::Error::NoSchema { message, .. }) => Err(Unfit::new(message)),
            Err(error) => return Err(error),
        };
        confluent.keep(id, learned);
        Ok(())
    }

    /// As [`Codec::read`], on a thread of a runtime that may block.
    ///
    /// # Errors
    /// As [`Codec::read`].
    pub fn read_blocking(&self, bytes: &[u8]) -> Result<T, Unread> {
        match self.decode(bytes) {
            Ok(record) => Ok(record),
            Err(Undecoded::Refused(refusal)) => Err(refusal.into()),
            Err(Undecoded::NeedsSchema(_)) => Handle::current().block_on(self.read(bytes)),
        }
    }

    /// The record that `bytes` say, asking the registry where needed.
    ///
    /// # Errors
    /// As [`Codec::decode`] and [`Codec::learn`].
    pub async fn read(&self, bytes: &[u8]) -> Result<T, Unread> {
        match self.decode(bytes) {
            Ok(record) => return Ok(record),
            Err(Undecoded::Refused(refusal)) => return Err(refusal.into()),
            Err(Undecoded::NeedsSchema(id)) => self.learn(id).await?,
        }
        match self.decode(bytes) {
            Ok(record) => Ok(record),
            Err(Undecoded::Refused(refusal)) => Err(refusal.into()),
            // Forgotten since: only where hundreds of ids are in use at once.
            Err(Undecoded::NeedsSchema(id)) => {
                Err(registry::Error::Unavailable(format!("schema id {id} was forgotten before it was used")).into())
            }
        }
    }

    fn single_object(&self, fingerprint: Fingerprint, body: &[u8]) -> Result<T, Refusal> {
        if fingerprint == self.fingerprint {
            return self.newest.read(body);
        }
        match self.older.iter().find(|(known, _)| *known == fingerprint) {
            Some((_, reader)) => reader.read(body),
            None => Err(Refusal::new(
                Reason::UnknownSchema,
                format!("{}: no schema with fingerprint {:016x}", T::TOPIC, u64::from_le_bytes(fingerprint)),
            )),
        }
    }

    fn framed(&self, id: SchemaId, body: &[u8]) -> Result<T, Undecoded> {
        let unknown = |error: &str| Refusal::new(Reason::UnknownSchema, error).into();
        let Some(confluent) = &self.confluent else {
            return Err(unknown("Confluent framing, but no schema registry is set"));
        };
        match confluent.known(id) {
            None => Err(Undecoded::NeedsSchema(id)),
            Some(Learned::Newest) => Ok(self.newest.read(body)?),
            Some(Learned::Another(reader)) => Ok(reader.read(body)?),
            Some(Learned::Unreadable { error, .. }) => Err(unknown(&format!("{}: schema id {id}: {error}", T::TOPIC))),
        }
    }

    fn learned(&self, text: &str, id: SchemaId) -> Result<Learned, Unfit> {
        let writer = schema::parse(text)?;
        if canonical::fingerprint(writer) == self.fingerprint {
            return Ok(Learned::Newest);
        }
        let reader = Reader::new(writer, self.schema, format!("schema id {id}"))?;
        Ok(Learned::Another(Arc::new(reader)))
    }
}

impl<T: Record> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec({})", T::TOPIC)
    }
}

impl Confluent {
    fn known(&self, id: SchemaId) -> Option<Learned> {
        let learned = self.learned.read().get(&id).cloned()?;
        match learned {
            Learned::Unreadable { until, .. } if self.registry.now() >= until => None,
            known => Some(known),
        }
    }

    fn keep(&self, id: SchemaId, learned: Result<Learned, Unfit>) {
        let learned = learned.unwrap_or_else(|unfit| Learned::Unreadable {
            error: unfit.0.into(),
            until: self.registry.now().plus(UNREADABLE_FOR),
        });
        let mut all = self.learned.write();
        if all.len() >= LEARNED_MAX && !all.contains_key(&id) {
            all.retain(|_, learned| !matches!(learned, Learned::Unreadable { .. }));
        }
        if all.len() >= LEARNED_MAX && !all.contains_key(&id) {
            all.clear();
        }
        all.insert(id, learned);
    }
}

fn from_json<T: Record>(json: &[u8]) -> Result<T, Refusal> {
    let text = std::str::from_utf8(json).map_err(|error| {
        let place = error.valid_up_to();
        Refusal::malformed(format!("invalid UTF-8 at byte {place} of the JSON text"))
    })?;
    T::from_json(text).unwrap_or_else(|| {
        let error = format!("wrong magic byte: {} takes Avro, not JSON", T::TOPIC);
        Err(Refusal::malformed(error))
    })
}
