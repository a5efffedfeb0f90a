//! What of a request and its response is passed on, and what is not (RFC 9110 §7.6).

use hyperlane::reverse_proxy::{Forwarded, ReverseProxy};
use hyperlane::testing::TestClient;
use hyperlane::{Context, Method, Response, Route, Server, StatusCode};

use super::support::{Raw, Then, ask_raw, client, proxy_server, serve, tell, to};

#[tokio::test]
async fn method_target_fields_and_body_arrive_as_they_were_sent() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let client = client(to(upstream.local_addr()));
    for method in ["POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let told = client
            .request(method.clone(), "/a%20b/c?d=%2F&e")
            .header("x-one", "1")
            .header("cookie", "a=b")
            .body("the body")
            .await
            .text()
            .await;
        assert!(told.starts_with(&format!("{method} /a%20b/c?d=%2F&e\n")), "{told}");
        assert!(
            told.contains("\nx-one: 1\n") && told.contains("\ncookie: a=b\n"),
            "{told}"
        );
        assert!(told.contains("\ncontent-length: 8\n"), "{told}");
        assert!(told.ends_with("\n\nthe body"), "{told}");
    }
    let told = client.get("/").await.text().await;
    assert!(
        !told.contains("content-length") && !told.contains("transfer-encoding"),
        "{told}"
    );
    let told = client.post("/").header("content-length", "0").await.text().await;
    assert!(told.contains("content-length: 0\n"), "{told}");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_sent_in_chunks_whatever_the_method() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let proxy = proxy_server(to(upstream.local_addr())).await;
    for method in ["POST", "GET", "DELETE"] {
        let request = format!(
            "{method} / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n"
        );
        let told = ask_raw(proxy.local_addr(), request.as_bytes()).await;
        assert!(told.contains("\ntransfer-encoding: chunked\n"), "{told}");
        assert!(told.ends_with("\n\none two"), "{told}");
    }
}

#[tokio::test]
async fn fields_of_the_connection_stay_on_it_in_both_directions() {
    let upstream = Raw::start(
        "HTTP/1.1 200 OK\r\nconnection: keep-alive, x-inner\r\nx-inner: secret\r\nkeep-alive: timeout=5\r\n\
         proxy-authenticate: Basic\r\nx-outer: yes\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok",
        Then::Continue,
    )
    .await;
    let client = client(to(upstream.addr));
    let response = client
        .get("/")
        .header("connection", "close, x-hop, authorization")
        .header("x-hop", "1")
        .header("authorization", "Bearer x")
        .header("proxy-authorization", "Basic x")
        .header("te", "trailers, gzip")
        .header("upgrade", "h2c")
        .await;
    response
        .assert_status(200)
        .assert_header("x-outer", "yes")
        .assert_text("ok")
        .await;
    for name in ["x-inner", "keep-alive", "proxy-authenticate", "transfer-encoding"] {
        response.assert_no_header(name);
    }
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    let request = upstream.requests().remove(0).to_lowercase();
    for name in ["x-hop", "authorization", "upgrade", "gzip", "close"] {
        assert!(!request.contains(name), "{name}: {request}");
    }
    assert!(
        request.contains("\r\nte: trailers\r\n") && request.contains("\r\nconnection: te\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn the_upstream_learns_of_the_client_what_is_true() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let client = client(to(upstream.local_addr()))
        .peer_addr("192.0.2.9:4711".parse().unwrap())
        .host("site.example");
    let told = client
        .get("/")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-forwarded-proto", "https")
        .header("x_real_ip", "10.0.0.1")
        .header("forwarded", "for=10.0.0.1")
        .header("connection", "x-forwarded-for")
        .await
        .text()
        .await;
    for line in [
        "x-forwarded-for: 192.0.2.9",
        "x-real-ip: 192.0.2.9",
        "x-forwarded-proto: http",
        "x-forwarded-host: site.example",
        "forwarded: for=192.0.2.9;proto=http;host=\"site.example\"",
        "via: 1.1 hyperlane",
        &format!("host: {}", upstream.local_addr()),
    ] {
        assert!(told.contains(&format!("\n{line}\n")), "{line}\n{told}");
    }
    assert!(!told.contains("10.0.0.1"), "{told}");
}

#[tokio::test]
async fn host_via_and_forwarding_are_settings() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let proxy = to(upstream.local_addr())
        .preserve_host(true)
        .forwarded(Forwarded::Append)
        .via("edge")
        .request_header("x-secret", "42")
        .unwrap();
    let client = client(proxy).host("site.example");
    let told = client
        .get("/")
        .header("x-forwarded-for", "10.0.0.1")
        .header("x-secret", "guess")
        .header("x_secret", "guess")
        .header("connection", "x-secret")
        .await
        .text()
        .await;
    for line in [
        "host: site.example",
        "x-forwarded-for: 10.0.0.1, 127.0.0.1",
        "via: 1.1 edge",
        "x-secret: 42",
    ] {
        assert!(told.contains(&format!("\n{line}\n")), "{line}\n{told}");
    }
    assert!(!told.contains("guess"), "{told}");
    assert!(
        to(upstream.local_addr())
            .request_header("transfer-encoding", "x")
            .is_err()
    );
    assert!(to(upstream.local_addr()).request_header("x", "a\nb").is_err());
}

#[tokio::test]
async fn paths_are_passed_on_stripped_and_put_below_the_upstreams_own() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let server = Server::new();
    let base = ReverseProxy::to(format!("http://{}/base/", upstream.local_addr())).unwrap();
    server
        .route("/api/{*rest}", base.strip_prefix("/api"))
        .route("/plain/{*rest}", Route::new(to(upstream.local_addr())).name("plain"));
    let client = TestClient::new(server);
    for (asked, seen) in [
        ("/api/x/y?z=1", "GET /base/x/y?z=1\n"),
        ("/api/a%2Fb", "GET /base/a%2Fb\n"),
        ("/plain/x", "GET /plain/x\n"),
    ] {
        let told = client.get(asked).await.text().await;
        assert!(told.starts_with(seen), "{asked}\n{told}");
    }
}

