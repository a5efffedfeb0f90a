//! hyperlane over HTTP/2 with prior knowledge, TLS and WebSocket.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::LazyLock;

use bytes::Bytes;
use contract::protocols::Secure;
use hyperlane::websocket::{Message, WebSocket, WebSocketUpgrade};
use hyperlane::{Listen, Response, Runtime, Server, ServerConfig, Tls};

static DOWNLOAD: LazyLock<Bytes> = LazyLock::new(|| contract::download().into());

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = ServerConfig::new();
    config.listen(Listen::tcp("127.0.0.1", contract::port()));
    if let Some(secure) = Secure::from_environment() {
        let tls = Tls::pem_files(secure.certificate, secure.key);
        config.listen(Listen::tcp("127.0.0.1", secure.port).tls(tls));
    }
    if std::env::var("DRIVER").is_ok_and(|driver| driver == "io-uring") {
        config.runtime(Runtime::IoUring);
    }
    let server = Server::new();
    server.config(&config);
    server.get("/", hello).get("/download", download).get("/ws", echo);
    let handle = server.run().await?;
    contract::announce(handle.local_addr());
    handle.wait().await;
    Ok(())
}

async fn hello() -> &'static str {
    contract::HELLO
}

async fn download() -> Bytes {
    DOWNLOAD.clone()
}

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(answer)
}

async fn answer(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}
