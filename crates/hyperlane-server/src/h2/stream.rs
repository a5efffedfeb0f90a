//! One request and its response, from its HEADERS frame to the end of its stream.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::StatusCode;
use hyperlane_core::into_response::TEXT;
use hyperlane_core::{
    Body, BodyError, ConnectionInfo, ConnectionSlot, HandlerPanic, Request, Response, Service, Upgrade, Upgraded,
};
use tokio::time::Instant;

use super::body::{self, Opening, Signals};
use super::connection::Shared;
use super::failure::Failure;
use super::guard::Watch;
use super::request::{self, Accepted, Refusal};
use super::response::{self, Outgoing, OutgoingBody};
use super::send::Sender;
use super::upgrade::StreamIo;
use crate::h1::timer::{Deadlines, Timer};
use crate::panic::panic_response;

/// Answers one request. Dropping it resets the stream.
// An `async fn` would keep its arguments twice, as given and as moved; a block uses them where they are. What a stream's
// future takes is copied for each request.
#[expect(clippy::manual_async_fn, reason = "the block is smaller than the function")]
pub(super) fn answer<S: Service>(
    shared: Arc<Shared<S>>,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> impl Future<Output = ()> + Send {
    async move {
        let (parts, recv) = request.into_parts();
        let accepted = match request::read(parts, &shared.config) {
            Ok(accepted) => accepted,
            Err(refusal) => return Box::pin(refuse(respond, refusal, &shared)).await,
        };
        let Accepted {
            head,
            protocol,
            head_request,
            expect_continue,
            length,
        } = accepted;
        let is_upgrade = protocol.is_some();
        let (body, mut tunnel, signals) = if is_upgrade {
            (Body::empty(), Some(recv), None)
        } else if recv.is_end_stream() {
            (Body::empty(), None, None)
        } else {
            // A panic in there shows again, and is answered, when the service is called.
            let limit = catch_unwind(AssertUnwindSafe(|| shared.service.body_limit(&head))).unwrap_or_default();
            let limit = limit.unwrap_or(shared.config.body_limit);
            if length.is_some_and(|length| length > limit) {
                let error = BodyError::new(hyperlane_core::BodyErrorKind::TooLarge { limit });
                let refusal = Refusal {
                    status: error.status(),
                    why: error.to_string(),
                    head_request,
                };
                return Box::pin(refuse(respond, refusal, &shared)).await;
            }
            let signals = Arc::new(Signals::default());
            let opening = Opening {
                stream: respond.stream_id().as_u32(),
                length,
                limit,
                expect_continue,
            };
            let (config, watch) = (&shared.config, &shared.watch);
            let mut recv = Some(recv);
            let body = poll_fn(|cx| {
                let body = recv
                    .take()
                    .map(|recv| body::open(cx, recv, &opening, config, watch, &signals));
                Poll::Ready(body.unwrap_or_default())
            })
            .await;
            (body, None, Some(signals))
        };
        // Each request has a description of its own, with a place for its interim responses.
        let info = Arc::new(ConnectionInfo::clone(&shared.info));
        let mut request = Request::new(head, body, Arc::clone(&info));
        if let Some(protocol) = protocol {
            request.extensions_mut().insert(protocol);
        }
        let exchange = Exchange {
            shared: &shared,
            info: &info,
            signals: signals.as_deref(),
            expect_continue,
        };
        let Some(mut response) = exchange.run(request, &mut respond).await else {
            return;
        };
        exchange.settle(&mut response);
        if is_upgrade {
            match upgrade(&mut response, &mut respond, &mut tunnel, &shared.watch) {
                Ok(future) => return future.await,
                Err(()) => drop(tunnel),
            }
        } else if response.status().is_informational() {
            let status = response.status();
            tracing::error!(%status, "an interim status, or an upgrade that was not asked for, can't be an answer: answering 500");
            response = StatusCode::INTERNAL_SERVER_ERROR.into();
        }
        send(respond, response::prepare(&mut response, head_request), &shared).await;
    }
}

/// The way from a request to its response.
struct Exchange<'a, S> {
    shared: &'a Shared<S>,
    info: &'a Arc<ConnectionInfo>,
    signals: Option<&'a Signals>,
    expect_continue: bool,
}

