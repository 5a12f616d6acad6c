//! JSON Schema as requests bring it: what of it shapes an answer, and answers that fit it.
//!
//! Read: `type` (in either case, alone or in a list), `enum`, `minimum`, `maximum`, `items`, `minItems`, `maxItems`,
//! `properties`, `anyOf` (its first branch), and what `OpenAI` demands of a strict schema. A property that a
//! [`Reading`] knows gets what it says, if that fits; any other gets a drawn value.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::chance::Chance;
use super::reading::Reading;

/// Items of a list that is drawn, unless the schema asks for more.
const ITEMS_MAX: usize = 2;
/// Items of any list that is drawn, whatever the schema asks for.
const ITEMS_LIMIT: usize = 1_000;
/// How far a drawn number goes beyond the only bound that the schema has.
const SPAN: f64 = 100.0;

/// A schema, or a part of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Schema {
    #[serde(rename = "type")]
    types: Types,
    #[serde(rename = "enum")]
    choices: Vec<Value>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    items: Option<Box<Schema>>,
    min_items: usize,
    max_items: Option<usize>,
    properties: BTreeMap<String, Schema>,
    required: Vec<String>,
    additional_properties: Option<Value>,
    any_of: Vec<Schema>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Types {
    One(String),
    Several(Vec<String>),
}

impl Default for Types {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Object,
    Array,
    Number,
    Integer,
    Boolean,
    Text,
}

impl Schema {
    /// A value that fits, for the property `name` (the root has none).
    pub fn fill(&self, name: &str, reading: &Reading<'_>, chance: &mut Chance) -> Value {
        if let Some(branch) = self.any_of.first() {
            return branch.fill(name, reading, chance);
        }
        if let Some(value) = reading.value(name).and_then(|value| self.fitted(value)) {
            return value;
        }
        if !self.choices.is_empty() {
            return chance.among(&self.choices).clone();
        }
        match self.kind() {
            Kind::Object => {
                let properties = self.properties.iter();
                properties.map(|(name, schema)| (name.clone(), schema.fill(name, reading, chance))).collect()
            }
            Kind::Array => {
                let most = self.max_items.unwrap_or(ITEMS_MAX).min(ITEMS_MAX).max(self.min_items).min(ITEMS_LIMIT);
                let item = |_| self.items.as_ref().map_or(Value::Null, |item| item.fill("", reading, chance));
                (0..most).map(item).collect()
            }
            Kind::Number => json!((self.number(chance) * 100.0).round() / 100.0),
            #[expect(clippy::cast_possible_truncation, reason = "saturates, as it should")]
            Kind::Integer => json!(self.number(chance).ceil() as i64),
            Kind::Boolean => json!(chance.happens(0.5)),
            Kind::Text => json!("nothing to add"),
        }
    }

    /// The value, made to fit where that is a matter of bounds; `None` where it cannot be.
    fn fitted(&self, value: Value) -> Option<Value> {
        if !self.choices.is_empty() {
            return self.choices.contains(&value).then_some(value);
        }
        match (self.kind(), value) {
            (Kind::Number, Value::Number(number)) => {
                let number = number.as_f64()?.max(self.minimum.unwrap_or(f64::MIN));
                Some(json!(number.min(self.maximum.unwrap_or(f64::MAX))))
            }
            (Kind::Array, Value::Array(mut items)) => {
                let choices = self.items.as_ref().map_or(&[][..], |item| &item.choices);
                items.retain(|item| choices.is_empty() || choices.contains(item));
                items.truncate(self.max_items.unwrap_or(usize::MAX));
                (items.len() >= self.min_items).then_some(Value::Array(items))
            }
            (Kind::Text, text @ Value::String(_)) => Some(text),
            _ => None,
        }
    }

    fn number(&self, chance: &mut Chance) -> f64 {
        let (min, max) = match (self.minimum, self.maximum) {
            (Some(min), Some(max)) => (min, max.max(min)),
            (Some(min), None) => (min, min + SPAN),
            (None, Some(max)) => (max - SPAN, max),
            (None, None) => (0.0, SPAN),
        };
        min + (max - min) * chance.share()
    }

