//! The engine of hyperlane: accepts connections, speaks HTTP, calls a [`Service`](hyperlane_core::Service). It has
//! never heard of routes.
//!
//! A walk through the files follows a request: [`bind`] (`listener.rs`) → `accept.rs` → `connection.rs` →
//! `h1/connection.rs`, the whole life of a connection as one straight function, with `h1/reader.rs` (head),
//! `h1/body.rs` (request body), `h1/respond.rs` (response), `h1/writer.rs` (bytes to send) and `h1/close.rs` (the end)
//! beside it. All limits are in [`Config`].
//!
//! With [`Runtime::PerCore`] and [`Runtime::IoUring`] the engine has threads of its own (`cores.rs`), which accept and
//! serve side by side.
//!
//! ```
//! use std::future::{Ready, ready};
//! use std::sync::Arc;
//!
//! use hyperlane_core::{Request, Response, Service};
//! use hyperlane_server::{Config, bind, serve};
//!
//! struct Hello;
//!
//! impl Service for Hello {
//!     type Future = Ready<Response>;
//!
//!     fn call(&self, _request: Request) -> Self::Future {
//!         ready(Response::new("hello"))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::default();
//! let listener = bind("127.0.0.1", 0, &config).await?;
//! let handle = serve(listener, Arc::new(Hello), config).await?;
//! println!("listening on {}", handle.local_addr());
//! handle.shutdown().await;
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod accept;
mod clock;
mod config;
mod connection;
mod cores;
mod h1;
#[cfg(feature = "http2")]
mod h2;
#[cfg(feature = "http3")]
mod h3;
#[cfg(all(unix, feature = "hand-over"))]
mod hand_over;
mod handle;
#[cfg(any(feature = "proxy-protocol", feature = "tls"))]
mod handshake;
mod listener;
mod panic;
mod pool;
#[cfg(all(unix, feature = "processes"))]
pub mod processes;
#[cfg(feature = "proxy-protocol")]
mod proxy_protocol;
mod runtime;
mod shutdown;
mod supervisor;
#[cfg(feature = "tls")]
pub mod tls;
mod transport;
mod uring;

pub use config::Config;
pub use connection::serve_transport;
pub use cores::ServeError;
#[cfg(feature = "http2")]
pub use h2::Http2Config;
#[cfg(feature = "http3")]
pub use h3::Http3Config;
#[cfg(all(unix, feature = "hand-over"))]
pub use hand_over::HandOverError;
pub use handle::{ServerHandle, serve};
#[doc(hidden)]
pub use hyperlane_proto::format_http_date;
pub use listener::{Address, AddressError, BindError, Listen, Listener, LocalAddr, bind};
pub use runtime::Runtime;
#[cfg(feature = "tls")]
pub use tls::Tls;
pub use transport::Transport;
