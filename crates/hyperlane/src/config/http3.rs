//! HTTP/3: whether it is spoken, and its limits.

use hyperlane_server::Http3Config;

use super::ServerConfig;
use crate::error::{Kind, Mistake};

impl ServerConfig {
    /// Whether HTTP/3 is spoken too on all TCP addresses that have TLS, on the same port over UDP. Default: false: the
    /// port must be open for it. A [`Listen`](crate::Listen::http3) may say otherwise for itself.
    ///
    /// Responses over the other versions tell clients of it, by `Alt-Svc` (RFC 7838).
    ///
    /// ```
    /// use hyperlane::{Server, ServerConfig, Tls};
    ///
    /// let server = Server::new();
    /// server.config(ServerConfig::new().host("::").port(443).tls(Tls::pem_files("site.pem", "site.key")).http3(true));
    /// ```
    pub fn http3(&self, spoken: bool) -> &Self {
        self.set(|settings| settings.http3 = spoken)
    }

    /// Changes the limits that HTTP/3 has beyond those of HTTP/1.1. Default: see [`Http3Config`].
    ///
    /// ```
    /// use hyperlane::ServerConfig;
    ///
    /// let config = ServerConfig::new();
    /// config.http3_limits(|http3| http3.max_concurrent_streams = 50);
    /// ```
    pub fn http3_limits(&self, change: impl FnOnce(&mut Http3Config)) -> &Self {
        self.set(|settings| change(&mut settings.engine.http3))
    }
}

/// The guide's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/guide/http3.md")]
struct Guide;

/// The settings that are out of their range.
pub(super) fn mistakes(config: &Http3Config) -> impl Iterator<Item = Mistake> {
    config
        .mistakes()
        .into_iter()
        .map(|(name, why)| Mistake::new(Kind::Config, format!("setting `{name}` is {why}: change it")))
}
