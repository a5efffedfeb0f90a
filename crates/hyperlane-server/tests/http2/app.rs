//! The application that the tests talk to.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, HeaderValue, StatusCode};
use hyperlane_core::{Body, ConnectProtocol, ConnectionInfo, IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, serve_transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Answers by path; `alive` counts the handlers that have begun and not ended.
#[derive(Default)]
pub(crate) struct App {
    pub(crate) alive: Arc<AtomicUsize>,
}

/// A handler that runs.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, request: Request) -> Self::Future {
        let alive = Alive::new(&self.alive);
        Box::pin(async move {
            let response = respond(request).await;
            drop(alive);
            response
        })
    }

    fn time_limit(&self, _: &Self::Future) -> Option<Duration> {
        None
    }
}

async fn respond(mut request: Request) -> Response {
    if let Some(protocol) = request.extensions().get::<ConnectProtocol>() {
        return tunnel(protocol.as_str());
    }
    let head = request.head();
    match head.path() {
        "/echo" => echo(&mut request).await,
        "/relay" => Response::new(std::mem::take(request.body_mut())),
        "/ignore" => "ignored".into_response(),
        "/never" => pending().await,
        "/panic" => panic!("on purpose"),
        "/large" => Response::new(Bytes::from(vec![b'x'; 1 << 20])),
        "/status" => {
            let status = head.query().and_then(|query| query.parse().ok());
            Response::new("text").with_status(status.unwrap_or(StatusCode::OK))
        }
        "/head" => describe(&request),
        "/stream" => Response::new(Body::stream(
            futures::stream::iter(["one ", "two ", "three"]).map(Ok::<_, std::io::Error>),
        )),
        "/broken" => Response::new(Body::stream(futures::stream::iter([
            Ok(Bytes::from_static(b"begun")),
            Err(std::io::Error::other("on purpose")),
        ]))),
        "/panicking-stream" => Response::new(Body::stream(futures::stream::iter(0..2).map(|n| match n {
            0 => Ok::<_, std::io::Error>("begun"),
            _ => panic!("on purpose"),
        }))),
        "/open" => Response::new(Body::stream(
            futures::stream::iter(["begun"])
                .map(Ok::<_, std::io::Error>)
                .chain(futures::stream::pending()),
        )),
        "/trailers" => {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", HeaderValue::from_static("6"));
            trailers.insert("content-length", HeaderValue::from_static("3"));
            Response::new(Body::from("abc").with_trailers(trailers))
        }
        "/hop" => Response::new("x")
            .with_header("connection", "close, x-hop")
            .with_header("transfer-encoding", "chunked")
            .with_header("keep-alive", "timeout=5")
            .with_header("upgrade", "h2c")
            .with_header("x-hop", "1")
            .with_header("x-end", "1"),
        "/hints" => {
            let mut hints = HeaderMap::new();
            hints.insert("link", HeaderValue::from_static("</a.css>; rel=preload"));
            request
                .connection()
                .send_interim(StatusCode::EARLY_HINTS, hints.clone());
            tokio::task::yield_now().await;
            hints.insert("connection", HeaderValue::from_static("close"));
            request.connection().send_interim(StatusCode::EARLY_HINTS, hints);
            "hinted".into_response()
        }
        "/upgrade" => Response::upgrade(HeaderValue::from_static("echo"), |_| async {}),
        _ => "word".into_response(),
    }
}

async fn echo(request: &mut Request) -> Response {
    match request.body_mut().bytes().await {
        Ok(bytes) => {
            let response = bytes.into_response();
            match request.body().trailers() {
                Some(trailers) => {
                    let names: Vec<_> = trailers.keys().map(ToString::to_string).collect();
                    response.with_header("x-trailers", names.join(","))
                }
                None => response,
            }
        }
        Err(error) => error.status().into_response(),
    }
}

/// The head as the service sees it.
fn describe(request: &Request) -> Response {
    let head = request.head();
    let text = |name| head.header(name).unwrap_or("-").to_owned();
    let cookies = head.header_all("cookie").count();
    let described = format!(
        "{:?} {} {} {} host={} authority={} cookie={} cookies={cookies}",
        head.version(),
        head.method(),
        head.path(),
        head.uri(),
        text("host"),
        head.authority().unwrap_or("-"),
        text("cookie"),
    );
    described.into_response()
}

/// `echo` gives back what it gets; `plain` answers without a tunnel; anything else is refused.
fn tunnel(protocol: &str) -> Response {
    match protocol {
        "echo" => Response::upgrade(HeaderValue::from_static("echo"), |mut io| async move {
            let mut buffer = [0; 1000];
            while let Ok(n) = io.read(&mut buffer).await {
                if n == 0 || io.write_all(&buffer[..n]).await.is_err() {
                    break;
                }
            }
            let _ = io.shutdown().await;
        })
        .with_header("sec-websocket-accept", "x")
        .with_header("sec-websocket-protocol", "chat"),
        "plain" => "no tunnel".into_response(),
        _ => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// A connection in memory to a server with this configuration.
pub(crate) fn connect(config: Config) -> (DuplexStream, Arc<AtomicUsize>) {
    connect_through(64 * 1024, config)
}

/// The same through a pipe of this width.
pub(crate) fn connect_through(width: usize, config: Config) -> (DuplexStream, Arc<AtomicUsize>) {
    let (client, server) = duplex(width);
    let app = App::default();
    let alive = Arc::clone(&app.alive);
    tokio::spawn(serve_transport(
        server,
        ConnectionInfo::default(),
        Arc::new(app),
        config,
    ));
    (client, alive)
}

pub(crate) fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}
