//! A span for each request, for whatever subscriber of `tracing` the program has.

use std::time::Duration;

use hyperlane_core::Response;
use tokio::time::Instant;
use tracing::field::{Empty, display};
use tracing::{Instrument, Level, Span};

use super::observed::{BodyEnd, Observer, Unanswered};
use super::request_id::RequestId;
use super::{Middleware, Next};
use crate::context::Context;

/// Puts each request into a span `request` of the target `hyperlane::request`.
///
/// Its fields are `method`, `pattern` (the one that matched), `path`, `id` (of [`RequestIds`](super::RequestIds), which
/// has to stand before it) and, once they are known, `status`, `ms` (from here to the end of the body) and `bytes` (of
/// the body that were sent); `aborted` is set where the body ended before its time. Where the client sent a W3C
/// `traceparent`, `trace_id` and `parent_id` are those of it. Queries and headers are left out: they hold secrets.
///
/// Handlers and the bodies that they stream run within the span, the handler in a span `handler` of its own with the
/// fields `route` and `name` (of the function), so that its time and that of middleware are told apart. At its end an
/// event says `finished`, at the level of the span, or `error` for a status of 500 and above.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{RequestIds, Trace};
///
/// let server = Server::new();
/// server.middleware(RequestIds::new()).middleware(Trace::new()).get("/", async || "hello");
/// ```
#[derive(Clone, Debug)]
pub struct Trace {
    level: Level,
}

impl Trace {
    /// Spans of level `INFO`.
    pub fn new() -> Self {
        Self { level: Level::INFO }
    }

    /// The level of the spans. Default: `INFO`.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    fn span(&self, ctx: &Context) -> Span {
        macro_rules! at {
            ($level:expr) => {
                tracing::span!(
                    target: "hyperlane::request",
                    $level,
                    "request",
                    method = %ctx.method(),
                    pattern = ctx.matched_pattern(),
                    path = ctx.path(),
                    id = Empty,
                    trace_id = Empty,
                    parent_id = Empty,
                    status = Empty,
                    ms = Empty,
                    bytes = Empty,
                    aborted = Empty,
                )
            };
        }
        // A level is part of a span's static description.
        match self.level {
            Level::ERROR => at!(Level::ERROR),
            Level::WARN => at!(Level::WARN),
            Level::INFO => at!(Level::INFO),
            Level::DEBUG => at!(Level::DEBUG),
            Level::TRACE => at!(Level::TRACE),
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for Trace {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let begun = Instant::now();
        let span = self.span(&ctx);
        if span.is_disabled() {
            return next.run(ctx).await;
        }
        if let Some(id) = ctx.extension::<RequestId>() {
            span.record("id", display(id));
        }
        if let Some((trace, parent)) = ctx.header("traceparent").and_then(parse_traceparent) {
            span.record("trace_id", trace);
            span.record("parent_id", parent);
        }
        let method = ctx.method().clone();
        let finish = Unanswered::new(Finish {
            span: span.clone(),
            level: self.level,
            begun,
            status: None,
        });
        // A handler that stands right behind this begins at once.
        let rest = span.in_scope(|| next.run(ctx));
        let response = rest.instrument(span.clone()).await;
        let status = response.status().as_u16();
        span.record("status", status);
        finish.answered(&method, response, span, |finish| finish.status = Some(status))
    }
}

/// Trace id and parent id of a `traceparent` (W3C Trace Context §3.2.2).
fn parse_traceparent(value: &str) -> Option<(&str, &str)> {
    let hex = |text: &&str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let some = |text: &&str| text.bytes().any(|byte| byte != b'0');
    let mut parts = value.trim_matches([' ', '\t']).split('-');
    let version = parts
        .next()
        .filter(|part| part.len() == 2 && *part != "ff")
        .filter(hex)?;
    let trace = parts.next().filter(|part| part.len() == 32).filter(hex).filter(some)?;
    let parent = parts.next().filter(|part| part.len() == 16).filter(hex).filter(some)?;
    parts.next().filter(|part| part.len() == 2).filter(hex)?;
    // Later versions may have more parts, the first has none.
    (version != "00" || parts.next().is_none()).then_some((trace, parent))
}

struct Finish {
    span: Span,
    level: Level,
    begun: Instant,
    /// `None` where there is no response.
    status: Option<u16>,
}

impl Observer for Finish {
    fn ended(self, end: BodyEnd) {
        let Self {
            span,
            level,
            begun,
            status,
        } = self;
        span.record("ms", milliseconds(begun.elapsed()));
        span.record("bytes", end.bytes);
        if end.aborted {
            span.record("aborted", true);
        }
        macro_rules! finished {
            ($level:expr) => {
                tracing::event!(target: "hyperlane::request", parent: &span, $level, "finished")
            };
        }
        match level {
            _ if status.is_some_and(|status| status >= 500) => finished!(Level::ERROR),
            Level::ERROR => finished!(Level::ERROR),
            Level::WARN => finished!(Level::WARN),
            Level::INFO => finished!(Level::INFO),
            Level::DEBUG => finished!(Level::DEBUG),
            Level::TRACE => finished!(Level::TRACE),
        }
    }
}

/// With three digits behind the point.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_traceparent_of_the_first_and_of_later_versions() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for value in [
            format!("00-{trace}-{parent}-01"),
            format!("01-{trace}-{parent}-01-what-comes-later"),
            format!(" 00-{trace}-{parent}-00 "),
        ] {
            assert_eq!(parse_traceparent(&value), Some((trace, parent)), "{value}");
        }
    }

    #[test]
    fn ignores_a_malformed_traceparent() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for value in [
            String::new(),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{trace}-{parent}-01-more"),
            format!("00-{trace}-{parent}"),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{}\"-{parent}-01", &trace[1..]),
        ] {
            assert_eq!(parse_traceparent(&value), None, "{value}");
        }
    }
}
