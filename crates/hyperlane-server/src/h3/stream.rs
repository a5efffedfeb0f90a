//! One request and its response, from its head to the end of its stream.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h3::error::{Code, StreamError};
use h3::server::RequestResolver;
use http::header::{CONNECTION, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, Method, StatusCode};
use hyperlane_core::into_response::TEXT;
use hyperlane_core::{
    BodyError, BodyErrorKind, ConnectionInfo, ConnectionSlot, HandlerPanic, Interim, Request, Response, Service,
};
use tokio::time::{Instant, timeout};

use super::body::{self, Opening};
use super::connection::Shared;
use super::quic::{Quic, RequestState};
use super::send::Sender;
use crate::h1::timer::{Deadlines, Timer};
use crate::h2::request::{self, Accepted, Refusal};
use crate::h2::response::{self, OutgoingBody};
use crate::h2::{Failure, Signals};

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its response was sent to the end.
    Served,
    /// Its stream was reset, by whichever side.
    Reset,
}

/// Answers one request. Dropping it resets the stream.
pub(super) async fn answer<S: Service>(
    shared: Arc<Shared<S>>,
    resolver: RequestResolver<Quic, Bytes>,
    state: Arc<RequestState>,
) -> Outcome {
    let config = &shared.config;
    let resolved = match timeout(config.head_timeout, resolver.resolve_request()).await {
        Ok(Ok(resolved)) => resolved,
        // The `h3` crate has answered it: 431.
        Ok(Err(StreamError::HeaderTooBig { .. })) => return Outcome::Served,
        Ok(Err(error)) => {
            tracing::debug!(%error, "request is malformed, or its client has left");
            return Outcome::Reset;
        }
        Err(_) => {
            tracing::debug!("request is given up: its head took too long");
            return Outcome::Reset;
        }
    };
    state.head_is_read();
    let (request, stream) = resolved;
    let (sending, recv) = stream.split();
    let mut sender = Sender::new(sending, state.take_stopped(), config.write_timeout);
    let (parts, ()) = request.into_parts();
    if has_fields_of_a_connection(&parts.headers) {
        tracing::debug!("request is malformed: it has fields that concern a connection (RFC 9114 section 4.2)");
        state.fail_with(Code::H3_MESSAGE_ERROR);
        sender.reset(Code::H3_MESSAGE_ERROR);
        return Outcome::Reset;
    }
    let head_request = parts.method == Method::HEAD;
    let refusal = |status, why| Refusal {
        status,
        why,
        head_request,
    };
    let accepted = request::read(parts, config).and_then(|accepted| {
        // A panic in there shows again, and is answered, when the service is called.
        let limit = catch_unwind(AssertUnwindSafe(|| shared.service.body_limit(&accepted.head))).unwrap_or_default();
        let limit = limit.unwrap_or(config.body_limit);
        match accepted.length {
            Some(length) if length > limit => {
                let error = BodyError::new(BodyErrorKind::TooLarge { limit });
                Err(refusal(error.status(), error.to_string()))
            }
            _ => Ok((accepted, limit)),
        }
    });
    let mut response = match accepted {
        Ok((accepted, limit)) => {
            let signals = Arc::new(Signals::default());
            let Accepted {
                head,
                expect_continue,
                length,
                ..
            } = accepted;
            let opening = Opening {
                length,
                limit,
                expect_continue,
            };
            let mut recv = Some(recv);
            let body = poll_fn(|cx| {
                let body = recv
                    .take()
                    .map(|recv| body::open(cx, recv, &opening, config, Arc::clone(&state), &signals));
                Poll::Ready(body.unwrap_or_default())
            })
            .await;
            // Each request has a description of its own, with a place for its interim responses.
            let info = Arc::new(ConnectionInfo::clone(&shared.info));
            let request = Request::new(head, body, Arc::clone(&info));
            let exchange = Exchange {
                shared: &shared,
                info: &info,
                signals: &signals,
                expect_continue,
            };
            match exchange.run(request, &mut sender).await {
                Ok(response) => response,
                Err(failure) => {
                    tracing::debug!(error = %failure, "handler is dropped");
                    sender.reset(Code::H3_REQUEST_CANCELLED);
                    return Outcome::Reset;
                }
            }
        }
        Err(Refusal { status, why, .. }) => {
            tracing::debug!(%status, why, "request refused");
            Response::typed(&TEXT, why).with_status(status)
        }
    };
    match send(&mut sender, &mut response, head_request).await {
        Ok(()) => Outcome::Served,
        Err(failure) => {
            tracing::debug!(error = %failure, "stream ended in the middle of a response");
            sender.reset(match failure {
                Failure::Body(_) => Code::H3_INTERNAL_ERROR,
                Failure::ClientGone | Failure::Stalled => Code::H3_REQUEST_CANCELLED,
            });
            Outcome::Reset
        }
    }
}

/// RFC 9114 §4.2: a message with them is malformed.
fn has_fields_of_a_connection(fields: &HeaderMap) -> bool {
    let forbidden = [
        CONNECTION.as_str(),
        "keep-alive",
        "proxy-connection",
        TRANSFER_ENCODING.as_str(),
        UPGRADE.as_str(),
    ];
    forbidden.iter().any(|name| fields.contains_key(*name))
        || fields.get_all(TE).iter().any(|value| value.as_bytes() != b"trailers")
}

