//! axum over HTTP/2 with prior knowledge, TLS and WebSocket, with axum-server and rustls as its examples have it.
#![forbid(unsafe_code)]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::OnceLock;

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use axum_server::tls_rustls::RustlsConfig;
use bytes::Bytes;
use contract::protocols::Secure;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = Router::new()
        .route("/", get(hello))
        .route("/download", get(download))
        .route("/ws", get(echo));
    if let Some(secure) = Secure::from_environment() {
        // It fails only where a provider was chosen before.
        rustls::crypto::ring::default_provider().install_default().ok();
        let config = RustlsConfig::from_pem_file(secure.certificate, secure.key).await?;
        let address = SocketAddr::from(([127, 0, 0, 1], secure.port));
        let server = axum_server::bind_rustls(address, config).serve(app.clone().into_make_service());
        tokio::spawn(server);
    }
    let listener = TcpListener::bind(("127.0.0.1", contract::port())).await?;
    contract::announce(listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // A connection that fails is the client's business.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, app).await?;
    Ok(())
}

async fn hello() -> &'static str {
    contract::HELLO
}

async fn download() -> Bytes {
    static BODY: OnceLock<Bytes> = OnceLock::new();
    BODY.get_or_init(|| contract::download().into()).clone()
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
