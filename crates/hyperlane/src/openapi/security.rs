//! Security schemes: how clients say who they are.

use serde_json::{Value, json};

use super::operation::Operation;

/// How a client says who it is, and which middleware asks it.
///
/// Routes behind that middleware are described as secured; the middleware is known by the name that it has in the
/// [route table](crate::RouteTable). An operation can also [say it itself](super::Operation::secured_by).
#[derive(Clone, Debug)]
pub struct Security {
    value: Value,
    checked_by: Vec<String>,
    /// Whether credentials that can't be read are answered 400, and not 401.
    strict: bool,
}

impl Security {
    /// A token in `Authorization: Bearer …` (RFC 6750). [`BearerAuth`](crate::middleware::BearerAuth) and `Jwt` ask
    /// for it.
    pub fn bearer() -> Self {
        let value = json!({ "type": "http", "scheme": "bearer" });
        let security = Self::new(value).checked_by("BearerAuth").checked_by("Jwt");
        Self {
            strict: true,
            ..security
        }
    }

    /// Name and password in `Authorization: Basic …` (RFC 7617). `BasicAuth` asks for it.
    pub fn basic() -> Self {
        let value = json!({ "type": "http", "scheme": "basic" });
        Self::new(value).checked_by("BasicAuth")
    }

    /// A cookie of this name.
    pub fn cookie(name: &str) -> Self {
        Self::new(json!({ "type": "apiKey", "in": "cookie", "name": name }))
    }

    /// A key in a header of this name.
    pub fn header(name: &str) -> Self {
        Self::new(json!({ "type": "apiKey", "in": "header", "name": name }))
    }

    /// What it is, or where to get it, in CommonMark.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.value["description"] = json!(text);
        self
    }

    /// The middleware of this name asks for it: a function's name, or that of a type.
    #[must_use]
    pub fn checked_by(mut self, middleware: &str) -> Self {
        self.checked_by.push(middleware.to_owned());
        self
    }

    pub(super) fn is_checked_by(&self, middleware: &str) -> bool {
        self.checked_by.iter().any(|name| name == middleware)
    }

    /// Adds that it is asked for, and how who fails is answered.
    pub(super) fn describe(&self, name: &str, operation: Operation) -> Operation {
        let operation = operation.secured_by(name);
        if self.strict {
            operation.problem(400, "the credentials can't be read")
        } else {
            operation
        }
    }

    pub(super) fn to_value(&self) -> &Value {
        &self.value
    }

    fn new(value: Value) -> Self {
        Self {
            value,
            checked_by: Vec::new(),
            strict: false,
        }
    }
}
