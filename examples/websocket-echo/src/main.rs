//! A WebSocket that sends back what it gets, compressed where the client offers it.
//!
//! Run it: `cargo run -p example-websocket-echo`, or on another port: `PORT=3000 cargo run -p example-websocket-echo`.
//! Then open <http://127.0.0.1:8080/>, or `python -m websockets ws://127.0.0.1:8080/echo`.

use hyperlane::websocket::{Compression, WebSocket, WebSocketUpgrade};
use hyperlane::{Error, Html, Response, Server, ServerConfig};

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>echo</title>
<form><input id="text" autofocus> <button>Send</button></form>
<ol id="answers"></ol>
<script>
    const socket = new WebSocket(location.href.replace("http", "ws") + "echo");
    const say = (text) => document.getElementById("answers").append(Object.assign(document.createElement("li"), { textContent: text }));
    socket.onmessage = (message) => say(message.data);
    socket.onclose = (close) => say(`closed with ${close.code}`);
    document.forms[0].onsubmit = (event) => {
        event.preventDefault();
        socket.send(document.getElementById("text").value);
    };
</script>
"#;

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
    server.get("/", async || Html(PAGE)).get("/echo", open);
    server
}

async fn open(upgrade: WebSocketUpgrade) -> Response {
    upgrade.compression(Compression::new()).on_upgrade(echo)
}

/// Runs until the client closes, dies, or breaks the protocol: pings, closing and time-outs are the socket's own affair.
async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if message.data().is_some() && socket.send(message).await.is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn text_and_bytes_come_back() {
        let mut socket = TestClient::new(app()).websocket("/echo").compressed().await;
        socket.send("hello").await;
        assert_eq!(socket.text().await, "hello");
        socket.send(vec![1, 2, 3]).await;
        assert_eq!(socket.binary().await, vec![1, 2, 3]);
        socket.close(1000, "").await;
    }

    #[tokio::test]
    async fn who_only_asks_for_a_page_is_told_what_is_spoken_here() {
        let client = TestClient::new(app());
        client.get("/").await.assert_status(200);
        client
            .get("/echo")
            .await
            .assert_status(426)
            .assert_header("upgrade", "websocket");
    }
}
