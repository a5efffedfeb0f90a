//! A connection from accept to its end: which protocol it speaks, and what cuts it short.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyperlane_core::{ConnectionInfo, Service};

use crate::shutdown::{Registration, Shutdown};
use crate::{Config, Transport, h1};

/// Serves one connection that came from elsewhere than a [`Listener`](crate::Listener): in memory for a test, or over
/// a transport of your own. Returns when the connection has ended.
///
/// ```
/// # use std::future::{Ready, ready};
/// # use std::sync::Arc;
/// # use hyperlane_core::{ConnectionInfo, Request, Response, Service};
/// # use hyperlane_server::{Config, serve_transport};
/// # use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// # struct Hello;
/// # impl Service for Hello {
/// #     type Future = Ready<Response>;
/// #     fn call(&self, _: Request) -> Self::Future { ready(Response::new("hello")) }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let (mut client, server) = tokio::io::duplex(1024);
/// tokio::spawn(serve_transport(server, ConnectionInfo::default(), Arc::new(Hello), Config::default()));
/// client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await?;
/// let mut answer = String::new();
/// client.read_to_string(&mut answer).await?;
/// assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"));
/// # Ok(()) }
/// ```
pub async fn serve_transport<T: Transport, S: Service>(io: T, info: ConnectionInfo, service: Arc<S>, config: Config) {
    let registration = Arc::new(Shutdown::default()).register();
    serve_connection(io, Arc::new(info), service, Arc::new(config), registration).await;
}

/// Serves one connection to its end, or until the server closes all that is open.
pub(crate) async fn serve_connection<T: Transport, S: Service>(
    io: T,
    info: Arc<ConnectionInfo>,
    service: Arc<S>,
    config: Arc<Config>,
    mut registration: Registration,
) {
    let shutdown = Arc::clone(registration.shutdown());
    let mut connection = pin!(h1::serve(io, info, service, config, Arc::clone(&shutdown)));
    poll_fn(|cx| {
        registration.watch(cx);
        if shutdown.is_closing() {
            return Poll::Ready(());
        }
        connection.as_mut().poll(cx)
    })
    .await;
}
