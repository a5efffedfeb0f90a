//! HTTPS: certificates, clients that show theirs, and the way to `https` for those who came without.
//!
//! Needs the cargo feature `tls`. The engine does the handshake before there is a request; here is what an
//! application says to it ([`Tls`], [`Certificate`], [`ClientCa`]) and asks of it ([`Context::tls`],
//! [`ClientCertificate`]).
//!
//! ```no_run
//! use hyperlane::tls::{ClientCa, ClientCertificate, RedirectToHttps};
//! use hyperlane::*;
//!
//! # async fn example() -> Result<(), Error> {
//! let tls = Tls::pem_files("/etc/tls/example.org.pem", "/etc/tls/example.org.key")
//!     .client_ca(ClientCa::pem_file("/etc/tls/clients.pem").optional());
//! let server = Server::new();
//! server.config(
//!     ServerConfig::new()
//!         .listen(Listen::tcp("::", 443).tls(tls))
//!         .listen(Listen::tcp("::", 80)),
//! );
//! server.middleware(RedirectToHttps::new());
//! server.get("/", async |client: Option<ClientCertificate>| match client {
//!     Some(client) => format!("hello {}", client.common_name().unwrap_or_default()),
//!     None => "hello".to_owned(),
//! });
//! server.run().await?.wait().await;
//! # Ok(()) }
//! ```

mod client_certificate;
mod redirect;

use hyperlane_core::TlsInfo;

pub use client_certificate::ClientCertificate;
pub use hyperlane_core::TlsVersion;
#[cfg(feature = "acme")]
pub use hyperlane_server::tls::Acme;
pub use hyperlane_server::tls::{Certificate, ClientCa, Tls, TlsError};
pub use redirect::RedirectToHttps;

use crate::context::Context;

/// The guide's programs, compiled.
#[cfg(all(doctest, feature = "tls-self-signed"))]
#[doc = include_str!("../../../../docs/guide/tls.md")]
struct Guide;

impl Context {
    /// What the TLS handshake of the connection agreed on: version, cipher suite, protocol, the name that the client
    /// asked for. `None` on a connection without TLS, as from a proxy that ends TLS itself.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn version(ctx: Context) -> String {
    ///     ctx.tls().map_or("plain".to_owned(), |tls| tls.version.to_string())
    /// }
    /// # Server::new().get("/", version);
    /// ```
    pub fn tls(&self) -> Option<&TlsInfo> {
        self.connection().tls.as_deref()
    }
}
