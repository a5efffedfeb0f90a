//! What a context's setters made of the response, and how it meets what the handler returned.

use std::mem;

use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
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
    /// Forgets what was set.
    pub(super) fn reset(&mut self) {
        if !self.response.is_blank() {
            self.response = Response::deferred();
        }
        self.trailers = None;
        self.status_set = false;
        self.content_type_set = false;
    }

    /// Makes what a handler returned its answer.
    ///
    /// Where it returned nothing the draft is the answer. Otherwise what it returned is, with the headers, cookies
    /// and trailers that were set and that it does not have itself. Of the draft nothing is left.
    pub(crate) fn settle(&mut self, returned: &mut Response) {
        if returned.is_blank() {
            mem::swap(&mut self.response, returned);
        } else if returned.is_deferred() {
            self.stand_behind(returned);
        } else {
            self.add_to(returned);
        }
        add_trailers(returned, self.trailers.take());
    }

    /// The draft as it is.
    pub(super) fn into_response(self) -> Response {
        let mut response = self.response;
        add_trailers(&mut response, self.trailers);
        response
    }

    /// What was returned is the answer.
    fn add_to(&mut self, returned: &mut Response) {
        let set = &mut self.response;
        if self.status_set && set.status() != returned.status() {
            tracing::warn!(
                set = set.status().as_u16(),
                returned = returned.status().as_u16(),
                "handler set a status and returned a response: what it returned counts"
            );
        }
        take_defect(returned, set);
        if !self.content_type_set {
            // It describes the body that was set, and that is not sent.
            set.remove_header(CONTENT_TYPE.as_str());
        }
        if set.header_list().is_some_and(is_simple) {
            for (name, value) in set.drain_header_list().into_iter().flatten() {
                if !returned.has_header(&name) {
                    returned.append_header(name, value);
                }
            }
        } else if set.has_headers() {
            add_missing(returned.headers_mut(), mem::take(set.headers_mut()));
        }
    }

    /// What was returned is nothing, or a status and headers around nothing: these go before what was set.
    fn stand_behind(&mut self, returned: &mut Response) {
        mem::swap(&mut self.response, returned);
        let (answer, first) = (returned, &mut self.response);
        if first.status() != StatusCode::OK {
            *answer.status_mut() = first.status();
        }
        if first.has_headers() {
            replace(answer.headers_mut(), mem::take(first.headers_mut()));
        }
        take_defect(answer, first);
        if first.extensions().is_some_and(|extensions| !extensions.is_empty()) {
            answer.extensions_mut().extend(mem::take(first.extensions_mut()));
        }
    }
}

fn add_trailers(response: &mut Response, trailers: Option<Box<HeaderMap>>) {
    if let Some(trailers) = trailers {
        let body = mem::take(response.body_mut()).with_trailers(*trailers);
        *response.body_mut() = body;
    }
}

/// Whether no name is there twice, and no cookie, which have names of their own.
fn is_simple(list: &[(HeaderName, HeaderValue)]) -> bool {
    // Those of a name stand together.
    list.iter().all(|(name, _)| *name != SET_COOKIE) && list.windows(2).all(|pair| pair[0].0 != pair[1].0)
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

fn append(headers: &mut HeaderMap, other: HeaderMap, wanted: impl Fn(&HeaderName, &HeaderValue) -> bool) {
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
