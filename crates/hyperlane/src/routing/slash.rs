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
