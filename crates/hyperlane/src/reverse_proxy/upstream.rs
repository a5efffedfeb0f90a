//! Where requests go: the address of an upstream, as it is written.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Uri};

/// An upstream is not given as an address.
#[derive(Debug)]
pub struct InvalidUpstream(String);

impl InvalidUpstream {
    pub(super) fn none() -> Self {
        Self("no upstream is given: name at least one".to_owned())
    }
}

impl fmt::Display for InvalidUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for InvalidUpstream {}

/// The address of an upstream.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Where it is a Unix socket.
    pub(super) socket: Option<PathBuf>,
    /// The path before all others, without a slash at its end.
    base: String,
    /// As it was given, for logs; it never holds a password.
    text: String,
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidUpstream> {
        // Where there may be a password in it, it is not told again.
        let shown = match text.contains('@') {
            true => "with a user name".to_owned(),
            false => format!("{text:?}"),
        };
        let refuse = |why: &str| Err(InvalidUpstream(format!("upstream {shown} {why}")));
        if let Some(path) = text.strip_prefix("unix:") {
            if !path.starts_with('/') || cfg!(not(unix)) {
                return refuse("must be `unix:` and the absolute path of a socket, on a Unix system");
            }
            return Ok(Self {
                scheme: Scheme::HTTP,
                authority: Authority::from_static("localhost"),
                socket: Some(PathBuf::from(path)),
                base: String::new(),
                text: text.to_owned(),
            });
        }
        let uri = match text.parse::<Uri>() {
            Ok(uri) => uri.into_parts(),
            Err(error) => return refuse(&format!("is no uri: {error}")),
        };
        let (Some(scheme), Some(authority)) = (uri.scheme, uri.authority) else {
            return refuse("has no scheme or host: write `http://host:port`");
        };
        if scheme == Scheme::HTTPS && cfg!(not(feature = "reverse-proxy-tls")) {
            return refuse("needs the feature `reverse-proxy-tls` of hyperlane");
        }
        if scheme != Scheme::HTTP && scheme != Scheme::HTTPS {
            return refuse("has a scheme other than `http` and `https`");
        }
        if authority.as_str().contains('@') {
            return InvalidUpstream("an upstream holds a user name: set the header `authorization` instead".to_owned())
                .into_err();
        }
        if authority.host().is_empty() {
            return refuse("has no host");
        }
        let path = uri.path_and_query.unwrap_or_else(|| PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return refuse("has a query, which can't go before that of a request");
        }
        Ok(Self {
            scheme,
            authority,
            socket: None,
            base: path.path().trim_end_matches('/').to_owned(),
            text: text.to_owned(),
        })
    }

    /// The target of a request whose path, below this upstream's, is `path`.
    pub(super) fn target(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let base = &self.base;
        let path = match query {
            Some(query) => format!("{base}{path}?{query}"),
            None => format!("{base}{path}"),
        };
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(path);
        uri.build().ok()
    }

    /// What stands in `Host`.
    pub(super) fn host(&self) -> Option<HeaderValue> {
        let text = match (self.scheme.as_str(), self.authority.port_u16()) {
            ("http", Some(80)) | ("https", Some(443)) => self.authority.host(),
            _ => self.authority.as_str(),
        };
        HeaderValue::try_from(text).ok()
    }
}

impl InvalidUpstream {
    fn into_err<T>(self) -> Result<T, Self> {
        Err(self)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_and_says_what_is_wrong_with_others() {
        for good in [
            "http://127.0.0.1:9000",
            "http://[::1]:9000/",
            "http://backend/base/",
            "unix:/run/app.sock",
        ] {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("127.0.0.1:9000", "scheme"),
            ("/path", "scheme"),
            ("ftp://host", "scheme other"),
            ("http://host/?a=b", "query"),
            ("http://user:secret@host", "user name"),
            ("ftp://user:secret@host", "scheme other"),
            ("http://user:secret@ho st", "uri"),
            ("unix:relative", "absolute"),
            ("", "uri"),
        ] {
            let error = Address::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_target_stays_at_its_upstream_whatever_the_path_looks_like() {
        let address = Address::parse("http://up:81/base/").expect("valid");
        let target = address
            .target("//evil.example/x", Some("a=http://evil.example"))
            .expect("valid");
        assert_eq!(target.authority().map(Authority::as_str), Some("up:81"));
        assert_eq!(target.path(), "/base//evil.example/x");
        assert_eq!(address.host().expect("valid"), "up:81");
        let target = address.target("/@evil.example", None).expect("valid");
        assert_eq!(target.host(), Some("up"));
    }
}
