//! QUIC as the `h3` crate wants it, by `quinn`: with an [`Inspector`] in front of each stream, and streams that are
//! reset where they were given up.

mod request;
mod streams;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use h3::quic::{self, ConnectionErrorIncoming, OpenStreams, StreamErrorIncoming};
use hyperlane_proto::h3::{Inspector, Limits};
use quinn::{ConnectionError, VarInt};

pub(super) use request::{RequestState, Requests, Stopped};
pub(super) use streams::{Bidi, RecvHalf, SendHalf};

type Awaited<T> = Option<Pin<Box<dyn Future<Output = Result<T, ConnectionError>> + Send>>>;

/// One connection.
pub(super) struct Quic {
    connection: quinn::Connection,
    limits: Limits,
    requests: Requests,
    next_request: Awaited<(quinn::SendStream, quinn::RecvStream)>,
    next_stream: Awaited<quinn::RecvStream>,
    opening: Awaited<quinn::SendStream>,
}

impl Quic {
    pub(super) fn new(connection: quinn::Connection, head_limit: usize) -> Self {
        let mut limits = Limits::default();
        limits.frame_bytes = (head_limit as u64).saturating_mul(4);
        Self {
            connection,
            limits,
            requests: Requests::default(),
            next_request: None,
            next_stream: None,
            opening: None,
        }
    }

    pub(super) fn requests(&self) -> Requests {
        self.requests.clone()
    }
}

impl quic::Connection<Bytes> for Quic {
    type RecvStream = RecvHalf;
    type OpenStreams = Opener;

    fn poll_accept_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<RecvHalf, ConnectionErrorIncoming>> {
        let connection = &self.connection;
        let accepting = self.next_stream.get_or_insert_with(|| {
            let connection = connection.clone();
            Box::pin(async move { connection.accept_uni().await })
        });
        let accepted = ready!(accepting.as_mut().poll(cx));
        self.next_stream = None;
        let stream = accepted.map_err(of_connection)?;
        Poll::Ready(Ok(RecvHalf {
            stream,
            inspector: Inspector::of_unidirectional(self.limits),
            connection: self.connection.clone(),
            request: None,
        }))
    }

    fn poll_accept_bidi(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bidi, ConnectionErrorIncoming>> {
        let connection = &self.connection;
        let accepting = self.next_request.get_or_insert_with(|| {
            let connection = connection.clone();
            Box::pin(async move { connection.accept_bi().await })
        });
        let accepted = ready!(accepting.as_mut().poll(cx));
        self.next_request = None;
        let (send, recv) = accepted.map_err(of_connection)?;
        let request = self.requests.begin(send.id().into(), Box::pin(send.stopped()));
        Poll::Ready(Ok(Bidi {
            send: SendHalf::new(send, Some(Arc::clone(&request))),
            recv: RecvHalf {
                stream: recv,
                inspector: Inspector::of_request(self.limits),
                connection: self.connection.clone(),
                request: Some(request),
            },
        }))
    }

    fn opener(&self) -> Opener {
        Opener {
            connection: self.connection.clone(),
            opening: None,
        }
    }
}

/// Opens the streams of the server: those for control and compression. It never opens one for requests.
pub(super) struct Opener {
    connection: quinn::Connection,
    opening: Awaited<quinn::SendStream>,
}

fn poll_open(
    connection: &quinn::Connection,
    opening: &mut Awaited<quinn::SendStream>,
    cx: &mut Context<'_>,
) -> Poll<Result<SendHalf, StreamErrorIncoming>> {
    let awaited = opening.get_or_insert_with(|| {
        let connection = connection.clone();
        Box::pin(async move { connection.open_uni().await })
    });
    let opened = ready!(awaited.as_mut().poll(cx));
    *opening = None;
    Poll::Ready(opened.map(|stream| SendHalf::new(stream, None)).map_err(lost))
}

fn no_requests<T>() -> Poll<Result<T, StreamErrorIncoming>> {
    Poll::Ready(Err(StreamErrorIncoming::Unknown("a server sends no requests".into())))
}

macro_rules! open_streams {
    ($($opener:ty),*) => {$(
        impl OpenStreams<Bytes> for $opener {
            type BidiStream = Bidi;
            type SendStream = SendHalf;

            fn poll_open_bidi(&mut self, _: &mut Context<'_>) -> Poll<Result<Bidi, StreamErrorIncoming>> {
                no_requests()
            }

            fn poll_open_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<SendHalf, StreamErrorIncoming>> {
                poll_open(&self.connection, &mut self.opening, cx)
            }

            fn close(&mut self, code: Code, reason: &[u8]) {
                self.connection.close(number(code.value()), reason);
            }
        }
    )*};
}

open_streams!(Quic, Opener);

/// What a stream knows of the end of its connection.
fn lost(error: ConnectionError) -> StreamErrorIncoming {
    StreamErrorIncoming::ConnectionErrorIncoming {
        connection_error: of_connection(error),
    }
}

fn of_connection(error: ConnectionError) -> ConnectionErrorIncoming {
    match error {
        ConnectionError::ApplicationClosed(close) => ConnectionErrorIncoming::ApplicationClose {
            error_code: close.error_code.into_inner(),
        },
        ConnectionError::TimedOut => ConnectionErrorIncoming::Timeout,
        error => ConnectionErrorIncoming::Undefined(Arc::new(error)),
    }
}

pub(super) fn number(value: u64) -> VarInt {
    VarInt::from_u64(value).unwrap_or(VarInt::MAX)
}
