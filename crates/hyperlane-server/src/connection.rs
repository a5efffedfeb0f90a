//! A connection from accept to its end: which protocol it speaks, and what cuts it short.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use hyperlane_core::{ConnectionInfo, Service};

use crate::shutdown::Registration;
use crate::{Config, Transport, h1};

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
