//! The life of an HTTP/3 connection: requests come in and are answered side by side, in the connection's own task.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{FuturesUnordered, StreamExt};
use h3::error::Code;
use hyperlane_core::{ConnectionInfo, Service};
use hyperlane_proto::h2::Budget;
use tokio::time::{Instant, sleep_until, timeout};

use super::quic::{self, Quic};
use super::stream::{self, Outcome};
use crate::Config;
use crate::shutdown::Shutdown;

/// How long a connection without requests stays once it has said that it will end: one may be under way, which the
/// client has sent before it could know.
const GRACE: Duration = Duration::from_millis(500);
/// How long the words of an end may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What all requests of a connection share.
pub(super) struct Shared<S> {
    pub(super) service: Arc<S>,
    pub(super) info: ConnectionInfo,
    pub(super) config: Arc<Config>,
}

/// Serves HTTP/3 until the connection ends.
pub(super) async fn serve<S: Service>(connection: quinn::Connection, shared: Arc<Shared<S>>, shutdown: Arc<Shutdown>) {
    let config = Arc::clone(&shared.config);
    let quic = Quic::new(connection.clone(), config.head_limit);
    let requests = quic.requests();
    let mut builder = h3::server::builder();
    builder
        .max_field_section_size(config.head_limit as u64)
        .send_grease(false);
    // It opens streams, for which the client may give no room.
    let built = tokio::select! {
        built = timeout(config.head_timeout, builder.build::<_, Bytes>(quic)) => built,
        () = shutdown.closing() => return connection.close(quic::number(Code::H3_NO_ERROR.value()), b""),
    };
    let mut h3 = match built {
        Ok(Ok(h3)) => h3,
        Ok(Err(error)) => return tracing::debug!(%error, "connection ended before it began"),
        Err(_) => return connection.close(quic::number(Code::H3_GENERAL_PROTOCOL_ERROR.value()), b"nothing comes"),
    };
    let mut streams = FuturesUnordered::new();
    let mut resets = Budget::new(config.http3.reset_burst, config.http3.resets_per_second);
    let began = Instant::now();
    // When the last request ended, and since when no further one is taken.
    let mut last = began;
    let mut draining = None;
    let (mut taken, mut told) = (false, false);
    let code = loop {
        // A number that no request has reached, so that those under way are served (RFC 9114 §5.2). The `h3` crate counts
        // from the last one that was taken; before there is one, it would disown the first and serve it all the same.
        if draining.is_some() && taken && !told {
            told = true;
            let _ = timeout(LAST_WORDS, h3.shutdown(config.http3.max_concurrent_streams as usize)).await;
        }
        let due = match draining {
            None => last + config.idle_timeout,
            Some(since) => last.max(since) + GRACE,
        };
        tokio::select! {
            accepted = h3.accept() => match accepted {
                Ok(Some(resolver)) => {
                    let Some(state) = requests.take(resolver.frame_stream.id()) else {
                        continue;
                    };
                    taken = true;
                    streams.push(stream::answer(Arc::clone(&shared), resolver, state));
                }
                // The client has said that it is done, and it is.
                Ok(None) => break Code::H3_NO_ERROR,
                Err(error) => {
                    if !error.is_h3_no_error() {
                        tracing::debug!(%error, "connection ended");
                    }
                    return;
                }
            },
            Some(outcome) = streams.next() => {
                last = Instant::now();
                match outcome {
                    Outcome::Served => resets.give(1),
                    Outcome::Reset if !resets.take(1, last.saturating_duration_since(began)) => {
                        tracing::debug!("connection ends by a fault of its client: too many requests are reset");
                        break Code::H3_EXCESSIVE_LOAD;
                    }
                    Outcome::Reset => {}
                }
            }
            () = shutdown.closing() => break Code::H3_NO_ERROR,
            () = shutdown.draining(), if draining.is_none() => draining = Some(Instant::now()),
            () = sleep_until(due), if streams.is_empty() => match draining {
                Some(_) => {
                    let _ = timeout(LAST_WORDS, h3.shutdown(0)).await;
                    break Code::H3_NO_ERROR;
                }
                None => draining = Some(Instant::now()),
            },
        }
    };
    // Before the streams are dropped, which would be a reset of each.
    connection.close(quic::number(code.value()), b"");
}
