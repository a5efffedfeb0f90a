//! A connection from accept to its end: which protocol it speaks, and what cuts it short.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyperlane_core::{ConnectionInfo, Service};
use pin_project_lite::pin_project;
use tokio::sync::OwnedSemaphorePermit;

use crate::cores::Load;
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
    connection(io, Arc::new(info), service, Arc::new(config), registration, None).await;
}

/// Serves one connection to its end, or until the server closes all that is open.
pub(crate) fn connection<T: Transport, S: Service>(
    io: T,
    info: Arc<ConnectionInfo>,
    service: Arc<S>,
    config: Arc<Config>,
    registration: Registration,
    place: Option<Place>,
) -> impl Future<Output = ()> + Send {
    let shutdown = Arc::clone(registration.shutdown());
    let connection = h1::Connection::new(io, config, shutdown);
    Closable {
        protocol: h1::serve(connection, info, service),
        registration,
        _place: place,
    }
}

/// What a connection takes up while it is open.
#[derive(Debug)]
pub(crate) struct Place {
    /// Room for one more connection; `None` for those that are served beyond it.
    #[expect(dead_code, reason = "held until the connection is over")]
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    #[expect(dead_code, reason = "held until the connection is over")]
    pub(crate) load: Load,
}

pin_project! {
    /// A connection that ends when the server closes all that is open.
    ///
    /// It is a type and not an `async fn` because an idle connection costs what its future takes: an `async fn` would
    /// keep its arguments beside the future that they were moved into.
    struct Closable<F> {
        #[pin]
        protocol: F,
        registration: Registration,
        _place: Option<Place>,
    }
}

impl<F: Future<Output = ()>> Future for Closable<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.registration.watch(cx);
        if this.registration.shutdown().is_closing() {
            return Poll::Ready(());
        }
        this.protocol.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use hyperlane_core::{Request, Response};

    use super::*;

    struct Word;

    impl Service for Word {
        type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

        fn call(&self, _: Request) -> Self::Future {
            Box::pin(async { Response::new("word") })
        }
    }

    /// What an idle connection costs is chiefly this future.
    #[tokio::test]
    async fn the_future_of_a_connection_stays_small() {
        let (_client, io) = tokio::io::duplex(1);
        let registration = Arc::new(Shutdown::default()).register();
        let future = connection(io, Arc::default(), Arc::new(Word), Arc::default(), registration, None);
        let size = size_of_val(&future);
        assert!(size <= 1152, "{size} bytes");
    }
}
