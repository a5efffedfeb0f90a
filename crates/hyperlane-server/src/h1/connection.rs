//! The whole life of an HTTP/1.1 connection, read from top to bottom: head → body → handler → response → next.

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use hyperlane_core::{ConnectionInfo, HandlerPanic, Head, Request, Response, Service, Upgrade, Upgraded};
use tokio::time::Instant;

use super::body::{Incoming, Progress};
use super::reader::{Reader, RequestFacts};
use super::timer::{Deadlines, Timer};
use super::writer::Writer;
use crate::shutdown::Shutdown;
use crate::{Config, Transport};

/// While the server drains, a connection that was active this recently may bring one more request, which the client
/// may have sent before it could know.
const DRAIN_GRACE: Duration = Duration::from_millis(500);
/// Serves HTTP/1.1 on `io` until the connection ends.
pub(crate) async fn serve<T: Transport, S: Service>(
    io: T,
    info: Arc<ConnectionInfo>,
    service: Arc<S>,
    config: Arc<Config>,
    shutdown: Arc<Shutdown>,
) {
    let mut connection = Connection {
        io,
        reader: Reader::default(),
        writer: Writer::default(),
        timer: Timer::default(),
        now: Instant::now(),
        config,
        shutdown,
    };
    loop {
        let (head, facts) = match connection.next_head().await {
            Next::Head(head, facts) => (head, facts),
            Next::Refused(status, why) => return connection.refuse(status, &why).await,
            Next::End => return connection.finish().await,
        };
        if facts.connect {
            return connection
                .refuse(StatusCode::NOT_IMPLEMENTED, "this server opens no tunnels")
                .await;
        }
        let limit = service.body_limit(&head).unwrap_or(connection.config.body_limit);
        let (body, mut incoming) = match Incoming::open(&facts.framing, &mut connection.reader, limit) {
            Ok(opened) => opened,
            Err(error) => return connection.refuse(error.status(), &error.to_string()).await,
        };

        let request = Request::new(head, body, Arc::clone(&info));
        let Some(answer) = connection.answer(&*service, request, &mut incoming).await else {
            return connection.io.abandon();
        };
        let after = match connection.respond(answer, &facts, &mut incoming).await {
            Ok(after) => after,
            Err(error) => {
                tracing::debug!(%error, "connection ended in the middle of a response");
                return connection.io.abandon();
            }
        };
        if let Some(rest) = incoming.as_mut().filter(|rest| rest.has_reader()) {
            connection.deliver(rest).await;
        }
        match after {
            After::NextRequest => {}
            After::Close => return connection.close(&incoming).await,
            After::Upgrade(upgrade) => {
                let read_ahead = connection.reader.take_rest();
                let Connection { io, .. } = connection;
                return upgrade.run(Upgraded::new(io, read_ahead)).await;
            }
        }
        if let Some(mut rest) = incoming
            && !connection.drain(&mut rest).await
        {
            return connection.close(&Some(rest)).await;
        }
    }
}

pub(super) struct Connection<T> {
    pub(super) io: T,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) timer: Timer,
    /// When something was last received or finished: the clock is asked once for all that happens at one wake-up.
    pub(super) now: Instant,
    pub(super) config: Arc<Config>,
    pub(super) shutdown: Arc<Shutdown>,
}

/// What came where a request was expected.
enum Next {
    Head(Head, RequestFacts),
    /// Something that is no acceptable head.
    Refused(StatusCode, String),
    /// Nothing more.
    End,
}

/// The service's answer, and whether the connection may go on after it.
pub(super) struct Answer {
    pub(super) response: Response,
    pub(super) force_close: bool,
}

/// What follows a response.
pub(super) enum After {
    NextRequest,
    Close,
    Upgrade(Upgrade),
}

