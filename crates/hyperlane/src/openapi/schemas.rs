//! The schemas of types, and the components that all operations of a document share.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Where references point to.
const COMPONENTS: &str = "#/components/schemas/";
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

    /// All schemas with names, and how to say them: names of answers that differ from what is read have `Output`
    /// behind them, which [`Names::apply`] writes into what refers to them.
    pub(super) fn finish(&self) -> (Map<String, Value>, Names) {
        let mut generators = self.0.borrow_mut();
        let mut all = generators.input.take_definitions(true);
        let output = generators.output.take_definitions(true);
        let mut differ: BTreeSet<String> = output
            .iter()
            .filter(|(name, schema)| all.get(*name).is_some_and(|other| other != *schema))
            .map(|(name, _)| name.clone())
            .collect();
        // What refers to one that differs, differs.
        while let Some(name) = output.iter().find_map(|(name, schema)| {
            let new = !differ.contains(name) && all.contains_key(name) && refers_to(schema, &differ);
            new.then(|| name.clone())
        }) {
            differ.insert(name);
        }
        let names = Names(
            differ
                .into_iter()
                .map(|name| {
                    let mut new = format!("{name}Output");
                    while all.contains_key(&new) || output.contains_key(&new) {
                        new.push('_');
                    }
                    (name, new)
                })
                .collect(),
        );
        for (name, mut schema) in output {
            names.apply(&mut schema);
            all.insert(names.new_name(&name).unwrap_or(&name).to_owned(), schema);
        }
        (all, names)
    }

    fn resolve(&self, mut schema: Value) -> Value {
        for _ in 0..MAX_REFERENCES {
            let target = schema.get("$ref").and_then(Value::as_str);
            let Some(name) = target.and_then(|target| target.strip_prefix(COMPONENTS)) else {
                break;
            };
            match self.0.borrow().input.definitions().get(name) {
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

/// Which names of answers became others.
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    fn new_name(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(old, _)| old == name);
        found.map(|(_, new)| new.as_str())
    }

    /// Has all references to components point to the new names.
    pub(super) fn apply(&self, value: &mut Value) {
        if !self.0.is_empty() {
            each_object(value, &mut |object| {
                let Some(Value::String(target)) = object.get_mut("$ref") else {
                    return;
                };
                if let Some(new) = target.strip_prefix(COMPONENTS).and_then(|name| self.new_name(name)) {
                    *target = format!("{COMPONENTS}{new}");
                }
            });
        }
    }
}

/// Says the range of numbers that their format names: many programs do not know formats.
pub(super) fn bound_integers(value: &mut Value) {
    each_object(value, &mut |object| {
        let (min, max) = match object.get("format").and_then(Value::as_str) {
            Some("uint32") => (json!(0), json!(u32::MAX)),
            Some("uint64" | "uint") => (json!(0), json!(u64::MAX)),
            Some("int32") => (json!(i32::MIN), json!(i32::MAX)),
            Some("int64" | "int") => (json!(i64::MIN), json!(i64::MAX)),
            _ => return,
        };
        let whole = |kind: &Value| kind == "integer";
        let integer = object.get("type").is_some_and(|kind| match kind {
            Value::Array(kinds) => kinds.iter().any(whole),
            one => whole(one),
        });
        if integer {
            object.entry("minimum").or_insert(min);
            object.entry("maximum").or_insert(max);
        }
    });
}

/// Visits every object that may be a schema, and none that is a value of the user's.
fn each_object(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_object(item, visit)),
        Value::Object(object) => {
            visit(object);
            for (key, inner) in object.iter_mut() {
                if !matches!(key.as_str(), "const" | "default" | "enum" | "example" | "examples") || inner.is_object() {
                    each_object(inner, visit);
                }
            }
        }
        _ => {}
    }
}

fn refers_to(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Array(items) => items.iter().any(|item| refers_to(item, names)),
        Value::Object(object) => object.iter().any(|(key, inner)| {
            let target = inner.as_str().and_then(|target| target.strip_prefix(COMPONENTS));
            (key == "$ref" && target.is_some_and(|name| names.contains(name))) || refers_to(inner, names)
        }),
        _ => false,
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
