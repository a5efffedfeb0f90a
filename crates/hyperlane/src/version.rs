//! The versions of HTTP, under the names of the framework's API.

/// A version of HTTP: that of a request ([`Context::version`](crate::Context::version)), or a hint for a response
/// ([`Context::set_response_version`](crate::Context::set_response_version)).
///
/// ```
/// use hyperlane::HttpVersion;
///
/// assert_eq!(HttpVersion::HTTP1_1.to_string(), "HTTP/1.1");
/// assert!(HttpVersion::HTTP1_0 < HttpVersion::HTTP1_1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HttpVersion {
    /// HTTP/0.9, of historical interest.
    HTTP0_9,
    /// HTTP/1.0 (RFC 1945).
    HTTP1_0,
    /// HTTP/1.1 (RFC 9112).
    #[default]
    HTTP1_1,
    /// HTTP/2 (RFC 9113).
    HTTP2,
    /// HTTP/3 (RFC 9114).
    HTTP3,
}

impl From<http::Version> for HttpVersion {
    fn from(version: http::Version) -> Self {
        match version {
            http::Version::HTTP_09 => Self::HTTP0_9,
            http::Version::HTTP_10 => Self::HTTP1_0,
            http::Version::HTTP_2 => Self::HTTP2,
            http::Version::HTTP_3 => Self::HTTP3,
            // The type is open for versions that do not exist; whatever else comes is read as 1.1.
            _ => Self::HTTP1_1,
        }
    }
}

impl From<HttpVersion> for http::Version {
    fn from(version: HttpVersion) -> Self {
        match version {
            HttpVersion::HTTP0_9 => Self::HTTP_09,
            HttpVersion::HTTP1_0 => Self::HTTP_10,
            HttpVersion::HTTP1_1 => Self::HTTP_11,
            HttpVersion::HTTP2 => Self::HTTP_2,
            HttpVersion::HTTP3 => Self::HTTP_3,
        }
    }
}

impl std::fmt::Display for HttpVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HTTP0_9 => "HTTP/0.9",
            Self::HTTP1_0 => "HTTP/1.0",
            Self::HTTP1_1 => "HTTP/1.1",
            Self::HTTP2 => "HTTP/2.0",
            Self::HTTP3 => "HTTP/3.0",
        })
    }
}
