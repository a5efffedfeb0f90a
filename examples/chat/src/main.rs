//! Rooms with presence and history, over WebSocket and server-sent events; of one process, or of many.
//!
//! Run it: `cargo run -p example-chat`, or on another port: `PORT=3000 cargo run -p example-chat`. Then open
//! <http://127.0.0.1:8080/> in several windows, or <http://127.0.0.1:8080/?room=attic>.
//!
//! Two servers are one chat when they share a bus: `BUS=/tmp/chat-bus PORT=3001 cargo run -p example-chat`, and the same
//! with another port.

use hyperlane::sse::{LastEventId, Sse};
use hyperlane::websocket::WebSocketUpgrade;
use hyperlane::{Error, Html, NoContent, Path, Query, Response, Server, ServerConfig, State};
use hyperlane_realtime::backplane::Unix;
use hyperlane_realtime::{Hub, Joiner, serve_websocket, sse};
use serde::Deserialize;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let hub = match std::env::var_os("BUS") {
        Some(folder) => Hub::builder().backplane(Unix::new(folder)?),
        None => Hub::new(),
    };
    let server = app(hub.clone());
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    hub.close().await;
    Ok(())
}

fn app(hub: Hub) -> Server {
    let server = Server::new();
    server
        .state(hub)
        .get("/", async || Html(include_str!("page.html")))
        .get("/rooms/{room}/{name}", enter)
        .get("/rooms/{room}/{name}/events", listen)
        .post("/rooms/{room}/{name}", say);
    server
}

#[derive(Deserialize)]
struct Back {
    since: Option<String>,
}

/// Over a WebSocket: what is said is heard, and what is sent is said.
async fn enter(
    upgrade: WebSocketUpgrade,
    Path((room, name)): Path<(String, String)>,
    Query(back): Query<Back>,
    State(hub): State<Hub>,
) -> Result<Response, Error> {
    let joiner = Joiner::new(name).since(back.since.as_deref()).history(50);
    let member = hub.join(room, joiner)?;
    Ok(upgrade.on_upgrade(async |socket| serve_websocket(socket, member).await))
}

/// Over server-sent events: the same to hear; a browser comes back with the last id by itself.
async fn listen(
    Path((room, name)): Path<(String, String)>,
    LastEventId(last): LastEventId,
    State(hub): State<Hub>,
) -> Result<Sse, Error> {
    Ok(sse(
        hub.join(room, Joiner::new(name).since(last.as_deref()).history(50))?
    ))
}

/// What those who listen to events have to say.
async fn say(
    Path((room, name)): Path<(String, String)>,
    State(hub): State<Hub>,
    text: String,
) -> Result<NoContent, Error> {
    hub.room(room).broadcast_from(name, &text)?;
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn a_socket_and_an_event_stream_are_in_one_room() {
        let client = TestClient::new(app(Hub::new()));
        let mut ada = client.websocket("/rooms/lobby/ada").await;
        assert!(ada.text().await.contains(r#""members":[{"id":"ada""#));
        let mut bob = client.get("/rooms/lobby/bob/events").await.events();
        assert!(bob.next().await.expect("an event").data.contains("joined"));
        assert!(ada.text().await.contains(r#""type":"join""#));
        client.post("/rooms/lobby/bob").body("hello").await.assert_status(204);
        assert!(ada.text().await.ends_with(r#""data":"hello"}"#));
        assert!(bob.next().await.expect("an event").data.ends_with(r#""data":"hello"}"#));
    }

    #[tokio::test]
    async fn two_servers_on_a_bus_are_one_chat() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = || async {
            let hub = Hub::builder().backplane(Unix::new(folder.path()).expect("a bus"));
            hub.online().await;
            TestClient::new(app(hub))
        };
        let (one, other) = (server().await, server().await);
        let mut ada = one.websocket("/rooms/lobby/ada").await;
        ada.text().await;
        let mut bob = other.websocket("/rooms/lobby/bob").await;
        bob.text().await;
        assert!(ada.text().await.contains(r#""member":"bob""#));
        bob.send("hello from next door").await;
        assert!(ada.text().await.contains("hello from next door"));
    }
}
