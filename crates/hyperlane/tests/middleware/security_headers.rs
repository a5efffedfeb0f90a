//! `SecurityHeaders`.

use std::sync::Arc;

use hyperlane::middleware::SecurityHeaders;
use hyperlane::{ConnectionInfo, Server, ServerConfig};

use crate::support::{app, call, get, header, request};

#[tokio::test]
async fn sets_careful_defaults_on_every_answer() {
    let app = app(|server| {
        server.middleware(SecurityHeaders::new()).get("/", async || "");
    });
    for path in ["/", "/nowhere"] {
        let response = get(&app, path, &[]).await;
        for (name, part) in [
            ("content-security-policy", "default-src 'self'"),
            ("content-security-policy", "object-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "SAMEORIGIN"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert!(header(&response, name).contains(part), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn what_a_handler_sets_and_what_is_configured_wins() {
    let app = app(|server| {
        server
            .middleware(
                SecurityHeaders::new()
                    .set("Permissions-Policy", "camera=()")
                    .set("X-Frame-Options", "DENY")
                    .remove("Referrer-Policy"),
            )
            .get("/", async || ([("content-security-policy", "default-src 'none'")], ""));
    });
    let response = get(&app, "/", &[]).await;
    assert_eq!(header(&response, "content-security-policy"), "default-src 'none'");
    assert_eq!(response.headers().get_all("content-security-policy").iter().count(), 1);
    assert_eq!(header(&response, "permissions-policy"), "camera=()");
    assert_eq!(header(&response, "x-frame-options"), "DENY");
    assert_eq!(header(&response, "referrer-policy"), "");
}

/// RFC 6797 §7.2.
#[tokio::test]
async fn strict_transport_security_goes_over_tls_alone() {
    let server = Server::new();
    server
        .config(ServerConfig::new().trusted_proxies(["10.0.0.0/8"]))
        .middleware(SecurityHeaders::new())
        .get("/", async || "");
    let app = server.build().unwrap();
    let ask = async |peer: &str, proto: Option<&str>| {
        let headers: Vec<_> = proto.map(|proto| ("x-forwarded-proto", proto)).into_iter().collect();
        let headers = [headers, vec![("x-forwarded-for", "192.0.2.1")]].concat();
        let mut request = request("GET", "/", &headers, "");
        let peer = peer.parse().unwrap();
        request
            .extensions_mut()
            .insert(Arc::new(ConnectionInfo::new(Some(peer), None)));
        let response = call(&app, request).await;
        header(&response, "strict-transport-security").to_owned()
    };
    assert_eq!(
        ask("10.0.0.1:1", Some("https")).await,
        "max-age=31536000",
        "a trusted proxy speaks tls"
    );
    assert_eq!(ask("10.0.0.1:1", Some("http")).await, "");
    assert_eq!(ask("192.0.2.9:1", Some("https")).await, "", "anybody can say so");
    assert_eq!(ask("192.0.2.9:1", None).await, "");
}
