//! How clients of the other versions learn that there is HTTP/3 (RFC 7838).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::HeaderValue;
use http::header::ALT_SVC;
use hyperlane_core::{HandlerPanic, Head, Request, Response, Service};
use pin_project_lite::pin_project;

/// A service whose responses tell of HTTP/3, unless they say something of alternatives themselves.
pub(crate) struct Advertising<S> {
    service: Arc<S>,
    alternative: HeaderValue,
}

impl<S> Advertising<S> {
    pub(crate) fn new(service: Arc<S>, alternative: HeaderValue) -> Self {
        Self { service, alternative }
    }
}

impl<S: Service> Service for Advertising<S> {
    type Future = Advertised<S::Future>;

    fn call(&self, request: Request) -> Self::Future {
        Advertised {
            answer: self.service.call(request),
            alternative: self.alternative.clone(),
        }
    }

    fn body_limit(&self, head: &Head) -> Option<u64> {
        self.service.body_limit(head)
    }

    fn time_limit(&self, answer: &Self::Future) -> Option<Duration> {
        self.service.time_limit(&answer.answer)
    }

    fn panic_response(&self, panic: &HandlerPanic) -> Response {
        self.service.panic_response(panic)
    }
}

pin_project! {
    pub(crate) struct Advertised<F> {
        #[pin]
        answer: F,
        alternative: HeaderValue,
    }
}

impl<F: Future<Output = Response>> Future for Advertised<F> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let this = self.project();
        let mut response = ready!(this.answer.poll(cx));
        response
            .headers_mut()
            .entry(ALT_SVC)
            .or_insert_with(|| this.alternative.clone());
        Poll::Ready(response)
    }
}

/// The same port, over UDP.
pub(super) fn alternative(port: u16, remembered_for: Duration) -> Option<HeaderValue> {
    let text = format!("h3=\":{port}\"; ma={}", remembered_for.as_secs());
    HeaderValue::try_from(text).ok()
}
