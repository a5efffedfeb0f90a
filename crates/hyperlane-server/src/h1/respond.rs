//! From a response to bytes on their way: its head, then its body at once or as it comes.

use std::any::Any;
use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Poll, ready};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use hyperlane_core::{Body, BodyError, HandlerPanic, Response, Upgrade};
use hyperlane_proto::h1::{
    BodyEncoding, BodySize, CHUNK_END, Encoded, ResponseContext, encode_chunk_head, encode_head, encode_last_chunk,
};
use tokio::time::Instant;

use super::body::{Incoming, Progress};
use super::close::Refusal;
use super::connection::Connection;
use super::reader::RequestFacts;
use super::timer::Deadlines;
use crate::{Transport, clock};

/// A response whose head is written.
pub(super) enum Begun {
    /// And its body, or there is none.
    Whole,
    /// And its body is to come.
    Stream(Box<Stream>),
    /// And it ends HTTP on this connection.
    Upgrade(Box<Upgrade>),
}

/// A body that comes in pieces, and how they are written.
pub(super) struct Stream {
    body: Body,
    encoding: BodyEncoding,
    /// Whether the client takes fields behind the body (RFC 9110 §10.1.4).
    with_trailers: bool,
}

impl<T: Transport> Connection<T> {
    /// Writes the head of the response, and its body where that is at hand, behind what was gathered before. Returns
    /// what is left to do.
    ///
    /// There is room: a head was read only while there was, and since then at most a `100 Continue` was added.
    pub(super) fn begin_response(&mut self, response: &mut Response, incoming: Option<&mut Incoming>) -> Begun {
        let facts = self.reader.facts;
        if let Some(defect) = response.defect() {
            tracing::error!(%defect, "response can't be sent as it was set: answering 500");
            *response = StatusCode::INTERNAL_SERVER_ERROR.into();
        }
        let body_done = incoming.as_ref().is_none_or(|incoming| incoming.is_done());
        if let Some(incoming) = incoming {
            // Success on a body that failed would be a lie; a handler's own error stays.
            if let Some(kind) = incoming.failure()
                && !response.status().is_client_error()
                && !response.status().is_server_error()
            {
                let error = BodyError::new(kind);
                *response = Refusal::new(error.status(), error.to_string()).response();
            }
            self.keep_alive &= incoming.is_done() || incoming.can_be_drained(self.config.drain_limit);
            incoming.response_began();
        }
        let upgrade = match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => {
                // The other protocol begins behind the request: of its body nothing may be left.
                let possible = facts.upgrade && body_done;
                let upgrade = response.take_upgrade().filter(|_| possible);
                if upgrade.is_none() {
                    tracing::error!(
                        "101 for a request that asked for no upgrade, or has a body, or without a follow-up"
                    );
                    *response = StatusCode::INTERNAL_SERVER_ERROR.into();
                }
                upgrade
            }
            status if status.is_informational() => {
                tracing::error!(%status, "an interim status can't be an answer: answering 500");
                *response = StatusCode::INTERNAL_SERVER_ERROR.into();
                None
            }
            _ => None,
        };

