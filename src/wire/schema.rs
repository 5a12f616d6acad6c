//! Schemas: parsed once, vetted, and kept for the life of the process.
//!
//! # Why they are leaked
//! The crate's readers and writers borrow their schema, and resolving a schema for every record costs most of the time
//! of decoding (avro-rs #310). Equal texts share one parsed schema, and there are at most [`SCHEMAS_MAX`].
//!
//! # Why they are vetted
//! With a registry the writer's schema comes from outside, and decoding follows it. One that contains itself would
//! recurse as deep as its data says; a list of nulls would cost memory and no bytes. Such schemas are refused here, so
//! that decoding needs no guard of its own beyond the budget of `Body`.

use std::collections::HashMap;
use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, Name, UuidSchema};
use parking_lot::Mutex;
use serde_json::Value;

use super::canonical::{self, Fingerprint};
use super::refusal::bounded;

/// The longest schema text that is read, in bytes.
pub const SCHEMA_BYTES_MAX: usize = 128 << 10;
/// How many different schemas a process keeps.
const SCHEMAS_MAX: usize = 256;
/// How deep types may stand inside each other.
const DEPTH_MAX: usize = 32;
/// The largest fixed type, in bytes: it is allocated without a length prefix to check.
const FIXED_BYTES_MAX: usize = 64 << 10;

static KEPT: LazyLock<Mutex<HashMap<String, &'static Schema>>> = LazyLock::new(Mutex::default);

/// Why a schema is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub(super) String);

impl Unfit {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(bounded(text.into()))
    }
}

/// The schema that `text` says.
///
/// # Errors
/// Not JSON, no Avro schema, too large, or one that [`vet`] refuses.
pub(super) fn parse(text: &str) -> Result<&'static Schema, Unfit> {
    if text.len() > SCHEMA_BYTES_MAX {
        return Err(Unfit::new(format!("a schema of {} bytes, above {SCHEMA_BYTES_MAX}", text.len())));
    }
    let mut kept = KEPT.lock();
    if let Some(schema) = kept.get(text) {
        return Ok(schema);
    }
    if kept.len() >= SCHEMAS_MAX {
        return Err(Unfit::new(format!("there are {SCHEMAS_MAX} schemas already")));
    }
    let schema: &'static Schema = Box::leak(Box::new(vetted(text)?));
    kept.insert(text.to_owned(), schema);
    Ok(schema)
}

/// The schema that `text` says, where decoding may follow it.
///
/// # Errors
/// Not JSON, no Avro schema, or one that [`vet`] refuses.
pub(super) fn vetted(text: &str) -> Result<Schema, Unfit> {
    let json = serde_json::from_str(text).map_err(|error| Unfit::new(error.to_string()))?;
    vet_attributes(&json)?;
    let schema = Schema::parse(&json).map_err(|error| Unfit::new(error.to_string()))?;
    vet(&schema, &mut HashMap::new(), DEPTH_MAX)?;
    Ok(schema)
}

/// Refuses attributes that have the name of one of the specification's and say what that one cannot, wherever they stand:
/// apache-avro 0.22 panics at them, when it compares a default with the types of a union (`pcf_map`).
fn vet_attributes(json: &Value) -> Result<(), Unfit> {
    match json {
        Value::String(_) => Ok(()),
        Value::Array(all) => all.iter().try_for_each(vet_attributes),
        Value::Object(attributes) => attributes.iter().try_for_each(|(name, value)| match name.as_str() {
            "size" | "precision" | "scale" if is_whole(value) => Ok(()),
            "size" | "precision" | "scale" => Err(Unfit::new(format!("{name} is no whole number: {value}"))),
            "name" | "type" | "fields" | "symbols" | "items" | "values" | "order" => vet_attributes(value),
            _ => Ok(()),
        }),
        other => Err(Unfit::new(format!("{other} stands in the place of a name or a type"))),
    }
}

fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.as_str().is_some_and(|digits| digits.parse::<i64>().is_ok())
}

/// The CRC-64-AVRO fingerprint of the schema that `text` says, as it stands in single-object encoding.
///
/// # Errors
/// The schema is broken, or one that decoding must not follow.
pub fn fingerprint(text: &str) -> Result<Fingerprint, Unfit> {
    parse(text).map(canonical::fingerprint)
}

