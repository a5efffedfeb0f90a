//! A service that answers some requests without their head: nothing else may change by it.

use std::future::{Ready, ready};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use http::Method;
use hyperlane_core::{ConnectionInfo, Request, Response, Service};
use hyperlane_server::{Config, serve_transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// Answers what begins with `/early` without the head, and notes how each request came.
#[derive(Default)]
struct App {
    asked: Mutex<Vec<String>>,
    whole: AtomicU32,
}

impl Service for App {
    type Future = Ready<Response>;

    fn call(&self, request: Request) -> Self::Future {
        self.whole.fetch_add(1, Ordering::Relaxed);
        let head = request.head();
        ready(Response::new(format!(
            "{} {} {}",
            head.method(),
            head.path(),
            head.headers().len()
        )))
    }

    fn call_without_head(&self, method: &Method, path: &str) -> Option<Self::Future> {
        self.asked
            .lock()
            .expect("no panic holds it")
            .push(format!("{method} {path}"));
        assert_ne!(path, "/early/panic", "on purpose");
        path.starts_with("/early").then(|| ready(Response::new("early")))
    }
}

impl App {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic holds it").clone()
    }
}

/// All that is answered, over a pipe that holds `width` bytes.
async fn answer(app: &Arc<App>, requests: &str, width: usize) -> String {
    let (client, server) = duplex(width);
    let config = Config::default();
    let serving = tokio::spawn(serve_transport(
        server,
        ConnectionInfo::default(),
        Arc::clone(app),
        config,
    ));
    let (mut receiving, mut sending) = tokio::io::split(client);
    let requests = requests.to_owned();
    let writing = tokio::spawn(async move {
        // It fails where the server has ended the connection before.
        let _ = sending.write_all(requests.as_bytes()).await;
        let _ = sending.shutdown().await;
    });
    let mut answers = String::new();
    receiving.read_to_string(&mut answers).await.expect("in memory");
    writing.await.expect("no panic");
    serving.await.expect("no panic");
    answers
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_however_their_bytes_are_split() {
    for width in [4096, 64, 7, 1] {
        let app = Arc::new(App::default());
        let requests = [get("/early/1?x=y"), get("/whole"), get("/early/2"), get("/whole")].concat();
        let answers = answer(&app, &requests, width).await;
        let bodies: Vec<_> = answers
            .split("\r\n\r\n")
            .skip(1)
            .map(|rest| rest.split("HTTP/1.1").next().unwrap_or_default())
            .collect();
        // After one that wanted its head, the next ones are not asked about.
        assert_eq!(
            bodies,
            ["early", "GET /whole 1", "GET /early/2 1", "GET /whole 1"],
            "width {width}"
        );
        assert_eq!(app.asked(), ["GET /early/1", "GET /whole"], "width {width}");
    }
}

#[tokio::test]
async fn it_is_asked_again_after_a_while() {
    let app = Arc::new(App::default());
    let requests = [get("/whole").repeat(16), get("/early")].concat();
    assert!(answer(&app, &requests, 4096).await.ends_with("early"));
    assert_eq!(app.asked(), ["GET /whole", "GET /early"]);
}

#[tokio::test]
async fn head_gets_no_body_rfc9110_9_3_2() {
    let app = Arc::new(App::default());
    let requests = "HEAD /early HTTP/1.1\r\nhost: a\r\n\r\n".to_owned() + &get("/early");
    let answers = answer(&app, &requests, 4096).await;
    assert_eq!(answers.matches("content-length: 5\r\n").count(), 2, "{answers}");
    assert_eq!(answers.matches("\r\n\r\nearly").count(), 1, "{answers}");
    assert_eq!(app.whole.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn keep_alive_is_the_clients_to_say_rfc9112_9_3() {
    for (request, says) in [
        (
            "GET /early HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
            Some("connection: close"),
        ),
        ("GET /early HTTP/1.0\r\n\r\n", Some("connection: close")),
        ("GET /early HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", None),
    ] {
        let app = Arc::new(App::default());
        let answers = answer(&app, &[request, &get("/early")].concat(), 4096).await;
        let expected = if says.is_some() { 1 } else { 2 };
        assert_eq!(answers.matches("early").count(), expected, "{request}: {answers}");
        assert!(says.is_none_or(|says| answers.contains(says)), "{request}: {answers}");
    }
}

#[tokio::test]
async fn requests_with_a_body_come_whole() {
    for fields in [
        "content-length: 2\r\n\r\nhi",
        "transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    ] {
        let app = Arc::new(App::default());
        let requests = format!("POST /early HTTP/1.1\r\nhost: a\r\n{fields}{}", get("/early"));
        let answers = answer(&app, &requests, 4096).await;
        assert!(
            answers.contains("POST /early 2") && answers.ends_with("early"),
            "{answers}"
        );
        assert_eq!(app.asked(), ["GET /early"], "{fields}");
    }
}

#[tokio::test]
async fn other_forms_of_target_come_whole_rfc9112_3_2() {
    let app = Arc::new(App::default());
    let requests = "GET http://a/early HTTP/1.1\r\nhost: a\r\n\r\nOPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n";
    let answers = answer(&app, requests, 4096).await;
    assert!(
        answers.contains("GET /early 1") && answers.ends_with("OPTIONS * 1"),
        "{answers}"
    );
    assert!(app.asked().is_empty());
}

#[tokio::test]
async fn what_is_refused_is_refused_before_it_is_asked() {
    for (request, status) in [
        ("GET /early HTTP/1.1\r\n\r\n", "400"),
        ("GET /early HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", "400"),
        ("GET /early HTTP/1.1\r\nhost: a b\r\n\r\n", "400"),
        ("GET /early HTTP/1.1\r\nhost: a\r\nexpect: magic\r\n\r\n", "417"),
        ("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", "501"),
    ] {
        let app = Arc::new(App::default());
        let answers = answer(&app, &[request, &get("/early")].concat(), 4096).await;
        assert!(
            answers.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answers}"
        );
        assert!(
            app.asked().is_empty() && !answers.contains("early"),
            "{request}: {answers}"
        );
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_ends_the_connection() {
    let app = Arc::new(App::default());
    let requests = [get("/early/panic"), get("/early")].concat();
    let answers = answer(&app, &requests, 4096).await;
    assert!(answers.starts_with("HTTP/1.1 500 "), "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    assert_eq!(app.asked(), ["GET /early/panic"]);
}