    fn kind(&self) -> Kind {
        let types = match &self.types {
            Types::One(name) => std::slice::from_ref(name),
            Types::Several(names) => names,
        };
        let named = types.iter().find_map(|name| match name.to_ascii_lowercase().as_str() {
            "object" => Some(Kind::Object),
            "array" => Some(Kind::Array),
            "number" => Some(Kind::Number),
            "integer" => Some(Kind::Integer),
            "boolean" => Some(Kind::Boolean),
            "string" => Some(Kind::Text),
            _ => None,
        });
        named.unwrap_or(if self.properties.is_empty() { Kind::Text } else { Kind::Object })
    }

    /// What `OpenAI` asks of a schema that is called strict: every property required, and no others.
    ///
    /// # Errors
    /// The service's own words.
    pub fn is_strict(&self, context: &str) -> Result<(), String> {
        if self.kind() == Kind::Object {
            if self.additional_properties != Some(Value::Bool(false)) {
                let what = "'additionalProperties' is required to be supplied and to be false.";
                return Err(format!("In context=({context}), {what}"));
            }
            if let Some(missing) = self.properties.keys().find(|name| !self.required.contains(name)) {
                let what =
                    "'required' is required to be supplied and to be an array including every key in properties.";
                return Err(format!("In context=({context}), {what} Missing '{missing}'."));
            }
        }
        for (name, schema) in &self.properties {
            schema.is_strict(&format!("{context}'properties', '{name}', "))?;
        }
        let inner = self.items.iter().map(AsRef::as_ref).chain(&self.any_of);
        inner.into_iter().try_for_each(|schema| schema.is_strict(context))
    }
}

#[cfg(test)]
mod tests {
    use super::super::bill::Question;
    use super::super::reading::read;
    use super::*;

    fn filled(schema: Value) -> Value {
        let schema: Schema = serde_json::from_value(schema).unwrap();
        let mut chance = Chance::new(1, Question(1), 0);
        schema.fill("", &read("Bitcoin surges, ether climbs and solana soars"), &mut chance)
    }

    #[test]
    fn what_the_reading_knows_is_said_where_it_fits() {
        let object = |properties| json!({ "type": "object", "properties": properties });
        for (property, schema, value) in [
            ("direction", json!({ "type": "string", "enum": ["bullish", "bearish", "neutral"] }), json!("bullish")),
            ("direction", json!({ "type": "STRING", "enum": ["sideways"] }), json!("sideways")),
            ("sentiment", json!({ "type": "number", "maximum": 0.5 }), json!(0.5)),
            ("assets", json!({ "type": "array", "items": { "type": "string" }, "maxItems": 2 }), json!(["BTC", "ETH"])),
            ("assets", json!({ "type": "array", "items": { "enum": ["SOL"] } }), json!(["SOL"])),
            ("novelty", json!({ "type": "string" }), json!("nothing to add")),
            ("event_type", json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }), json!("market_move")),
        ] {
            assert_eq!(filled(object(json!({ property: schema }))), json!({ property: value }), "{property} {schema}");
        }
    }

    #[test]
    fn everything_else_is_drawn_within_its_bounds() {
        let list = filled(json!({ "type": "array", "items": { "type": "integer" }, "minItems": 5 }));
        assert_eq!(list.as_array().unwrap().len(), 5);
        let whole = filled(json!({ "type": "integer", "minimum": 3, "maximum": 4 })).as_i64().unwrap();
        assert!((3..=4).contains(&whole));
        assert!(filled(json!({ "type": "number", "maximum": -7 })).as_f64().unwrap() <= -7.0);
        assert!(filled(json!({ "type": ["null", "boolean"] })).is_boolean());
        assert!(filled(json!({ "properties": { "a": { "type": "object" } } }))["a"].is_object());
    }

    #[test]
    fn strict_schemas_name_all_and_only_their_properties() {
        let check = |schema: Value| serde_json::from_value::<Schema>(schema).unwrap().is_strict("").err();
        let inner = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        let strict = |inner: &Value, required: Value| {
            let properties = json!({ "a": inner });
            json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
        };
        assert_eq!(check(strict(&inner, json!(["a"]))), None);
        assert!(check(strict(&inner, json!([]))).unwrap().ends_with("Missing 'a'."));
        let open = json!({ "type": "object" });
        assert!(check(strict(&open, json!(["a"]))).unwrap().contains("context=('properties', 'a', )"));
    }
}
