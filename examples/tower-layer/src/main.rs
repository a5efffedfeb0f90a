//! Layers of tower as middleware: those of `tower-http`, and one of your own that any tower service can use.
//!
//! Run it: `cargo run -p example-tower-layer`, or on another port: `PORT=3000 cargo run -p example-tower-layer`.

use std::task::{Context as TaskContext, Poll};

use hyperlane::{Context, Error, HeaderName, HeaderValue, Router, Server, ServerConfig};
use tower_http::propagate_header::PropagateHeaderLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_layer::Layer;
use tower_service::Service;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let nosniff = SetResponseHeaderLayer::if_not_present(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    let api = Router::new();
    api.layer(Lowercase)
        .get("/{*path}", async |ctx: Context| ctx.path().to_owned());

    let server = Server::new();
    server
        .layer(nosniff)
        .layer(PropagateHeaderLayer::new(HeaderName::from_static("x-request-id")))
        .get("/", async || "hello")
        .nest("/api", api);
    server
}

/// Makes the target of a request lower case before the handlers behind it see it.
#[derive(Clone, Copy, Debug)]
struct Lowercase;

#[derive(Clone, Copy, Debug)]
struct LowercaseService<S>(S);

impl<S> Layer<S> for Lowercase {
    type Service = LowercaseService<S>;

    fn layer(&self, inner: S) -> LowercaseService<S> {
        LowercaseService(inner)
    }
}

impl<S: Service<http::Request<B>>, B> Service<http::Request<B>> for LowercaseService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: http::Request<B>) -> S::Future {
        if let Ok(uri) = request.uri().to_string().to_ascii_lowercase().parse() {
            *request.uri_mut() = uri;
        }
        self.0.call(request)
    }
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn layers_change_requests_and_responses() {
        let client = TestClient::new(app());
        let response = client.get("/").header("x-request-id", "7").await;
        response
            .assert_header("x-content-type-options", "nosniff")
            .assert_header("x-request-id", "7");
        client.get("/api/SHOUT").await.assert_text("/api/shout").await;
        client
            .get("/nothing")
            .await
            .assert_status(404)
            .assert_header("x-content-type-options", "nosniff");
    }
}
