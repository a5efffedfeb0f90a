//! How a request comes to the service: whole, or by what is known of it before its head is copied.

use std::pin::Pin;
use std::sync::Arc;

use hyperlane_core::{Body, ConnectionInfo, Head, Request, Service};
use tokio::time::Instant;

use super::connection::Connection;
use crate::Transport;

/// For so many requests a service is not asked whether it does without the head, after one for which it did not.
const HEADS_WANTED: u8 = 15;

/// A request on its way to the service.
///
/// It stays in parts and is put together as the service's argument: what is put together before and moved there is
/// loaded in larger pieces than it was just stored in, and the processor waits for it (a tenth of a small request's
/// cycles).
pub(super) struct Call<'a, S: Service> {
    pub(super) service: &'a S,
    /// `None` if it was not taken from the reader yet, and once the service was called.
    pub(super) head: Option<Head>,
    /// `None` is an empty one.
    pub(super) body: Option<Body>,
    pub(super) info: &'a Arc<ConnectionInfo>,
    /// When it was first waited for: never before the service's own clock began.
    pub(super) began: Option<Instant>,
}

impl<S: Service> Call<'_, S> {
    #[inline]
    fn begin(&mut self, head: Head) -> S::Future {
        let info = Arc::clone(self.info);
        match self.body.take() {
            None => self.service.call(Request::new(head, Body::empty(), info)),
            Some(body) => self.service.call(Request::new(head, body, info)),
        }
    }
}

impl<T: Transport> Connection<T> {
    /// Calls the service: without the head, which is not copied then, if it wants none.
    ///
    /// Where it wanted one, it is not asked again for a while: the next requests of a connection are mostly like it.
    #[inline]
    pub(super) fn call<S: Service>(&mut self, call: &mut Call<'_, S>, mut handler: Pin<&mut Option<S::Future>>) {
        let head = match call.head.take() {
            Some(head) => head,
            None if self.heads_wanted > 0 => {
                self.heads_wanted -= 1;
                self.reader.take_head()
            }
            None => {
                if let Some((method, path)) = self.reader.method_and_path() {
                    handler.set(call.service.call_without_head(method, path));
                }
                if handler.is_some() {
                    return self.reader.pass_head();
                }
                self.heads_wanted = HEADS_WANTED;
                self.reader.take_head()
            }
        };
        handler.set(Some(call.begin(head)));
    }
}
