//! What is sent, and what is expected of the answer.

use std::net::SocketAddr;

use hyperlane::testing::{TestClient, TestForm};
use hyperlane::{Bytes, Context, HeaderMap, Json, Method, PeerAddr, Server, ServerConfig, StatusCode};
use serde::{Deserialize, Serialize};

use super::client;

/// Says what it was sent: the request line, then the headers by name, then the body.
async fn mirror(ctx: Context) -> String {
    let mut lines: Vec<_> = ctx
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
        .collect();
    lines.sort();
    let body = ctx.text().await.expect("text");
    format!("{} {}\n{}\n\n{body}", ctx.method(), ctx.uri(), lines.join("\n"))
}

fn mirror_client() -> TestClient {
    client(|server| {
        server.route("/{*path}", mirror).route("/", mirror);
    })
}

#[tokio::test]
async fn a_request_has_what_it_was_given_and_a_host() {
    let client = mirror_client();
    let response = client.get("/a?x=1").header("x-a", "1").header("x-a", "2").await;
    response
        .assert_status(200)
        .assert_header("content-type", "text/plain; charset=utf-8")
        .assert_no_header("x-b");
    response
        .assert_text("GET /a?x=1\nhost: localhost\nx-a: 1\nx-a: 2\n\n")
        .await;
}

#[tokio::test]
async fn every_method_can_be_sent() {
    let client = mirror_client();
    for (request, method) in [
        (client.post("/"), "POST"),
        (client.put("/"), "PUT"),
        (client.patch("/"), "PATCH"),
        (client.delete("/"), "DELETE"),
        (client.options("/"), "OPTIONS"),
        (client.request(Method::from_bytes(b"PURGE").unwrap(), "/"), "PURGE"),
    ] {
        assert!(request.await.text().await.starts_with(&format!("{method} /\n")));
    }
    let head = client.head("/").await;
    assert_eq!(head.header("content-length"), Some("24"));
    assert_eq!(head.bytes().await, "", "RFC 9110 §9.3.2: no content");
}

#[tokio::test]
async fn defaults_of_the_client_go_with_each_request_unless_it_has_its_own() {
    let client = mirror_client().host("api.example.com:81").header("x-key", "all");
    let text = client.get("/").await.text().await;
    assert_eq!(text, "GET /\nhost: api.example.com:81\nx-key: all\n\n");
    let text = client
        .get("/")
        .header("x-key", "own")
        .header("host", "b")
        .await
        .text()
        .await;
    assert_eq!(text, "GET /\nhost: b\nx-key: own\n\n");
}

#[tokio::test]
async fn queries_and_forms_are_encoded() {
    #[derive(Serialize)]
    struct Search<'a> {
        q: &'a str,
        tag: Vec<&'a str>,
        page: Option<u8>,
    }
    let search = Search {
        q: "a b&c=ü",
        tag: vec!["x", "y"],
        page: None,
    };
    let encoded = "q=a+b%26c%3D%C3%BC&tag=x&tag=y";
    let client = mirror_client();
    let text = client
        .get("/s?first=1")
        .query(&search)
        .query(&[("z", 2)])
        .await
        .text()
        .await;
    assert!(text.starts_with(&format!("GET /s?first=1&{encoded}&z=2\n")), "{text}");
    let text = client.post("/").form(&search).await.text().await;
    assert!(text.ends_with(&format!("\n\n{encoded}")), "{text}");
    assert!(
        text.contains("content-type: application/x-www-form-urlencoded\n"),
        "{text}"
    );
}

#[tokio::test]
async fn json_goes_out_and_comes_back() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Point {
        x: i32,
        y: i32,
    }
    let client = client(|server| {
        server.post("/", async |Json(point): Json<Point>| {
            Json(Point { x: point.y, y: point.x })
        });
    });
    let response = client.post("/").json(&Point { x: 1, y: 2 }).await;
    assert_eq!(response.json::<Point>().await, Point { x: 2, y: 1 });
    response
        .assert_status(200)
        .assert_json(Point { x: 2, y: 1 })
        .await
        .assert_header("content-type", "application/json");
    let wrong = client
        .post("/")
        .header("content-type", "text/plain")
        .json(&Point { x: 1, y: 2 })
        .await;
    wrong.assert_status(415);
}

