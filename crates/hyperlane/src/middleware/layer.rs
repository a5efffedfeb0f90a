//! Layers of tower as middleware.

use std::any::Any;
use std::borrow::Cow;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use http::StatusCode;
use hyperlane_core::{Body, BoxError, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{Middleware, Next, short_name};
use crate::context::Context;
use crate::exchange::Exchange;
use crate::extract::FromContext;

/// The rest of the way of a request as a service of tower: what layers are put around.
///
/// Each request brings the rest that it shall run, among its extensions, so that one service stands for all routes.
#[derive(Clone, Debug)]
pub struct NextService(());

impl Service<http::Request<Body>> for NextService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = NextFuture;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<Body>) -> NextFuture {
        let rest = request.extensions_mut().remove::<Next>();
        NextFuture(rest.map(|next| next.run(Request::from(request))))
    }
}

/// The answer of a [`NextService`].
#[derive(Debug)]
pub struct NextFuture(
    /// `None` where a layer has thrown the request's extensions away.
    Option<Exchange>,
);

impl Future for NextFuture {
    type Output = Result<http::Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let response = match &mut self.0 {
            Some(exchange) => std::task::ready!(Pin::new(exchange).poll(cx)),
            None => {
                tracing::error!("a layer passed on a request without the extensions that it came with: answering 500");
                Response::from(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        Poll::Ready(Ok(response.into_http()))
    }
}

/// A layer, put around the rest of the way.
pub(crate) struct Layered<S> {
    service: S,
    name: Cow<'static, str>,
}

impl<S> Layered<S> {
    pub(crate) fn new<L: Layer<NextService, Service = S>>(layer: &L) -> Self {
        Self {
            service: layer.layer(NextService(())),
            name: short_name(std::any::type_name::<L>()),
        }
    }
}

impl<S, B> Middleware for Layered<S>
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let mut service = self.service.clone();
        let Ok(mut request) = Request::from_context(&ctx).await;
        drop(ctx);
        request.extensions_mut().insert(next);
        // The service's own error may not be `Send`: it is made one before anything else is waited for.
        if let Err(error) = poll_fn(|cx| service.poll_ready(cx).map_err(Into::into)).await {
            return self.failed(&error);
        }
        match service.call(request.into_http()).await {
            Ok(response) => Response::from(response.map(into_body)),
            Err(error) => self.failed(&error.into()),
        }
    }

    fn name(&self) -> Cow<'static, str> {
        self.name.clone()
    }
}

impl<S> Layered<S> {
    fn failed(&self, error: &BoxError) -> Response {
        tracing::error!(%error, layer = %self.name, "a layer failed: answering 500");
        Response::from(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A body that went through unchanged stays what it is: one at hand keeps its length.
fn into_body<B>(body: B) -> Body
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut body = Some(body);
    let unchanged = (&mut body as &mut dyn Any)
        .downcast_mut::<Option<Body>>()
        .and_then(Option::take);
    match (unchanged, body) {
        (Some(body), _) => body,
        (None, Some(body)) => Body::wrap(body),
        (None, None) => Body::empty(),
    }
}
