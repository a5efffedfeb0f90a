//! Files from disk by axum and tower-http's `ServeDir`.
#![forbid(unsafe_code)]

use std::io;

use axum::Router;
use axum::serve::ListenerExt;
use contract::scenarios::Settings;
use tokio::net::TcpListener;
use tower_http::services::ServeDir;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", contract::port())).await?;
    let address = listener.local_addr()?;
    let app = Router::new().nest_service("/static", ServeDir::new(Settings::from_environment().files()));
    contract::announce(address);
    let listener = listener.tap_io(|stream| {
        // A connection that fails is the client's business.
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, app).await
}
