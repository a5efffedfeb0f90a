//! Cross-origin resource sharing: which pages of other origins may read answers.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use hyperlane_core::{Body, Response};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use tower_layer::Layer;
use tower_service::Service;

use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

type Predicate = dyn Fn(&str) -> bool + Send + Sync;

/// Lets pages of other origins read the answers (the Fetch standard's CORS protocol), by `tower-http`.
///
/// No origin is admitted that was not named. Preflight requests are answered here and go no further. Others go on
/// whatever their origin: CORS tells browsers who may read, it does not keep anybody from sending ([`Csrf`](super::Csrf)
/// does).
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::Cors;
/// use std::time::Duration;
///
/// let server = Server::new();
/// server.middleware(
///     Cors::new()
///         .origin("https://app.example")
///         .methods([Method::GET, Method::PUT])
///         .headers(["content-type", "x-version"])
///         .expose(["etag"])
///         .credentials()
///         .max_age(Duration::from_secs(3600)),
/// );
/// ```
#[derive(Clone)]
pub struct Cors {
    origins: Vec<HeaderValue>,
    origin_if: Option<Arc<Predicate>>,
    any_origin: bool,
    methods: Vec<Method>,
    /// `None` for whatever is asked for.
    headers: Option<Vec<HeaderName>>,
    expose: Vec<HeaderName>,
    credentials: bool,
    max_age: Duration,
    /// What was given and makes no sense.
    problems: Vec<String>,
    service: OnceLock<tower_http::cors::Cors<Nothing>>,
}

impl Cors {
    /// Admits no origin yet.
    pub fn new() -> Self {
        Self {
            origins: Vec::new(),
            origin_if: None,
            any_origin: false,
            methods: vec![
                Method::GET,
                Method::HEAD,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ],
            headers: Some(vec![CONTENT_TYPE, AUTHORIZATION]),
            expose: Vec::new(),
            credentials: false,
            max_age: Duration::from_secs(600),
            problems: Vec::new(),
            service: OnceLock::new(),
        }
    }

    /// Admits an origin: `https://app.example`, with the port where it is not that of the scheme.
    ///
    /// What is no origin (a scheme and a host in lower case, without a path) is an error of
    /// [`Server::run`](crate::Server::run).
    #[must_use]
    pub fn origin(mut self, origin: &str) -> Self {
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        let plain = !host.is_empty() && !host.contains(['/', '@', '?', '#', '*']);
        match HeaderValue::try_from(origin) {
            Ok(value) if plain && !origin.contains(|c: char| c.is_ascii_uppercase()) => self.origins.push(value),
            _ => self.problems.push(format!(
                "`{origin}` is no origin: write scheme and host in lower case without a path, like `https://app.example`"
            )),
        }
        self
    }

    /// Admits the origins for which `admits` says so, beside those that are named.
    ///
    /// Compare whole origins: `ends_with("example.com")` is true for `https://evil-example.com`.
    #[must_use]
    pub fn origin_if(mut self, admits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.origin_if = Some(Arc::new(admits));
        self
    }

    /// Admits all origins, for answers that are public.
    ///
    /// Together with [`credentials`](Self::credentials) it is an error of [`Server::run`](crate::Server::run): any page
    /// could act as the user.
    #[must_use]
    pub fn any_origin(mut self) -> Self {
        self.any_origin = true;
        self
    }

