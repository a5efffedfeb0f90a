//! Cookies as an argument: plain, signed, encrypted.

use hyperlane::{App, Cookie, CookieKey, Cookies, Method, PrivateCookies, SameSite, SignedCookies};

use crate::support::{Answer, app, call, get, request};

fn visits(key: &CookieKey) -> App {
    app(|server| {
        server.state(key.clone());
        server.get("/plain", async |cookies: Cookies| {
            cookies.set(
                Cookie::build(("seen", "yes"))
                    .path("/")
                    .http_only(true)
                    .same_site(SameSite::Lax),
            );
            let names: Vec<_> = cookies.iter().map(|cookie| cookie.name().to_owned()).collect();
            format!(
                "{:?} {names:?}",
                cookies.get("seen").map(|cookie| cookie.value().to_owned())
            )
        });
        server.get("/signed", async |cookies: SignedCookies| {
            cookies.set(("user", "bob=1"));
            format!("{:?}", cookies.get("user").map(|cookie| cookie.value().to_owned()))
        });
        server.get("/private", async |cookies: PrivateCookies| {
            cookies.set(("user", "bob=1"));
            format!("{:?}", cookies.get("user").map(|cookie| cookie.value().to_owned()))
        });
        server.get("/admin", async |signed: SignedCookies, private: PrivateCookies| {
            format!("{:?} {:?}", signed.get("admin"), private.get("admin"))
        });
        server.get("/remove", async |cookies: Cookies, signed: SignedCookies| {
            cookies.remove(Cookie::build("seen").path("/"));
            signed.remove("user");
        });
        server.get(
            "/bad/{value}",
            async |hyperlane::Path(value): hyperlane::Path<String>, cookies: Cookies| {
                cookies.set(("a", value));
            },
        );
    })
}

async fn get_with(app: &App, target: &str, cookie: &str) -> Answer {
    let mut request = request(Method::GET, target, "");
    request.headers_mut().insert("cookie", cookie.parse().unwrap());
    call(app, request).await
}

#[tokio::test]
async fn plain_cookies_go_in_and_out() {
    let app = visits(&CookieKey::generate());
    let answer = get_with(&app, "/plain", "a=b; seen=no").await;
    assert_eq!(answer.text, r#"Some("no") ["a", "seen"]"#);
    assert_eq!(
        answer.headers("set-cookie"),
        ["seen=yes; HttpOnly; SameSite=Lax; Path=/"]
    );
}

#[tokio::test]
async fn sealed_cookies_come_back_only_as_they_were_set() {
    let key = CookieKey::generate();
    let app = visits(&key);
    for target in ["/signed", "/private"] {
        let first = get(&app, target).await;
        assert_eq!(first.text, "None");
        let sealed = first.headers("set-cookie")[0].split(';').next().unwrap().to_owned();
        assert_eq!(get_with(&app, target, &sealed).await.text, r#"Some("bob=1")"#);

        // Forged, cut, moved to another name, or of another key.
        let (_, value) = sealed.split_once('=').unwrap();
        let mut forged = sealed.clone();
        forged.truncate(sealed.len() - 1);
        for cookie in [
            "user=bob=1",
            "user=",
            &forged,
            &format!("{sealed}x"),
            "user=ü",
            &format!("user={}", "A".repeat(60)),
        ] {
            assert_eq!(get_with(&app, target, cookie).await.text, "None", "{cookie}");
        }
        assert_eq!(
            get_with(&app, "/admin", &format!("admin={value}")).await.text,
            "None None"
        );
        assert_eq!(
            get_with(&visits(&CookieKey::generate()), target, &sealed).await.text,
            "None"
        );
    }
    let private = get(&app, "/private").await;
    assert!(!private.headers("set-cookie")[0].contains("bob"));
}

#[tokio::test]
async fn a_removed_cookie_is_set_to_end_at_once() {
    let app = visits(&CookieKey::generate());
    let answer = get(&app, "/remove").await;
    let lines = answer.headers("set-cookie");
    assert!(
        lines[0].starts_with("seen=; ") && lines[0].contains("Path=/") && lines[0].contains("Max-Age=0"),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with("user=; ") && lines[1].contains("Max-Age=0"),
        "{lines:?}"
    );
}

/// RFC 6265 §4.1.1.
#[tokio::test]
async fn a_cookie_can_not_add_attributes_or_headers() {
    let app = visits(&CookieKey::generate());
    for value in ["x;%20Path=%2Fadmin", "x%0D%0Aset-cookie:%20a=b", "x%7F"] {
        let response = get(&app, &format!("/bad/{value}")).await.response;
        assert!(response.defect().is_some(), "{value}");
        assert!(!response.headers().contains_key("set-cookie"), "{value}");
    }
}

#[test]
fn a_missing_key_is_an_error_of_build() {
    let server = hyperlane::Server::new();
    server.get("/", async |_: PrivateCookies| ());
    let error = server.build().unwrap_err();
    assert!(error.is_state() && error.to_string().contains("Key"), "{error}");
}

#[tokio::test]
async fn only_spaces_and_tabs_are_taken_off_a_name_and_one_bad_cookie_hides_no_other() {
    let app = app(|server| {
        server.get("/", async |ctx: hyperlane::Context| {
            let names: Vec<_> = ctx.cookies().map(|cookie| cookie.name().to_owned()).collect();
            format!("{names:?}")
        });
    });
    let ask = async |line: &[u8]| {
        let mut request = request(Method::GET, "/", "");
        let line = hyperlane::HeaderValue::from_bytes(line).unwrap();
        request.headers_mut().insert("cookie", line);
        call(&app, request).await.text
    };
    let planted = "\u{2000}__Host-session=planted; \t__Host-session=own \t; b=2";
    assert_eq!(ask(planted.as_bytes()).await, r#"["__Host-session", "b"]"#);
    assert_eq!(ask(b"a=\xff; b=2").await, r#"["b"]"#);
}
