//! The limits of HTTP/2.

use hyperlane_server::Http2Config;

use super::ServerConfig;
use crate::error::{Kind, Mistake};

impl ServerConfig {
    /// Changes the limits that HTTP/2 has beyond those of HTTP/1.1. Default: see [`Http2Config`].
    ///
    /// ```
    /// use hyperlane::ServerConfig;
    ///
    /// let config = ServerConfig::new();
    /// config.http2(|http2| http2.max_concurrent_streams = 50);
    /// ```
    pub fn http2(&self, change: impl FnOnce(&mut Http2Config)) -> &Self {
        self.set(|settings| change(&mut settings.engine.http2))
    }
}

/// The settings that are out of their range.
pub(super) fn mistakes(config: &Http2Config) -> impl Iterator<Item = Mistake> {
    config
        .mistakes()
        .into_iter()
        .map(|(name, why)| Mistake::new(Kind::Config, format!("setting `{name}` is {why}: change it")))
}
