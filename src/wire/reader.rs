//! Bodies of one schema to records, with errors that say what and where, and quote nothing.

use apache_avro::Schema;
use apache_avro::error::Details;
use apache_avro::reader::datum::GenericDatumReader;

use super::body::{Body, Stop};
use super::catalog::Record;
use super::refusal::Refusal;
use super::schema::Unfit;

/// Reads bodies of one schema.
pub(super) struct Reader {
    avro: GenericDatumReader<'static>,
    /// Whether the schema is not the newest one, so that what is read has to be resolved to it.
    resolves: bool,
    /// For errors: `v1`, `schema id 7`.
    label: String,
}

impl Reader {
    pub(super) fn new(writer: &'static Schema, newest: &'static Schema, label: String) -> Result<Self, Unfit> {
        let resolves = !std::ptr::eq(writer, newest);
        let avro = GenericDatumReader::builder(writer)
            .maybe_reader_schema(resolves.then_some(newest))
            .human_readable(false)
            .build()
            .map_err(|error| Unfit::new(error.to_string()))?;
        Ok(Self { avro, resolves, label })
    }

    pub(super) fn read<T: Record>(&self, bytes: &[u8]) -> Result<T, Refusal> {
        let mut body = Body::new(bytes, T::READS_MAX);
        let read = if self.resolves {
            let value = self.avro.read_value(&mut body);
            value.and_then(|value| apache_avro::from_value(&value))
        } else {
            self.avro.read_deser(&mut body)
        };
        let what = match read {
            Ok(record) if body.remaining() == 0 => return Ok(record),
            Ok(_) => format!("{} bytes after the value", body.remaining()),
            Err(error) => story(error.details(), body.stop()),
        };
        Err(Refusal::malformed(format!(
            "{} {}: {what}, at byte {} of {}",
            T::TOPIC,
            self.label,
            body.position(),
            bytes.len()
        )))
    }
}

/// What is wrong with a body. The crate's own texts may quote the value or the whole schema.
fn story(details: &Details, stop: Option<Stop>) -> String {
    match (stop, details) {
        (Some(Stop::Truncated), _) => "truncated".into(),
        (Some(Stop::Overdrawn), _) => "more values than a record may have".into(),
        (None, Details::ConvertToUtf8(_) | Details::ConvertToUtf8Error(_)) => "text that is not UTF-8".into(),
        (None, Details::MemoryAllocation { desired, .. }) => match desired {
            Some(desired) => format!("a length of {desired} bytes"),
            None => "a length without measure".into(),
        },
        (None, Details::ConvertI64ToUsize(_, length)) => format!("a length of {length}"),
        (None, Details::IntegerOverflow | Details::ZagI32(..)) => "a number out of range".into(),
        (None, Details::BoolValue(byte)) => format!("{byte} as a boolean"),
        (None, Details::GetUnionVariant { index, .. }) => format!("union branch {index}"),
        (None, Details::EnumSymbolIndex { index, .. } | Details::GetEnumValue { index, .. }) => {
            format!("enum symbol {index}")
        }
        (None, Details::GetField(field)) => format!("no field {field}"),
        // Of the texts that types make themselves, those with a quotation mark quote a value.
        (None, Details::DeserializeValue(text)) if !text.contains('"') => text.clone(),
        (None, _) => "a value that does not fit the schema".into(),
    }
}
