//! The router's patterns as templates of a document.

use hyperlane_router::{Constraint, Pattern, Piece};
use schemars::Schema;
use serde::Serialize;
use serde_json::{Value, json};

use super::components::bound_integers;

/// A path of a document, made from a pattern.
pub(super) struct Template {
    /// `/users/{id}`.
    pub(super) text: String,
    /// The same without names: two that agree in it are one path for a document.
    pub(super) shape: String,
    pub(super) parameters: PathParameters,
}

/// The parameters of a path: what the pattern asks of them, and what the handler reads.
#[derive(Clone, Debug, Default)]
pub(super) struct PathParameters {
    names: Vec<String>,
    schemas: Vec<Value>,
    descriptions: Vec<Option<String>>,
    /// What the handler reads them as.
    read_as: Option<Schema>,
    /// Whether each pattern that stands for this path has a condition that other values fail.
    pub(super) constrained: bool,
}

impl Template {
    pub(super) fn of(pattern: &str) -> Self {
        let mut template = Self {
            text: String::new(),
            shape: String::new(),
            parameters: PathParameters::default(),
        };
        // The router has taken the pattern, so that it can be read.
        let Ok(pattern) = Pattern::parse(pattern) else {
            template.text = pattern.to_owned();
            template.shape = pattern.to_owned();
            return template;
        };
        for piece in pattern.pieces() {
            match piece {
                Piece::Text(text) => {
                    // It is encoded, so that a brace begins a parameter and nothing else.
                    template.text.push_str(&text);
                    template.shape.push_str(&text);
                }
                Piece::Param(param) => {
                    template.text.push_str(&format!("{{{}}}", param.name()));
                    template.shape.push_str("{}");
                    let schema = param.constraint().map_or_else(text_schema, constraint_schema);
                    let rest = param
                        .is_wildcard()
                        .then(|| "the rest of the path, which may have slashes".to_owned());
                    let parameters = &mut template.parameters;
                    parameters.constrained |= param.constraint().is_some();
                    parameters.names.push(param.name().to_owned());
                    parameters.schemas.push(schema);
                    parameters.descriptions.push(rest);
                }
            }
        }
        template
    }
}

