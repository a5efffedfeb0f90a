//! The access log: one line for each request, at its end.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hyperlane_core::Response;
use tokio::time::Instant;
use tracing::Span;

use super::observed::{BodyEnd, Observer, Unanswered};
use super::received::Received;
use super::request_id::RequestId;
use super::trace::milliseconds;
use super::{Middleware, Next};
use crate::context::Context;

mod line;

use line::Line;

/// The status in the log where there was no response: the client left before (as nginx writes it).
const CLIENT_GONE: u16 = 499;

/// Logs each request when its response has ended, with the bytes of the body that were sent.
///
/// By default it is an event of `tracing` with the target `hyperlane::access`, level `INFO`, and the fields `peer` (the
/// [client](Context::client_ip), also behind a [trusted proxy](crate::ServerConfig::trusted_proxies)),
/// `method`, `path`, `version`, `pattern`, `status`, `bytes`, `bytes_in` (of the request's body, as far as it was read),
/// `ms`, `id` (of [`RequestIds`](super::RequestIds)), `referer` and `user_agent`; `aborted` is true where the response
/// did not come to its end. A request that got no response, since its client left, has the status 499.
///
/// With [`writer`](Self::writer) lines go to a file or elsewhere, as [`AccessFormat`] says. Whatever a client sends, a
/// line is one line: what could end it or a quotation is escaped.
///
/// Register it first, right behind `RequestIds`, so that it sees what is really sent. Queries are left out, as they hold
/// secrets; [`with_query`](Self::with_query) puts them in.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{AccessFormat, AccessLog, RequestIds};
///
/// let server = Server::new();
/// server
///     .middleware(RequestIds::new())
///     .middleware(AccessLog::new().writer(std::io::stdout(), AccessFormat::Combined))
///     .get("/", async || "hello");
/// ```
#[derive(Clone)]
pub struct AccessLog {
    sink: Sink,
    with_query: bool,
}

/// What a line of the access log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessFormat {
    /// The common log format: `peer - - [time] "request line" status bytes`.
    Common,
    /// The same with `"referer" "user agent"` behind it.
    Combined,
    /// An object of JSON with the fields of the event, and `time` as RFC 3339 writes it.
    #[cfg(feature = "json")]
    Json,
}

#[derive(Clone)]
enum Sink {
    Event,
    Writer(Arc<Mutex<dyn Write + Send>>, AccessFormat),
}

impl AccessLog {
    /// Logs as events of `tracing`.
    pub fn new() -> Self {
        Self {
            sink: Sink::Event,
            with_query: false,
        }
    }

    /// Writes lines instead. Each is handed over by one call of `write_all`, on the thread that served the request: a
    /// writer that may block should pass it to a thread of its own.
    #[must_use]
    pub fn writer(mut self, writer: impl Write + Send + 'static, format: AccessFormat) -> Self {
        self.sink = Sink::Writer(Arc::new(Mutex::new(writer)), format);
        self
    }

    /// Logs queries too.
    #[must_use]
    pub fn with_query(mut self) -> Self {
        self.with_query = true;
        self
    }
}

impl Default for AccessLog {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for AccessLog {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let method = ctx.method().clone();
        let entry = Unanswered::new(Entry {
            sink: self.sink.clone(),
            time: SystemTime::now(),
            received: Received::of(&ctx),
            begun: Instant::now(),
            status: CLIENT_GONE,
            with_query: self.with_query,
            ctx: ctx.clone(),
        });
        let response = next.run(ctx).await;
        let status = response.status().as_u16();
        entry.answered(&method, response, Span::current(), |entry| entry.status = status)
    }
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = match &self.sink {
            Sink::Event => None,
            Sink::Writer(_, format) => Some(format),
        };
        f.debug_struct("AccessLog")
            .field("format", &format)
            .field("with_query", &self.with_query)
            .finish_non_exhaustive()
    }
}

/// A request that is not in the log yet.
struct Entry {
    sink: Sink,
    time: SystemTime,
    received: Received,
    begun: Instant,
    status: u16,
    with_query: bool,
    /// Keeps the head until the end.
    ctx: Context,
}

impl Observer for Entry {
    fn ended(self, end: BodyEnd) {
        let id = self.ctx.extension::<RequestId>();
        let target = match self.ctx.query_string().filter(|_| self.with_query) {
            Some(query) => format!("{}?{query}", self.ctx.path()),
            None => self.ctx.path().to_owned(),
        };
        let line = Line {
            peer: self.ctx.client_ip(),
            method: self.ctx.method().as_str(),
            path: &target,
            version: line::version(self.ctx.request_head().version()),
            pattern: self.ctx.matched_pattern(),
            status: self.status,
            bytes: end.bytes,
            bytes_in: self.received.bytes(),
            ms: milliseconds(self.begun.elapsed()),
            id: id.as_ref().map(RequestId::as_str),
            referer: self.ctx.header("referer"),
            user_agent: self.ctx.header("user-agent"),
            aborted: end.aborted,
        };
        match &self.sink {
            Sink::Event => line.event(),
            Sink::Writer(writer, format) => {
                let mut text = line.format(*format, self.time);
                text.push('\n');
                let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = writer.write_all(text.as_bytes()) {
                    tracing::error!(%error, "a line of the access log could not be written");
                }
            }
        }
    }
}
