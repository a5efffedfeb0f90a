//! What a context's setters made of the response, and how it meets what the handler returned.

use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyperlane_core::{InvalidHeader, Response};

/// The response as the setters made it so far.
pub(crate) struct Draft {
    pub(super) response: Response,
    pub(super) trailers: Option<Box<HeaderMap>>,
    pub(super) status_set: bool,
    /// Whether the content type is by hand, not by a body.
    pub(super) content_type_set: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            response: Response::deferred(),
            trailers: None,
            status_set: false,
            content_type_set: false,
        }
    }
}

impl Draft {
    /// The answer of a handler that returned `returned`.
    ///
    /// Where it returned nothing the draft is the answer. Otherwise what it returned is, with the headers, cookies
    /// and trailers that were set and that it does not have itself.
    pub(crate) fn merge(self, mut returned: Response) -> Response {
        if returned.is_deferred() {
            return self.merge_into_draft(returned);
        }
        let Self {
            response: mut set,
            trailers,
            status_set,
            content_type_set,
        } = self;
        if status_set && set.status() != returned.status() {
            tracing::warn!(
                set = set.status().as_u16(),
                returned = returned.status().as_u16(),
                "handler set a status and returned a response: what it returned counts"
            );
        }
        take_defect(&mut returned, &set);
        if set.encoder_headers().0.is_some() {
            let mut headers = std::mem::take(set.headers_mut());
            if !content_type_set {
                // It describes the body that was set, and that is not sent.
                headers.remove(CONTENT_TYPE);
            }
            if !headers.is_empty() {
                add_missing(returned.headers_mut(), headers);
            }
        }
        with_trailers(returned, trailers)
    }

    /// The draft as it is.
    pub(super) fn into_response(self) -> Response {
        with_trailers(self.response, self.trailers)
    }

    /// `returned` is nothing, or a status and headers around nothing: these go before what was set.
    fn merge_into_draft(mut self, mut returned: Response) -> Response {
        if returned.status() != StatusCode::OK {
            *self.response.status_mut() = returned.status();
        }
        if returned.encoder_headers().0.is_some() {
            let headers = std::mem::take(returned.headers_mut());
            replace(self.response.headers_mut(), headers);
        }
        take_defect(&mut self.response, &returned);
        if returned.extensions().is_some_and(|extensions| !extensions.is_empty()) {
            let extensions = std::mem::take(returned.extensions_mut());
            self.response.extensions_mut().extend(extensions);
        }
        self.into_response()
    }
}

fn with_trailers(mut response: Response, trailers: Option<Box<HeaderMap>>) -> Response {
    if let Some(trailers) = trailers {
        let body = std::mem::take(response.body_mut()).with_trailers(*trailers);
        *response.body_mut() = body;
    }
    response
}

/// What must not be sent spoils the answer wherever it was set.
fn take_defect(answer: &mut Response, other: &Response) {
    if let Some(defect) = other.defect() {
        answer.reject(InvalidHeader::other(defect.to_string()));
    }
}

/// Adds `new` to `headers`, its values of a name instead of those before; cookies are added to the others.
fn replace(headers: &mut HeaderMap, new: HeaderMap) {
    for name in new.keys().filter(|name| **name != SET_COOKIE) {
        headers.remove(name);
    }
    append(headers, new, |_, _| true);
}

/// Adds of `other` to `headers` what they do not have: names, and cookies by their names.
fn add_missing(headers: &mut HeaderMap, other: HeaderMap) {
    let cookies: Vec<_> = headers
        .get_all(SET_COOKIE)
        .iter()
        .map(|line| cookie_name(line).to_vec())
        .collect();
    let names: Vec<_> = headers.keys().filter(|name| **name != SET_COOKIE).cloned().collect();
    append(headers, other, |name, value| {
        if *name == SET_COOKIE {
            !cookies.iter().any(|cookie| cookie == cookie_name(value))
        } else {
            !names.contains(name)
        }
    });
}

fn append(headers: &mut HeaderMap, other: HeaderMap, wanted: impl Fn(&http::HeaderName, &HeaderValue) -> bool) {
    let mut current = None;
    for (name, value) in other {
        // A map gives each name once, and `None` for its further values.
        current = name.or(current);
        if let Some(name) = &current
            && wanted(name, &value)
        {
            headers.append(name, value);
        }
    }
}

fn cookie_name(line: &HeaderValue) -> &[u8] {
    line.as_bytes()
        .split(|byte| *byte == b'=')
        .next()
        .unwrap_or_default()
        .trim_ascii()
}
