//! The opening handshake (RFC 6455 §4.2).

use hyperlane::testing::{TestClient, TestRequest};
use hyperlane::websocket::{WebSocket, WebSocketUpgrade};
use hyperlane::{Context, Method, Server};

use super::raw::{client, echo, echo_server, open};

const HEADERS: [(&str, &str); 4] = [
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "WebSocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Its name, what is changed, and the status and the reason that are answered.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str);

/// A handshake with some headers changed, or left out where the value is empty.
fn changed(client: &TestClient, method: Method, changes: &[(&str, &str)]) -> TestRequest {
    let mut request = client.request(method, "/ws");
    for (name, value) in HEADERS {
        if !changes.iter().any(|(other, _)| *other == name) {
            request = request.header(name, value);
        }
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        request = request.header(*name, *value);
    }
    request
}

#[tokio::test]
async fn section_1_3_the_key_is_answered() {
    let response = changed(&TestClient::new(echo_server()), Method::GET, &[]).await;
    response
        .assert_status(101)
        .assert_header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        .assert_header("upgrade", "websocket")
        .assert_header("connection", "upgrade");
    assert!(response.headers().get("sec-websocket-protocol").is_none());
    assert!(response.headers().get("sec-websocket-extensions").is_none());
}

#[tokio::test]
async fn section_4_2_2_what_is_wrong_is_refused_with_its_reason() {
    let client = TestClient::new(echo_server());
    let cases: [Case<'_>; 17] = [
        ("no upgrade", &[("upgrade", "")], 426, "this is a websocket"),
        ("other upgrade", &[("upgrade", "h2c")], 426, "this is a websocket"),
        (
            "no connection",
            &[("connection", "keep-alive")],
            426,
            "this is a websocket",
        ),
        (
            "no key",
            &[("sec-websocket-key", "")],
            400,
            "`sec-websocket-key` is missing",
        ),
        (
            "short key",
            &[("sec-websocket-key", "c2hvcnQ=")],
            400,
            "is not 16 bytes",
        ),
        (
            "key not base64",
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ!!")],
            400,
            "is not 16 bytes",
        ),
        (
            "two keys",
            &[
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
            400,
            "is there twice",
        ),
        (
            "no version",
            &[("sec-websocket-version", "")],
            400,
            "`sec-websocket-version` is missing",
        ),
        ("version 8", &[("sec-websocket-version", "8")], 426, "speaks version 13"),
        (
            "version 013",
            &[("sec-websocket-version", "013")],
            426,
            "speaks version 13",
        ),
        (
            "protocol",
            &[("sec-websocket-protocol", "a b")],
            400,
            "not a list of different tokens",
        ),
        (
            "same protocol",
            &[("sec-websocket-protocol", "a, a")],
            400,
            "not a list of different tokens",
        ),
        (
            "extension",
            &[("sec-websocket-extensions", "a;")],
            400,
            "not a list of extensions",
        ),
        ("a body", &[("content-length", "3")], 400, "without a body"),
        (
            "foreign page",
            &[("origin", "https://evil.example")],
            403,
            "this origin",
        ),
        ("opaque page", &[("origin", "null")], 403, "this origin"),
        ("foreign port", &[("origin", "http://localhost:81")], 403, "this origin"),
    ];
    for (name, changes, status, reason) in cases {
        let mut request = changed(&client, Method::GET, changes);
        if name == "a body" {
            request = request.body("abc");
        }
        let response = request.await;
        assert_eq!(response.status(), status, "{name}");
        if status == 426 {
            response
                .assert_header("sec-websocket-version", "13")
                .assert_header("upgrade", "websocket");
        }
        let text = response.text().await;
        assert!(text.contains(reason), "{name}: {text}");
    }
}

#[tokio::test]
async fn section_4_2_1_only_get_opens_a_socket() {
    let server = Server::new();
    server.route("/ws", async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo));
    let client = TestClient::new(server);
    for method in [Method::PUT, Method::DELETE, Method::OPTIONS] {
        let response = changed(&client, method, &[]).await;
        response.assert_status(405).assert_header("allow", "GET");
    }
}

#[tokio::test]
async fn section_10_2_pages_of_the_same_host_and_listed_ones_are_let_in() {
    let server = Server::new();
    server
        .get("/ws", async |upgrade: WebSocketUpgrade| {
            upgrade.allow_origins(["https://app.example"]).on_upgrade(echo)
        })
        .get("/any", async |upgrade: WebSocketUpgrade| {
            upgrade.allow_any_origin().on_upgrade(echo)
        });
    let client = TestClient::new(server);
    for (origin, status) in [
        ("http://localhost", 101),
        ("https://localhost", 101),
        ("https://app.example", 101),
        ("https://app.example:444", 403),
        ("http://app.example", 403),
    ] {
        let response = client.websocket("/ws").header("origin", origin).response().await;
        assert_eq!(response.status(), status, "{origin}");
    }
    client
        .websocket("/any")
        .header("origin", "null")
        .response()
        .await
        .assert_status(101);
    let twice = client.websocket("/ws").header("origin", "http://localhost");
    let twice = twice.header("origin", "https://evil.example").response().await;
    twice.assert_status(403);
}

#[tokio::test]
async fn section_4_2_2_the_first_protocol_of_the_client_that_is_known_is_chosen() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        let upgrade = upgrade.protocols(["b", "a"]);
        let seen = upgrade.protocol().map(str::to_owned);
        upgrade.on_upgrade(async move |mut socket: WebSocket| {
            assert_eq!(socket.protocol(), seen.as_deref());
            socket.send(seen.unwrap_or_default()).await.unwrap();
        })
    });
    for (wanted, chosen) in [
        (&["x", "a", "b"][..], Some("a")),
        (&["b"], Some("b")),
        (&["x"], None),
        (&[], None),
    ] {
        let mut request = client.websocket("/ws");
        for name in wanted {
            request = request.protocol(name);
        }
        let mut socket = request.await;
        assert_eq!(socket.protocol(), chosen);
        assert_eq!(socket.text().await, chosen.unwrap_or_default());
    }
}

