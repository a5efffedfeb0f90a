//! One room in which everybody hears everybody: a WebSocket for each, and a broadcast channel between them.
//!
//! Run it: `cargo run -p example-websocket-chat`, or on another port: `PORT=3000 cargo run -p example-websocket-chat`.
//! Then open <http://127.0.0.1:8080/> in several windows.

use hyperlane::websocket::{
    ByteString, CloseCode, Message, WebSocket, WebSocketReceiver, WebSocketSender, WebSocketUpgrade,
};
use hyperlane::{Error, Html, Path, Response, Server, ServerConfig, State};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Messages that a slow member may be behind; one who is further behind is closed instead of holding up the others.
const BACKLOG: usize = 256;
/// The most bytes of what is said at once.
const MAX_MESSAGE: usize = 4 * 1024;

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>chat</title>
<form><input id="text" autofocus> <button>Say</button></form>
<ol id="said"></ol>
<script>
    const name = prompt("Your name?") ?? "somebody";
    const socket = new WebSocket(`${location.href.replace("http", "ws")}room/${encodeURIComponent(name)}`);
    socket.onmessage = (message) =>
        document.getElementById("said").append(Object.assign(document.createElement("li"), { textContent: message.data }));
    document.forms[0].onsubmit = (event) => {
        event.preventDefault();
        socket.send(document.getElementById("text").value);
        event.target.reset();
    };
</script>
"#;

/// What was said goes to every member. Text is cheap to clone: it is there once, for however many members.
#[derive(Clone)]
struct Room(broadcast::Sender<ByteString>);

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server
        .state(Room(broadcast::channel(BACKLOG).0))
        .get("/", async || Html(PAGE))
        .get("/room/{name}", enter);
    server
}

async fn enter(upgrade: WebSocketUpgrade, Path(name): Path<String>, State(room): State<Room>) -> Response {
    upgrade
        .max_message_size(MAX_MESSAGE)
        .on_upgrade(async move |socket: WebSocket| {
            let heard = room.0.subscribe();
            room.say(format!("{name} came in"));
            let (sender, receiver) = socket.split();
            // Whichever ends first ends the other: the member left, or can't keep up.
            tokio::select! {
                () = listen(&room, &name, receiver) => {}
                () = tell(heard, sender) => {}
            }
            room.say(format!("{name} left"));
        })
}

/// What the member says goes to the room.
async fn listen(room: &Room, name: &str, mut receiver: WebSocketReceiver) {
    while let Some(Ok(message)) = receiver.recv().await {
        if let Message::Text(text) = message {
            room.say(format!("{name}: {text}"));
        }
    }
}

/// What is said in the room goes to the member.
async fn tell(mut heard: broadcast::Receiver<ByteString>, sender: WebSocketSender) {
    loop {
        match heard.recv().await {
            Ok(text) => {
                if sender.send(text).await.is_err() {
                    return;
                }
            }
            Err(RecvError::Lagged(_)) => {
                let _ = sender.close(CloseCode::TRY_AGAIN, "too slow for this room");
                return;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

impl Room {
    fn say(&self, text: String) {
        // An error means that nobody is there.
        let _ = self.0.send(text.into());
    }
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn everybody_hears_everybody() {
        let client = TestClient::new(app());
        let mut ada = client.websocket("/room/Ada").await;
        assert_eq!(ada.text().await, "Ada came in");
        let mut bob = client.websocket("/room/Bob").await;
        assert_eq!(ada.text().await, "Bob came in");
        assert_eq!(bob.text().await, "Bob came in");
        ada.send("hello").await;
        assert_eq!(ada.text().await, "Ada: hello");
        assert_eq!(bob.text().await, "Ada: hello");
        ada.close(1000, "").await;
        assert_eq!(bob.text().await, "Ada left");
    }

    #[tokio::test]
    async fn who_says_too_much_at_once_is_shown_the_door() {
        let client = TestClient::new(app());
        let mut ada = client.websocket("/room/Ada").await;
        ada.text().await;
        ada.send("x".repeat(MAX_MESSAGE + 1)).await;
        assert_eq!(ada.closed().await.expect("it has a code").code, CloseCode::TOO_LARGE);
    }
}
