//! A server with a door for HTTP/3, and the client of the `h3` crate.

use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use futures::stream;
use h3::client::{RequestStream, SendRequest};
use http::{HeaderMap, Response as HttpResponse, StatusCode};
use hyperlane_core::{Body, IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, Listen, ServerHandle, serve};
use quinn::crypto::rustls::QuicClientConfig;
use tokio::task::JoinHandle;

use crate::authority::Authority;

pub(crate) const LARGE: usize = 8 * 1024 * 1024;

/// Answers by path; what is left of the world behind it can be counted.
#[derive(Default)]
pub(crate) struct App {
    /// Handlers of `/never` that are still there.
    pub(crate) waiting: Arc<AtomicUsize>,
}

struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, mut request: Request) -> Self::Future {
        let waiting = Arc::clone(&self.waiting);
        Box::pin(async move {
            match request.head().path() {
                "/echo" => std::mem::take(request.body_mut()).into_response(),
                "/length" => match request.body_mut().bytes().await {
                    Ok(bytes) => bytes.len().to_string().into_response(),
                    Err(error) => error.status().into_response(),
                },
                "/large" => Response::new(Body::from(large())),
                "/pieces" => {
                    let pieces = (0..5).map(|number| Ok::<_, std::io::Error>(Bytes::from(format!("piece {number}\n"))));
                    Response::new(Body::stream(stream::iter(pieces)))
                }
                "/trailers" => {
                    let body = request.body_mut().bytes().await.unwrap_or_default();
                    let mut trailers = request.body().trailers().cloned().unwrap_or_default();
                    trailers.insert("x-more", "yes".parse().expect("valid"));
                    Response::new(Body::from(body).with_trailers(trailers))
                }
                "/never" => {
                    waiting.fetch_add(1, Ordering::SeqCst);
                    let _waiting = Waiting(waiting);
                    pending().await
                }
                "/slow" => {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    "slow".into_response()
                }
                "/panic" => panic!("on purpose"),
                "/hints" => {
                    let mut fields = HeaderMap::new();
                    fields.insert("link", "</a.css>; rel=preload".parse().expect("valid"));
                    request.connection().send_interim(StatusCode::EARLY_HINTS, fields);
                    "hinted".into_response()
                }
                "/broken" => {
                    let pieces = [Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("no more"))];
                    Response::new(Body::stream(stream::iter(pieces)))
                }
                "/" => {
                    let head = request.head();
                    let tls = request.connection().tls.as_ref();
                    format!(
                        "{:?} {} host={} alpn={} name={} certificates={} cookie={}",
                        head.version(),
                        head.method(),
                        head.header("host").unwrap_or("-"),
                        tls.and_then(|tls| tls.alpn.as_deref()).unwrap_or("-"),
                        tls.and_then(|tls| tls.server_name.as_deref()).unwrap_or("-"),
                        tls.map_or(0, |tls| tls.client_certificates.len()),
                        head.header("cookie").unwrap_or("-"),
                    )
                    .into_response()
                }
                _ => (StatusCode::NOT_FOUND, "nothing here").into_response(),
            }
        })
    }
}

pub(crate) fn large() -> Vec<u8> {
    (0..LARGE as u32 / 4).flat_map(u32::to_be_bytes).collect()
}

pub(crate) struct Served {
    pub(crate) authority: Authority,
    pub(crate) handle: ServerHandle,
    pub(crate) waiting: Arc<AtomicUsize>,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let authority = Authority::new();
        let mut config = Config::default();
        change(&mut config);
        let app = App::default();
        let waiting = Arc::clone(&app.waiting);
        let listen = Listen::tcp("127.0.0.1", 0)
            .tls(authority.issue(&["localhost"]).tls())
            .http3(true);
        let listeners = listen.bind(&config).await.expect("a free port");
        let handle = serve(listeners, Arc::new(app), config).await.expect("it can start");
        Self {
            authority,
            handle,
            waiting,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.local_addr()
    }

    pub(crate) async fn connect(&self) -> quinn::Connection {
        connect(self.address(), self.authority.client())
            .await
            .expect("a handshake")
    }

    pub(crate) async fn client(&self) -> Client {
        Client::new(self.connect().await).await
    }

    /// Waits until so many handlers of `/never` are there.
    pub(crate) async fn until_waiting(&self, wanted: usize) {
        until(|| self.waiting.load(Ordering::SeqCst) == wanted).await;
    }
}

pub(crate) async fn connect(
    address: SocketAddr,
    mut client: rustls::ClientConfig,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    client.alpn_protocols = vec![b"h3".to_vec()];
    let crypto = QuicClientConfig::try_from(client).expect("tls 1.3");
    let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a free port");
    let config = quinn::ClientConfig::new(Arc::new(crypto));
    within(endpoint.connect_with(config, address, "localhost").expect("a name")).await
}

/// One connection of the `h3` crate.
pub(crate) struct Client {
    pub(crate) connection: quinn::Connection,
    pub(crate) sender: SendRequest<h3_quinn::OpenStreams, Bytes>,
    pub(crate) driver: JoinHandle<h3::error::ConnectionError>,
}

pub(crate) type Stream = RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

/// A response that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: HttpResponse<()>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name).map(|value| value.to_str().expect("text"))
    }
}

impl Client {
    pub(crate) async fn new(connection: quinn::Connection) -> Self {
        let (mut h3, sender) = h3::client::new(h3_quinn::Connection::new(connection.clone()))
            .await
            .expect("begun");
        let driver = tokio::spawn(async move { poll_fn(|cx| h3.poll_close(cx)).await });
        Self {
            connection,
            sender,
            driver,
        }
    }

    pub(crate) async fn begin(&mut self, request: http::Request<()>) -> Stream {
        within(self.sender.send_request(request)).await.expect("it can be sent")
    }

    pub(crate) async fn send(
        &mut self,
        request: http::Request<()>,
        body: &[u8],
        trailers: Option<HeaderMap>,
    ) -> Result<Answer, h3::error::StreamError> {
        let mut stream = self.begin(request).await;
        for piece in body.chunks(64 * 1024) {
            stream.send_data(Bytes::copy_from_slice(piece)).await?;
        }
        if let Some(trailers) = trailers {
            stream.send_trailers(trailers).await?;
        }
        stream.finish().await?;
        read(&mut stream).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(get(path), b"", None).await.expect("answered")
    }
}

pub(crate) fn get(path: &str) -> http::Request<()> {
    http::Request::get(format!("https://localhost{path}"))
        .body(())
        .expect("valid")
}

pub(crate) fn post(path: &str) -> http::Request<()> {
    http::Request::post(format!("https://localhost{path}"))
        .body(())
        .expect("valid")
}

pub(crate) async fn read(stream: &mut Stream) -> Result<Answer, h3::error::StreamError> {
    within(async {
        let head = stream.recv_response().await?;
        let mut body = Vec::new();
        while let Some(mut piece) = stream.recv_data().await? {
            body.extend_from_slice(&piece.copy_to_bytes(piece.remaining()));
        }
        let trailers = stream.recv_trailers().await?;
        Ok(Answer { head, body, trailers })
    })
    .await
}

/// Nothing here takes long; what hangs is a failure.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("in time")
}

pub(crate) async fn until(condition: impl Fn() -> bool) {
    within(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
