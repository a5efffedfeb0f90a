//! The third scenario: a room, and a socket for each member.

use std::sync::atomic::{AtomicU64, Ordering};

use hyperlane::websocket::WebSocketUpgrade;
use hyperlane::{Error, Response, State};
use hyperlane_realtime::{Hub, serve_websocket};

pub(crate) fn hub() -> Hub {
    Hub::new()
}

pub(crate) async fn enter(upgrade: WebSocketUpgrade, State(hub): State<Hub>) -> Result<Response, Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let member = hub.join("room", format!("member {number}"))?;
    Ok(upgrade.on_upgrade(async |socket| serve_websocket(socket, member).await))
}
