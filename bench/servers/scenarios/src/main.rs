//! The article's scenarios with hyperlane and the crates that stand beside it.
//!
//! `SOURCES=shared` adds what is recommended for sources that are asked by many: one request in flight for all who ask the
//! same, and a breaker. Without it each request asks on its own, as the other side of the comparison does.
#![forbid(unsafe_code)]

mod aggregation;
mod chat;
mod import;
mod uploads;

use std::error::Error;

use contract::scenarios::Settings;
use hyperlane::{Route, Server, ServerConfig};
use hyperlane_files::Files;

const MIB: u64 = 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let settings = Settings::from_environment();
    let server = Server::new();
    server.config(ServerConfig::new().host("127.0.0.1").port(contract::port()));
    let shared = std::env::var("SOURCES").is_ok_and(|sources| sources == "shared");
    server
        .state(aggregation::Sources::open(&settings, shared).await?)
        .state(uploads::Uploads::open(&settings).await?)
        .state(chat::hub())
        .state(import::Import::open(&settings).await?)
        .get("/aggregate", aggregation::dashboard)
        .get("/faults", aggregation::survivors)
        .post("/photos", Route::new(uploads::photo).body_limit(16 * MIB))
        .post("/large", Route::new(uploads::large).body_limit(uploads::LARGEST))
        .get("/chat", chat::enter)
        .post("/import", Route::new(import::import).body_limit(1024 * MIB))
        .get("/sum", import::sum)
        .get("/static/{*path}", Files::new(settings.files()));
    let handle = server.run().await?;
    contract::announce(handle.local_addr());
    handle.wait().await;
    Ok(())
}
