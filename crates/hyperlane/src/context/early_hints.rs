//! Early hints: what the client may already load while the handler still works.

use http::header::LINK;
use http::{HeaderMap, HeaderValue, StatusCode, Version};

use super::reply::Stage;
use super::{Context, lock};

impl Context {
    /// Sends `103 Early Hints` (RFC 8297) with these values of `Link`, before the response: the client can load what the
    /// page will need, while the handler still works on it. It may be called several times.
    ///
    /// The links belong into the response as well, since a client is free to ignore hints. Clients of HTTP/1.0 get none,
    /// nor does anybody once the response has begun. A value that can't be sent (CR, LF, NUL …) is logged and left out.
    ///
    /// Some old clients of HTTP/1.1 take the first response for the last one; send hints to those that are known to
    /// understand them (browsers use them over HTTP/2 and HTTP/3 alone).
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn page(ctx: Context) -> Html<String> {
    ///     let links = ["</style.css>; rel=preload; as=style", "</app.js>; rel=preload; as=script"];
    ///     ctx.early_hints(links);
    ///     for link in links {
    ///         ctx.add_response_header("link", link);
    ///     }
    ///     Html(render().await)
    /// }
    /// # async fn render() -> String { String::new() }
    /// # Server::new().get("/", page);
    /// ```
    pub fn early_hints<I>(&self, links: I) -> &Self
    where
        I: IntoIterator,
        I::Item: TryInto<HeaderValue>,
        <I::Item as TryInto<HeaderValue>>::Error: Into<http::Error>,
    {
        if self.request_head().version() < Version::HTTP_11 {
            return self;
        }
        let mut headers = HeaderMap::new();
        for link in links {
            match link.try_into() {
                Ok(link) => drop(headers.append(LINK, link)),
                Err(error) => {
                    let error: http::Error = error.into();
                    tracing::warn!(%error, "early hint is left out: its value can't be sent");
                }
            }
        }
        if headers.is_empty() {
            return self;
        }
        let driver = {
            // Under the lock the response can't begin in between.
            let mut reply = lock(&self.inner().reply);
            if reply.stage != Stage::Building || !self.connection().send_interim(StatusCode::EARLY_HINTS, headers) {
                return self;
            }
            reply.driver_to_wake()
        };
        // Called in another task than the handler's, it tells the engine to look.
        if let Some(driver) = driver {
            driver.wake();
        }
        self
    }
}
