//! `Jwt`.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyperlane::middleware::jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use hyperlane::middleware::{Authenticated, Jwt};
use serde_json::{Value, json};

use crate::support::{app, get, header, text};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

#[derive(Clone, serde::Deserialize)]
struct Claims {
    sub: String,
}

fn guarded(jwt: Jwt<Claims>) -> hyperlane::App {
    app(|server| {
        server
            .middleware(jwt)
            .get("/", async |Authenticated(claims): Authenticated<Claims>| claims.sub);
    })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn sign(algorithm: Algorithm, claims: &Value) -> String {
    encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

async fn status(app: &hyperlane::App, token: &str) -> u16 {
    let response = get(app, "/", &[("authorization", &format!("Bearer {token}"))]).await;
    let status = response.status().as_u16();
    if status == 401 {
        assert_eq!(
            header(&response, "www-authenticate"),
            "Bearer realm=\"api\", error=\"invalid_token\"",
            "RFC 6750 §3.1"
        );
    }
    status
}

#[tokio::test]
async fn the_claims_of_a_signed_token_are_the_handlers() {
    let app = guarded(Jwt::hs256(SECRET).issuer("login").audience("shop"));
    let claims =
        json!({ "sub": "kim", "iss": "login", "aud": ["shop", "office"], "exp": now() + 60, "nbf": now() - 5 });
    let token = sign(Algorithm::HS256, &claims);
    let response = get(&app, "/", &[("authorization", &format!("Bearer {token}"))]).await;
    assert_eq!(text(response).await, "kim");
    assert_eq!(get(&app, "/", &[]).await.status(), 401);
}

#[tokio::test]
async fn times_issuer_and_audience_are_checked() {
    let app = guarded(Jwt::hs256(SECRET).issuer("login").audience("shop").leeway(0));
    let good = json!({ "sub": "kim", "iss": "login", "aud": "shop", "exp": now() + 60 });
    assert_eq!(status(&app, &sign(Algorithm::HS256, &good)).await, 200);
    for (claim, value) in [
        ("exp", json!(now() - 1)),
        ("exp", Value::Null),
        ("exp", json!("soon")),
        ("nbf", json!(now() + 60)),
        ("iss", json!("elsewhere")),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", Value::Null),
        ("sub", Value::Null),
    ] {
        let mut bad = good.clone();
        match &value {
            Value::Null => bad.as_object_mut().unwrap().remove(claim),
            value => bad.as_object_mut().unwrap().insert(claim.to_owned(), value.clone()),
        };
        let token = sign(Algorithm::HS256, &bad);
        assert_eq!(status(&app, &token).await, 401, "{claim}: {value}: RFC 7519 §4.1");
    }
}

#[tokio::test]
async fn an_audience_that_is_not_ours_is_refused_even_if_none_was_set() {
    let app = guarded(Jwt::hs256(SECRET));
    let token = sign(
        Algorithm::HS256,
        &json!({ "sub": "kim", "aud": "other", "exp": now() + 60 }),
    );
    assert_eq!(status(&app, &token).await, 401, "RFC 7519 §4.1.3");
}

#[tokio::test]
async fn the_algorithm_is_the_servers_choice() {
    let app = guarded(Jwt::hs256(SECRET));
    let claims = json!({ "sub": "kim", "exp": now() + 60 });
    assert_eq!(
        status(&app, &sign(Algorithm::HS512, &claims)).await,
        401,
        "RFC 8725 §3.1"
    );
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    for algorithm in ["none", "None", "NONE", "", "RS256"] {
        let head = part(json!({ "alg": algorithm, "typ": "JWT" }));
        for signature in ["", "AAAA"] {
            let token = format!("{head}.{}.{signature}", part(claims.clone()));
            assert_eq!(status(&app, &token).await, 401, "{algorithm}");
        }
    }
}

#[tokio::test]
async fn a_token_that_was_changed_or_is_none_is_refused() {
    let app = guarded(Jwt::hs256(SECRET));
    let token = sign(Algorithm::HS256, &json!({ "sub": "kim", "exp": now() + 60 }));
    let parts: Vec<_> = token.split('.').collect();
    let forged = URL_SAFE_NO_PAD.encode(json!({ "sub": "root", "exp": now() + 60 }).to_string());
    for bad in [
        format!("{}.{forged}.{}", parts[0], parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}.x"),
        "x".to_owned(),
        "..".to_owned(),
        "e30.e30.e30".to_owned(),
        "A".repeat(100_000),
    ] {
        assert_eq!(status(&app, &bad).await, 401);
    }
    let other = encode(
        &Header::new(Algorithm::HS256),
        &json!({ "sub": "kim", "exp": now() + 60 }),
        &EncodingKey::from_secret(b"another secret of thirty-two bytes"),
    );
    assert_eq!(status(&app, &other.unwrap()).await, 401);
}