        let last_request = self.reader.ended && self.reader.is_empty();
        self.keep_alive &= !last_request && !self.shutdown.is_draining();
        let cx = facts.response_context(self.keep_alive);
        let whole = response.body_mut().take_full();
        let size = match &whole {
            Some(bytes) => BodySize::Known(bytes.len() as u64),
            None => body_size(response.body(), &facts),
        };
        let encoded = write_head(self.writer.gathered(), &cx, response, size, self.now);
        self.keep_alive = encoded.keep_alive;
        if let Some(upgrade) = upgrade {
            return Begun::Upgrade(Box::new(upgrade));
        }
        match whole {
            Some(bytes) => {
                if matches!(encoded.body, BodyEncoding::Length(_)) {
                    self.writer.push(bytes, b"");
                }
                Begun::Whole
            }
            None if encoded.body == BodyEncoding::None => Begun::Whole,
            None => Begun::Stream(Box::new(Stream {
                body: std::mem::take(response.body_mut()),
                encoding: encoded.body,
                with_trailers: facts.accepts_trailers,
            })),
        }
    }

    /// Sends a body as its pieces come. What is there is sent whenever the next piece is not.
    pub(super) async fn stream(&mut self, stream: &mut Stream, mut incoming: Option<&mut Incoming>) -> io::Result<()> {
        let Stream {
            body,
            encoding,
            with_trailers,
        } = stream;
        let chunked = *encoding == BodyEncoding::Chunked;
        let mut left = match encoding {
            BodyEncoding::Length(length) => Some(*length),
            _ => None,
        };
        poll_fn(|cx| {
            loop {
                if !self.writer.has_room() {
                    match self.writer.poll_flush(cx, &mut self.io) {
                        Poll::Ready(flushed) => flushed?,
                        Poll::Pending => {
                            // The handler may wait for its request's body, or the client for us to read it.
                            let mut deadlines = Deadlines::new();
                            self.poll_meanwhile(cx, incoming.as_deref_mut(), &mut deadlines)?;
                            ready!(deadlines.poll(cx, &mut self.timer));
                            continue;
                        }
                    }
                }
                body.grant(self.writer.room());
                let frame = match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut *body).poll_frame(cx))) {
                    Ok(Poll::Ready(Some(Ok(frame)))) => frame,
                    Ok(Poll::Ready(Some(Err(error)))) => return Poll::Ready(Err(io::Error::other(error))),
                    Err(payload) => return Poll::Ready(Err(panicked(&*payload))),
                    Ok(Poll::Ready(None)) => {
                        if chunked {
                            encode_last_chunk(self.writer.gathered(), None);
                        }
                        return Poll::Ready(match left {
                            Some(left) if left > 0 => Err(wrong_length("fewer")),
                            _ => Ok(()),
                        });
                    }
                    Ok(Poll::Pending) => {
                        let mut deadlines = Deadlines::new();
                        self.now = deadlines.now;
                        if self.poll_meanwhile(cx, incoming.as_deref_mut(), &mut deadlines)? == Progress::Made {
                            continue;
                        }
                        ready!(deadlines.poll(cx, &mut self.timer));
                        continue;
                    }
                };
                match frame.into_data() {
                    Ok(data) if data.is_empty() => {}
                    Ok(data) => {
                        if let Some(left) = &mut left {
                            *left = left
                                .checked_sub(data.len() as u64)
                                .ok_or_else(|| wrong_length("more"))?;
                        }
                        if chunked {
                            encode_chunk_head(self.writer.gathered(), data.len());
                        }
                        self.writer.push(data, if chunked { CHUNK_END } else { b"" });
                    }
                    // Trailers are the last frame (RFC 9110 §6.5); only chunks have a place for them.
                    Err(frame) if chunked => {
                        let trailers = frame.into_trailers().ok().filter(|_| *with_trailers);
                        encode_last_chunk(self.writer.gathered(), trailers.as_ref());
                        return Poll::Ready(Ok(()));
                    }
                    Err(_) => {}
                }
            }
        })
        .await
    }
}

pub(super) fn write_head(
    dst: &mut Vec<u8>,
    cx: &ResponseContext,
    response: &Response,
    size: BodySize,
    now: Instant,
) -> Encoded {
    let date = clock::http_date(now);
    if let Some(list) = response.header_list() {
        let fields = list.iter().map(|(name, value)| (name, value));
        return encode_head(dst, cx, response.status(), fields, size, &date);
    }
    match response.encoder_headers() {
        (Some(headers), _) => encode_head(dst, cx, response.status(), headers, size, &date),
        (None, Some(content_type)) => {
            encode_head(dst, cx, response.status(), [(&CONTENT_TYPE, content_type)], size, &date)
        }
        (None, None) => encode_head(dst, cx, response.status(), &HeaderMap::new(), size, &date),
    }
}

/// What is known of the length of a body that comes in pieces. Trailers need chunks (RFC 9112 §7.1.2).
fn body_size(body: &Body, facts: &RequestFacts) -> BodySize {
    if body.trailers().is_some() && facts.accepts_trailers {
        return BodySize::Unknown;
    }
    body.size_hint().exact().map_or(BodySize::Unknown, BodySize::Known)
}

/// A panic in the making of a body ends the response like any other error.
#[cold]
fn panicked(payload: &(dyn Any + Send)) -> io::Error {
    let panic = HandlerPanic::from_payload(payload);
    tracing::error!(%panic, "body of a response panicked");
    io::Error::other(panic.message)
}

fn wrong_length(which: &str) -> io::Error {
    io::Error::other(format!("body of the response has {which} bytes than it announced"))
}