#[tokio::test]
async fn a_multipart_form_has_its_parts_between_boundaries() {
    let form = TestForm::new()
        .text("title", "Sea")
        .file("photo", "a.png", "image/png", "bytes");
    let text = mirror_client().post("/").multipart(&form).await.text().await;
    assert!(text.contains("content-type: multipart/form-data; boundary="), "{text}");
    for part in [
        "content-disposition: form-data; name=\"title\"\r\n\r\nSea\r\n",
        "name=\"photo\"; filename=\"a.png\"\r\ncontent-type: image/png\r\n\r\nbytes\r\n",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test]
async fn the_peer_is_who_the_test_says() {
    let client = client(|server| {
        server.get("/", async |PeerAddr(addr): PeerAddr| addr.to_string());
    });
    assert_eq!(client.get("/").await.text().await, "127.0.0.1:50000");
    let addr: SocketAddr = "[2001:db8::1]:9".parse().unwrap();
    let client = client.peer_addr(addr);
    assert_eq!(client.get("/").await.text().await, "[2001:db8::1]:9");
}

#[tokio::test]
async fn the_limits_of_the_server_hold() {
    let server = Server::new();
    server
        .config(
            ServerConfig::new()
                .body_limit(4)
                .header_count_limit(3)
                .request_line_limit(40),
        )
        .post("/", async |body: Bytes| body);
    let client = TestClient::new(&server);
    client.post("/").body("1234").await.assert_text("1234").await;
    client.post("/").body("12345").await.assert_status(413);
    client
        .post("/")
        .header("a", "1")
        .header("b", "2")
        .header("c", "3")
        .await
        .assert_status(431);
    client.get(&format!("/{}", "x".repeat(40))).await.assert_status(414);
}

#[tokio::test]
async fn an_app_that_was_built_has_the_default_limits() {
    let server = Server::new();
    server.get("/", async || "built");
    let client = TestClient::new(server.build().unwrap());
    client.get("/").await.assert_text("built").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_server_is_told() {
    let server = Server::new();
    server.get("/a", async || "").get("/a", async || "");
    let error = TestClient::try_new(server).unwrap_err();
    assert!(error.is_route(), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_where_it_is_asked_for() {
    let client = client(|server| {
        let to = |status, location: &'static str| {
            move || async move { (StatusCode::from_u16(status).unwrap(), [("location", location)], "") }
        };
        server
            .post("/see", to(303, "/end?from=see"))
            .post("/again", to(307, "end"))
            .get("/away", to(302, "http://other.example/end"))
            .get("/loop", to(302, "/loop"))
            .route("/end", mirror);
    });
    client
        .post("/see")
        .body("x")
        .await
        .assert_status(303)
        .assert_header("location", "/end?from=see");
    let text = client.post("/see").body("x").follow_redirects(1).await.text().await;
    assert_eq!(text, "GET /end?from=see\nhost: localhost\n\n");
    let text = client.post("/again").body("x").follow_redirects(1).await.text().await;
    assert!(text.starts_with("POST /end\n") && text.ends_with("\n\nx"), "{text}");
    let client = client.follow_redirects(3);
    let text = client.get("/away").await.text().await;
    assert_eq!(text, "GET /end\nhost: other.example\n\n");
    client.get("/loop").await.assert_status(302);
}

/// As a browser does: what was meant for one host is not told to another.
#[tokio::test]
async fn credentials_of_a_request_do_not_go_to_another_host() {
    let client = client(|server| {
        let to = |location: &'static str| move || async move { (StatusCode::FOUND, [("location", location)], "") };
        server
            .get("/away", to("http://other.example/end"))
            .get("/home", to("http://LOCALHOST/end"))
            .route("/end", mirror);
    });
    let request = |target: &str| {
        let request = client
            .get(target)
            .header("authorization", "Bearer secret")
            .cookie("own", "1");
        request.follow_redirects(1)
    };
    assert_eq!(request("/away").await.text().await, "GET /end\nhost: other.example\n\n");
    let home = request("/home").await.text().await;
    assert!(
        home.contains("authorization: Bearer secret") && home.contains("cookie: own=1"),
        "{home}"
    );
}

/// RFC 9110 §15.4: a request that has lost its body is not described as having one.
#[tokio::test]
async fn a_redirect_that_drops_the_body_drops_what_describes_it() {
    let client = client(|server| {
        server
            .post("/see", async || (StatusCode::SEE_OTHER, [("location", "/end")], ""))
            .route("/end", mirror);
    });
    let request = client
        .post("/see")
        .header("content-encoding", "gzip")
        .header("x-own", "1");
    let text = request.body("x").follow_redirects(1).await.text().await;
    assert_eq!(text, "GET /end\nhost: localhost\nx-own: 1\n\n");
}

#[tokio::test]
async fn parameters_that_are_none_leave_the_target_alone() {
    let client = mirror_client();
    let text = client.get("/a").query(&[] as &[(&str, &str)]).await.text().await;
    assert!(text.starts_with("GET /a\n"), "{text}");
}

#[tokio::test]
async fn a_failed_assertion_shows_request_response_and_place() {
    async fn message<F: Future<Output = ()> + Send + 'static>(test: F) -> String {
        let error = tokio::spawn(test).await.unwrap_err().into_panic();
        match error.downcast::<String>() {
            Ok(text) => *text,
            Err(_) => panic!("the message is formatted"),
        }
    }
    fn failing() -> TestClient {
        client(|server| {
            server.get("/no", async || (StatusCode::CONFLICT, "it is taken\nby another"));
        })
    }
    let text = message(async {
        failing().get("/no").await.assert_status(201);
    })
    .await;
    for part in [
        "GET /no: status is 409 Conflict instead of 201",
        "it is taken\n  by another",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let text = message(async {
        failing().get("/no").await.assert_text("free").await;
    })
    .await;
    assert!(
        text.contains("body is not \"free\", at ") && text.contains("requests.rs:"),
        "{text}"
    );
    let text = message(async {
        failing().get("/no").await.json::<u8>().await;
    })
    .await;
    assert!(
        text.contains("body can't be read as json") && text.contains("it is taken"),
        "{text}"
    );
    let text = message(async {
        failing().get("/no").await.assert_header("x-a", "1");
    })
    .await;
    assert!(text.contains("header `x-a` is None instead of \"1\""), "{text}");
}

#[tokio::test]
async fn headers_of_the_response_can_be_read() {
    let client = client(|server| {
        server.get("/", async || {
            let mut headers = HeaderMap::new();
            headers.append("x-a", "1".parse().unwrap());
            headers.append("x-a", "2".parse().unwrap());
            (headers, "")
        });
    });
    let response = client.get("/").await;
    assert_eq!(response.header("X-A"), Some("1"));
    assert_eq!(response.headers().get_all("x-a").iter().count(), 2);
    assert_eq!(response.status(), 200);
}
