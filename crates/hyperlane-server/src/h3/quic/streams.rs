//! The streams of a connection, and their halves.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use h3::error::Code;
use h3::quic::{BidiStream, RecvStream, SendStream, StreamErrorIncoming, StreamId, WriteBuf};
use hyperlane_proto::h3::{ErrorCode, Inspector, Violation};
use quinn::{ReadError, WriteError};

use super::request::RequestState;
use super::{lost, number};

/// Pieces are put together up to this many bytes. The `h3` crate counts all pieces of a frame whenever one more comes:
/// with pieces of one byte that would take the square of the frame's length.
const GATHERED: usize = 4096;

/// The stream of one request.
pub(in crate::h3) struct Bidi {
    pub(super) send: SendHalf,
    pub(super) recv: RecvHalf,
}

impl BidiStream<Bytes> for Bidi {
    type SendStream = SendHalf;
    type RecvStream = RecvHalf;

    fn split(self) -> (SendHalf, RecvHalf) {
        (self.send, self.recv)
    }
}

impl RecvStream for Bidi {
    type Buf = Bytes;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        self.recv.poll_data(cx)
    }

    fn stop_sending(&mut self, code: u64) {
        self.recv.stop_sending(code);
    }

    fn recv_id(&self) -> StreamId {
        self.recv.recv_id()
    }
}

impl SendStream<Bytes> for Bidi {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_ready(cx)
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.send.send_data(data)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_finish(cx)
    }

    fn reset(&mut self, code: u64) {
        self.send.reset(code);
    }

    fn send_id(&self) -> StreamId {
        self.send.send_id()
    }
}

/// The receiving half of a stream.
pub(in crate::h3) struct RecvHalf {
    pub(super) stream: quinn::RecvStream,
    pub(super) inspector: Inspector,
    pub(super) connection: quinn::Connection,
    pub(super) request: Option<Arc<RequestState>>,
}

impl RecvHalf {
    /// A small piece, with those behind it that have come too. An end or an error is met again by the next read.
    fn gather(&mut self, cx: &mut Context<'_>, first: Bytes) -> Bytes {
        let mut length = first.len();
        let mut gathered: Option<BytesMut> = None;
        while length < GATHERED {
            let next = pin!(self.stream.read_chunk(GATHERED - length, true)).poll(cx);
            let Poll::Ready(Ok(Some(next))) = next else {
                break;
            };
            length += next.bytes.len();
            gathered
                .get_or_insert_with(|| BytesMut::from(&first[..]))
                .extend_from_slice(&next.bytes);
        }
        gathered.map_or(first, BytesMut::freeze)
    }

    fn stop(&mut self, violation: Violation) -> StreamErrorIncoming {
        tracing::debug!(why = violation.why, "a stream is stopped by a fault of its client");
        let code = violation.code as u64;
        if let (ErrorCode::MessageError, Some(request)) = (violation.code, &self.request) {
            request.fail_with(Code::H3_MESSAGE_ERROR);
        } else {
            self.connection.close(number(code), violation.why.as_bytes());
        }
        StreamErrorIncoming::StreamTerminated { error_code: code }
    }
}

impl RecvStream for RecvHalf {
    type Buf = Bytes;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        // The future has no state of its own, and what wakes it does not leave with it.
        let chunk = ready!(pin!(self.stream.read_chunk(usize::MAX, true)).poll(cx));
        let chunk = match chunk {
            Ok(Some(chunk)) => self.gather(cx, chunk.bytes),
            // The `h3` crate would take the end in the middle of a frame for the end of its data, and panic at the next read.
            Ok(None) => {
                let ended = self.inspector.ended();
                return Poll::Ready(ended.map(|()| None).map_err(|violation| self.stop(violation)));
            }
            Err(ReadError::Reset(code)) => {
                let error_code = code.into_inner();
                return Poll::Ready(Err(StreamErrorIncoming::StreamTerminated { error_code }));
            }
            Err(ReadError::ConnectionLost(error)) => return Poll::Ready(Err(lost(error))),
            Err(error) => return Poll::Ready(Err(StreamErrorIncoming::Unknown(Box::new(error)))),
        };
        Poll::Ready(match self.inspector.received(&chunk) {
            Ok(()) => Ok(Some(chunk)),
            Err(violation) => Err(self.stop(violation)),
        })
    }

    fn stop_sending(&mut self, code: u64) {
        let _ = self.stream.stop(number(code));
    }

    fn recv_id(&self) -> StreamId {
        stream_id(self.stream.id())
    }
}

impl Drop for RecvHalf {
    fn drop(&mut self) {
        let failed = match &self.request {
            Some(request) => request.code(),
            None => return,
        };
        // A body that nobody wants is no error (RFC 9114 §4.1); a broken message is.
        let code = match failed == Code::H3_MESSAGE_ERROR.value() {
            true => failed,
            false => Code::H3_NO_ERROR.value(),
        };
        let _ = self.stream.stop(number(code));
    }
}

/// The sending half of a stream.
pub(in crate::h3) struct SendHalf {
    stream: quinn::SendStream,
    writing: Option<WriteBuf<Bytes>>,
    finished: bool,
    request: Option<Arc<RequestState>>,
}

impl SendHalf {
    pub(super) fn new(stream: quinn::SendStream, request: Option<Arc<RequestState>>) -> Self {
        Self {
            stream,
            writing: None,
            finished: false,
            request,
        }
    }
}

impl SendStream<Bytes> for SendHalf {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        if let Some(data) = &mut self.writing {
            while data.has_remaining() {
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, data.chunk()));
                data.advance(written.map_err(unwritten)?);
                if let Some(request) = &self.request {
                    request.something_is_sent();
                }
            }
        }
        self.writing = None;
        Poll::Ready(Ok(()))
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        if self.writing.is_some() {
            return Err(StreamErrorIncoming::Unknown(
                "something is being written already".into(),
            ));
        }
        self.writing = Some(data.into());
        Ok(())
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.finished = true;
        // It fails where the client wants no more of it, which is as good.
        let _ = self.stream.finish();
        Poll::Ready(Ok(()))
    }

    fn reset(&mut self, code: u64) {
        self.finished = true;
        let _ = self.stream.reset(number(code));
    }

    fn send_id(&self) -> StreamId {
        stream_id(self.stream.id())
    }
}

impl Drop for SendHalf {
    fn drop(&mut self) {
        let Some(request) = self.request.as_ref().filter(|_| !self.finished) else {
            return;
        };
        // `quinn` would finish the stream, so that half a response looked like a whole one.
        if !request.is_refused() {
            let _ = self.stream.reset(number(request.code()));
        }
    }
}

fn unwritten(error: WriteError) -> StreamErrorIncoming {
    match error {
        WriteError::Stopped(code) => StreamErrorIncoming::StreamTerminated {
            error_code: code.into_inner(),
        },
        WriteError::ConnectionLost(error) => lost(error),
        error => StreamErrorIncoming::Unknown(Box::new(error)),
    }
}

fn stream_id(id: quinn::StreamId) -> StreamId {
    let number: u64 = id.into();
    StreamId::try_from(number).expect("both know the same numbers, up to 2^62")
}
