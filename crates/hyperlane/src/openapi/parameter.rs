//! Parameters: values of a request that have a name.

use serde_json::{Value, json};

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Query,
    Header,
    Cookie,
}

/// A parameter of query, headers or cookies.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    location: Location,
    name: String,
    pub(super) required: bool,
    schema: Value,
    style: Option<&'static str>,
    /// Whether an empty value counts as one that is not there.
    may_be_empty: bool,
}

impl Parameter {
    pub(super) fn new(location: Location, name: &str, required: bool, schema: Value) -> Self {
        Self {
            location,
            name: name.to_owned(),
            required,
            schema,
            style: None,
            may_be_empty: false,
        }
    }

    /// Its fields are written as `name[field]`.
    pub(super) fn deep(self) -> Self {
        Self {
            style: Some("deepObject"),
            ..self
        }
    }

    /// Its fields are parameters themselves, of any name.
    pub(super) fn free_form(self) -> Self {
        Self {
            style: Some("form"),
            ..self
        }
    }

    /// Forms send what was left empty, which counts as not there.
    pub(super) fn may_be_empty(self) -> Self {
        Self {
            may_be_empty: true,
            ..self
        }
    }

    /// Whether both mean the same value.
    pub(super) fn is(&self, other: &Self) -> bool {
        let same_name = match self.location {
            Location::Header => self.name.eq_ignore_ascii_case(&other.name),
            _ => self.name == other.name,
        };
        self.location == other.location && same_name
    }

    pub(super) fn to_value(&self) -> Value {
        let mut schema = self.schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        if self.required
            && let Some(list) = schema.as_object_mut()
            && list.get("type").is_some_and(|kind| kind == "array")
        {
            // An empty list is sent by leaving it out, which a required one can't be.
            list.entry("minItems").or_insert(json!(1));
        }
        let mut value = json!({
            "name": self.name,
            "in": self.location.as_str(),
            "required": self.required,
            "schema": schema,
        });
        if let Some(description) = description {
            value["description"] = description;
        }
        if let Some(style) = self.style {
            value["style"] = json!(style);
            value["explode"] = json!(true);
        }
        if self.may_be_empty && !self.required && self.style.is_none() {
            value["allowEmptyValue"] = json!(true);
        }
        value
    }
}

impl Location {
    fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}
