//! The showcase of hyperlane: an application whose answers need three sources, and a page that shows
//! what waiting for them at once is worth.
//!
//! It is an ordinary application of the framework, meant to be read: [`app::app`] registers the
//! routes, each demo is one file under `handlers/`, and the three sources (a query, a call, a file)
//! stand under [`sources`]. `main.rs` only parses [`args`] and runs the server.
//!
//! A request walks `app` → `handlers/…` → `sources/…` and back as JSON; `page` serves the assets,
//! which are part of the binary.
//!
//! # Example
//!
//! ```no_run
//! use hyperlane::ServerConfig;
//! use showcase::{app::{Showcase, app}, args::Args};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let showcase = Showcase::open(&Args::default()).await?;
//! let server = app(showcase.clone());
//! server.config(ServerConfig::new().host("127.0.0.1").port(0));
//! let handle = server.run().await?;
//! println!("http://{}/", handle.local_addr());
//! handle.wait().await;
//! showcase.close().await;
//! # Ok(())
//! # }
//! ```

pub mod app;
pub mod args;
mod failures;
pub mod growth;
mod handlers;
pub mod measured;
mod page;
pub mod results;
mod scenarios;
pub mod sources;
