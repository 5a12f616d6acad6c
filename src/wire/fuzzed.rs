//! A schema and a body that somebody else wrote, read as the codec reads them after it has asked the registry. For
//! `tests/fuzz/`: the codec keeps every schema for the life of the process, this keeps none.

use apache_avro::reader::datum::GenericDatumReader;

use super::body::{Body, bound_allocations};
use super::schema::{SCHEMA_BYTES_MAX, vetted};

/// Reads that a body may take.
const READS_MAX: u32 = 1 << 16;

/// Reads `body` by the schema that `text` says, if it says one that decoding may follow.
///
/// # Panics
/// The process lets the decoder allocate too much.
pub(crate) fn read_by_schema_of_others(text: &str, body: &[u8]) {
    assert!(bound_allocations().is_ok(), "one length prefix asks for a bounded amount");
    if text.len() > SCHEMA_BYTES_MAX {
        return;
    }
    let Ok(schema) = vetted(text) else { return };
    if let Ok(reader) = GenericDatumReader::builder(&schema).human_readable(false).build() {
        let _ = reader.read_value(&mut Body::new(body, READS_MAX));
    }
}
