//! What stands before the body in a tuple that a handler returns.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::IntoResponse;
use crate::{InvalidHeader, Response};

/// A part of a response that stands before its body in a tuple: a status, headers, extensions, or a type of your own.
///
/// Parts are applied from the body outwards, so that of two that set the same the first in the tuple counts. Up to
/// eight may stand there.
///
/// ```
/// use hyperlane_core::into_response::ResponsePart;
/// use hyperlane_core::{IntoResponse, Response};
///
/// /// Lets a browser ask again after some seconds.
/// struct RetryAfter(u32);
///
/// impl ResponsePart for RetryAfter {
///     fn apply(self, response: &mut Response) {
///         response.headers_mut().insert("retry-after", self.0.into());
///     }
/// }
///
/// let response = (http::StatusCode::SERVICE_UNAVAILABLE, RetryAfter(30), "later").into_response();
/// assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &"30".parse().unwrap()));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't stand before the body in a response's tuple",
    label = "this is no part of a response",
    note = "put a `StatusCode`, an array of headers like `[(\"x-name\", \"value\")]`, a `HeaderMap` or an `Option` of these before the body, which stands last",
    note = "or implement `ResponsePart` for your type"
)]
pub trait ResponsePart {
    /// Changes the response that the rest of the tuple made.
    fn apply(self, response: &mut Response);
}

impl ResponsePart for StatusCode {
    fn apply(self, response: &mut Response) {
        *response.status_mut() = self;
    }
}

/// The headers replace those of the same names.
impl ResponsePart for HeaderMap {
    fn apply(self, response: &mut Response) {
        let headers = response.headers_mut();
        let mut last: Option<HeaderName> = None;
        for (name, value) in self {
            // A map gives each name once, and `None` for its further values.
            match (name, &last) {
                (Some(name), _) => {
                    headers.insert(name.clone(), value);
                    last = Some(name);
                }
                (None, Some(name)) => {
                    headers.append(name.clone(), value);
                }
                (None, None) => {}
            }
        }
    }
}

/// The headers replace those of the same names. One that must not go on the wire makes the response a 500.
impl<N, V, const LEN: usize> ResponsePart for [(N, V); LEN]
where
    N: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
    N::Error: Into<http::Error>,
    V::Error: Into<http::Error>,
{
    fn apply(self, response: &mut Response) {
        let checked = self.map(|(name, value)| InvalidHeader::check(name, value));
        let name_of = |at: usize| checked[at].as_ref().ok().map(|(name, _)| name);
        // The first of a name replaces what the body brought, the next ones are added to it.
        let repeats: [bool; LEN] =
            std::array::from_fn(|at| name_of(at).is_some() && (0..at).any(|before| name_of(before) == name_of(at)));
        for (header, repeats) in checked.into_iter().zip(repeats) {
            match header {
                Ok((name, value)) if repeats => response.append_header(name, value),
                Ok((name, value)) => response.insert_header(name, value),
                Err(error) => response.reject(error),
            }
        }
    }
}

impl ResponsePart for Extensions {
    fn apply(self, response: &mut Response) {
        response.extensions_mut().extend(self);
    }
}

impl<P: ResponsePart> ResponsePart for Option<P> {
    fn apply(self, response: &mut Response) {
        if let Some(part) = self {
            part.apply(response);
        }
    }
}

/// Headers that are added beside those of the same names, instead of replacing them.
///
/// ```
/// use hyperlane_core::IntoResponse;
/// use hyperlane_core::into_response::AppendHeaders;
///
/// let response = (AppendHeaders([("vary", "accept")]), [("vary", "cookie")], "text").into_response();
/// assert_eq!(response.headers().get_all("vary").iter().count(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AppendHeaders<N, V, const LEN: usize>(pub [(N, V); LEN]);

impl<N, V, const LEN: usize> ResponsePart for AppendHeaders<N, V, LEN>
where
    N: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
    N::Error: Into<http::Error>,
    V::Error: Into<http::Error>,
{
    fn apply(self, response: &mut Response) {
        for (name, value) in self.0 {
            match InvalidHeader::check(name, value) {
                Ok((name, value)) => response.append_header(name, value),
                Err(error) => response.reject(error),
            }
        }
    }
}

macro_rules! tuples {
    ($($part:ident)+) => {
        impl<$($part: ResponsePart,)+ R: IntoResponse> IntoResponse for ($($part,)+ R) {
            #[allow(non_snake_case, reason = "parts are named after their types")]
            fn into_response(self) -> Response {
                let ($($part,)+ body) = self;
                let mut response = body.into_response();
                tuples!(@apply response $($part)+);
                response
            }
        }
    };
    // The last part first.
    (@apply $response:ident) => {};
    (@apply $response:ident $first:ident $($rest:ident)*) => {
        tuples!(@apply $response $($rest)*);
        $first.apply(&mut $response);
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_a_tuple_replace_those_of_the_body_and_may_repeat() {
        let response = ([("content-type", "text/csv"), ("x-a", "1"), ("x-a", "2")], "a,b").into_response();
        assert_eq!(response.headers()["content-type"], "text/csv");
        assert_eq!(response.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn of_two_parts_that_set_the_same_the_first_counts() {
        let response = (
            StatusCode::CREATED,
            [("x-a", "1")],
            Some([("x-a", "2"), ("x-b", "2")]),
            StatusCode::ACCEPTED,
            "body",
        )
            .into_response();
        assert_eq!(response.status(), 201);
        assert_eq!(
            (&response.headers()["x-a"], &response.headers()["x-b"]),
            (&HeaderValue::from_static("1"), &HeaderValue::from_static("2"))
        );
    }

    #[test]
    fn a_bad_header_in_a_tuple_makes_the_response_unsendable() {
        assert!(([("x-a", "1\r\n2")], "body").into_response().defect().is_some());
        assert!(
            (AppendHeaders([("x a", "1")]), "body")
                .into_response()
                .defect()
                .is_some()
        );
    }
}
