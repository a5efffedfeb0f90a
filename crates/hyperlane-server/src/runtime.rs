//! Where the work of a server is done.

/// What serves the connections.
///
/// Handlers are the same with all of them: their futures run on tokio, and so timers, `tokio::spawn` and everything
/// else that is built on it work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runtime {
    /// The tokio runtime that the server was started in; with several threads it moves tasks to one that is free.
    ///
    /// The default: what one request holds up, another thread makes good.
    #[default]
    Shared,
    /// A thread and a current-thread runtime for each core. A connection stays on the core that it was given to when
    /// it was accepted, the one with the fewest.
    ///
    /// Nothing is passed between threads, which saves time for each request; but a handler that computes for long
    /// holds up all connections of its core. What a handler spawns runs on its core, and ends with the server.
    PerCore,
    /// As [`PerCore`](Self::PerCore), and the bytes of connections go through `io_uring`: many of them with one system
    /// call.
    ///
    /// Needs Linux 6.0 and the cargo feature `io-uring`. Where one is missing, or the kernel refuses (containers often
    /// forbid it), the reason is logged once and the server runs as [`PerCore`](Self::PerCore).
    IoUring,
}
