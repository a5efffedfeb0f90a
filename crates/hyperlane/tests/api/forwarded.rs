//! Who asks behind proxies: `Forwarded` (RFC 7239) and `X-Forwarded-*`, and what a client can't claim.

use std::net::SocketAddr;
use std::sync::Arc;

use hyperlane::{App, Body, ClientIp, ConnectionInfo, Context, ForwardedHeader, Request, Server, ServerConfig};

use crate::support::call;

/// An app that says for whom it was asked: `address scheme host`.
fn app(configure: impl FnOnce(&ServerConfig)) -> App {
    let server = Server::new();
    let config = ServerConfig::new();
    configure(&config);
    server
        .config(config)
        .get("/", async |ClientIp(client): ClientIp, ctx: Context| {
            assert_eq!(client, ctx.client_ip());
            format!("{client} {} {}", ctx.scheme(), ctx.forwarded_host().unwrap_or("-"))
        });
    server.build().unwrap()
}

fn trusting(proxies: &[&str]) -> App {
    app(|config| _ = config.trusted_proxies(proxies))
}

async fn asked(app: &App, peer: &str, headers: &[(&str, &str)]) -> String {
    let mut request = http::Request::get("/").header("host", "here");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, body, ..) = Request::from(request.body(Body::empty()).unwrap()).into_parts();
    let answer = call(app, Request::new(head, body, Arc::new(connection(peer)))).await;
    assert_eq!(answer.status(), 200);
    answer.text
}

fn connection(peer: &str) -> ConnectionInfo {
    let peer = (!peer.is_empty()).then(|| SocketAddr::new(peer.parse().unwrap(), 1000));
    ConnectionInfo::new(peer, None)
}

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const FORWARDED: &str = "forwarded";

#[tokio::test]
async fn without_trusted_proxies_nobody_can_claim_an_address() {
    let app = app(|_| {});
    let claims = [
        (FORWARDED, "for=1.2.3.4;proto=https;host=there"),
        (FOR, "1.2.3.4"),
        (PROTO, "https"),
        (HOST, "there"),
    ];
    assert_eq!(asked(&app, "203.0.113.9", &claims).await, "203.0.113.9 http here");
    assert_eq!(asked(&app, "", &claims).await, "0.0.0.0 http here");
}

#[tokio::test]
async fn somebody_else_than_a_trusted_proxy_is_not_believed() {
    let app = trusting(&["10.0.0.0/8"]);
    let claims = [(FOR, "1.2.3.4"), (PROTO, "https"), (HOST, "there")];
    assert_eq!(asked(&app, "11.0.0.1", &claims).await, "11.0.0.1 http here");
    assert_eq!(asked(&app, "", &claims).await, "0.0.0.0 http here");
}

