//! Requests and responses, through the client of the `h2` crate.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyperlane_server::Config;

use crate::app;

/// A client with its connection, which runs in a task.
pub(crate) struct Peer {
    pub(crate) requests: SendRequest<Bytes>,
    pub(crate) alive: Arc<AtomicUsize>,
}

/// A response with its body.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Received {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

impl Peer {
    pub(crate) async fn connect(config: Config) -> Self {
        let (io, alive) = app::connect(config);
        let (requests, connection) = h2::client::handshake(io).await.expect("a handshake");
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { requests, alive }
    }

    /// Sends a head; what is returned takes the body, and gives the response.
    pub(crate) fn begin(
        &mut self,
        request: Request<()>,
        whole: bool,
    ) -> (h2::client::ResponseFuture, h2::SendStream<Bytes>) {
        self.requests.send_request(request, whole).expect("a stream")
    }

    pub(crate) async fn get(&mut self, path: &str) -> Received {
        self.send(request(Method::GET, path), None).await.expect("a response")
    }

    pub(crate) async fn send(&mut self, request: Request<()>, body: Option<Bytes>) -> Result<Received, h2::Error> {
        self.requests = self.requests.clone().ready().await?;
        let (response, mut stream) = self.begin(request, body.is_none());
        if let Some(body) = body {
            stream.send_data(body, true)?;
        }
        receive(response.await?).await
    }
}

pub(crate) fn request(method: Method, path: &str) -> Request<()> {
    let request = Request::builder().method(method).uri(format!("http://a{path}"));
    request.body(()).expect("a valid request")
}

pub(crate) async fn receive(response: Response<RecvStream>) -> Result<Received, h2::Error> {
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(piece) = stream.data().await {
        let piece = piece?;
        body.extend_from_slice(&piece);
        stream.flow_control().release_capacity(piece.len())?;
    }
    Ok(Received {
        status: parts.status,
        headers: parts.headers,
        body,
        trailers: stream.trailers().await?,
    })
}

#[tokio::test(start_paused = true)]
async fn a_response_has_a_date_and_its_length() {
    let mut peer = Peer::connect(Config::default()).await;
    let response = peer.get("/").await;
    assert_eq!((response.status, response.text()), (StatusCode::OK, "word"));
    assert_eq!(response.headers["content-length"], "4");
    assert_eq!(response.headers["date"].len(), 29);
    assert_eq!(response.headers["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test(start_paused = true)]
async fn a_head_reads_as_one_of_http_1_does() {
    let mut peer = Peer::connect(Config::default()).await;
    let response = peer.get("/head?x=1").await;
    assert_eq!(
        response.text(),
        "HTTP/2.0 GET /head /head?x=1 host=a authority=a cookie=- cookies=0"
    );
}

#[tokio::test(start_paused = true)]
async fn crumbs_of_a_cookie_are_joined_rfc9113_8_2_3() {
    let mut peer = Peer::connect(Config::default()).await;
    let mut crumbs = request(Method::GET, "/head");
    for crumb in ["a=b", "c=d", "e=f"] {
        crumbs.headers_mut().append("cookie", crumb.parse().expect("a value"));
    }
    let response = peer.send(crumbs, None).await.expect("a response");
    assert!(
        response.text().ends_with("cookie=a=b; c=d; e=f cookies=1"),
        "{}",
        response.text()
    );
    // However many they are, they are one field.
    let mut crumbs = request(Method::GET, "/head");
    for n in 0..150 {
        let crumb = format!("n{n}=1");
        crumbs.headers_mut().append("cookie", crumb.parse().expect("a value"));
    }
    let response = peer.send(crumbs, None).await.expect("a response");
    assert_eq!(response.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_head_request_gets_the_head_alone_rfc9110_9_3_2() {
    let mut peer = Peer::connect(Config::default()).await;
    for (path, length) in [("/", Some("4")), ("/large", Some("1048576")), ("/stream", None)] {
        let response = peer.send(request(Method::HEAD, path), None).await.expect("a response");
        let announced = response
            .headers
            .get("content-length")
            .map(|length| length.to_str().expect("digits"));
        assert_eq!((announced, response.body.len()), (length, 0), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn statuses_without_a_body_have_none_rfc9110_6_4_1() {
    let mut peer = Peer::connect(Config::default()).await;
    for (status, length) in [("204", None), ("304", None), ("205", Some("0"))] {
        let response = peer.get(&format!("/status?{status}")).await;
        let announced = response
            .headers
            .get("content-length")
            .map(|length| length.to_str().expect("digits"));
        assert_eq!(
            (response.status.as_str(), announced, response.body.len()),
            (status, length, 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn fields_of_a_connection_are_left_out_rfc9113_8_2_2() {
    let mut peer = Peer::connect(Config::default()).await;
    let response = peer.get("/hop").await;
    let mut names: Vec<_> = response.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "date", "x-end"]);
}

#[tokio::test(start_paused = true)]
async fn interim_statuses_and_upgrades_are_no_answers() {
    let mut peer = Peer::connect(Config::default()).await;
    for path in ["/status?103", "/upgrade"] {
        assert_eq!(peer.get(path).await.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_answered_and_concerns_no_other_stream() {
    let mut peer = Peer::connect(Config::default()).await;
    let (other, mut body) = peer.begin(request(Method::POST, "/echo"), false);
    assert_eq!(peer.get("/panic").await.status, StatusCode::INTERNAL_SERVER_ERROR);
    body.send_data(Bytes::from("still here"), true).expect("an open stream");
    let response = receive(other.await.expect("a response")).await.expect("a body");
    assert_eq!(response.text(), "still here");
}

#[tokio::test(start_paused = true)]
async fn errors_in_the_middle_of_a_response_reset_its_stream() {
    let mut peer = Peer::connect(Config::default()).await;
    for path in ["/broken", "/panicking-stream"] {
        let (response, _) = peer.begin(request(Method::GET, path), true);
        let error = receive(response.await.expect("a head"))
            .await
            .expect_err("an incomplete body");
        assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR), "{path}");
    }
    assert_eq!(peer.get("/").await.text(), "word");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_streams_are_answered_side_by_side() {
    let mut peer = Peer::connect(Config::default()).await;
    // All bodies are open before the first one ends.
    let mut open: Vec<_> = (0..100)
        .map(|_| peer.begin(request(Method::POST, "/echo"), false))
        .collect();
    while peer.alive.load(Ordering::SeqCst) < 100 {
        tokio::task::yield_now().await;
    }
    for (n, (_, body)) in open.iter_mut().enumerate().rev() {
        body.send_data(Bytes::from(n.to_string()), true)
            .expect("an open stream");
    }
    for (n, (response, _)) in open.into_iter().enumerate() {
        let response = receive(response.await.expect("a response")).await.expect("a body");
        assert_eq!(response.text(), n.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_reset_in_the_middle_leaves_the_others() {
    let mut peer = Peer::connect(Config::default()).await;
    let (response, mut stream) = peer.begin(request(Method::GET, "/open"), true);
    let mut body = response.await.expect("a head").into_body();
    assert_eq!(body.data().await.expect("a piece").expect("whole"), "begun");
    stream.send_reset(Reason::CANCEL);
    assert_eq!(peer.get("/").await.text(), "word");
}
