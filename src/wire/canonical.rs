//! Fingerprints of schemas: CRC-64-AVRO of the parsing canonical form, as single-object encoding wants it.
//!
//! # Why not the crate's
//! apache-avro 0.22 writes `{"type":"long"}` for a number with a logical type, where the specification ("Parsing
//! Canonical Form", rule PRIMITIVE) and every other implementation write `"long"`. Its fingerprints of schemas with
//! timestamps are therefore known to nobody else.

use apache_avro::Schema;
use apache_avro::schema::{FixedSchema, InnerDecimalSchema, Name, UuidSchema};

/// The fingerprint of the empty text, which is also the polynomial (specification, "Schema Fingerprints").
const EMPTY: u64 = 0xC15D_213A_A4D7_A795;

/// Little endian, as it stands in a record.
pub(super) type Fingerprint = [u8; 8];

/// The fingerprint of `schema`.
pub(super) fn fingerprint(schema: &Schema) -> Fingerprint {
    let mut canonical = String::new();
    write(schema, &mut canonical);
    crc64(canonical.as_bytes()).to_le_bytes()
}

fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(EMPTY, |fingerprint, byte| {
        (0..8).fold(fingerprint ^ u64::from(*byte), |rest, _| (rest >> 1) ^ (EMPTY & (rest & 1).wrapping_neg()))
    })
}