#[tokio::test]
async fn the_context_opens_one_and_an_option_says_whether_one_is_wanted() {
    let server = Server::new();
    server.get("/context", async |ctx: Context| ctx.upgrade(echo)).get(
        "/both",
        async |upgrade: Option<WebSocketUpgrade>| match upgrade {
            Some(upgrade) => upgrade.on_upgrade(echo),
            None => hyperlane::Response::new("a page"),
        },
    );
    let client = TestClient::new(server);
    for target in ["/context", "/both"] {
        let mut socket = client.websocket(target).await;
        socket.send("x").await;
        assert_eq!(socket.text().await, "x");
    }
    client.get("/context").await.assert_status(426);
    assert_eq!(client.get("/both").await.text().await, "a page");
    // RFC 9110 section 7.8: what else it could switch to is passed over.
    let other = client
        .get("/both")
        .header("connection", "upgrade")
        .header("upgrade", "h2c");
    assert_eq!(other.await.text().await, "a page");
    client
        .get("/both")
        .header("upgrade", "websocket")
        .await
        .assert_status(426);
}

#[tokio::test]
async fn an_old_client_and_a_lower_version_are_refused() {
    let client = TestClient::new(echo_server());
    let mut connection = client.connect();
    let old = super::raw::HANDSHAKE.replace("HTTP/1.1", "HTTP/1.0");
    tokio::io::AsyncWriteExt::write_all(&mut connection, format!("{old}\r\n").as_bytes())
        .await
        .unwrap();
    let head = super::raw::read_head(&mut connection).await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
}

#[tokio::test]
async fn rfc_7692_section_7_1_a_bad_offer_is_declined_and_the_socket_opens() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        let compression = hyperlane::websocket::Compression::new();
        upgrade.compression(compression).on_upgrade(echo)
    });
    for offer in [
        "permessage-deflate; unknown=1",
        "x-other",
        "permessage-deflate; server_max_window_bits=8",
    ] {
        let response = client
            .websocket("/ws")
            .header("sec-websocket-extensions", offer)
            .response()
            .await;
        response.assert_status(101);
        assert!(response.headers().get("sec-websocket-extensions").is_none(), "{offer}");
    }
    let two =
        "sec-websocket-extensions: permessage-deflate; unknown\r\nsec-websocket-extensions: permessage-deflate\r\n";
    open(&client, two).await;
}
