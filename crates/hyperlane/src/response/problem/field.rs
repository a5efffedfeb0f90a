//! One field of a request that is wrong.

use std::borrow::Cow;
use std::fmt;

use super::json::Object;

/// Where in a request a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldLocation {
    /// The parameters of the path.
    Path,
    /// The query.
    Query,
    /// The headers.
    Header,
    /// The cookies.
    Cookie,
    /// The body, as a document like JSON.
    Body,
    /// The body, as a form.
    Form,
}

/// A field of a request that is wrong, in a [`Problem`](crate::Problem).
///
/// In the document it is an object with `in`, `field`, `detail`, and, in a JSON body, `pointer`.
///
/// ```
/// use hyperlane::{FieldError, FieldLocation};
///
/// let error = FieldError::new(FieldLocation::Body, "user.tags[1]", "is too long").with_pointer("#/user/tags/1");
/// assert_eq!((error.location().as_str(), error.field()), ("body", "user.tags[1]"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    location: FieldLocation,
    field: Cow<'static, str>,
    pointer: Option<Cow<'static, str>>,
    detail: Cow<'static, str>,
}

impl FieldError {
    /// The field of this name, as in `user.tags[1]`, is wrong for a reason that the client may know.
    pub fn new(
        location: FieldLocation,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            location,
            field: field.into(),
            pointer: None,
            detail: detail.into(),
        }
    }

    /// The same with a JSON pointer into the body, as in `#/user/tags/1` (RFC 6901 §6).
    #[must_use]
    pub fn with_pointer(mut self, pointer: impl Into<Cow<'static, str>>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Where it stands.
    pub fn location(&self) -> FieldLocation {
        self.location
    }

    /// Its name.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The JSON pointer to it.
    pub fn pointer(&self) -> Option<&str> {
        self.pointer.as_deref()
    }

    /// What is wrong.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    pub(super) fn to_json(&self) -> String {
        let mut object = Object::new();
        object.text("in", self.location.as_str());
        object.text("field", &self.field);
        if let Some(pointer) = &self.pointer {
            object.text("pointer", pointer);
        }
        object.text("detail", &self.detail);
        object.finish()
    }
}

impl FieldLocation {
    /// As it is called in a document: `path`, `query`, `header`, `cookie`, `body` or `form`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
            Self::Form => "form",
        }
    }
}

impl fmt::Display for FieldLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
