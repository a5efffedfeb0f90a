//! Why a response header can't be sent.

use std::fmt;

use http::{HeaderName, HeaderValue};

/// A header or status that must not go on the wire.
#[derive(Debug)]
pub struct InvalidHeader {
    what: String,
    source: Option<http::Error>,
}

impl InvalidHeader {
    /// Turns a name and a value into what may go on the wire.
    ///
    /// # Errors
    ///
    /// The name is no token (RFC 9110 §5.1), or the value holds CR, LF, NUL or another control byte (§5.5).
    pub fn check<N, V>(name: N, value: V) -> Result<(HeaderName, HeaderValue), Self>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let name = name.try_into().map_err(|error| Self {
            what: "response header name is not a token".to_owned(),
            source: Some(error.into()),
        })?;
        let value = value.try_into().map_err(|error| Self {
            what: format!("value of response header `{name}` holds a byte that must not go on the wire"),
            source: Some(error.into()),
        })?;
        Ok((name, value))
    }

    /// Another reason why a response can't be sent as it was set.
    pub fn other(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{} ({source})", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for InvalidHeader {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
