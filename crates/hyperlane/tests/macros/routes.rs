//! `#[get("/…")]` and its kin.

use std::sync::Arc;

use hyperlane::{Context, IntoResponse, Path, Route, Router, State, StatusCode};

use crate::{app, call, get};

/// One user.
#[hyperlane::get("/user/{id:u64}")]
async fn user(Path(id): Path<u64>) -> String {
    format!("user {id}")
}

#[hyperlane::get("/user/{name}")]
pub(crate) async fn user_by_name(Path(name): Path<String>, ctx: Context) -> impl IntoResponse {
    (StatusCode::ACCEPTED, format!("{name} at {}", ctx.path()))
}

macro_rules! answers {
    ($($method:ident)*) => {$(
        #[hyperlane::$method("/method")]
        async fn $method() -> &'static str {
            stringify!($method)
        }
    )*};
}

answers! { post put delete patch head options }

#[hyperlane::route("/some", method = "GET", method = "PURGE")]
async fn some() -> &'static str {
    "some"
}

#[hyperlane::route("/all", name = "everything")]
async fn all(ctx: Context) {
    ctx.set_response_body(ctx.method().as_str().to_owned());
}

#[hyperlane::get("/state")]
async fn state(State(text): State<Arc<str>>) -> String {
    text.to_string()
}

/// A variable may have the name of a route.
#[hyperlane::get("/shadow/{user}")]
async fn shadow(Path(user): Path<String>, mut ctx: Context) -> Result<String, StatusCode> {
    let shadow = user.parse::<u8>().map_err(|_| StatusCode::IM_A_TEAPOT)?;
    ctx = ctx.clone();
    Ok(format!("{shadow} {}", ctx.path()))
}

#[hyperlane::get("/never")]
#[cfg(any())]
async fn left_out(_: ThisTypeDoesNotExist) {}

#[hyperlane::get("/many")]
#[allow(clippy::too_many_arguments)]
async fn many(a: Context, b: Context, c: Context, d: Context, e: Context, f: Context, g: Context, h: Context) {
    drop((a, b, c, d, e, f, g, h));
}

#[tokio::test]
async fn added_functions_answer_on_their_patterns() {
    let app = app(|server| {
        server.add(user).add((user_by_name, many));
    });
    assert_eq!(get(&app, "/user/7").await, (200, "user 7".into()));
    assert_eq!(get(&app, "/user/ann").await, (202, "ann at /user/ann".into()));
    assert_eq!(get(&app, "/many").await.0, 200);
    assert_eq!(call(&app, "POST", "/user/7").await.0, 405);
}

#[tokio::test]
async fn variables_may_have_the_names_of_routes() {
    let app = app(|server| {
        server.add(shadow);
    });
    assert_eq!(get(&app, "/shadow/7").await, (200, "7 /shadow/7".into()));
    assert_eq!(get(&app, "/shadow/x").await.0, 418);
}

#[tokio::test]
async fn each_attribute_has_its_method() {
    let app = app(|server| {
        server.add((post, put, delete, patch, head, options));
    });
    for method in ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] {
        let (status, text) = call(&app, method, "/method").await;
        assert_eq!(status, 200, "{method}");
        assert!(text == method.to_lowercase() || method == "HEAD", "{method}: {text}");
    }
    assert_eq!(get(&app, "/method").await.0, 405);
}

#[tokio::test]
async fn a_route_has_the_methods_that_it_names_or_all() {
    let app = app(|server| {
        server.add((some, all));
    });
    assert_eq!(call(&app, "PURGE", "/some").await, (200, "some".into()));
    assert_eq!(get(&app, "/some").await, (200, "some".into()));
    assert_eq!(call(&app, "POST", "/some").await.0, 405);
    assert_eq!(call(&app, "BREW", "/all").await, (200, "BREW".into()));
}

#[tokio::test]
async fn an_added_function_is_still_a_handler_and_a_function() {
    let app = app(|server| {
        server
            .get("/also/{id}", user)
            .get("/routed/{id}", Route::new(user).name("routed"));
    });
    for target in ["/also/1", "/routed/1"] {
        assert_eq!(get(&app, target).await, (200, "user 1".into()), "{target}");
    }
    assert_eq!(user(Path(2)).await, "user 2");
}

#[tokio::test]
async fn routers_take_them_and_are_nested() {
    let api = Router::new();
    api.add((user, some));
    let app = app(|server| {
        server.nest("/api", api);
    });
    assert_eq!(get(&app, "/api/user/3").await, (200, "user 3".into()));
    assert_eq!(get(&app, "/user/3").await.0, 404);
}

#[test]
fn a_name_is_that_of_the_route() {
    let server = hyperlane::Server::new();
    server.add(all);
    let table = server.routes().unwrap();
    let names: Vec<_> = table.iter().map(|route| route.name.as_deref()).collect();
    assert_eq!(names, [Some("everything")]);
}

#[test]
fn a_state_that_nobody_gave_is_an_error_of_the_build() {
    let added = hyperlane::Server::new();
    added.add(state);
    let registered = hyperlane::Server::new();
    registered.get("/x", state);
    for server in [added, registered] {
        let error = server.build().unwrap_err().to_string();
        assert!(error.contains("State<"), "{error}");
    }
}

#[test]
fn the_same_route_twice_is_an_error_of_the_build() {
    let server = hyperlane::Server::new();
    server.add((user, user));
    let error = server.build().unwrap_err().to_string();
    assert!(error.contains("/user/{id:u64}"), "{error}");
}