impl<T: Transport> Connection<T> {
    /// Waits for the head of the next request. What was gathered for sending is sent before anything is waited for.
    async fn next_head(&mut self) -> Next {
        let mut head_began = None;
        let limits = self.config.head_limits();
        poll_fn(|cx| {
            loop {
                if self.writer.has_room() {
                    match self.reader.parse_head(&limits) {
                        Ok(Some((head, facts))) => return Poll::Ready(Next::Head(head, facts)),
                        Ok(None) => {}
                        Err(error) => return Poll::Ready(Next::Refused(error.status(), error.to_string())),
                    }
                }
                if !self.writer.is_empty() {
                    match self.writer.poll_flush(cx, &mut self.io) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(_)) => return Poll::Ready(Next::End),
                        Poll::Pending => return self.poll_stalled(cx).map(|()| Next::End),
                    }
                    continue;
                }
                match self.reader.poll_fill(cx, &mut self.io) {
                    Poll::Ready(Ok(n)) if n > 0 => self.now = Instant::now(),
                    Poll::Ready(Ok(_)) if self.reader.is_empty() => return Poll::Ready(Next::End),
                    Poll::Ready(Ok(_)) => {
                        let why = "connection ended in the middle of a request's head".to_owned();
                        return Poll::Ready(Next::Refused(StatusCode::BAD_REQUEST, why));
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(Next::End),
                    Poll::Pending if self.reader.is_empty() => {
                        self.writer.release();
                        let wait = match self.shutdown.is_draining() {
                            true => DRAIN_GRACE.min(self.config.idle_timeout),
                            false => self.config.idle_timeout,
                        };
                        ready!(self.timer.poll(cx, self.now + wait));
                        return Poll::Ready(Next::End);
                    }
                    Poll::Pending => {
                        let began = *head_began.get_or_insert(self.now);
                        ready!(self.timer.poll(cx, began + self.config.head_timeout));
                        if self.reader.has_only_empty_lines() {
                            return Poll::Ready(Next::End);
                        }
                        let why = format!("request head took longer than {:?}", self.config.head_timeout);
                        return Poll::Ready(Next::Refused(StatusCode::REQUEST_TIMEOUT, why));
                    }
                }
            }
        })
        .await
    }

    /// Runs the service, feeds it the request's body, and sends meanwhile what was gathered before. `None`: the
    /// client is gone.
    async fn answer<S: Service>(
        &mut self,
        service: &S,
        request: Request,
        incoming: &mut Option<Incoming>,
    ) -> Option<Answer> {
        let panicked = |payload: Box<dyn std::any::Any + Send>| {
            let panic = HandlerPanic::from_payload(&*payload);
            tracing::error!(%panic, "handler panicked");
            let response = catch_unwind(AssertUnwindSafe(|| service.panic_response(&panic)));
            let response = response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into());
            Some(Answer {
                response,
                force_close: true,
            })
        };
        let handler = match catch_unwind(AssertUnwindSafe(|| service.call(request))) {
            Ok(handler) => handler,
            Err(payload) => return panicked(payload),
        };
        let mut handler = pin!(handler);
        let began = self.now;
        poll_fn(|cx| {
            loop {
                match catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx))) {
                    Ok(Poll::Ready(response)) => {
                        return Poll::Ready(Some(Answer {
                            response,
                            force_close: false,
                        }));
                    }
                    Ok(Poll::Pending) => {}
                    Err(payload) => return Poll::Ready(panicked(payload)),
                }
                let mut deadlines = Deadlines::new();
                self.now = deadlines.now;
                if let Some(limit) = self.config.handler_timeout
                    && deadlines.is_past(began + limit)
                {
                    tracing::warn!(?limit, "handler took too long: answering 503");
                    let response = StatusCode::SERVICE_UNAVAILABLE.into();
                    return Poll::Ready(Some(Answer {
                        response,
                        force_close: false,
                    }));
                }
                match self.poll_meanwhile(cx, incoming, &mut deadlines) {
                    Ok(Progress::Made) => continue,
                    Ok(Progress::None) => {}
                    Err(_) => return Poll::Ready(None),
                }
                ready!(deadlines.poll(cx, &mut self.timer));
            }
        })
        .await
    }

    /// Everything that goes on while a handler or a body is waited for: sending what was gathered, receiving what the
    /// handler asks for, and noticing that the client is gone.
    pub(super) fn poll_meanwhile(
        &mut self,
        cx: &mut Context<'_>,
        incoming: &mut Option<Incoming>,
        deadlines: &mut Deadlines,
    ) -> io::Result<Progress> {
        if !self.writer.is_empty() && self.writer.poll_flush(cx, &mut self.io)?.is_pending() {
            self.note_stalled(deadlines)?;
        }
        let progress = match incoming {
            Some(incoming) => {
                let Self {
                    io,
                    reader,
                    writer,
                    config,
                    ..
                } = self;
                incoming.poll(cx, io, reader, writer, deadlines, config)
            }
            None => Progress::None,
        };
        // With nothing else to receive, a read tells that the client has reset the connection. Its mere end does not
        // count: a client may end its side and wait for the answer (RFC 9112 §9.6).
        if progress == Progress::None
            && incoming.as_ref().is_none_or(Incoming::is_done)
            && self.reader.bytes().len() < self.config.head_limit
            && !self.reader.ended
        {
            while let Poll::Ready(n) = self.reader.poll_fill(cx, &mut self.io) {
                if n? == 0 || self.reader.bytes().len() >= self.config.head_limit {
                    break;
                }
            }
        }
        Ok(progress)
    }

    pub(super) async fn flush(&mut self, incoming: &mut Option<Incoming>) -> io::Result<()> {
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(flushed) = self.writer.poll_flush(cx, &mut self.io) {
                    return Poll::Ready(flushed);
                }
                let mut deadlines = Deadlines::new();
                self.poll_meanwhile(cx, incoming, &mut deadlines)?;
                ready!(deadlines.poll(cx, &mut self.timer));
            }
        })
        .await
    }

    /// A client that takes nothing for too long is given up.
    pub(super) fn note_stalled(&self, deadlines: &mut Deadlines) -> io::Result<()> {
        match self.writer.stalled() {
            Some(since) if deadlines.is_past(since + self.config.write_timeout) => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }

    /// Ready once the client has taken nothing for too long.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let since = self.writer.stalled().unwrap_or(self.now);
        ready!(self.timer.poll(cx, since + self.config.write_timeout));
        self.io.abandon();
        Poll::Ready(())
    }
}
