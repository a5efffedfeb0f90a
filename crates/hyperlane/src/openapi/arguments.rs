//! What the built-in extractors read.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use hyperlane_core::{Body, Request};
use schemars::JsonSchema;

use super::describe::Describe;
use super::operation::Operation;
use crate::context::Context;
use crate::extract::{Extension, Form, FromContext, Json, MatchedPath, OriginalUri, Path, PeerAddr, Query, State};
use crate::middleware::{Authenticated, RequestId};
use crate::version::HttpVersion;

const BINARY: &str = "application/octet-stream";
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What a client need not know, or can't: a handler may look at anything of its [`Context`].
macro_rules! nothing_to_say {
    ($($argument:ty),* $(,)?) => {$(
        impl Describe for $argument {}
    )*};
}

nothing_to_say! {
    Context, HeaderMap, HttpVersion, MatchedPath, Method, OriginalUri, PeerAddr, RequestId, Uri,
}

#[cfg(feature = "cookies")]
nothing_to_say!(crate::extract::Cookies);

#[cfg(feature = "session")]
nothing_to_say!(crate::middleware::Session);

#[cfg(feature = "cookies-crypto")]
nothing_to_say!(crate::extract::PrivateCookies, crate::extract::SignedCookies);

impl<T> Describe for Authenticated<T> {}
impl<T> Describe for Extension<T> {}
impl<T> Describe for State<T> {}

/// As the value itself; what is taken of a request may be missing.
impl<T: Describe> Describe for Option<T> {
    fn describe(operation: Operation) -> Operation {
        operation.optional(T::describe)
    }
}

/// As the value itself, but for its rejection: the handler answers.
impl<T: FromContext + Describe> Describe for Result<T, T::Rejection> {
    fn describe(operation: Operation) -> Operation {
        operation.without_rejection(T::describe)
    }
}

impl<T: JsonSchema> Describe for Path<T> {
    fn describe(operation: Operation) -> Operation {
        operation.path::<T>().problem(400, MISFIT)
    }
}

impl<T: JsonSchema> Describe for Query<T> {
    fn describe(operation: Operation) -> Operation {
        operation.query::<T>().problem(400, MISFIT)
    }
}

impl<T: JsonSchema> Describe for Json<T> {
    fn describe(operation: Operation) -> Operation {
        let operation = typed_body(operation.body_of::<T>(JSON)).problem(400, "the body is missing or no json");
        operation.problem(422, "a field of the body does not fit")
    }
}

impl<T: JsonSchema> Describe for Form<T> {
    fn describe(operation: Operation) -> Operation {
        let operation = typed_body(operation.form_of::<T>(FORM)).problem(400, "the body is missing or no form");
        operation.problem(422, "a field of the form does not fit")
    }
}

#[cfg(feature = "multipart")]
impl Describe for crate::extract::Multipart {
    fn describe(operation: Operation) -> Operation {
        let operation = operation.body_of::<serde_json::Map<String, serde_json::Value>>("multipart/form-data");
        let operation = typed_body(operation).problem(400, "the body is missing or no form");
        operation.problem(422, "a field of the form does not fit")
    }
}

/// The rules of `T` are in its schema: `schemars` reads the attributes of `garde`.
#[cfg(feature = "validation")]
impl<E: crate::extract::Validatable + Describe> Describe for crate::extract::Valid<E> {
    fn describe(operation: Operation) -> Operation {
        E::describe(operation)
    }
}

#[cfg(feature = "typed-headers")]
impl<T: headers::Header> Describe for crate::extract::TypedHeader<T> {
    fn describe(operation: Operation) -> Operation {
        let operation = operation.header::<String>(T::name().as_str());
        operation.problem(400, "a header is missing or malformed")
    }
}

/// An operation that is a WebSocket, as far as OpenAPI can say so: what is sent over it has no place there.
#[cfg(feature = "websocket")]
impl Describe for crate::websocket::WebSocketUpgrade {
    fn describe(mut operation: Operation) -> Operation {
        operation.responses = operation.responses.add(101, |response| {
            let response = response.description("the connection goes on as a websocket (RFC 6455 §4.2.2)");
            response.header("upgrade", "`websocket`")
        });
        operation
            .problem(400, "the handshake is malformed")
            .problem(403, "a page of this origin may not open it")
            .problem(426, "it is opened as a websocket of version 13")
    }
}

impl Describe for Bytes {
    fn describe(operation: Operation) -> Operation {
        let operation = operation.optional(|operation| operation.body(BINARY));
        whole_body(operation).problem(400, "the body is cut off")
    }
}

impl Describe for String {
    fn describe(operation: Operation) -> Operation {
        let operation = operation.optional(|operation| operation.body_of::<Self>("text/plain"));
        whole_body(operation).problem(400, "the body is no text, or cut off")
    }
}

impl Describe for Body {
    fn describe(operation: Operation) -> Operation {
        operation.optional(|operation| operation.body(BINARY))
    }
}

impl Describe for Request {
    fn describe(operation: Operation) -> Operation {
        Body::describe(operation)
    }
}

const MISFIT: &str = "a parameter does not fit";

fn typed_body(operation: Operation) -> Operation {
    whole_body(operation).problem(415, "the body is of another type")
}

fn whole_body(operation: Operation) -> Operation {
    operation.problem(413, "the body is over the limit")
}
