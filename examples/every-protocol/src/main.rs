//! The same handlers over every protocol: HTTP/1.1 and HTTP/2 in the clear on one port, HTTP/1.1, HTTP/2 and HTTP/3 over TLS
//! on another, with WebSocket and server-sent events.
//!
//! Run it: `cargo run -p example-every-protocol`, and open one of the addresses that it prints: the page there walks through
//! `script.json`, the list of requests that the tests of this example have curl, nghttp, Python's httpx and Chromium make.
//!
//! `PORT` and `TLS_PORT` choose the ports (0 takes free ones), `CERTIFICATE` and `KEY` name files in PEM. Without them it makes
//! a certificate of its own, which a browser warns of.

use std::convert::Infallible;
use std::env;
use std::sync::LazyLock;

use bytes::Bytes;
use futures::stream;
use hyperlane::sse::{Event, Sse};
use hyperlane::websocket::{Message, WebSocket, WebSocketUpgrade};
use hyperlane::{
    Body, Context, Cookie, Error, Html, Json, Listen, NoContent, Redirect, Rejection, Response, Server, ServerConfig,
    Tls,
};
use serde::{Deserialize, Serialize};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("script.json");
const MIB: usize = 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = |name: &str, default: u16| env::var(name).map_or(Ok(default), |port| port.parse());
    let tls = match (env::var("CERTIFICATE"), env::var("KEY")) {
        (Ok(certificate), Ok(key)) => Tls::pem_files(certificate, key),
        _ => Tls::self_signed(["localhost", "127.0.0.1"]),
    };
    let config = ServerConfig::new();
    config
        .listen(Listen::tcp("127.0.0.1", port("PORT", 8080)?))
        .listen(Listen::tcp("127.0.0.1", port("TLS_PORT", 8443)?).tls(tls))
        .http3(true);
    let server = app();
    server.config(&config);
    let handle = server.run().await?;
    for (scheme, address) in ["http", "https"].into_iter().zip(handle.local_addrs()) {
        println!("listening on {scheme}://{address}");
    }
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server
        .get("/", async || Html(PAGE))
        .get("/script.json", async || {
            ([("content-type", "application/json")], SCRIPT)
        })
        .get("/version", version)
        .get("/hello", async || "hello")
        .post("/echo", echo)
        .post("/upload", upload)
        .get("/download", download)
        .get("/lines", lines)
        .get("/events", events)
        .get("/moved", async || Redirect::see_other("/hello"))
        .get("/cookie", set_cookie)
        .get("/visited", visited)
        .delete("/item", async || NoContent)
        .get("/ws", websocket);
    server
}

/// How the request came.
async fn version(ctx: Context) -> String {
    let tls = if ctx.tls().is_some() {
        "over TLS"
    } else {
        "in the clear"
    };
    format!("{} {tls}", ctx.version())
}

#[derive(Deserialize, Serialize)]
struct Person {
    name: String,
    age: u8,
}

async fn echo(Json(person): Json<Person>) -> Json<Person> {
    Json(person)
}

/// Counts as it comes: none of it is kept.
async fn upload(mut body: Body) -> Result<String, Rejection> {
    let (mut length, mut sum) = (0, 0_u64);
    while let Some(piece) = body.chunk().await {
        let piece = piece?;
        length += piece.len();
        sum += piece.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
    Ok(format!("{length} bytes, sum {sum}"))
}

async fn download() -> Bytes {
    static BYTES: LazyLock<Bytes> = LazyLock::new(|| (0..MIB).map(|place| (place % 251) as u8).collect());
    BYTES.clone()
}

async fn lines() -> Body {
    let lines = (1..=1000).map(|number| Ok::<_, Infallible>(Bytes::from(format!("line {number}\n"))));
    Body::stream(stream::iter(lines))
}

async fn events() -> Sse {
    let events = (1..=3).map(|number| Ok::<_, Infallible>(Event::new(format!("event {number}")).with_id(number)));
    Sse::new(stream::iter(events))
}

async fn set_cookie(ctx: Context) -> &'static str {
    ctx.set_response_cookie(Cookie::build(("visited", "yes")).path("/").http_only(true));
    "set"
}

async fn visited(ctx: Context) -> String {
    ctx.cookie("visited").unwrap_or_else(|| "no".to_owned())
}

async fn websocket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(send_back)
}

async fn send_back(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_)) && socket.send(message).await.is_err() {
            return;
        }
    }
}
