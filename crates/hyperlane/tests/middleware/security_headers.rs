//! `SecurityHeaders`.

use hyperlane::middleware::SecurityHeaders;

use crate::support::{app, get, header};

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
            ("strict-transport-security", "max-age=31536000"),
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

#[test]
#[should_panic(expected = "can't be a header")]
fn a_value_that_would_split_the_response_is_refused_at_once() {
    let _ = SecurityHeaders::none().set("x-a", "1\r\nset-cookie: a=b");
}
