//! The body of a response while it is read.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

use super::TestError;
use super::connection::{Connection, Pool};

/// The longest body, in bytes, that is read together with its head.
const READ_AHEAD: u64 = 64 * 1024;

/// How often other tasks may run while a body is awaited that should be there already.
const READ_AHEAD_ROUNDS: usize = 32;

/// What has arrived of a body, and where the rest comes from.
pub(super) struct Reading {
    /// `None` once the end was read, or the body failed.
    source: Option<Source>,
    ahead: VecDeque<Bytes>,
    /// All of what was not taken piece by piece.
    whole: Option<Bytes>,
    received: u64,
    trailers: Option<HeaderMap>,
    failure: Option<String>,
}

struct Source {
    incoming: Incoming,
    connection: Connection,
    /// Where the connection goes behind the end, unless the server closes it.
    pool: Option<Arc<Pool>>,
}

impl Reading {
    pub(super) fn new(incoming: Incoming, connection: Connection, pool: Option<Arc<Pool>>) -> Self {
        Self {
            source: Some(Source {
                incoming,
                connection,
                pool,
            }),
            ahead: VecDeque::new(),
            whole: None,
            received: 0,
            trailers: None,
            failure: None,
        }
    }

    /// Reads a short body of known length, so that a failed assertion can show it. It does not wait for one that
    /// does not come.
    pub(super) async fn read_ahead(&mut self, length: u64) {
        if length > READ_AHEAD {
            return;
        }
        for _ in 0..READ_AHEAD_ROUNDS {
            let Some(source) = &mut self.source else { return };
            let incoming = &mut source.incoming;
            match poll_fn(|cx| Poll::Ready(Pin::new(&mut *incoming).poll_frame(cx))).await {
                Poll::Ready(frame) => {
                    let _ = self.take_in(frame);
                }
                Poll::Pending => tokio::task::yield_now().await,
            }
        }
    }

    /// The next piece.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, TestError> {
        if let Some(whole) = self.whole.take().filter(|whole| !whole.is_empty()) {
            return Ok(Some(whole));
        }
        loop {
            if let Some(chunk) = self.ahead.pop_front() {
                return Ok(Some(chunk));
            }
            if !self.pull().await? {
                return Ok(None);
            }
        }
    }

    /// All that is left. It is kept.
    pub(super) async fn bytes(&mut self) -> Result<Bytes, TestError> {
        while self.pull().await? {}
        if !self.ahead.is_empty() {
            let mut all = BytesMut::from(self.whole.take().unwrap_or_default());
            for chunk in self.ahead.drain(..) {
                all.extend_from_slice(&chunk);
            }
            self.whole = Some(all.freeze());
        }
        Ok(self.whole.clone().unwrap_or_default())
    }

    /// Ends a body that is known to be empty, so that its connection can be used again.
    pub(super) fn end_if_empty(&mut self) {
        if self
            .source
            .as_ref()
            .is_some_and(|source| source.incoming.is_end_stream())
        {
            let _ = self.take_in(None);
        }
    }

    pub(super) fn trailers(&self) -> Option<HeaderMap> {
        self.trailers.clone()
    }

    /// What was read of the body and not taken.
    pub(super) fn at_hand(&self) -> Vec<u8> {
        let mut all = self.whole.as_deref().unwrap_or_default().to_vec();
        for chunk in &self.ahead {
            all.extend_from_slice(chunk);
        }
        all
    }

    /// Whether nothing more will come.
    pub(super) fn has_ended(&self) -> bool {
        self.source.is_none()
    }

    /// The connection, which the caller has to keep.
    pub(super) fn into_connection(self) -> Option<Connection> {
        self.source.map(|source| source.connection)
    }

    /// Waits for one more frame; false at the end.
    async fn pull(&mut self) -> Result<bool, TestError> {
        if let Some(failure) = &self.failure {
            return Err(TestError::new(failure));
        }
        let Some(source) = &mut self.source else {
            return Ok(false);
        };
        let incoming = &mut source.incoming;
        let frame = poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await;
        self.take_in(frame)
    }

    fn take_in(&mut self, frame: Option<Result<Frame<Bytes>, hyper::Error>>) -> Result<bool, TestError> {
        match frame {
            Some(Ok(frame)) => {
                match frame.into_data() {
                    Ok(data) => {
                        self.received += data.len() as u64;
                        self.ahead.push_back(data);
                    }
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                }
                Ok(true)
            }
            Some(Err(error)) => {
                let message = format!("response body is incomplete after {} bytes", self.received);
                self.failure = Some(format!("{message}: {error}"));
                self.source = None;
                Err(TestError::new(message).with_source(error))
            }
            None => {
                if let Some(source) = self.source.take()
                    && let Some(pool) = source.pool
                {
                    pool.give_back(source.connection);
                }
                Ok(false)
            }
        }
    }
}
