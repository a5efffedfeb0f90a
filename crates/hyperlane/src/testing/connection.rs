//! Connections in memory: the engine at one end, hyper's client at the other.

use std::sync::{Mutex, PoisonError};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use hyperlane_core::Body;
use tokio::task::AbortHandle;

use super::client::Session;
use super::{TestConnection, TestError};

/// How often other tasks may run until a connection must be ready again.
const READY_ROUNDS: usize = 8;

/// A connection that is at rest, or that a response is read from.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    task: AbortHandle,
}

/// Connections at rest.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Connection>>);

impl Connection {
    /// Whether another request can be sent. One whose earlier request has a body that was never sent to its end can't.
    async fn is_ready(&self) -> bool {
        for _ in 0..READY_ROUNDS {
            // The server's close, if there was one, shall be seen before the next request is written.
            tokio::task::yield_now().await;
            if self.sender.is_closed() {
                return false;
            }
            if self.sender.is_ready() {
                return true;
            }
        }
        false
    }

    async fn open(session: &Session) -> Result<Self, TestError> {
        let io = TokioIo::new(TestConnection::open(session));
        let (sender, connection) = Builder::new()
            .handshake(io)
            .await
            .map_err(|error| TestError::new("connection can't be opened").with_source(error))?;
        // What ends a connection is told to whoever waits for its response.
        let task = tokio::spawn(async move {
            let _ = connection.with_upgrades().await;
        });
        Ok(Self {
            sender,
            task: task.abort_handle(),
        })
    }
}

/// Its transport is gone with its task, so that the server sees what it sees of a client that leaves.
impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Pool {
    /// Sends a request, over a connection at rest if there is one. The response's head comes back with the connection
    /// that its body is still to be read from.
    pub(super) async fn send(
        &self,
        session: &Session,
        mut request: Request<Body>,
    ) -> Result<(Response<Incoming>, Connection), TestError> {
        while let Some(mut connection) = self.take() {
            if !connection.is_ready().await {
                continue;
            }
            match connection.sender.try_send_request(request).await {
                Ok(response) => return Ok((response, connection)),
                Err(mut error) => match error.take_message() {
                    // Not a byte of it was written.
                    Some(unsent) => request = unsent,
                    None => return Err(no_response(error.into_error())),
                },
            }
        }
        let mut connection = Connection::open(session).await?;
        let response = connection.sender.send_request(request).await.map_err(no_response)?;
        Ok((response, connection))
    }

    fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a connection whose response was read to its end.
    pub(super) fn give_back(&self, connection: Connection) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

fn no_response(error: hyper::Error) -> TestError {
    TestError::new("no response came").with_source(error)
}