#[tokio::test]
async fn a_path_that_leads_out_of_its_route_is_refused() {
    let upstream = Raw::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Then::Continue).await;
    let client = client(to(upstream.addr).strip_prefix("/public"));
    for path in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public/..%5cadmin",
    ] {
        client.get(path).await.assert_status(400);
    }
    assert!(upstream.requests().is_empty());
}

#[tokio::test]
async fn head_and_304_tell_the_length_of_a_body_that_is_not_there() {
    let upstream = serve(|server| {
        server.get("/known", async || "12345");
        server.get("/stream", async |ctx: Context| {
            let _ = ctx.send_piece("x").await;
        });
        server.get("/same", async || {
            Response::from(StatusCode::NOT_MODIFIED).with_header("etag", "\"1\"")
        });
        server.get("/none", async || StatusCode::NO_CONTENT);
    })
    .await;
    let client = client(to(upstream.local_addr()));
    client
        .head("/known")
        .await
        .assert_status(200)
        .assert_header("content-length", "5");
    client
        .head("/stream")
        .await
        .assert_status(200)
        .assert_no_header("content-length");
    client
        .get("/same")
        .await
        .assert_status(304)
        .assert_header("etag", "\"1\"");
    client
        .get("/none")
        .await
        .assert_status(204)
        .assert_no_header("content-length");
    client
        .get("/known")
        .await
        .assert_header("content-length", "5")
        .assert_text("12345")
        .await;
}

#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let upstream = serve(|server| {
        server.post("/", async |ctx: Context| {
            let _ = ctx.bytes().await;
            let got = ctx
                .trailers()
                .and_then(|trailers| trailers.get("x-sum").cloned())
                .unwrap();
            let trailers = [("x-sum-back".parse().unwrap(), got)].into_iter().collect();
            let pieces = futures::stream::iter([Ok::<_, hyperlane::BoxError>("x")]);
            Response::new(hyperlane::Body::stream(pieces).with_trailers(trailers)).with_header("trailer", "x-sum-back")
        });
    })
    .await;
    let proxy = proxy_server(to(upstream.local_addr())).await;
    let answer = ask_raw(
        proxy.local_addr(),
        b"POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ntrailer: x-sum\r\ntransfer-encoding: chunked\r\n\r\n\
          1\r\na\r\n0\r\nx-sum: 7\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with("1\r\nx\r\n0\r\nx-sum-back: 7\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_trace_does_not_tell_what_the_proxy_adds() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let proxy = to(upstream.local_addr()).request_header("x-secret", "42").unwrap();
    let response = client(proxy).request(Method::TRACE, "/").await;
    response.assert_status(501);
    assert!(!response.text().await.contains("42"));
}

/// The engine lets them pass, and a `Uri` does not hold them.
#[tokio::test]
async fn bytes_that_should_be_encoded_are_passed_on_so() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let proxy = proxy_server(to(upstream.local_addr())).await;
    let told = ask_raw(proxy.local_addr(), b"GET /a`b?q=<\"x\"> HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(told.contains("GET /a%60b?q=%3C%22x%22%3E\n"), "{told}");
}

#[tokio::test]
async fn a_proxy_that_leads_to_itself_is_found_out() {
    let proxy = to("127.0.0.1:9".parse().unwrap());
    let vias = vec!["1.1 hyperlane"; 20].join(", ");
    client(proxy).get("/").header("via", vias).await.assert_status(508);
}

/// RFC 9110 §7.6.2
#[tokio::test]
async fn an_options_goes_as_far_as_max_forwards_lets_it() {
    let upstream = serve(|server| {
        server.fallback(tell);
    })
    .await;
    let client = client(to(upstream.local_addr()));
    let ask = |method: Method, most: &'static str| client.request(method, "/").header("max-forwards", most);
    for (most, arrives) in [("1", "0"), ("70", "69"), ("no number", "no number")] {
        let told = ask(Method::OPTIONS, most).await.text().await;
        assert!(told.contains(&format!("\nmax-forwards: {arrives}\n")), "{told}");
    }
    let answer = ask(Method::OPTIONS, "0").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    // Of other methods the field says nothing.
    let told = ask(Method::GET, "0").await.text().await;
    assert!(told.contains("\nmax-forwards: 0\n"), "{told}");
}