impl<S: Service> Exchange<'_, S> {
    /// Calls the service and runs its handler. `None`: the client has left.
    async fn run(&self, request: Request, respond: &mut SendResponse<Bytes>) -> Option<Response> {
        let service = &*self.shared.service;
        let mut request = Some(request);
        let mut handler = pin!(None);
        let mut began = None;
        let mut timer = Timer::default();
        let response = poll_fn(|cx| {
            loop {
                let polled = catch_unwind(AssertUnwindSafe(|| {
                    if let Some(request) = request.take() {
                        handler.set(Some(service.call(request)));
                    }
                    handler.as_mut().as_pin_mut().map(|future| future.poll(cx))
                }));
                // Interim responses come before the response, also before one that is there at once.
                self.send_interim(respond);
                match polled {
                    Ok(Some(Poll::Ready(response))) => return Poll::Ready(Some(response)),
                    Ok(Some(Poll::Pending)) => {}
                    Ok(None) => return Poll::Ready(None),
                    Err(payload) => return Poll::Ready(Some(panic_response(service, &*payload))),
                }
                if respond.poll_reset(cx).is_ready() {
                    return Poll::Ready(None);
                }
                self.send_continue(cx, respond);
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
                    return Poll::Ready(Some(StatusCode::SERVICE_UNAVAILABLE.into()));
                }
                ready!(deadlines.poll(cx, &mut timer));
            }
        })
        .await;
        // What the handler still holds of the request is gone before the response is sent.
        handler.set(None);
        response
    }

    /// Makes of the handler's response what can be sent.
    fn settle(&self, response: &mut Response) {
        ConnectionSlot::fill(response, self.info);
        if let Some(defect) = response.defect() {
            tracing::error!(%defect, "response can't be sent as it was set: answering 500");
            *response = StatusCode::INTERNAL_SERVER_ERROR.into();
        }
        // Success on a body that failed would be a lie; a handler's own error stays.
        if let Some(kind) = self.signals.and_then(Signals::failure)
            && !response.status().is_client_error()
            && !response.status().is_server_error()
        {
            let error = BodyError::new(kind);
            *response = Response::typed(&TEXT, error.to_string()).with_status(error.status());
        }
    }

    fn send_interim(&self, respond: &mut SendResponse<Bytes>) {
        for mut interim in self.info.take_interim().into_iter().flatten() {
            response::strip(&mut interim.headers);
            // Where the stream is over, the handler is told by other means.
            let _ = respond.send_informational(response::head(interim.status, interim.headers));
        }
    }

    fn send_continue(&self, cx: &Context<'_>, respond: &mut SendResponse<Bytes>) {
        if self.expect_continue
            && let Some(signals) = self.signals
            && signals.poll_continue(cx)
        {
            let _ = respond.send_informational(response::head(StatusCode::CONTINUE, http::HeaderMap::new()));
        }
    }
}

/// Answers what is not given to the service.
async fn refuse<S>(respond: SendResponse<Bytes>, refusal: Refusal, shared: &Shared<S>) {
    let Refusal {
        status,
        why,
        head_request,
    } = refusal;
    tracing::debug!(%status, why, "request refused");
    let mut response = Response::typed(&TEXT, why).with_status(status);
    send(respond, response::prepare(&mut response, head_request), shared).await;
}

/// Sends head and body.
async fn send<S>(mut respond: SendResponse<Bytes>, outgoing: Outgoing, shared: &Shared<S>) {
    let Outgoing { head, body } = outgoing;
    let ends = matches!(body, OutgoingBody::Nothing);
    let stream = match respond.send_response(head, ends) {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%error, "response can't be sent: the stream is over"),
    };
    let mut sender = match body {
        OutgoingBody::Nothing => return,
        OutgoingBody::Whole(_) | OutgoingBody::Stream(..) => Sender::new(stream, shared.config.write_timeout),
    };
    let sent = match body {
        OutgoingBody::Nothing => Ok(()),
        OutgoingBody::Whole(bytes) => sender.send_whole(bytes).await,
        // In a box of its own: most responses are whole, and a stream's future must not have room for more.
        OutgoingBody::Stream(body, length) => Box::pin(sender.send_stream(body, length)).await,
    };
    if let Err(failure) = sent {
        tracing::debug!(error = %failure, "stream ended in the middle of a response");
        if let Failure::Body(_) = failure {
            // A reset discards what was not written yet. What was made of the response goes out before it.
            tokio::task::yield_now().await;
        }
        sender.reset(&failure);
    }
}

/// Runs what follows an upgrade. A panic in there ends its stream, and not those beside it.
async fn follow_up(upgrade: Upgrade, io: Upgraded) {
    let mut io = Some(io);
    let mut upgrade = Some(upgrade);
    let mut running = pin!(None);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            if let (Some(upgrade), Some(io)) = (upgrade.take(), io.take()) {
                running.set(Some(upgrade.run(io)));
            }
            running.as_mut().as_pin_mut().map(|future| future.poll(cx))
        }));
        match polled {
            Ok(Some(Poll::Pending)) => Poll::Pending,
            Ok(Some(Poll::Ready(())) | None) => Poll::Ready(()),
            Err(payload) => {
                let panic = HandlerPanic::from_payload(&*payload);
                tracing::error!(%panic, "what follows an upgrade panicked");
                Poll::Ready(())
            }
        }
    })
    .await;
}

/// Answers an extended CONNECT (RFC 8441 §5): a 101 that has a follow-up becomes a 200, and the follow-up gets the stream.
/// Any other response stays one, but for those that would say that the protocol has begun.
fn upgrade(
    response: &mut Response,
    respond: &mut SendResponse<Bytes>,
    tunnel: &mut Option<RecvStream>,
    watch: &Arc<Watch>,
) -> Result<Pin<Box<dyn Future<Output = ()> + Send>>, ()> {
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS
        && let Some(upgrade) = response.take_upgrade()
        && let Some(recv) = tunnel.take()
    {
        let mut fields = std::mem::take(response.headers_mut());
        response::strip(&mut fields);
        fields.remove("sec-websocket-accept");
        return match respond.send_response(response::head(StatusCode::OK, fields), false) {
            Ok(send) => Ok(Box::pin(follow_up(
                upgrade,
                Upgraded::new(StreamIo::new(recv, send, watch.hold()), Bytes::new()),
            ))),
            Err(_) => Ok(Box::pin(std::future::ready(()))),
        };
    }
    if status.is_success() || status.is_informational() {
        tracing::debug!(%status, "an extended CONNECT was answered without a follow-up: answering 501");
        *response = StatusCode::NOT_IMPLEMENTED.into();
    }
    Err(())
}
