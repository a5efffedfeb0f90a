//! The limits and time-outs of what clients send and are sent.

use std::time::Duration;

use super::ServerConfig;

impl ServerConfig {
    /// The most bytes of a request line. Default: 8,192, the least that RFC 9112 §3 recommends to support.
    ///
    /// A longer one is answered 414, and the connection is closed.
    pub fn request_line_limit(&self, bytes: usize) -> &Self {
        self.set(|settings| settings.engine.request_line_limit = bytes)
    }

    /// The most bytes of a request line and headers together. Default: 16,384: what browsers send with many cookies
    /// fits, and a connection can't be made to hold more.
    ///
    /// A longer head is answered 431, and the connection is closed.
    pub fn head_limit(&self, bytes: usize) -> &Self {
        self.set(|settings| settings.engine.head_limit = bytes)
    }

    /// The most header fields of a request. Default: 100, several times what browsers send.
    ///
    /// More are answered 431, and the connection is closed.
    pub fn header_count_limit(&self, fields: usize) -> &Self {
        self.set(|settings| settings.engine.header_count_limit = fields)
    }

    /// The most bytes of a request body. Default: 2,097,152 (2 MiB): bodies are often kept in memory, so that large
    /// ones must be asked for.
    ///
    /// A longer one is answered 413, before it is sent where its length is announced.
    pub fn body_limit(&self, bytes: u64) -> &Self {
        self.set(|settings| settings.engine.body_limit = bytes)
    }

    /// The longest time from the first byte of a head to its last. Default: 10 s. It does not start again with each
    /// byte, so that a client that drips bytes can't hold a connection for longer.
    ///
    /// A slower client is answered 408, and the connection is closed.
    pub fn head_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.head_timeout = timeout)
    }

    /// The longest wait for the first byte of a request, the first or the next. Default: 60 s: browsers return within
    /// it, and dead peers do not pile up.
    ///
    /// Afterwards the connection is closed without an answer: there is nothing to answer.
    pub fn idle_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.idle_timeout = timeout)
    }

    /// The longest time without a byte while a handler waits for a request's body. Default: 30 s.
    ///
    /// A slower client is answered 408, and the connection is closed.
    pub fn body_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.body_timeout = timeout)
    }

    /// The least average rate of a request body, in bytes a second, while a handler waits for it. Default: 240, slower
    /// than any modem; 0 turns it off. It is judged after the [grace](Self::body_rate_grace).
    ///
    /// A slower client is answered 408, and the connection is closed.
    pub fn body_min_rate(&self, bytes_per_second: u32) -> &Self {
        self.set(|settings| settings.engine.body_min_rate = bytes_per_second)
    }

    /// The time for which [`body_min_rate`](Self::body_min_rate) is not judged yet. Default: 5 s, so that one lost
    /// packet fails nobody.
    pub fn body_rate_grace(&self, grace: Duration) -> &Self {
        self.set(|settings| settings.engine.body_rate_grace = grace)
    }

    /// The longest time without progress in writing a response. Default: 30 s: a client that does not read must not
    /// hold what waits for it in memory.
    ///
    /// Afterwards the connection is reset, and a handler that is streaming gets an error from
    /// [`send_body`](crate::Context::send_body).
    pub fn write_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.write_timeout = timeout)
    }

    /// The longest time in which a handler must begin to answer. Default: none, since only the application knows what
    /// is long.
    ///
    /// A slower handler is dropped, and the client is answered 503.
    pub fn handler_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.handler_timeout = Some(timeout))
    }

    /// How long a handler may keep its thread, between two `.await`s, before a warning names its route. Default: 500 ms;
    /// `None` turns it off.
    ///
    /// Such a handler keeps all connections of its thread waiting: what computes or blocks belongs into
    /// [`Context::spawn_blocking`](crate::Context::spawn_blocking).
    pub fn blocking_warning(&self, limit: impl Into<Option<Duration>>) -> &Self {
        let limit = limit.into();
        self.set(|settings| settings.blocking_warning = limit)
    }

    /// The most connections at once. Default: 65,536, about 200 MiB of idle connections.
    ///
    /// Further ones wait in the kernel until one ends.
    pub fn max_connections(&self, connections: usize) -> &Self {
        self.set(|settings| settings.engine.max_connections = connections)
    }

    /// The most bytes of an unread request body that are thrown away to keep a connection. Default: 65,536, about
    /// what a new connection costs.
    ///
    /// With more to come the connection is closed behind the answer.
    pub fn drain_limit(&self, bytes: u64) -> &Self {
        self.set(|settings| settings.engine.drain_limit = bytes)
    }

    /// The time for what is in progress once a shutdown began. Default: 10 s, what most supervisors grant.
    ///
    /// Requests that are not done then are cut.
    pub fn shutdown_deadline(&self, deadline: Duration) -> &Self {
        self.set(|settings| settings.engine.shutdown_deadline = deadline)
    }
}
