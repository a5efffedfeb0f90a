//! What a struct with `#[derive(TypedPath)]` reads of a path.
//!
//! The types of its fields have schemas, or not: a derive must not ask for more than it did before somebody turned on a
//! feature. So of a type which has none nothing is said but what the pattern tells, which the compiler decides field by field: a method of
//! `PathField<T>` is found before one of `&PathField<T>`, if there is one for that `T`.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::operation::Operation;

/// An operation whose path is being described, field by field.
pub struct DescribedPath {
    operation: Operation,
    properties: Map<String, Value>,
}

impl DescribedPath {
    /// Begins.
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            properties: Map::new(),
        }
    }

    fn with(mut self, param: &str, schema: Schema, documentation: &str) -> Self {
        let mut schema = schema.to_value();
        if let (false, Value::Object(schema)) = (documentation.is_empty(), &mut schema) {
            schema.insert("description".to_owned(), json!(documentation));
        }
        self.properties.insert(param.to_owned(), schema);
        self
    }

    /// Ends.
    pub fn finish(self) -> Operation {
        let Self {
            mut operation,
            properties,
        } = self;
        let object = json!({ "type": "object", "properties": properties });
        if let Ok(schema) = Schema::try_from(object) {
            operation.path.describe(&schema);
        }
        operation.problem(400, "a parameter does not fit")
    }
}

impl fmt::Debug for DescribedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DescribedPath").finish_non_exhaustive()
    }
}

/// The type of a field.
#[derive(Debug)]
pub struct PathField<T>(PhantomData<fn() -> T>);

impl<T> PathField<T> {
    /// The only value.
    pub const NEW: Self = Self(PhantomData);
}

/// Of types that have a schema.
pub trait Described {
    /// Adds the field.
    fn describe(&self, path: DescribedPath, param: &str, documentation: &str) -> DescribedPath;
}

impl<T: JsonSchema> Described for PathField<T> {
    fn describe(&self, path: DescribedPath, param: &str, documentation: &str) -> DescribedPath {
        let schema = path.operation.schemas.text::<T>();
        path.with(param, schema, documentation)
    }
}

/// Of all others.
pub trait Undescribed {
    /// Adds the field.
    fn describe(&self, path: DescribedPath, param: &str, documentation: &str) -> DescribedPath;
}

impl<T> Undescribed for &PathField<T> {
    fn describe(&self, path: DescribedPath, _: &str, _: &str) -> DescribedPath {
        path
    }
}
