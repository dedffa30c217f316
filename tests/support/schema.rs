//! Whether a JSON value is what a JSON Schema says, as far as the schemas of this repository go.
//!
//! A module of its own because it must not share an opinion with what made the schemas. A keyword that it does not know
//! is an error, and so is a key of a document that the schema does not have.

use serde_json::{Map, Value};

/// Says what is wrong, and where.
pub(crate) fn check(schema: &Value, document: &Value) -> Result<(), String> {
    Checker { root: schema }.value(schema, document, "")
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn value(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(schema) = schema.as_object() else {
            return Err(format!("{at}: {schema} says nothing"));
        };
        for (keyword, rule) in schema {
            self.keyword(keyword, rule, value, at)?;
        }
        if let (Some(rules), Some(keys)) = (schema.get("properties"), value.as_object()) {
            Self::known(rules, keys, at)?;
        }
        Ok(())
    }

    fn keyword(&self, keyword: &str, rule: &Value, value: &Value, at: &str) -> Result<(), String> {
        let wrong = || Err(format!("{at}: {value} is not {keyword} {rule}"));
        let is_so = match keyword {
            "$schema" | "$defs" | "title" | "description" | "default" | "format" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap_or_default().trim_start_matches('#');
                let other = self.root.pointer(pointer).ok_or(format!("no {pointer}"))?;
                return self.value(other, value, at);
            }
            "anyOf" | "oneOf" => return self.any(rule, value, at),
            "type" => match rule {
                Value::Array(types) => types.iter().any(|one| is_type(one, value)),
                one => is_type(one, value),
            },
            "const" => rule == value,
            "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
            "minimum" => value.as_f64() >= rule.as_f64() || !value.is_number(),
            "maximum" => value.as_f64() <= rule.as_f64() || !value.is_number(),
            "required" => {
                let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                names.into_iter().all(|name| value.get(name).is_some())
            }
            "properties" => {
                for (name, rule) in rule.as_object().into_iter().flatten() {
                    if let Some(value) = value.get(name) {
                        self.value(rule, value, &format!("{at}/{name}"))?;
                    }
                }
                true
            }
            "items" => {
                for (index, one) in value.as_array().into_iter().flatten().enumerate() {
                    self.value(rule, one, &format!("{at}/{index}"))?;
                }
                true
            }
            "prefixItems" => {
                let rules = rule.as_array().into_iter().flatten();
                for (index, (rule, one)) in rules.zip(value.as_array().into_iter().flatten()).enumerate() {
                    self.value(rule, one, &format!("{at}/{index}"))?;
                }
                true
            }
            "minItems" => value
                .as_array()
                .is_none_or(|all| Some(all.len() as u64) >= rule.as_u64()),
            "maxItems" => value
                .as_array()
                .is_none_or(|all| Some(all.len() as u64) <= rule.as_u64()),
            _ => return Err(format!("the keyword {keyword} is not known here")),
        };
        if is_so { Ok(()) } else { wrong() }
    }

    fn any(&self, rules: &Value, value: &Value, at: &str) -> Result<(), String> {
        let mut said = Vec::new();
        for rule in rules.as_array().into_iter().flatten() {
            match self.value(rule, value, at) {
                Ok(()) => return Ok(()),
                Err(wrong) => said.push(wrong),
            }
        }
        Err(said.join("; or "))
    }

    fn known(rules: &Value, keys: &Map<String, Value>, at: &str) -> Result<(), String> {
        match keys.keys().find(|key| rules.get(key).is_none()) {
            None => Ok(()),
            Some(key) => Err(format!("{at}/{key}: the schema does not have it")),
        }
    }
}

fn is_type(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        _ => false,
    }
}
