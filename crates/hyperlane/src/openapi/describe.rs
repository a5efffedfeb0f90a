//! How types say what they read and answer: the traits, and how those of a handler come together.

use hyperlane_core::IntoResponse;

use super::operation::Operation;
use super::responses::Responses;
use crate::handler::{Arguments, Handler, HandlerFn, HandlerFuture, SentFuture};

/// An argument of a handler that says what it reads.
///
/// All built-in extractors do. One of your own that reads nothing which a client should know opts in without a word:
/// `impl Describe for User {}`.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::openapi::{Describe, Operation};
///
/// struct ApiVersion(u32);
///
/// impl FromContext for ApiVersion {
///     type Rejection = Problem;
///
///     async fn from_context(ctx: &Context) -> Result<Self, Problem> {
///         let version = ctx.header("api-version").and_then(|text| text.parse().ok());
///         version.map(Self).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST))
///     }
/// }
///
/// impl Describe for ApiVersion {
///     fn describe(operation: Operation) -> Operation {
///         operation.header::<u32>("api-version").problem(400, "a header is missing or malformed")
///     }
/// }
///
/// async fn show(ApiVersion(version): ApiVersion) -> String { version.to_string() }
/// # Server::new().get("/", Route::new(show).openapi(|operation| operation));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it reads of a request",
    label = "this argument has no description",
    note = "the `T` of `Path`, `Query`, `Json` and `Form` derives `hyperlane::openapi::schemars::JsonSchema`",
    note = "for an extractor of your own write `impl Describe for … {{}}`, or say in it what it reads"
)]
pub trait Describe {
    /// Adds what it reads, and how it rejects requests. Default: nothing.
    #[must_use]
    fn describe(operation: Operation) -> Operation {
        operation
    }
}

/// What a handler returns, and what it may answer with it.
///
/// All built-in responses have it. One of your own whose answers are not told opts in without a word:
/// `impl DescribeResponse for Page {}`.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::openapi::{DescribeResponse, Responses};
///
/// struct Csv(String);
///
/// impl IntoResponse for Csv {
///     fn into_response(self) -> Response {
///         ([("content-type", "text/csv")], self.0).into_response()
///     }
/// }
///
/// impl DescribeResponse for Csv {
///     fn describe_response(responses: Responses) -> Responses {
///         responses.add(200, |response| response.description("the table").body("text/csv"))
///     }
/// }
///
/// async fn export() -> Csv { Csv("a,b\n1,2\n".to_owned()) }
/// # Server::new().get("/", Route::new(export).openapi(|operation| operation));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it answers",
    label = "this response has no description",
    note = "the `T` of `Json` derives `hyperlane::openapi::schemars::JsonSchema`",
    note = "for a response of your own write `impl DescribeResponse for … {{}}`, or say in it what it answers"
)]
pub trait DescribeResponse {
    /// Adds the responses. Default: one of which nothing is known.
    #[must_use]
    fn describe_response(responses: Responses) -> Responses {
        responses.add(super::Status::Open, |response| response)
    }
}

/// What stands before the body in a tuple that a handler returns, and how it changes the response.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how it changes a response",
    label = "this part of a response has no description",
    note = "for a part of your own write `impl DescribePart for … {{}}`, or say in it what it changes"
)]
pub trait DescribePart {
    /// Changes the responses that the rest of the tuple has. Default: not at all.
    #[must_use]
    fn describe_part(responses: Responses) -> Responses {
        responses
    }
}

/// A handler whose arguments and answer are described. It is implemented where these implement [`Describe`] and
/// [`DescribeResponse`].
pub trait DescribeHandler<Args>: Handler<Args> {
    /// Adds what its types say.
    #[doc(hidden)]
    fn describe_handler(operation: Operation) -> Operation;
}

impl<F, Args, Kind, Sent> DescribeHandler<(Args, Kind, Sent)> for F
where
    F: HandlerFn<Args>,
    Args: Arguments + DescribeArguments + 'static,
    F::Output: HandlerFuture<Kind> + SentFuture<Sent> + Send + 'static,
    <F::Output as HandlerFuture<Kind>>::Value: IntoResponse + DescribeResponse,
{
    fn describe_handler(operation: Operation) -> Operation {
        let operation = Args::describe_arguments(operation);
        operation.answers(<F::Output as HandlerFuture<Kind>>::Value::describe_response)
    }
}

/// The arguments of a handler. It is a part of [`DescribeHandler`].
#[doc(hidden)]
pub trait DescribeArguments {
    fn describe_arguments(operation: Operation) -> Operation;
}

macro_rules! tuples {
    ($($argument:ident)*) => {
        impl<$($argument: Describe,)*> DescribeArguments for ($($argument,)*) {
            fn describe_arguments(operation: Operation) -> Operation {
                $(let operation = $argument::describe(operation);)*
                operation
            }
        }
    };
}

tuples!();
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E G);
tuples!(A B C D E G H);
tuples!(A B C D E G H I);
tuples!(A B C D E G H I J);
tuples!(A B C D E G H I J K);
tuples!(A B C D E G H I J K L);
tuples!(A B C D E G H I J K L M);