impl PathParameters {
    pub(super) fn describe(&mut self, read_as: &Schema) {
        self.read_as = Some(read_as.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Joins what a handler reads, which is known before its pattern is, with the pattern.
    pub(super) fn join(&mut self, pattern: Self) {
        let read_as = self.read_as.take();
        *self = pattern;
        let Some(read_as) = read_as else {
            return;
        };
        let single = self.names.len() == 1;
        for position in 0..self.names.len() {
            let by_name = read_as
                .get("properties")
                .and_then(|properties| properties.get(&self.names[position]));
            let in_order = read_as.get("prefixItems").and_then(|items| items.get(position));
            let each = read_as.get("additionalProperties").or_else(|| read_as.get("items"));
            let each = each.filter(|schema| schema.is_object());
            let alone = (single && !is_composite(&read_as)).then(|| read_as.as_value());
            let Some(found) = by_name.or(in_order).or(each).or(alone) else {
                continue;
            };
            let mut found = found.clone();
            if let Some(Value::String(text)) = found.as_object_mut().and_then(|schema| schema.remove("description")) {
                self.descriptions[position].get_or_insert(text);
            }
            let own = self.schemas[position].take();
            self.schemas[position] = narrow(own, found);
        }
    }

    /// Both, where two patterns are one path.
    pub(super) fn merge(&mut self, other: Self) {
        self.constrained &= other.constrained;
        for (own, other) in self.schemas.iter_mut().zip(other.schemas) {
            if *own != other {
                *own = json!({ "anyOf": [own.take(), other] });
            }
        }
    }

    /// The parameters under these names, which are those of the path that they stand for.
    pub(super) fn to_values(&self, names: &[String]) -> Vec<Value> {
        let all = names.iter().zip(&self.schemas).zip(&self.descriptions);
        all.map(|((name, schema), description)| {
            let mut value = json!({ "name": name, "in": "path", "required": true, "schema": schema });
            if let Some(description) = description {
                value["description"] = json!(description);
            }
            value
        })
        .collect()
    }
}

/// A value without a condition: any text but none.
fn text_schema() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

fn constraint_schema(constraint: &Constraint) -> Value {
    if constraint.is_regex() {
        return match is_portable(constraint.as_str()) {
            true => json!({ "type": "string", "pattern": format!("^(?:{constraint})$") }),
            false => json!({ "type": "string", "minLength": 1, "description": format!("fits `{constraint}`") }),
        };
    }
    match constraint.as_str() {
        "bool" => json!({ "type": "boolean" }),
        "date" => json!({ "type": "string", "format": "date" }),
        "uuid" => json!({ "type": "string", "format": "uuid" }),
        "u8" => integer("uint8", 0, u8::MAX),
        "u16" => integer("uint16", 0, u16::MAX),
        "u32" => integer("uint32", 0, u32::MAX),
        "u64" => integer("uint64", 0, u64::MAX),
        "i8" => integer("int8", i8::MIN, i8::MAX),
        "i16" => integer("int16", i16::MIN, i16::MAX),
        "i32" => integer("int32", i32::MIN, i32::MAX),
        "i64" => integer("int64", i64::MIN, i64::MAX),
        "u128" => json!({ "type": "integer", "format": "uint128", "minimum": 0 }),
        "i128" => json!({ "type": "integer", "format": "int128" }),
        "f64" => json!({ "type": "number", "format": "double" }),
        "hex" => json!({ "type": "string", "pattern": "^[0-9A-Fa-f]+$" }),
        "alpha" => json!({ "type": "string", "pattern": "^[A-Za-z]+$" }),
        "alnum" => json!({ "type": "string", "pattern": "^[0-9A-Za-z]+$" }),
        _ => text_schema(),
    }
}

fn integer(format: &str, minimum: impl Serialize, maximum: impl Serialize) -> Value {
    json!({ "type": "integer", "format": format, "minimum": minimum, "maximum": maximum })
}

/// Whether an expression means the same where schemas are read, in the dialect of ECMA-262 (JSON Schema §6.4): flags,
/// names of groups, classes of Unicode and the arithmetic of sets are written otherwise there, or not at all.
fn is_portable(regex: &str) -> bool {
    let flags = regex.match_indices("(?").any(|(at, _)| !regex[at..].starts_with("(?:"));
    let other = [
        "[[", "&&", "--", "~~", r"\A", r"\z", r"\p", r"\P", r"\x{", r"\u{", r"\U", r"\a", r"\<", r"\>", r"\b{",
    ];
    !flags && !other.into_iter().any(|part| regex.contains(part))
}

/// A schema of several values.
fn is_composite(schema: &Schema) -> bool {
    let kind = schema.get("type");
    kind.is_some_and(|kind| kind == "object" || kind == "array")
        || schema.get("properties").is_some()
        || schema.get("prefixItems").is_some()
}

/// What both the pattern and the handler take.
fn narrow(pattern: Value, handler: Value) -> Value {
    if pattern == text_schema() {
        let mut handler = handler;
        let is_text = handler.get("type").is_some_and(|kind| kind == "string") && handler.get("enum").is_none();
        if let (true, Some(schema)) = (is_text, handler.as_object_mut()) {
            schema.entry("minLength").or_insert(json!(1));
        }
        return handler;
    }
    if pattern.get("type") != handler.get("type") {
        return json!({ "allOf": [pattern, handler] });
    }
    let mut handler = handler;
    bound_integers(&mut handler);
    let (Value::Object(mut both), Value::Object(handler)) = (pattern, handler) else {
        return text_schema();
    };
    for (key, value) in handler {
        // Of two ranges the narrower.
        let keep = both.get(&key).and_then(Value::as_f64).zip(value.as_f64());
        let keep = keep.is_some_and(|(own, other)| match key.as_str() {
            "minimum" => own >= other,
            "maximum" => own <= other,
            _ => false,
        });
        if !keep {
            both.insert(key, value);
        }
    }
    Value::Object(both)
}