#[tokio::test]
async fn the_rightmost_address_that_is_no_trusted_proxy_is_the_clients() {
    let app = trusting(&["10.0.0.0/8", "2001:db8::7"]);
    for (chain, client) in [
        ("203.0.113.9", "203.0.113.9"),
        // What stands before it was up to the client.
        ("1.2.3.4, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.3, 203.0.113.9", "203.0.113.9"),
        ("1.2.3.4, 203.0.113.9, 10.0.0.2, 2001:db8::7", "203.0.113.9"),
        ("203.0.113.9:5000, [2001:db8::7]:80", "203.0.113.9"),
        ("::ffff:203.0.113.9, ::ffff:10.0.0.2", "203.0.113.9"),
        // All of them are trusted: the first has asked for itself.
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        // What is no address ends the search at the proxy that wrote it.
        ("203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"),
        ("203.0.113.9, , 10.0.0.2", "10.0.0.2"),
        ("unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("203.0.113.9,", "10.0.0.1"),
    ] {
        let expected = format!("{client} http here");
        assert_eq!(asked(&app, "10.0.0.1", &[(FOR, chain)]).await, expected, "{chain}");
    }
    // Several fields of one name are one list (RFC 9110 §5.3).
    let fields = [(FOR, "1.2.3.4"), (FOR, "203.0.113.9"), (FOR, "10.0.0.2")];
    assert_eq!(asked(&app, "::ffff:10.0.0.1", &fields).await, "203.0.113.9 http here");
}

#[tokio::test]
async fn forwarded_is_read_as_rfc_7239_writes_it() {
    let app = trusting(&["10.0.0.0/8"]);
    for (fields, expected) in [
        (
            &["for=203.0.113.9;proto=https;host=there"][..],
            "203.0.113.9 https there",
        ),
        (&["For=\"[2001:db8::9]:4711\"; Proto=HTTPS"], "2001:db8::9 https here"),
        // Scheme and host are those of the proxy that the client has asked.
        (
            &[
                "for=1.2.3.4;proto=ftp, for=203.0.113.9;proto=https;host=\"there:8443\", for=10.0.0.2;proto=http;host=inner",
            ],
            "203.0.113.9 https there:8443",
        ),
        (
            &["for=203.0.113.9;proto=https", "for=10.0.0.2"],
            "203.0.113.9 https here",
        ),
        (&["for=_hidden;proto=https;host=there"], "10.0.0.1 https there"),
        (&["for=203.0.113.9;host=\"user@there\""], "203.0.113.9 http here"),
        (&["for=203.0.113.9, for="], "10.0.0.1 http here"),
        // A quotation that a client leaves open swallows what the proxy adds: then nobody is believed.
        (&["for=\"1.2.3.4, for=203.0.113.9"], "10.0.0.1 http here"),
        (&["for=1.2.3.4;for=5.6.7.8"], "10.0.0.1 http here"),
        // A broken field of the client's own does not hide what proxies wrote behind it.
        (&["nonsense", "for=203.0.113.9;proto=https"], "203.0.113.9 https here"),
    ] {
        let fields: Vec<_> = fields.iter().map(|field| (FORWARDED, *field)).collect();
        assert_eq!(asked(&app, "10.0.0.1", &fields).await, expected, "{fields:?}");
    }
}

#[tokio::test]
async fn scheme_and_host_of_the_older_headers_are_the_nearest_proxys_unless_all_are_lists() {
    let app = trusting(&["10.0.0.0/8"]);
    for (chain, schemes, hosts, expected) in [
        ("203.0.113.9", "https", "there", "203.0.113.9 https there"),
        ("203.0.113.9, 10.0.0.2", "https", "there", "203.0.113.9 https there"),
        (
            "203.0.113.9, 10.0.0.2",
            "https, http",
            "there, inner",
            "203.0.113.9 https there",
        ),
        // The client has claimed the first of each.
        (
            "1.2.3.4, 203.0.113.9",
            "https, http",
            "claimed, there",
            "203.0.113.9 http there",
        ),
        ("203.0.113.9", "https, http", "claimed, there", "203.0.113.9 http there"),
        ("203.0.113.9", "wss", "there/path", "203.0.113.9 https here"),
        ("203.0.113.9", "javascript", "", "203.0.113.9 http here"),
    ] {
        let headers = [(FOR, chain), (PROTO, schemes), (HOST, hosts)];
        assert_eq!(asked(&app, "10.0.0.1", &headers).await, expected, "{headers:?}");
    }
    let alone = [(PROTO, "https")];
    assert_eq!(asked(&app, "10.0.0.1", &alone).await, "10.0.0.1 https here");
}

#[tokio::test]
async fn where_both_kinds_of_headers_disagree_neither_counts_unless_one_was_chosen() {
    let headers = [(FORWARDED, "for=1.2.3.4"), (FOR, "203.0.113.9")];
    let with = |header| {
        app(|config| {
            config.trusted_proxies(["10.0.0.1"]).forwarded_header(header);
        })
    };
    let either = with(ForwardedHeader::Either);
    assert_eq!(asked(&either, "10.0.0.1", &headers).await, "10.0.0.1 http here");
    let same = [(FORWARDED, "for=203.0.113.9"), (FOR, "203.0.113.9")];
    assert_eq!(asked(&either, "10.0.0.1", &same).await, "203.0.113.9 http here");
    // The scheme could be the client's claim as well.
    let claimed = [(FORWARDED, "for=203.0.113.9;proto=https"), (FOR, "203.0.113.9")];
    assert_eq!(asked(&either, "10.0.0.1", &claimed).await, "10.0.0.1 http here");
    let standard = with(ForwardedHeader::Forwarded);
    assert_eq!(asked(&standard, "10.0.0.1", &headers).await, "1.2.3.4 http here");
    let older = with(ForwardedHeader::XForwarded);
    assert_eq!(asked(&older, "10.0.0.1", &headers).await, "203.0.113.9 http here");
}

#[tokio::test]
async fn a_unix_socket_is_trusted_by_its_word() {
    let app = trusting(&["unix:"]);
    assert_eq!(asked(&app, "", &[(FOR, "203.0.113.9")]).await, "203.0.113.9 http here");
    assert_eq!(
        asked(&app, "127.0.0.1", &[(FOR, "203.0.113.9")]).await,
        "127.0.0.1 http here"
    );
}

#[tokio::test]
async fn fields_that_are_no_text_are_nobodys_address() {
    let app = trusting(&["10.0.0.1"]);
    for name in [FOR, FORWARDED] {
        let mut request = http::Request::get("/").header("host", "here");
        request = request.header(name, http::HeaderValue::from_bytes(b"for=\xff").unwrap());
        let (head, body, ..) = Request::from(request.body(Body::empty()).unwrap()).into_parts();
        let answer = call(&app, Request::new(head, body, Arc::new(connection("10.0.0.1")))).await;
        assert_eq!(answer.text, "10.0.0.1 http here");
    }
}

#[test]
fn settings_that_make_no_sense_are_errors_that_name_them() {
    let error = |configure: &dyn Fn(&ServerConfig)| {
        let server = Server::new();
        let config = ServerConfig::new();
        configure(&config);
        server.config(config);
        let error = server.build().unwrap_err();
        assert!(error.is_config(), "{error}");
        error.to_string()
    };
    let text = error(&|config| _ = config.trusted_proxies(["10.0.0.0/8", "10.0.0.0/33", "proxy.example"]));
    assert!(
        text.contains("`trusted_proxies`") && text.contains("10.0.0.0/33"),
        "{text}"
    );
    let text = error(&|config| _ = config.listen("8080"));
    assert!(text.contains("`listen`") && text.contains("`8080`"), "{text}");
    let text = error(&|config| _ = config.listen(hyperlane::Listen::unix("/tmp/a").reuse_port(true)));
    assert!(text.contains("`listen`") && text.contains("reuse_port"), "{text}");
    let text = error(&|config| _ = config.handshake_timeout(std::time::Duration::ZERO));
    assert!(text.contains("`handshake_timeout`"), "{text}");
}

#[tokio::test]
async fn it_listens_where_it_is_told_and_on_host_and_port_only_if_they_were_set() {
    let run = async |configure: &dyn Fn(&ServerConfig)| {
        let server = Server::new();
        let config = ServerConfig::new();
        configure(&config);
        server.config(config);
        let handle = server.run().await.unwrap();
        let addrs: Vec<_> = handle.local_addrs().iter().map(ToString::to_string).collect();
        handle.shutdown().await;
        addrs
    };
    assert_eq!(run(&|config| _ = config.listen("127.0.0.1:0")).await.len(), 1);
    assert_eq!(run(&|config| _ = config.listen("127.0.0.1:0").port(0)).await.len(), 2);
    assert_eq!(run(&|config| _ = config.port(0)).await.len(), 1);
}