    /// The methods that may be asked for. Default: `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`.
    #[must_use]
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        self.methods = methods.into_iter().collect();
        self
    }

    /// The headers that requests may have beside the harmless ones. Default: `content-type` and `authorization`.
    ///
    /// What is no name of a header is an error of [`Server::run`](crate::Server::run).
    #[must_use]
    pub fn headers<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.headers = Some(self.header_names(names));
        self
    }

    /// Lets requests have whatever headers they ask for.
    #[must_use]
    pub fn any_header(mut self) -> Self {
        self.headers = None;
        self
    }

    /// The headers of answers that pages may read beside the harmless ones. Default: none.
    ///
    /// What is no name of a header is an error of [`Server::run`](crate::Server::run).
    #[must_use]
    pub fn expose<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.expose = self.header_names(names);
        self
    }

    /// Lets pages send the user's cookies, and read the answer to that.
    ///
    /// Together with [`any_origin`](Self::any_origin) it is an error of [`Server::run`](crate::Server::run): any page
    /// could act as the user.
    #[must_use]
    pub fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// How long a browser may keep the answer to a preflight request. Default: 10 minutes.
    #[must_use]
    pub fn max_age(mut self, time: Duration) -> Self {
        self.max_age = time;
        self
    }

    /// Keeps those that are names, and remembers the others as problems.
    fn header_names<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) -> Vec<HeaderName> {
        let mut valid = Vec::new();
        for name in names {
            match HeaderName::try_from(name) {
                Ok(name) => valid.push(name),
                Err(_) => self
                    .problems
                    .push(format!("`{name}` is no name of a header: use letters, digits and `-`")),
            }
        }
        valid
    }

    fn service(&self) -> tower_http::cors::Cors<Nothing> {
        let build = || {
            let origin = if self.any_origin {
                AllowOrigin::any()
            } else {
                let (named, other) = (self.origins.clone(), self.origin_if.clone());
                AllowOrigin::predicate(move |origin, _| {
                    named.contains(origin)
                        || other
                            .as_ref()
                            .is_some_and(|admits| origin.to_str().is_ok_and(|origin| admits(origin)))
                })
            };
            let headers = match &self.headers {
                Some(names) => AllowHeaders::list(names.iter().cloned()),
                None => AllowHeaders::mirror_request(),
            };
            CorsLayer::new()
                .allow_origin(origin)
                .allow_methods(self.methods.clone())
                .allow_headers(headers)
                .expose_headers(self.expose.clone())
                // With any origin it is an error of `run`, and would be a panic of the layer.
                .allow_credentials(self.credentials && !self.any_origin)
                .max_age(self.max_age)
                .layer(Nothing)
        };
        self.service.get_or_init(build).clone()
    }

    /// The headers that CORS adds to the answer: they depend on nothing else of request and response.
    async fn headers_for(&self, ctx: &Context, preflight: bool) -> HeaderMap {
        let mut request = http::Request::new(());
        // The layer takes each `OPTIONS` for a preflight request; of the others the method makes no difference.
        if preflight {
            *request.method_mut() = Method::OPTIONS;
        }
        for name in [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_REQUEST_HEADERS] {
            if let Some(value) = ctx.headers().get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        let Ok(response) = self.service().call(request).await;
        response.into_parts().0.headers
    }
}

impl Default for Cors {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Cors {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        // Any other `OPTIONS` asks for the methods of the route, and is answered there.
        let preflight = *ctx.method() == Method::OPTIONS
            && ctx.headers().contains_key(ORIGIN)
            && ctx.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let cors = self.headers_for(&ctx, preflight).await;
        let mut response = if preflight {
            Response::new(Body::empty()).with_status(StatusCode::NO_CONTENT)
        } else {
            next.run(ctx).await
        };
        let headers = response.headers_mut();
        for (name, value) in &cors {
            if *name == VARY {
                headers.append(name, value.clone());
            } else {
                headers.insert(name, value.clone());
            }
        }
        response
    }

    fn check(&self, needs: &mut Requirements) {
        self.problems.iter().for_each(|problem| needs.problem(problem));
        if self.any_origin && self.credentials {
            needs.problem("any origin and credentials together let any page act as the user: name the origins");
        }
    }
}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors")
            .field("origins", &self.origins)
            .field("any_origin", &self.any_origin)
            .field("methods", &self.methods)
            .field("headers", &self.headers)
            .field("expose", &self.expose)
            .field("credentials", &self.credentials)
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}

/// Stands where the service of tower expects the rest: what is answered is not its business.
#[derive(Clone, Copy)]
struct Nothing;

impl Service<http::Request<()>> for Nothing {
    type Response = http::Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<()>) -> Self::Future {
        ready(Ok(http::Response::new(())))
    }
}
