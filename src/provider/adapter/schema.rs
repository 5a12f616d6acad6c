//! The part of a JSON Schema that a service knows. The rest would be an error at one and ignored by another; answers
//! are checked on our side in any case.

use serde_json::{Map, Value, json};

/// What Gemini knows, as its documentation lists it, and its own `propertyOrdering`.
const GEMINI: &[&str] = &[
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
];
/// What the strict mode of OpenAI knows.
const STRICT: &[&str] = &[
    "$defs",
    "$ref",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "const",
    "pattern",
    "items",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "anyOf",
    "properties",
    "additionalProperties",
    "required",
];

/// Keywords whose value is a schema for each name.
const NAMED: [&str; 2] = ["properties", "$defs"];
/// Keywords whose value is a schema, or a list of them.
const NESTED: [&str; 5] = ["items", "prefixItems", "anyOf", "oneOf", "additionalProperties"];

/// The form of answers, as each service wants to be told it. Made once for all questions.
#[derive(Debug, Clone)]
pub struct Schema {
    name: &'static str,
    for_gemini: Value,
    strict: Value,
}

impl Schema {
    /// Of a JSON Schema for objects. `name` is at most 64 of `a-z A-Z 0-9 _ -`.
    #[must_use]
    pub fn new(name: &'static str, schema: &Value) -> Self {
        Self { name, for_gemini: only(schema, GEMINI), strict: strict(schema) }
    }

    pub(super) fn name(&self) -> &str {
        self.name
    }

    pub(super) fn for_gemini(&self) -> &Value {
        &self.for_gemini
    }

    /// As OpenAI is told it.
    #[must_use]
    pub fn strict(&self) -> &Value {
        &self.strict
    }
}

/// The schema with these keywords only.
fn only(schema: &Value, keywords: &[&str]) -> Value {
    each(schema, &|object| object.retain(|keyword, _| keywords.contains(&keyword.as_str())))
}

/// The schema as the strict mode of OpenAI wants it: every property is required and no other allowed. One that need
/// not be there may be null instead.
fn strict(schema: &Value) -> Value {
    each(schema, &|object| {
        object.retain(|keyword, _| STRICT.contains(&keyword.as_str()));
        let required = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
        for (name, property) in properties.iter_mut() {
            if !required.iter().any(|it| it == name) {
                *property = json!({ "anyOf": [property.take(), { "type": "null" }] });
            }
        }
        let names: Value = properties.keys().cloned().collect();
        object.insert("required".to_owned(), names);
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
    })
}

/// `change` made to every schema inside and to the whole, the inner ones first.
fn each(schema: &Value, change: &impl Fn(&mut Map<String, Value>)) -> Value {
    let Value::Object(object) = schema else { return schema.clone() };
    let mut object: Map<String, Value> = object
        .iter()
        .map(|(keyword, value)| {
            let value = match value {
                Value::Object(schemas) if NAMED.contains(&keyword.as_str()) => {
                    schemas.iter().map(|(name, schema)| (name.clone(), each(schema, change))).collect()
                }
                Value::Array(schemas) if NESTED.contains(&keyword.as_str()) => {
                    schemas.iter().map(|schema| each(schema, change)).collect()
                }
                schema if NESTED.contains(&keyword.as_str()) => each(schema, change),
                other => other.clone(),
            };
            (keyword.clone(), value)
        })
        .collect();
    change(&mut object);
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "pattern": { "type": "string", "minLength": 1 },
                "assets": { "type": "array", "uniqueItems": true, "maxItems": 9, "items": {
                    "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"]
                } }
            },
            "required": ["pattern"],
            "propertyOrdering": ["pattern", "assets"]
        })
    }

    #[test]
    fn unknown_keywords_go_and_names_of_properties_stay() {
        let mut expected = schema();
        expected.as_object_mut().unwrap().remove("$schema");
        expected["properties"]["pattern"].as_object_mut().unwrap().remove("minLength");
        expected["properties"]["assets"].as_object_mut().unwrap().remove("uniqueItems");
        assert_eq!(only(&schema(), GEMINI), expected);
    }

    #[test]
    fn strict_wants_everything_and_nothing_else() {
        let expected = json!({
            "type": "object",
            "properties": {
                "pattern": { "type": "string" },
                "assets": { "anyOf": [
                    { "type": "array", "maxItems": 9, "items": {
                        "type": "object", "properties": { "name": { "type": "string" } },
                        "required": ["name"], "additionalProperties": false
                    } },
                    { "type": "null" }
                ] }
            },
            "required": ["assets", "pattern"],
            "additionalProperties": false
        });
        assert_eq!(strict(&schema()), expected);
        assert_eq!(strict(&expected), expected, "what is strict stays as it is");
    }
}
