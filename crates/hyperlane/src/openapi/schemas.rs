//! The schemas of types, and the components that all operations of a document share.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::components::{Components, target};

/// How many references are followed to what they mean; more is a circle.
const MAX_REFERENCES: usize = 16;

/// Makes schemas of types, and remembers those that have names. A clone is a handle to the same.
#[derive(Clone, Debug)]
pub(super) struct Schemas(Rc<RefCell<Generators>>);

/// What `serde` reads and what it writes may differ: a field with a default need not be sent, but is always there in
/// an answer.
#[derive(Debug)]
struct Generators {
    input: SchemaGenerator,
    output: SchemaGenerator,
}

/// The fields of a struct that does not stand in one piece, as that of a query.
pub(super) struct Fields {
    pub(super) properties: Map<String, Value>,
    required: BTreeSet<String>,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self(Rc::new(RefCell::new(Generators {
            input: settings().for_deserialize().into_generator(),
            output: settings().for_serialize().into_generator(),
        })))
    }

    /// The schema of what is read; types with names are references.
    pub(super) fn input<T: JsonSchema>(&self) -> Schema {
        self.0.borrow_mut().input.subschema_for::<T>()
    }

    /// The schema of what is written.
    pub(super) fn output<T: JsonSchema>(&self) -> Schema {
        self.0.borrow_mut().output.subschema_for::<T>()
    }

    /// The schema of what is read from text, without a component of its own. There is no `null` in it.
    pub(super) fn text<T: JsonSchema>(&self) -> Schema {
        let schema = T::json_schema(&mut self.0.borrow_mut().input);
        let mut value = self.resolve(schema.to_value());
        without_null(&mut value);
        if let Some(Value::Object(properties)) = value.get_mut("properties") {
            for property in properties.values_mut() {
                *property = self.resolve_nullable(property.take());
            }
        }
        Schema::try_from(value).unwrap_or_default()
    }

    /// The fields of [`text`](Self::text), if they can be told one by one.
    pub(super) fn fields(schema: &Schema) -> Option<Fields> {
        let Value::Object(properties) = schema.get("properties")? else {
            return None;
        };
        let mixed = ["oneOf", "anyOf", "allOf", "$ref"];
        if mixed.into_iter().any(|key| schema.get(key).is_some()) {
            return None;
        }
        let required = schema.get("required").and_then(Value::as_array);
        let required = required.into_iter().flatten().filter_map(Value::as_str);
        Some(Fields {
            properties: properties.clone(),
            required: required.map(str::to_owned).collect(),
        })
    }

    /// Whether a schema, or what it refers to, is that of an object.
    pub(super) fn is_object(&self, schema: &Value) -> bool {
        let resolved = self.resolve(schema.clone());
        resolved.get("type").is_some_and(|kind| kind == "object")
    }

    /// All schemas with names, and how to say them.
    pub(super) fn finish(&self) -> Components {
        let mut generators = self.0.borrow_mut();
        let input = generators.input.take_definitions(true);
        let output = generators.output.take_definitions(true);
        Components::join(input, output)
    }

    fn resolve(&self, mut schema: Value) -> Value {
        for _ in 0..MAX_REFERENCES {
            let Some(name) = schema.as_object().and_then(target) else {
                break;
            };
            match self.0.borrow().input.definitions().get(&name) {
                Some(definition) => schema = definition.clone(),
                None => break,
            }
        }
        schema
    }

    /// A field of text: `null` can't be sent in it.
    fn resolve_nullable(&self, mut schema: Value) -> Value {
        without_null(&mut schema);
        let Some(Value::Array(choices)) = schema.get("anyOf") else {
            return schema;
        };
        let mut left = choices.iter().filter(|choice| !is_null(choice));
        match (left.next(), left.next()) {
            (Some(only), None) => {
                let mut only = only.clone();
                if let (Some(only), Some(Value::String(text))) = (only.as_object_mut(), schema.get("description")) {
                    only.insert("description".into(), json!(text));
                }
                only
            }
            _ => schema,
        }
    }
}

impl Fields {
    pub(super) fn is_required(&self, name: &str) -> bool {
        self.required.contains(name)
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

fn without_null(schema: &mut Value) {
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            schema["type"] = only;
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}
