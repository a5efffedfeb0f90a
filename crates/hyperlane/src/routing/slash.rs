//! What a slash at the end of a path means.

/// What happens to a path that differs from that of a route in nothing but a slash at its end.
///
/// ```
/// use hyperlane::*;
///
/// let server = Server::new();
/// server.trailing_slash(TrailingSlash::Redirect).get("/about", async || "about us");
/// // `/about/` is answered 308 with `location: /about`.
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrailingSlash {
    /// It is another path: 404 unless it has a route of its own. The default.
    #[default]
    Strict,
    /// The client is sent to the path that is registered: `308 Permanent Redirect`, which keeps method and body
    /// (RFC 9110 §15.4.9).
    Redirect,
    /// It is the same path: the route answers.
    Ignore,
}

/// The path with the last slash added, or taken away; `None` where that would be no path of this server.
pub(super) fn other(path: &str) -> Option<String> {
    // `//host` in a `Location` names another server (RFC 3986 §4.2).
    if !path.starts_with('/') || path.starts_with("//") || path.len() < 2 {
        return None;
    }
    Some(match path.strip_suffix('/') {
        Some(bare) => bare.to_owned(),
        None => format!("{path}/"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_path_is_never_another_server() {
        assert_eq!(other("/a").as_deref(), Some("/a/"));
        assert_eq!(other("/a/b/").as_deref(), Some("/a/b"));
        for path in ["/", "*", "", "//evil.example/", "//"] {
            assert_eq!(other(path), None, "{path}");
        }
    }
}
