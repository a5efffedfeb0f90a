//! A page of a hundred small pictures over one connection, with early hints: what HTTP/2 (RFC 9113) is good at.
//!
//! Run it: `cargo run -p example-http2`, or on another port: `PORT=3000 cargo run -p example-http2`. Browsers speak HTTP/2
//! over TLS alone, so that the page is on <https://localhost:8080>, with a certificate that they ask about. Without TLS,
//! `TLS=off`, a client has to know: `curl --http2-prior-knowledge http://localhost:8080/`.

use std::time::Duration;

use hyperlane::{Context, Error, Html, Path, Server, ServerConfig, Tls};
use tokio::time::sleep;

const STYLE: &str = "</style.css>; rel=preload; as=style";

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let tls = std::env::var("TLS").is_err();
    let server = app();
    let config = ServerConfig::new();
    config.port(port).http2(|http2| http2.max_concurrent_streams = 100);
    if tls {
        config.tls(Tls::self_signed(["localhost"]));
    }
    server.config(config);
    let handle = server.run().await?;
    println!(
        "listening on {}://{}",
        if tls { "https" } else { "http" },
        handle.local_addr()
    );
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server.get("/", page).get("/style.css", style).get("/tile/{n:u8}", tile);
    server
}

async fn page(ctx: Context) -> Html<String> {
    // The browser loads the style while we are still at work.
    ctx.early_hints([STYLE]).add_response_header("link", STYLE);
    sleep(Duration::from_millis(50)).await;
    let version = ctx.version();
    let tiles: String = (0..100).map(|n| format!("<img src=/tile/{n} alt={n}>")).collect();
    Html(format!(
        "<!doctype html><title>Tiles</title><link rel=stylesheet href=/style.css><h1>{version}</h1>{tiles}"
    ))
}

async fn style(ctx: Context) {
    ctx.set_response_header("content-type", "text/css")
        .set_response_body("img { width: 3em; height: 3em }");
}

/// Each takes a while; over HTTP/2 all of them take it at once.
async fn tile(ctx: Context, Path(n): Path<u8>) {
    sleep(Duration::from_millis(100)).await;
    let hue = u32::from(n) * 360 / 100;
    ctx.set_response_header("content-type", "image/svg+xml")
        .set_response_body(format!(
            "<svg xmlns='http://www.w3.org/2000/svg'><rect width='100%' height='100%' fill='hsl({hue} 70% 60%)'/></svg>"
        ));
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Instant;

    use h2::client::{SendRequest, handshake};
    use http::{Request, StatusCode};
    use hyperlane::{Bytes, ServerHandle};
    use tokio::net::TcpStream;

    use super::*;

    async fn connect() -> (ServerHandle, SendRequest<Bytes>) {
        let server = app();
        server.config(ServerConfig::new().port(0));
        let handle = server.run().await.expect("a free port");
        let socket = TcpStream::connect(handle.local_addr().to_string())
            .await
            .expect("it listens");
        let (client, connection) = handshake(socket).await.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        (handle, client)
    }

    fn get(path: &str) -> Request<()> {
        let request = Request::get(format!("http://localhost{path}")).body(());
        request.expect("a valid request")
    }

    #[tokio::test]
    async fn the_hint_comes_before_the_page() {
        let (server, mut client) = connect().await;
        let (mut response, _) = client.send_request(get("/"), true).expect("a stream");
        let hint = poll_fn(|cx| response.poll_informational(cx)).await;
        let hint = hint.expect("a hint").expect("it is whole");
        assert_eq!(hint.status(), StatusCode::EARLY_HINTS);
        assert_eq!(hint.headers()["link"], STYLE);
        let page = response.await.expect("a page");
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(page.headers()["link"], STYLE);
        server.shutdown().await;
    }

    #[tokio::test]
    async fn all_tiles_are_made_at_once() {
        let (server, client) = connect().await;
        let began = Instant::now();
        let mut responses = Vec::new();
        for n in 0..100 {
            let mut client = client.clone().ready().await.expect("an open connection");
            responses.push(
                client
                    .send_request(get(&format!("/tile/{n}")), true)
                    .expect("a stream")
                    .0,
            );
        }
        for response in responses {
            assert_eq!(response.await.expect("a tile").status(), StatusCode::OK);
        }
        // One after the other they take ten seconds.
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        server.shutdown().await;
    }
}
