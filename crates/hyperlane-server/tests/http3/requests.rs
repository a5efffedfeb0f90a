//! Requests and responses that are as they should be.

use bytes::{Buf, Bytes};
use http::{HeaderMap, Method};

use crate::support::{LARGE, Served, get, large, post, read, until, within};

#[tokio::test]
async fn a_request_is_answered_and_reads_like_one_of_the_other_versions() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let answer = client.get("/").await;
    assert_eq!(answer.status(), 200);
    let told = "HTTP/3.0 GET host=localhost alpn=h3 name=localhost certificates=0 cookie=-";
    assert_eq!(answer.text(), told);
    assert_eq!(answer.header("content-length"), Some(told.len().to_string().as_str()));
    assert!(answer.header("date").is_some());
    assert!(answer.header("alt-svc").is_none(), "this is the alternative");
}

#[tokio::test]
async fn unknown_paths_heads_and_empty_bodies_are_answered() {
    let served = Served::start().await;
    let mut client = served.client().await;
    assert_eq!(client.get("/nowhere").await.status(), 404);
    let mut request = get("/large");
    *request.method_mut() = Method::HEAD;
    let answer = client.send(request, b"", None).await.expect("answered");
    assert_eq!((answer.status(), answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), Some("8388608"));
    assert_eq!(
        client.send(post("/length"), b"", None).await.expect("answered").text(),
        "0"
    );
}

#[tokio::test]
async fn bodies_arrive_whole_in_both_directions() {
    let served = Served::start_with(|config| config.body_limit = 64 << 20).await;
    let mut client = served.client().await;
    let body = vec![b'x'; 1 << 20];
    assert_eq!(
        client
            .send(post("/length"), &body, None)
            .await
            .expect("answered")
            .text(),
        "1048576"
    );
    let answer = client.get("/large").await;
    assert_eq!(answer.body.len(), LARGE);
    assert!(answer.body == large(), "the body was changed on its way");
    // Streamed back while it comes: both directions at once, through windows that are smaller than it.
    let (mut send, mut recv) = client.begin(post("/echo")).await.split();
    let sending = async {
        for _ in 0..64 {
            send.send_data(Bytes::from(vec![b'y'; 64 * 1024])).await.expect("open");
        }
        send.finish().await.expect("open");
    };
    let receiving = async {
        recv.recv_response().await.expect("answered");
        let mut received = 0;
        while let Some(piece) = recv.recv_data().await.expect("whole") {
            received += piece.remaining();
        }
        received
    };
    let ((), received) = within(async { tokio::join!(sending, receiving) }).await;
    assert_eq!(received, 64 * 64 * 1024);
}

#[tokio::test]
async fn pieces_come_as_they_are_made_and_trailers_behind_them() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let answer = client.get("/pieces").await;
    assert_eq!(answer.text(), "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
    assert!(answer.header("content-length").is_none());
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().expect("valid"));
    let answer = client
        .send(post("/trailers"), b"body", Some(trailers))
        .await
        .expect("answered");
    assert_eq!(answer.text(), "body");
    let trailers = answer.trailers.expect("they came back");
    assert_eq!(
        (&trailers["x-sum"], &trailers["x-more"]),
        (&"7".parse().expect("valid"), &"yes".parse().expect("valid"))
    );
}

#[tokio::test]
async fn interim_responses_come_first() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut stream = client.begin(get("/hints")).await;
    stream.finish().await.expect("open");
    let hints = within(stream.recv_response()).await.expect("hints");
    assert_eq!(hints.status(), 103);
    assert_eq!(hints.headers()["link"], "</a.css>; rel=preload");
    let answer = read(&mut stream).await.expect("answered");
    assert_eq!((answer.status(), answer.text()), (200, "hinted"));
}

#[tokio::test]
async fn a_client_that_waits_for_our_word_gets_it_when_the_body_is_read() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut request = post("/length");
    request
        .headers_mut()
        .insert("expect", "100-continue".parse().expect("valid"));
    let mut stream = client.begin(request).await;
    let word = within(stream.recv_response()).await.expect("our word");
    assert_eq!(word.status(), 100);
    stream.send_data(Bytes::from_static(b"abc")).await.expect("open");
    stream.finish().await.expect("open");
    assert_eq!(read(&mut stream).await.expect("answered").text(), "3");
}

#[tokio::test]
async fn requests_are_answered_side_by_side() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut waiting = client.begin(get("/never")).await;
    waiting.finish().await.expect("open");
    served.until_waiting(1).await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        let mut stream = client.begin(get("/slow")).await;
        stream.finish().await.expect("open");
        streams.push(stream);
    }
    for mut stream in streams {
        assert_eq!(read(&mut stream).await.expect("answered").text(), "slow");
    }
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_client_cancels_or_leaves() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut stream = client.begin(get("/never")).await;
    stream.finish().await.expect("open");
    served.until_waiting(1).await;
    stream.stop_sending(h3::error::Code::H3_REQUEST_CANCELLED);
    served.until_waiting(0).await;
    // The connection goes on.
    assert_eq!(client.get("/").await.status(), 200);
    let mut stream = client.begin(get("/never")).await;
    stream.finish().await.expect("open");
    served.until_waiting(1).await;
    client.connection.close(0x100_u32.into(), b"");
    served.until_waiting(0).await;
    until(|| served.handle.connections() == 0).await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_a_broken_body_a_reset() {
    let served = Served::start().await;
    let mut client = served.client().await;
    assert_eq!(client.get("/panic").await.status(), 500);
    let error = client
        .send(get("/broken"), b"", None)
        .await
        .expect_err("it is not whole");
    assert!(error.to_string().contains("H3_INTERNAL_ERROR"), "{error}");
    assert_eq!(client.get("/").await.status(), 200);
}

#[tokio::test]
async fn cookies_that_a_browser_split_are_joined() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut request = get("/");
    request.headers_mut().append("cookie", "a=1".parse().expect("valid"));
    request.headers_mut().append("cookie", "b=2".parse().expect("valid"));
    let answer = client.send(request, b"", None).await.expect("answered");
    assert!(answer.text().ends_with("cookie=a=1; b=2"), "{}", answer.text());
}
