//! The wire: how records of every topic become bytes and come back.
//!
//! ```text
//! bytes ──Codec::decode──► record            JSON (input topics only), single-object Avro, Confluent framing
//!            │  NeedsSchema(id) ──Codec::learn──► Registry   (the only part that waits)
//! record ──Codec::encode──► bytes            single-object, or Confluent framing where a registry is configured
//! ```
//!
//! A record that cannot be read is a [`Refusal`] with its [`Reason`]: it goes to a dead letter. A registry that does not
//! answer is a [`registry::Error`]: it stops the hop, and nothing is dead-lettered for it (law 8).
//!
//! # Evolution
//! `schemas/avro/<topic>/v<N>.avsc` holds every version that was ever written; the highest writes. A new version is a
//! file and its number in [`catalog`]. It may add fields that have a default and symbols to enums that have one; it may
//! drop fields that have a default. Roll out readers before writers: without a registry an older binary has no way to
//! learn a newer schema and refuses such records as `unknown_schema`.
//!
//! Invariants: nothing here keeps a payload in an error, recurses by the depth of its input, or reserves more than
//! [`ALLOCATION_BYTES_MAX`] because a length prefix says so.

mod body;
mod canonical;
pub mod catalog;
mod codec;
mod frame;
mod fuzzed;
pub mod headers;
mod json;
mod reader;
mod refusal;
pub mod registry;
mod schema;

pub use body::ALLOCATION_BYTES_MAX;
pub use catalog::{CATALOG, Record, Topic};
pub use codec::{Codec, Undecoded, Unread, Unwritable};
pub use frame::is_framed;
pub(crate) use fuzzed::read_by_schema_of_others;
pub use refusal::{ERROR_CHARS_MAX, Reason, Refusal};
pub use registry::{Registry, SchemaId};
pub use schema::{SCHEMA_BYTES_MAX, Unfit, fingerprint};