async fn send(sender: &mut Sender, response: &mut Response, head_request: bool) -> Result<(), Failure> {
    let outgoing = response::prepare(response, head_request);
    sender.send_head(outgoing.head).await?;
    match outgoing.body {
        OutgoingBody::Nothing => {}
        OutgoingBody::Whole(bytes) => sender.send_whole(bytes).await?,
        OutgoingBody::Stream(body, length) => sender.send_stream(body, length).await?,
    }
    sender.finish().await
}

/// The way from a request to its response.
struct Exchange<'a, S> {
    shared: &'a Shared<S>,
    info: &'a Arc<ConnectionInfo>,
    signals: &'a Signals,
    expect_continue: bool,
}

/// What a handler has to say.
enum Event {
    Interim(Vec<Interim>),
    /// It reads the body, and the client waits for our word.
    Continue,
    Response(Response),
}

impl<S: Service> Exchange<'_, S> {
    /// Calls the service and runs its handler.
    async fn run(&self, request: Request, sender: &mut Sender) -> Result<Response, Failure> {
        let service = &*self.shared.service;
        let mut request = Some(request);
        let mut handler = pin!(None);
        let mut began = None;
        let mut timer = Timer::default();
        let mut answer = None;
        let mut response = loop {
            let event = poll_fn(|cx| {
                loop {
                    let polled = match answer.take() {
                        Some(response) => Ok(Some(Poll::Ready(response))),
                        None => catch_unwind(AssertUnwindSafe(|| {
                            if let Some(request) = request.take() {
                                handler.set(Some(service.call(request)));
                            }
                            handler.as_mut().as_pin_mut().map(|future| future.poll(cx))
                        })),
                    };
                    let polled = match polled {
                        Ok(Some(polled)) => polled,
                        Ok(None) => return Poll::Ready(Err(Failure::ClientGone)),
                        Err(payload) => Poll::Ready(panic_response(service, &*payload)),
                    };
                    // Interim responses come before the response, also before one that is there at once.
                    if let Some(interim) = self.info.take_interim() {
                        if let Poll::Ready(response) = polled {
                            answer = Some(response);
                        }
                        return Poll::Ready(Ok(Event::Interim(interim)));
                    }
                    if let Poll::Ready(response) = polled {
                        return Poll::Ready(Ok(Event::Response(response)));
                    }
                    if sender.poll_gone(cx).is_ready() {
                        return Poll::Ready(Err(Failure::ClientGone));
                    }
                    if self.expect_continue && self.signals.poll_continue(cx) {
                        return Poll::Ready(Ok(Event::Continue));
                    }
                    let limit = handler
                        .as_ref()
                        .as_pin_ref()
                        .and_then(|answer| service.time_limit(&answer));
                    let Some(limit) = limit.or(self.shared.config.handler_timeout) else {
                        return Poll::Pending;
                    };
                    let mut deadlines = Deadlines::new();
                    let began = *began.get_or_insert(deadlines.now);
                    if began
                        .checked_add(limit)
                        .is_some_and(|end: Instant| deadlines.is_past(end))
                    {
                        tracing::warn!(?limit, "handler took too long: answering 503");
                        return Poll::Ready(Ok(Event::Response(StatusCode::SERVICE_UNAVAILABLE.into())));
                    }
                    if deadlines.poll(cx, &mut timer).is_pending() {
                        return Poll::Pending;
                    }
                }
            })
            .await?;
            match event {
                Event::Interim(interim) => {
                    for mut one in interim {
                        response::strip(&mut one.headers);
                        sender.send_head(response::head(one.status, one.headers)).await?;
                    }
                }
                Event::Continue => {
                    let word = response::head(StatusCode::CONTINUE, HeaderMap::new());
                    sender.send_head(word).await?;
                }
                Event::Response(response) => break response,
            }
        };
        // What the handler still holds of the request is gone before the response is sent.
        handler.set(None);
        self.settle(&mut response);
        Ok(response)
    }

    /// Makes of the handler's response what can be sent.
    fn settle(&self, response: &mut Response) {
        ConnectionSlot::fill(response, self.info);
        if let Some(defect) = response.defect() {
            tracing::error!(%defect, "response can't be sent as it was set: answering 500");
            *response = StatusCode::INTERNAL_SERVER_ERROR.into();
        }
        if response.status().is_informational() {
            let status = response.status();
            tracing::error!(%status, "an interim status can't be an answer over HTTP/3: answering 500");
            *response = StatusCode::INTERNAL_SERVER_ERROR.into();
        }
        // Success on a body that failed would be a lie; a handler's own error stays.
        if let Some(kind) = self.signals.failure()
            && !response.status().is_client_error()
            && !response.status().is_server_error()
        {
            let error = BodyError::new(kind);
            *response = Response::typed(&TEXT, error.to_string()).with_status(error.status());
        }
    }
}

/// The answer of a handler that panicked.
fn panic_response<S: Service>(service: &S, payload: &(dyn Any + Send)) -> Response {
    let panic = HandlerPanic::from_payload(payload);
    tracing::error!(%panic, "handler panicked");
    let response = catch_unwind(AssertUnwindSafe(|| service.panic_response(&panic)));
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into())
}
