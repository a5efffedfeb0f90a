//! A member at the other end of a WebSocket.

use hyperlane::websocket::{CloseCode, Message, WebSocket};

use crate::member::{Member, Speaker};
use crate::outlet::Closed;

/// Carries what a member receives to its socket, and each text that comes from there to the first of the member's rooms,
/// as a string. It returns when the socket or the member has ended; the member has left then.
///
/// A member that is [too slow](crate::SlowPolicy::Disconnect) is closed with 1013, one that was
/// [sent away](crate::Hub::disconnect) with 1000, and when the hub closes, with 1001, as at the server's shutdown.
///
/// ```
/// use hyperlane::websocket::WebSocketUpgrade;
/// use hyperlane::{Error, Path, Response, Server, State};
/// use hyperlane_realtime::{Hub, Joiner, serve_websocket};
///
/// async fn enter(
///     upgrade: WebSocketUpgrade,
///     Path((room, name)): Path<(String, String)>,
///     State(hub): State<Hub>,
/// ) -> Result<Response, Error> {
///     let member = hub.join(room, Joiner::new(name).history(50))?;
///     Ok(upgrade.on_upgrade(async |socket| serve_websocket(socket, member).await))
/// }
///
/// let server = Server::new();
/// server.state(Hub::new()).get("/rooms/{room}/{name}", enter);
/// # assert!(server.build().is_ok());
/// ```
pub async fn serve_websocket(socket: WebSocket, member: Member) {
    let say = async |speaker: &Speaker, message: Message| {
        if let Some(text) = message.as_text()
            && let Err(error) = speaker.say(text)
        {
            tracing::debug!(%error, "message of a member is refused");
        }
    };
    serve_websocket_with(socket, member, say).await;
}

/// The same with a function that does something with what comes from the socket: text, bytes, or a close as the last.
/// While it runs, nothing more is read from the socket, but the member receives.
pub async fn serve_websocket_with<F>(socket: WebSocket, member: Member, mut on_message: F)
where
    F: AsyncFnMut(&Speaker, Message),
{
    let mut member = member;
    let speaker = member.speaker();
    let outlet = member.outlet();
    let (sender, mut receiver) = socket.split();
    let incoming = async {
        while let Some(Ok(message)) = receiver.recv().await {
            // Who was sent away says nothing more, however slowly it takes what waits for it.
            if outlet.closed().is_none() {
                on_message(&speaker, message).await;
            }
        }
    };
    let outgoing = async {
        while let Some(delivery) = member.recv().await {
            let sent = tokio::select! {
                sent = sender.send(delivery.to_message()) => sent,
                // It takes nothing: what waits for it is gone, and the message before that may be, too.
                () = member.too_slow() => break,
            };
            if sent.is_err() {
                return;
            }
        }
        let (code, reason) = match member.closed() {
            Some(Closed::TooSlow) => (CloseCode::TRY_AGAIN, "too slow: come back for what was missed"),
            Some(Closed::Sent) => (CloseCode::NORMAL, ""),
            _ => (CloseCode::GOING_AWAY, ""),
        };
        let _ = sender.close(code, reason);
    };
    tokio::select! {
        () = incoming => {}
        () = outgoing => {}
    }
}