/// Appends the canonical form. Names hold only letters, digits, `_` and `.`, so that nothing needs escaping; the parser
/// has made them full, and has put a reference in the place of every later use of a type.
fn write(schema: &Schema, out: &mut String) {
    match schema {
        Schema::Array(array) => {
            out.push_str(r#"{"type":"array","items":"#);
            write(&array.items, out);
            out.push('}');
        }
        Schema::Map(map) => {
            out.push_str(r#"{"type":"map","values":"#);
            write(&map.types, out);
            out.push('}');
        }
        Schema::Union(union) => {
            out.push('[');
            separated(union.variants(), out, write);
            out.push(']');
        }
        Schema::Record(record) => {
            named(&record.name, "record", out);
            out.push_str(r#","fields":["#);
            separated(&record.fields, out, |field, out| {
                out.push_str(r#"{"name":"#);
                quoted(&field.name, out);
                out.push_str(r#","type":"#);
                write(&field.schema, out);
                out.push('}');
            });
            out.push_str("]}");
        }
        Schema::Enum(symbols) => {
            named(&symbols.name, "enum", out);
            out.push_str(r#","symbols":["#);
            separated(&symbols.symbols, out, |symbol, out| quoted(symbol, out));
            out.push_str("]}");
        }
        Schema::Ref { name } => quoted(name.as_ref(), out),
        other => match leaf(other) {
            Leaf::Primitive(name) => quoted(name, out),
            Leaf::Fixed(fixed) => {
                named(&fixed.name, "fixed", out);
                out.push_str(r#","size":"#);
                out.push_str(&fixed.size.to_string());
                out.push('}');
            }
        },
    }
}

enum Leaf<'s> {
    Primitive(&'static str),
    Fixed(&'s FixedSchema),
}

/// What a type without types inside is without its logical type.
fn leaf(schema: &Schema) -> Leaf<'_> {
    Leaf::Primitive(match schema {
        Schema::Boolean => "boolean",
        Schema::Int | Schema::Date | Schema::TimeMillis => "int",
        Schema::Long
        | Schema::TimeMicros
        | Schema::TimestampMillis
        | Schema::TimestampMicros
        | Schema::TimestampNanos
        | Schema::LocalTimestampMillis
        | Schema::LocalTimestampMicros
        | Schema::LocalTimestampNanos => "long",
        Schema::Float => "float",
        Schema::Double => "double",
        Schema::Bytes | Schema::BigDecimal | Schema::Uuid(UuidSchema::Bytes) => "bytes",
        Schema::String | Schema::Uuid(UuidSchema::String) => "string",
        Schema::Fixed(fixed) | Schema::Duration(fixed) | Schema::Uuid(UuidSchema::Fixed(fixed)) => {
            return Leaf::Fixed(fixed);
        }
        Schema::Decimal(decimal) => match &decimal.inner {
            InnerDecimalSchema::Bytes => "bytes",
            InnerDecimalSchema::Fixed(fixed) => return Leaf::Fixed(fixed),
        },
        // The types that have others inside do not come here.
        _ => "null",
    })
}

fn named(name: &Name, kind: &str, out: &mut String) {
    out.push_str(r#"{"name":"#);
    quoted(name.as_ref(), out);
    out.push_str(r#","type":"#);
    quoted(kind, out);
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(text);
    out.push('"');
}

fn separated<T>(items: &[T], out: &mut String, mut write: impl FnMut(&T, &mut String)) {
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write(item, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CATALOG;

    fn check(text: &str, canonical: &str) {
        let schema = Schema::parse_str(text).unwrap();
        let mut found = String::new();
        write(&schema, &mut found);
        assert_eq!(found, canonical, "{text}");
    }

    #[test]
    fn fingerprints_are_those_of_the_specification() {
        // From the test data of Avro's Java implementation (schema-tests.txt).
        for (text, expected) in [
            (r#""null""#, 0x63dd_24e7_cc25_8f8a_u64),
            (r#""int""#, 0x7275_d51a_3f39_5c8f),
            (r#""string""#, 0x8f01_4872_6345_03c7),
        ] {
            let schema = Schema::parse_str(text).unwrap();
            assert_eq!(fingerprint(&schema), expected.to_le_bytes(), "{text}");
        }
    }

    #[test]
    fn the_catalog_has_the_fingerprints_that_others_compute() {
        // Bytes in the order in which they stand in a record, as fastavro (Python) computes them.
        let known = [
            0x6406_f621_d445_ab93_u64,
            0xe387_87c9_4fe7_f877,
            0x7fbb_137f_f7e0_8704,
            0x4b94_0024_ccfb_8361,
            0xd7e9_c447_ff50_9ab0,
            0xf155_f9b8_a0aa_6b77,
            0xf301_02c0_d7dd_cad3,
            0xed87_acd8_20c6_121d,
            0x5eab_c9ff_e296_fd94,
            0xb245_af6c_6d9e_44d8,
            0x5f99_a1b1_59d1_4208,
            0xe837_88c7_a267_1317,
            0xacf4_f9e3_3305_e775,
            0xe31a_fc36_76e1_22f5,
            0xc1b5_44af_bda7_9ce7,
        ];
        assert_eq!(CATALOG.len(), known.len());
        for (topic, expected) in CATALOG.iter().zip(known) {
            let schema = Schema::parse_str(topic.versions[0]).unwrap();
            assert_eq!(fingerprint(&schema), expected.to_be_bytes(), "{}", topic.name);
        }
    }

    #[test]
    fn the_canonical_form_keeps_only_what_parsing_needs() {
        check(
            r#"{"type":"record","name":"R","namespace":"a.b","doc":"d","aliases":["Q"],"fields":[
                {"name":"f","type":{"type":"fixed","name":"F","size":12,"logicalType":"duration"},"doc":"d"},
                {"name":"g","type":["null",{"type":"long","logicalType":"timestamp-micros"}],"default":null},
                {"name":"h","type":{"type":"map","values":"F"}},
                {"name":"i","type":{"type":"enum","name":"c.E","symbols":["A","B"],"default":"A"}},
                {"name":"j","type":{"type":"array","items":{"type":"string","logicalType":"uuid"}}},
                {"name":"k","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}]}"#,
            concat!(
                r#"{"name":"a.b.R","type":"record","fields":["#,
                r#"{"name":"f","type":{"name":"a.b.F","type":"fixed","size":12}},"#,
                r#"{"name":"g","type":["null","long"]},"#,
                r#"{"name":"h","type":{"type":"map","values":"a.b.F"}},"#,
                r#"{"name":"i","type":{"name":"c.E","type":"enum","symbols":["A","B"]}},"#,
                r#"{"name":"j","type":{"type":"array","items":"string"}},"#,
                r#"{"name":"k","type":"bytes"}]}"#
            ),
        );
    }
}
