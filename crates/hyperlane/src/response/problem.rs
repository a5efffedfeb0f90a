//! Problem details: what is told of an error, in a form that programs can read (RFC 9457).

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::{HeaderValue, StatusCode};
use hyperlane_core::{IntoResponse, Response};

mod field;
mod json;

pub use field::{FieldError, FieldLocation};
use json::Object;

static PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error as the client is told of it: `application/problem+json` (RFC 9457).
///
/// All built-in rejections become one. A handler may return one too, or an `Err` of one. The response carries the
/// problem in its [extensions](Response::extensions), so that what stands around the handlers can shape all of them
/// alike.
///
/// Everything in it is sent. What the client must not know belongs into an [`Error`](crate::Error).
///
/// ```
/// use hyperlane::*;
///
/// async fn buy(Path(item): Path<u64>) -> Result<String, Problem> {
///     if item == 0 {
///         return Err(Problem::new(StatusCode::CONFLICT)
///             .with_type("https://shop.example/problems/sold-out")
///             .with_title("Sold out")
///             .with_detail(format!("item {item} is sold out")));
///     }
///     Ok(format!("bought {item}"))
/// }
/// # Server::new().post("/buy/{item}", buy);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(
    // Boxed: it is the error of many a `Result`.
    Box<Inner>,
);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    status: StatusCode,
    kind: Cow<'static, str>,
    title: Option<Cow<'static, str>>,
    detail: Option<Cow<'static, str>>,
    instance: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    /// Names and JSON texts.
    members: Vec<(Cow<'static, str>, String)>,
}

impl Problem {
    /// A problem that says no more than its status: its type is `about:blank` (RFC 9457 §4.2.1) and its title the
    /// status' reason phrase.
    pub fn new(status: StatusCode) -> Self {
        Self(Box::new(Inner {
            status,
            kind: Cow::Borrowed("about:blank"),
            title: None,
            detail: None,
            instance: None,
            errors: Vec::new(),
            members: Vec::new(),
        }))
    }

    /// The same with the URI that identifies this kind of problem (§3.1.1).
    #[must_use]
    pub fn with_type(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.0.kind = uri.into();
        self
    }

    /// The same with a summary of this kind of problem, which is the same each time (§3.1.3).
    #[must_use]
    pub fn with_title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.0.title = Some(title.into());
        self
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The same with what went wrong this time, and what the client can do about it (§3.1.4).
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// The same with a URI that identifies this occurrence (§3.1.5).
    #[must_use]
    pub fn with_instance(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.0.instance = Some(uri.into());
        self
    }

    /// The same with one more field that is wrong. They stand in the member `errors`.
    #[must_use]
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.0.errors.push(error);
        self
    }

    /// The same with a member of your own (§3.2), instead of an earlier one of this name.
    ///
    /// A name that the standard or [`with_error`](Self::with_error) has taken, or a value that can't be written as
    /// JSON, is left out, and an error is logged.
    ///
    /// ```
    /// use hyperlane::{Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::PAYMENT_REQUIRED).with_member("balance", 30);
    /// assert!(problem.to_json().ends_with(r#","balance":30}"#));
    /// ```
    #[cfg(feature = "json")]
    #[must_use]
    pub fn with_member(mut self, name: impl Into<Cow<'static, str>>, value: impl serde::Serialize) -> Self {
        let name = name.into();
        if ["type", "title", "status", "detail", "instance", "errors"].contains(&&*name) {
            tracing::error!(member = %name, "member of a problem has a name that is taken: it is left out");
            return self;
        }
        match serde_json::to_string(&value) {
            Ok(text) => self.set_member(name, text),
            Err(error) => tracing::error!(member = %name, %error, "member of a problem can't be written as json"),
        }
        self
    }

    pub(crate) fn with_code(mut self, code: &'static str) -> Self {
        self.set_member(Cow::Borrowed("code"), format!("\"{code}\""));
        self
    }

    fn set_member(&mut self, name: Cow<'static, str>, text: String) {
        self.0.members.retain(|(other, _)| *other != name);
        self.0.members.push((name, text));
    }

    /// The status, which is the response's too.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The URI of its kind. Default: `about:blank`.
    pub fn type_uri(&self) -> &str {
        &self.0.kind
    }

    /// The title. Default: the reason phrase of the status.
    pub fn title(&self) -> &str {
        match &self.0.title {
            Some(title) => title,
            None => self.0.status.canonical_reason().unwrap_or("Unknown problem"),
        }
    }

    /// What went wrong this time.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The URI of this occurrence.
    pub fn instance(&self) -> Option<&str> {
        self.0.instance.as_deref()
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// The JSON text of a member beside those of the standard. Problems that were made of a
    /// [`Rejection`](crate::Rejection) have `code`, which is its [kind](crate::RejectionKind).
    pub fn member(&self, name: &str) -> Option<&str> {
        let mut members = self.0.members.iter();
        members.find(|(other, _)| other == name).map(|(_, text)| text.as_str())
    }

    /// The document.
    ///
    /// ```
    /// use hyperlane::{FieldError, FieldLocation, Problem, StatusCode};
    ///
    /// let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY)
    ///     .with_detail("age is too low")
    ///     .with_error(FieldError::new(FieldLocation::Body, "user.age", "must be at least 18"));
    /// assert_eq!(
    ///     problem.to_json(),
    ///     r##"{"type":"about:blank","title":"Unprocessable Entity","status":422,"detail":"age is too low","##.to_owned()
    ///         + r##""errors":[{"in":"body","field":"user.age","detail":"must be at least 18"}]}"##
    /// );
    /// ```
    pub fn to_json(&self) -> String {
        let inner = &*self.0;
        let mut object = Object::new();
        object.text("type", &inner.kind);
        object.text("title", self.title());
        object.raw("status", inner.status.as_str());
        if let Some(detail) = &inner.detail {
            object.text("detail", detail);
        }
        if let Some(instance) = &inner.instance {
            object.text("instance", instance);
        }
        if !inner.errors.is_empty() {
            let errors: Vec<_> = inner.errors.iter().map(FieldError::to_json).collect();
            object.raw("errors", &format!("[{}]", errors.join(",")));
        }
        for (name, text) in &inner.members {
            object.raw(name, text);
        }
        object.finish()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::typed(&PROBLEM_JSON, self.to_json()).with_status(self.status());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StatusCode> for Problem {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_str(), self.title())?;
        match &self.0.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl StdError for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_at_least_type_title_and_status() {
        let text = Problem::new(StatusCode::NOT_FOUND).to_json();
        assert_eq!(text, r#"{"type":"about:blank","title":"Not Found","status":404}"#);
    }

    #[test]
    fn a_response_carries_its_problem() {
        let problem = Problem::new(StatusCode::GONE).with_detail("it was \"here\"\n");
        let response = problem.clone().into_response();
        assert_eq!(response.status(), 410);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(
            response.extensions().and_then(|all| all.get::<Problem>()),
            Some(&problem)
        );
    }

    #[cfg(feature = "json")]
    #[test]
    fn a_member_can_not_take_the_place_of_a_standard_one() {
        let problem = Problem::new(StatusCode::GONE)
            .with_member("status", 200)
            .with_member("a", 1)
            .with_member("a", 2);
        assert_eq!(
            problem.to_json(),
            r#"{"type":"about:blank","title":"Gone","status":410,"a":2}"#
        );
    }
}
