//! Bodies that are held back until the server asks for them (RFC 9110 §10.1.1).

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http::header::EXPECT;
use http::{Request, StatusCode};
use http_body::{Frame, SizeHint};
use hyperlane_core::{Body, BodyError};
use tokio::sync::Notify;

/// Whether the server has sent `100 Continue`.
pub(super) struct Continued(Arc<AtomicBool>);

impl Continued {
    /// Looks out for `100 Continue`, and holds back the body until it comes if the request says so.
    pub(super) fn watch(request: &mut Request<Body>) -> Self {
        let continued = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Notify::new());
        if request.headers().contains_key(EXPECT) {
            let gate = Arc::clone(&asked);
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = Body::wrap(HeldBody {
                body,
                gate: Some(Box::pin(async move { gate.notified().await })),
            });
        }
        let flag = Arc::clone(&continued);
        hyper::ext::on_informational(request, move |response| {
            if response.status() == StatusCode::CONTINUE {
                flag.store(true, Ordering::Release);
                asked.notify_one();
            }
        });
        Self(continued)
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

struct HeldBody {
    body: Body,
    /// `None` once the server has asked.
    gate: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl http_body::Body for HeldBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if let Some(gate) = &mut self.gate {
            ready!(gate.as_mut().poll(cx));
            self.gate = None;
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}
