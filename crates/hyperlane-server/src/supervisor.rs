//! What a supervisor is told: that the server accepts connections, that it ends, that another process has taken over.
//!
//! It is the protocol of systemd (`Type=notify`), and costs nothing where `NOTIFY_SOCKET` is not set.

/// The server accepts connections, `by_inheritance` from sockets that the process was started with.
pub(crate) fn say_ready(by_inheritance: bool) {
    #[cfg(all(unix, feature = "hand-over"))]
    {
        if by_inheritance {
            crate::listener::inherited::say_ready();
        }
        tell(&[sd_notify::NotifyState::Ready]);
    }
    let _ = by_inheritance;
}

/// The process was told to end, and does so.
pub(crate) fn say_stopping() {
    #[cfg(all(unix, feature = "hand-over"))]
    tell(&[sd_notify::NotifyState::Stopping]);
}

/// The service is that process now, and this one may end.
#[cfg(all(unix, feature = "hand-over"))]
pub(crate) fn say_main_process(id: u32) {
    tell(&[sd_notify::NotifyState::MainPid(id)]);
}

#[cfg(all(unix, feature = "hand-over"))]
fn tell(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the supervisor can't be told");
    }
}
