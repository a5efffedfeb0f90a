//! Errors of registration, settings, and running.

use std::time::Duration;

use hyperlane::{Body, Context, Guard, HandlerPanic, Route, Server, ServerConfig, Service, State, StatusCode};

use crate::support::{app, get};

#[test]
fn conflicting_patterns_are_an_error_that_names_both_and_the_methods() {
    let server = Server::new();
    server.get("/user/{id}", async || "").post("/user/{name}", async || "");
    let error = server.build().unwrap_err();
    assert!(error.is_route() && !error.is_bind());
    let text = error.to_string();
    for part in ["POST", "`/user/{name}`", "`/user/{id}`", "GET"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn one_method_twice_and_any_method_twice_are_errors() {
    let server = Server::new();
    server
        .get("/a", async || "")
        .get("/a", async || "")
        .route("/b", async || "")
        .route("/b", async || "");
    let text = server.build().unwrap_err().to_string();
    assert!(text.contains("GET `/a` is registered twice"), "{text}");
    assert!(text.contains("any method on `/b` is registered twice"), "{text}");
}

#[test]
fn all_problems_are_told_at_once() {
    let server = Server::new();
    server
        .config(ServerConfig::new().max_connections(0).head_timeout(Duration::ZERO))
        .get("no-slash", async || "")
        .get("/s", async |State(_): State<u8>| "")
        .fallback(async |State(_): State<u16>| "");
    let error = server.build().unwrap_err();
    assert!(error.is_route() && error.is_state() && error.is_config());
    let text = error.to_string();
    for part in [
        "max_connections",
        "head_timeout",
        "no-slash",
        "GET `/s` takes `State<u8>`",
        "State<u16>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_server_with_problems_can_be_completed_and_built() {
    let server = Server::new();
    server.get("/", async |State(_): State<u8>| "");
    assert!(server.build().unwrap_err().is_state());
    server.state(7_u8);
    assert!(server.build().is_ok());
    assert!(server.build().unwrap_err().is_already_run());
}

#[tokio::test]
async fn what_is_registered_after_the_build_has_no_effect() {
    let server = Server::new();
    let app = server.build().unwrap();
    server.get("/late", async || "");
    assert_eq!(get(&app, "/late").await.status(), 404);
}

#[tokio::test]
async fn constructors_and_setters_may_be_awaited() {
    let server = Server::new().await;
    let config = ServerConfig::new().await;
    config.host("127.0.0.1").await.port(0).await;
    server.config(config).await.route("/", async || "hello").await;
    let handle = server.run().await.unwrap();
    assert_ne!(handle.local_addr().port(), 0);
    handle.shutdown().await;
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it_and_the_server_can_run_elsewhere() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = Server::new();
    server.config(ServerConfig::new().port(port));
    let error = server.run().await.unwrap_err();
    assert!(error.is_bind());
    assert!(
        error.to_string().contains(&format!("127.0.0.1, port {port}")),
        "{error}"
    );
    assert!(std::error::Error::source(&error).is_some());

    server.config(ServerConfig::new().port(0));
    let handle = server.run().await.unwrap();
    assert!(server.run().await.unwrap_err().is_already_run());
    handle.shutdown().await;
}

#[test]
fn on_panic_shapes_the_500_and_its_own_panic_is_survived() {
    fn shaped(register: impl FnOnce(&Server)) -> hyperlane::Response {
        app(register).panic_response(&HandlerPanic::from_payload(&"boom"))
    }
    let teapot = shaped(|server| {
        server.on_panic(|panic: &HandlerPanic| (StatusCode::IM_A_TEAPOT, panic.message.clone()));
    });
    assert_eq!(teapot.status(), 418);
    let own = shaped(|server| {
        server.on_panic(|_: &HandlerPanic| -> StatusCode { panic!("again") });
    });
    assert_eq!(own.status(), 500);
    assert_eq!(
        shaped(|server| _ = server.on_panic(|_: &HandlerPanic| ())).status(),
        500
    );
    assert_eq!(shaped(|_| {}).status(), 500);
}

#[tokio::test]
async fn states_reach_handlers_as_arguments_and_through_the_context() {
    let app = app(|server| {
        server
            .state("shared")
            .get("/", async |State(text): State<&'static str>, ctx: Context| {
                format!(
                    "{text} {} {:?} {:?}",
                    ctx.state::<&'static str>(),
                    ctx.try_state::<u8>(),
                    Body::empty()
                )
            });
        server.get("/optional", async |number: Option<State<u8>>| format!("{number:?}"));
    });
    assert_eq!(get(&app, "/").await.text, "shared shared None Body::Empty");
    assert_eq!(get(&app, "/optional").await.text, "None");
}

#[test]
fn settings_are_copied_when_they_are_given() {
    let config = ServerConfig::new();
    let copy = config.clone();
    config.port(1).host("example");
    let shown = format!("{copy:?}");
    assert!(shown.contains("127.0.0.1") && shown.contains("8080"), "{shown}");
}

#[test]
fn a_server_can_be_shared_and_run_from_any_task() {
    fn is_shared<T: Send + Sync>(_: &T) {}
    fn is_sent<T: Send>(_: &T) {}
    let server = Server::new();
    is_shared(&server);
    is_sent(&server.run());
    is_shared(&server.build().unwrap());
}

#[test]
fn a_guard_for_a_host_that_no_client_can_name_is_an_error() {
    let server = Server::new();
    server
        .get("/a", Route::new(async || "").guard(Guard::host("example.com:80")))
        .get("/b", Route::new(async || "").guard(Guard::host("b\u{fc}cher.example")));
    let error = server.build().unwrap_err();
    assert!(error.is_route());
    let error = error.to_string();
    assert!(
        error.contains("route GET `/a`: guard `host example.com:80`: leave the port away"),
        "{error}"
    );
    assert!(error.contains("begins with `xn--`"), "{error}");
}