/// Refuses types that contain themselves, that stand deeper than `depth_left`, or whose values take no bytes. Returns
/// how deep the type is. `named` holds the depth of every named type that is complete: one that is asked for before
/// contains itself.
fn vet<'s>(schema: &'s Schema, named: &mut HashMap<&'s Name, usize>, depth_left: usize) -> Result<usize, Unfit> {
    let too_deep = || Unfit::new(format!("types stand deeper than {DEPTH_MAX} in each other"));
    let left = depth_left.checked_sub(1).ok_or_else(too_deep)?;
    let inner = match schema {
        Schema::Null => return Err(Unfit::new("null outside a union: a value without bytes")),
        Schema::Array(array) => vet(&array.items, named, left)?,
        Schema::Map(map) => vet(&map.types, named, left)?,
        Schema::Union(union) => union
            .variants()
            .iter()
            .filter(|variant| !matches!(variant, Schema::Null))
            .try_fold(0, |deepest, variant| Ok(deepest.max(vet(variant, named, left)?)))?,
        Schema::Record(record) => {
            if record.fields.is_empty() {
                return Err(Unfit::new("a record without fields: a value without bytes"));
            }
            let mut deepest = 0;
            for field in &record.fields {
                deepest = deepest.max(vet(&field.schema, named, left)?);
            }
            named.insert(&record.name, deepest + 1);
            deepest
        }
        Schema::Ref { name } => {
            let depth =
                *named.get(name).ok_or_else(|| Unfit::new(format!("{name} contains itself, or is not defined")))?;
            if depth > left {
                return Err(too_deep());
            }
            depth
        }
        other => {
            if let Some((name, bytes)) = named_leaf(other) {
                if !(1..=FIXED_BYTES_MAX).contains(&bytes) {
                    return Err(Unfit::new(format!("{name}: a fixed type of {bytes} bytes")));
                }
                named.insert(name, 1);
            }
            0
        }
    };
    Ok(inner + 1)
}

/// The name of a type that has one and nothing inside, with the bytes of its values (1 where they vary).
fn named_leaf(schema: &Schema) -> Option<(&Name, usize)> {
    match schema {
        Schema::Enum(symbols) => Some((&symbols.name, 1)),
        Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
            Some((&fixed.name, fixed.size))
        }
        Schema::Decimal(decimal) => match &decimal.inner {
            InnerDecimalSchema::Fixed(fixed) => Some((&fixed.name, fixed.size)),
            InnerDecimalSchema::Bytes => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_schema() {
        let text = r#"{"type":"array","items":"string"}"#;
        assert!(std::ptr::eq(parse(text).unwrap(), parse(text).unwrap()));
    }

    #[test]
    fn schemas_that_data_could_abuse_are_refused() {
        let record =
            |field: &str| format!(r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{field}}}]}}"#);
        let odd = |attribute: &str| record(&format!(r#"{{"type":"array","items":"long",{attribute}}}"#));
        let mut deep = r#""int""#.to_owned();
        for _ in 0..DEPTH_MAX {
            deep = format!(r#"{{"type":"array","items":{deep}}}"#);
        }
        for (text, part) in [
            (record(r#"["null","R"]"#), "contains itself"),
            (record(r#"{"type":"array","items":"R"}"#), "contains itself"),
            (record(r#""null""#), "without bytes"),
            (r#"{"type":"array","items":"null"}"#.into(), "without bytes"),
            (record(r#"{"type":"record","name":"E","fields":[]}"#), "without bytes"),
            (record(r#"{"type":"fixed","name":"F","size":0}"#), "fixed type of 0"),
            (record(r#"{"type":"fixed","name":"F","size":1099511627776}"#), "fixed type of 1099511627776"),
            (deep, "deeper than"),
            // As libFuzzer found it, and its like.
            (odd(r#""size":"E""#), "size is no whole number"),
            (odd(r#""scale":1.5"#), "scale is no whole number"),
            (odd(r#""precision":18446744073709551615"#), "precision is no whole number"),
            (odd(r#""symbols":[5]"#), "5 stands in the place"),
            (odd(r#""values":null"#), "null stands in the place"),
            ("{".into(), ""),
            (format!("\"{}\"", "x".repeat(SCHEMA_BYTES_MAX)), "bytes, above"),
        ] {
            let error = parse(&text).unwrap_err();
            assert!(error.0.contains(part), "{error}");
        }
        assert!(parse(&record(r#"["null","long"]"#)).is_ok());
    }
}
