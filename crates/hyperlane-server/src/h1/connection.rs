//! The whole life of an HTTP/1.1 connection, read from top to bottom: head → body → handler → response → next.

use std::future::poll_fn;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::StatusCode;
use hyperlane_core::{Body, ConnectionInfo, ConnectionSlot, Head, Service};
use tokio::time::Instant;

use super::body::{Incoming, Progress};
use super::call::Call;
use super::close::Refusal;
use super::reader::Reader;
use super::respond::Begun;
use super::timer::{Deadlines, Timer};
use super::writer::Writer;
use crate::panic::panic_response;
use crate::shutdown::Shutdown;
use crate::{Config, Transport};

/// While the server drains, a connection that was active this recently may bring one more request, which the client
/// may have sent before it could know.
pub(super) const DRAIN_GRACE: Duration = Duration::from_millis(500);

/// Serves HTTP/1.1 until the connection ends.
// An `async fn` would keep its arguments twice, as given and as moved; a block uses them where they are. It matters:
// this future is most of what an idle connection costs.
#[expect(clippy::manual_async_fn, reason = "the block is half as large as the function")]
pub(crate) fn serve<T: Transport, S: Service>(
    mut connection: Connection<T>,
    info: Arc<ConnectionInfo>,
    service: Arc<S>,
) -> impl Future<Output = ()> + Send {
    async move {
        #[cfg(feature = "http2")]
        if info.tls.as_ref().is_some_and(|tls| tls.alpn.as_deref() == Some("h2")) {
            return connection.into_http2(info, service).await;
        }
        loop {
            match connection.next_head().await {
                Next::Head => {}
                #[cfg(feature = "http2")]
                Next::Http2 => return connection.into_http2(info, service).await,
                Next::Refused(refusal) => {
                    connection.write_refusal(&refusal, false);
                    return connection.linger().await;
                }
                Next::End => return connection.finish().await,
            }
            let mut incoming = None;
            let mut call = Call {
                service: &*service,
                head: None,
                body: None,
                info: &info,
                began: None,
            };
            connection.keep_alive = connection.reader.facts.keep_alive;
            if connection.reader.facts.may_have_body() {
                let head = connection.reader.take_head();
                if let Err(refusal) = connection.open_body(&*service, &head, &mut call.body, &mut incoming) {
                    connection.write_refusal(&refusal, connection.reader.facts.head_request);
                    return connection.linger().await;
                }
                call.head = Some(head);
            }
            let begun = {
                let mut handler = pin!(None);
                poll_fn(|cx| connection.poll_answer(cx, &mut call, handler.as_mut(), incoming.as_deref_mut())).await
            };
            let Some(begun) = begun else {
                return connection.io.abandon();
            };
            let sent = match begun {
                Begun::Whole if connection.writer.has_room() => Ok(()),
                Begun::Whole => {
                    let sent = connection.flush(incoming.as_deref_mut()).await;
                    connection.now = Instant::now();
                    sent
                }
                Begun::Stream(mut stream) => {
                    let sent = connection.stream(&mut stream, incoming.as_deref_mut()).await;
                    connection.now = Instant::now();
                    sent
                }
                Begun::Upgrade(upgrade) => match connection.flush(None).await {
                    Ok(()) => return upgrade.run(connection.into_upgraded()).await,
                    Err(error) => Err(error),
                },
            };
            if let Err(error) = sent {
                tracing::debug!(%error, "connection ended in the middle of a response");
                return connection.io.abandon();
            }
            if let Some(rest) = incoming.as_deref_mut().filter(|rest| rest.has_reader()) {
                connection.deliver(rest).await;
            }
            if !connection.keep_alive {
                return connection.close(incoming.as_deref()).await;
            }
            if let Some(rest) = &mut incoming
                && !connection.drain(rest).await
            {
                return connection.close(Some(rest)).await;
            }
            if incoming.is_some() {
                connection.now = Instant::now();
            }
        }
    }
}

/// One connection and all that is kept for it.
pub(crate) struct Connection<T> {
    pub(super) io: T,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) timer: Timer,
    /// When something was last received or finished: the clock is asked once for all that happens at one wake-up.
    pub(super) now: Instant,
    /// Whether the connection goes on after the request in hand.
    pub(super) keep_alive: bool,
    /// How many requests are not asked about without their head, since the last one that was had to be read.
    pub(super) heads_wanted: u8,
    /// Whether nothing was received that is HTTP/1.1.
    #[cfg(feature = "http2")]
    pub(super) undecided: bool,
    pub(super) config: Arc<Config>,
    pub(super) shutdown: Arc<Shutdown>,
}

/// What came where a request was expected.
enum Next {
    /// A request, whose head is for the reader to give.
    Head,
    /// Something that is no acceptable head.
    Refused(Box<Refusal>),
    /// The preface of HTTP/2 (RFC 9113 §3.3).
    #[cfg(feature = "http2")]
    Http2,
    /// Nothing more.
    End,
}

impl<T: Transport> Connection<T> {
    pub(crate) fn new(io: T, config: Arc<Config>, shutdown: Arc<Shutdown>) -> Self {
        Self {
            io,
            reader: Reader::default(),
            writer: Writer::default(),
            timer: Timer::default(),
            now: Instant::now(),
            keep_alive: true,
            heads_wanted: 0,
            #[cfg(feature = "http2")]
            undecided: true,
            config,
            shutdown,
        }
    }

