//! What the built-in responses answer.

use std::borrow::Cow;
use std::convert::Infallible;

use bytes::{Bytes, BytesMut};
use http::{Extensions, HeaderMap, StatusCode};
use hyperlane_core::into_response::{AppendHeaders, ErrorResponse};
use hyperlane_core::{Body, Response};
use schemars::JsonSchema;

use super::describe::{DescribePart, DescribeResponse};
use super::responses::{Responses, Status};
use crate::context::{SendError, TaskError};
use crate::extract::{Extension, Json, Rejection};
use crate::response::{Created, Either, Error, Html, NoContent, Problem, Redirect};

/// Of these nothing is known before they are there.
macro_rules! open {
    ($($response:ty),*) => {$(
        impl DescribeResponse for $response {}
    )*};
}

open!((), Response, StatusCode);

impl<B> DescribeResponse for http::Response<B> {}

macro_rules! bodies {
    ($($media_type:literal: $($body:ty),*;)*) => {$($(
        impl DescribeResponse for $body {
            fn describe_response(responses: Responses) -> Responses {
                responses.add(200, |response| response.body($media_type))
            }
        }
    )*)*};
}

bodies! {
    "*/*": Body;
    "application/octet-stream": Bytes, BytesMut, Vec<u8>, &'static [u8], Box<[u8]>, Cow<'static, [u8]>;
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl DescribeResponse for $text {
            fn describe_response(responses: Responses) -> Responses {
                responses.add(200, |response| response.body_of::<String>("text/plain"))
            }
        }
    )*};
}

texts!(&'static str, String, Cow<'static, str>, Box<str>);

impl<const N: usize> DescribeResponse for &'static [u8; N] {
    fn describe_response(responses: Responses) -> Responses {
        <&'static [u8]>::describe_response(responses)
    }
}

impl DescribeResponse for HeaderMap {
    fn describe_response(responses: Responses) -> Responses {
        responses.add(200, |response| response)
    }
}

impl<T: JsonSchema> DescribeResponse for Json<T> {
    fn describe_response(responses: Responses) -> Responses {
        responses.add(200, |response| response.json::<T>())
    }
}

impl<T> DescribeResponse for Html<T> {
    fn describe_response(responses: Responses) -> Responses {
        responses.add(200, |response| response.body_of::<String>("text/html"))
    }
}

impl DescribeResponse for NoContent {
    fn describe_response(responses: Responses) -> Responses {
        responses.add(204, |response| response)
    }
}

impl<T: DescribeResponse> DescribeResponse for Created<T> {
    fn describe_response(responses: Responses) -> Responses {
        responses.within(|inner| {
            let inner = T::describe_response(inner).with_status(201);
            inner.with_header("location", "where it is")
        })
    }
}

/// Which redirect it is stands in its value.
impl DescribeResponse for Redirect {
    fn describe_response(responses: Responses) -> Responses {
        responses.add(Status::Class(3), |response| response.header("location", "where to go"))
    }
}

impl<L: DescribeResponse, R: DescribeResponse> DescribeResponse for Either<L, R> {
    fn describe_response(responses: Responses) -> Responses {
        responses.within(L::describe_response).within(R::describe_response)
    }
}

impl<T: DescribeResponse> DescribeResponse for Option<T> {
    fn describe_response(responses: Responses) -> Responses {
        responses.within(T::describe_response).add(404, |response| response)
    }
}

impl<T: DescribeResponse, E: DescribeResponse> DescribeResponse for Result<T, E> {
    fn describe_response(responses: Responses) -> Responses {
        responses.within(T::describe_response).within(E::describe_response)
    }
}

/// It is never there.
impl DescribeResponse for Infallible {
    fn describe_response(responses: Responses) -> Responses {
        responses
    }
}

/// Errors whose status stands in their value.
macro_rules! problems {
    ($($error:ty),*) => {$(
        impl DescribeResponse for $error {
            fn describe_response(responses: Responses) -> Responses {
                responses.problem(Status::Failure, "an error")
            }
        }
    )*};
}

problems!(Error, Problem, Rejection, SendError, TaskError);

#[cfg(feature = "websocket")]
problems!(crate::websocket::UpgradeRejection);

#[cfg(feature = "session")]
problems!(crate::middleware::SessionError);

impl DescribeResponse for ErrorResponse {
    fn describe_response(responses: Responses) -> Responses {
        responses.add(Status::Failure, |response| response.description("an error"))
    }
}

#[cfg(feature = "typed-headers")]
impl<T: headers::Header> DescribeResponse for crate::extract::TypedHeader<T> {
    fn describe_response(responses: Responses) -> Responses {
        Self::describe_part(responses.add(200, |response| response))
    }
}

#[cfg(feature = "typed-headers")]
impl<T: headers::Header> DescribePart for crate::extract::TypedHeader<T> {
    fn describe_part(responses: Responses) -> Responses {
        let name = T::name();
        responses.with_header(name.as_str(), "set by the handler")
    }
}

/// Which one it is stands in its value.
impl DescribePart for StatusCode {
    fn describe_part(responses: Responses) -> Responses {
        responses.with_status(Status::Open)
    }
}

impl DescribePart for Extensions {}
impl DescribePart for HeaderMap {}
impl<T> DescribePart for Extension<T> {}
impl<N, V, const LEN: usize> DescribePart for [(N, V); LEN] {}
impl<N, V, const LEN: usize> DescribePart for AppendHeaders<N, V, LEN> {}

impl<P: DescribePart> DescribePart for Option<P> {
    fn describe_part(responses: Responses) -> Responses {
        P::describe_part(responses)
    }
}

macro_rules! tuples {
    ($($part:ident)+) => {
        impl<$($part: DescribePart,)+ R: DescribeResponse> DescribeResponse for ($($part,)+ R) {
            fn describe_response(responses: Responses) -> Responses {
                responses.within(|inner| {
                    let inner = R::describe_response(inner);
                    $(let inner = $part::describe_part(inner);)+
                    inner
                })
            }
        }
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
