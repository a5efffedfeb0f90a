//! A front door: pages of its own, and behind it other servers, which know nothing of each other.
//!
//! Run it before two servers: `UPSTREAMS=http://127.0.0.1:9000,http://127.0.0.1:9001 cargo run -p example-reverse-proxy`,
//! on another port with `PORT=3000`.

use std::time::Duration;

use hyperlane::middleware::AccessLog;
use hyperlane::reverse_proxy::ReverseProxy;
use hyperlane::{Error, Route, Server, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let upstreams = std::env::var("UPSTREAMS").unwrap_or_else(|_| "http://127.0.0.1:9000".to_owned());
    let server = app(upstreams.split(','))?;
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app<'a>(upstreams: impl IntoIterator<Item = &'a str>) -> Result<Server, Error> {
    let api = ReverseProxy::balanced(upstreams)?
        .strip_prefix("/api")
        .response_timeout(Duration::from_secs(10));
    let server = Server::new();
    server
        .middleware(AccessLog::new())
        .get("/", async || "the front door")
        // Uploads may be larger than what a server takes into memory: they are passed on piece by piece.
        .route("/api/{*rest}", Route::new(api).body_limit(64 << 20));
    Ok(server)
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use hyperlane::{Context, HeaderValue, Response, ServerHandle};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn upstream(name: &'static str) -> ServerHandle {
        let server = Server::new();
        server.config(ServerConfig::new().port(0).body_limit(64 << 20));
        server.post("/upload", async |ctx: Context| {
            let mut body = ctx.body_stream();
            let mut bytes = 0;
            while let Some(chunk) = body.chunk().await {
                bytes += chunk?.len();
            }
            let from = ctx.header("x-forwarded-for").unwrap_or_default();
            Ok::<_, Error>(format!("{bytes} bytes from {from}"))
        });
        server.get("/name", move || async move { name });
        server.get("/echo", async || {
            Response::upgrade(HeaderValue::from_static("echo"), async |connection| {
                let (mut read, mut write) = tokio::io::split(connection);
                // The client may be gone at any time, which ends the conversation.
                let _ = tokio::io::copy(&mut read, &mut write).await;
            })
        });
        server.run().await.expect("a free port")
    }

    #[tokio::test]
    async fn requests_uploads_and_upgrades_reach_the_servers_behind() {
        let (a, b) = (upstream("a").await, upstream("b").await);
        let urls = [&a, &b].map(|handle| format!("http://{}", handle.local_addr()));
        let client = TestClient::new(app(urls.iter().map(String::as_str)).expect("two addresses"));
        client.get("/").await.assert_text("the front door").await;

        let mut names = [
            client.get("/api/name").await.text().await,
            client.get("/api/name").await.text().await,
        ];
        names.sort();
        assert_eq!(names, ["a", "b"]);

        let told = client.post("/api/upload").body(vec![0; 8 << 20]).await.text().await;
        assert_eq!(told, "8388608 bytes from 127.0.0.1");

        let mut connection = client.upgrade("/api/echo", "echo").await;
        connection.write_all(b"through").await.expect("it listens");
        let mut back = [0; 7];
        connection.read_exact(&mut back).await.expect("it answers");
        assert_eq!(&back, b"through");
    }

    #[tokio::test]
    async fn without_a_server_behind_it_is_a_502() {
        let server = app(["http://127.0.0.1:9"]).expect("an address");
        TestClient::new(server).get("/api/x").await.assert_status(502);
        assert!(app(["not an address"]).is_err());
    }
}