    /// Waits for the head of the next request. What was gathered for sending is sent before anything is waited for.
    async fn next_head(&mut self) -> Next {
        let mut head_began = None;
        let limits = self.config.head_limits();
        poll_fn(|cx| {
            loop {
                #[cfg(feature = "http2")]
                let may_be_head = match self.is_preface() {
                    Some(true) => return Poll::Ready(Next::Http2),
                    is_preface => is_preface.is_some(),
                };
                #[cfg(not(feature = "http2"))]
                let may_be_head = true;
                if may_be_head && self.writer.has_room() {
                    match self.reader.parse_head(&limits) {
                        Ok(true) => return Poll::Ready(Next::Head),
                        Ok(false) => {}
                        Err(error) => {
                            return Poll::Ready(Next::Refused(Refusal::new(error.status(), error.to_string())));
                        }
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
                        let why = "connection ended in the middle of a request's head";
                        return Poll::Ready(Next::Refused(Refusal::new(StatusCode::BAD_REQUEST, why)));
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
                        return Poll::Ready(Next::Refused(Refusal::new(StatusCode::REQUEST_TIMEOUT, why)));
                    }
                }
            }
        })
        .await
    }

    /// Opens the body that the head announces, if the server takes it. What of it is still to come goes to `incoming`.
    fn open_body<S: Service>(
        &mut self,
        service: &S,
        head: &Head,
        body: &mut Option<Body>,
        incoming: &mut Option<Box<Incoming>>,
    ) -> Result<(), Box<Refusal>> {
        if self.reader.facts.connect {
            return Err(Refusal::new(
                StatusCode::NOT_IMPLEMENTED,
                "this server opens no tunnels",
            ));
        }
        // A panic in there shows again, and is answered, when the service is called.
        let limit = catch_unwind(AssertUnwindSafe(|| service.body_limit(head))).unwrap_or_default();
        let limit = limit.unwrap_or(self.config.body_limit);
        let opened = Incoming::open(&mut self.reader, limit, incoming);
        *body = Some(opened.map_err(|error| Refusal::new(error.status(), error.to_string()))?);
        Ok(())
    }

    /// Calls the service and runs its handler, feeds that the request's body, sends meanwhile what was gathered before,
    /// and begins the response. `None`: the client is gone.
    fn poll_answer<S: Service>(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call<'_, S>,
        mut handler: Pin<&mut Option<S::Future>>,
        mut incoming: Option<&mut Incoming>,
    ) -> Poll<Option<Begun>> {
        let mut response = loop {
            let polled = catch_unwind(AssertUnwindSafe(|| {
                if handler.is_none() {
                    self.call(call, handler.as_mut());
                }
                handler.as_mut().as_pin_mut().map(|future| future.poll(cx))
            }));
            match polled {
                Ok(Some(Poll::Ready(response))) => break response,
                Ok(Some(Poll::Pending)) => self.write_interim(call.info),
                Ok(None) => return Poll::Ready(None),
                Err(payload) => {
                    // What the handler left behind is not known: the connection ends with this answer.
                    self.keep_alive = false;
                    break panic_response(call.service, &*payload);
                }
            }
            let mut deadlines = Deadlines::new();
            self.now = deadlines.now;
            let began = *call.began.get_or_insert(deadlines.now);
            let own_limit = handler
                .as_ref()
                .as_pin_ref()
                .and_then(|answer| call.service.time_limit(&answer));
            if let Some(limit) = own_limit.or(self.config.handler_timeout)
                && began.checked_add(limit).is_some_and(|end| deadlines.is_past(end))
            {
                tracing::warn!(?limit, "handler took too long: answering 503");
                break StatusCode::SERVICE_UNAVAILABLE.into();
            }
            match self.poll_meanwhile(cx, incoming.as_deref_mut(), &mut deadlines) {
                Ok(Progress::Made) => continue,
                Ok(Progress::None) => {}
                Err(_) => return Poll::Ready(None),
            }
            ready!(deadlines.poll(cx, &mut self.timer));
        };
        // What the handler still holds of the request is gone before the response is sent.
        handler.set(None);
        self.write_interim(call.info);
        ConnectionSlot::fill(&response, call.info);
        Poll::Ready(Some(self.begin_response(&mut response, incoming)))
    }

    /// Everything that goes on while a handler or a body is waited for: sending what was gathered, receiving what the
    /// handler asks for, and noticing that the client is gone.
    pub(super) fn poll_meanwhile(
        &mut self,
        cx: &mut Context<'_>,
        mut incoming: Option<&mut Incoming>,
        deadlines: &mut Deadlines,
    ) -> io::Result<Progress> {
        if !self.writer.is_empty() && self.writer.poll_flush(cx, &mut self.io)?.is_pending() {
            self.note_stalled(deadlines)?;
        }
        let progress = match &mut incoming {
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
            && incoming.is_none_or(|incoming| incoming.is_done())
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

    pub(super) async fn flush(&mut self, mut incoming: Option<&mut Incoming>) -> io::Result<()> {
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(flushed) = self.writer.poll_flush(cx, &mut self.io) {
                    return Poll::Ready(flushed);
                }
                let mut deadlines = Deadlines::new();
                self.poll_meanwhile(cx, incoming.as_deref_mut(), &mut deadlines)?;
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
