//! Middleware: its order, what it sees, what it may change, and layers of tower.

use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};

use hyperlane::{
    Body, Bytes, Context, Guard, Method, Middleware, Next, Path, Request, Response, Route, Router, Server, State,
    StatusCode,
};

use crate::support::{app, request};

async fn send(app: &hyperlane::App, method: Method, target: &str, body: &'static str) -> Response {
    app.call(request(method, target, body).into()).await
}

async fn get(app: &hyperlane::App, target: &str) -> Response {
    send(app, Method::GET, target, "").await
}

async fn text(mut response: Response) -> String {
    String::from_utf8(response.body_mut().bytes().await.unwrap().to_vec()).unwrap()
}

type Log = Arc<Mutex<Vec<String>>>;

/// A middleware that notes when it sees a request and a response.
fn noting(log: &Log, name: &'static str) -> impl Middleware<(Context, Next)> + use<> {
    let log = Arc::clone(log);
    move |ctx: Context, next: Next| {
        let log = Arc::clone(&log);
        async move {
            log.lock().unwrap().push(format!(">{name} {:?}", ctx.matched_pattern()));
            let response = next.run(ctx).await;
            log.lock()
                .unwrap()
                .push(format!("<{name} {}", response.status().as_u16()));
            response
        }
    }
}

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

#[tokio::test]
async fn the_first_registered_is_the_outermost_and_routes_come_last() {
    let log = Log::default();
    let group = Router::new();
    group
        .get("/x", Route::new(async || "x").middleware(noting(&log, "route")))
        .middleware(noting(&log, "group"));
    let app = app(|server| {
        server
            .nest("/g", group)
            .middleware(noting(&log, "first"))
            .middleware(noting(&log, "second"));
    });
    assert_eq!(get(&app, "/g/x").await.status(), 200);
    let seen: Vec<_> = taken(&log);
    let names: Vec<_> = seen.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        names,
        [
            ">first", ">second", ">group", ">route", "<route", "<group", "<second", "<first"
        ]
    );
    assert!(seen[0].contains("/g/x"));
}

#[tokio::test]
async fn the_answers_404_405_and_options_pass_through_middleware() {
    let log = Log::default();
    let app = app(|server| {
        server.middleware(noting(&log, "all")).get("/here", async || "");
    });
    assert_eq!(get(&app, "/nowhere").await.status(), 404);
    assert_eq!(send(&app, Method::POST, "/here", "").await.status(), 405);
    assert_eq!(send(&app, Method::OPTIONS, "/here", "").await.status(), 204);
    assert_eq!(get(&app, "/%zz").await.status(), 400);
    assert_eq!(
        taken(&log),
        [
            ">all None",
            "<all 404",
            ">all Some(\"/here\")",
            "<all 405",
            ">all Some(\"/here\")",
            "<all 204",
            ">all None",
            "<all 400"
        ]
    );
}

#[tokio::test]
async fn a_group_has_its_own_404_fallback_and_states() {
    let log = Log::default();
    let api = Router::new();
    api.middleware(noting(&log, "api"))
        .state(7_u8)
        .get("/n", async |State(n): State<u8>| n.to_string());
    let shop = Router::new();
    shop.get("/", async |Path(shop): Path<String>| shop)
        .fallback(async || (StatusCode::NOT_FOUND, "no such shelf"));
    let app = app(|server| {
        server
            .state(1_u8)
            .nest("/api", api)
            .nest("/shops/{shop}", shop)
            .get("/n", async |State(n): State<u8>| n.to_string());
    });
    assert_eq!(text(get(&app, "/api/n").await).await, "7");
    assert_eq!(text(get(&app, "/n").await).await, "1");
    assert_eq!(text(get(&app, "/shops/books").await).await, "books");
    taken(&log);
    for path in ["/api", "/api/", "/api/other/deep"] {
        assert_eq!(get(&app, path).await.status(), 404);
        assert_eq!(taken(&log).len(), 2, "{path} belongs to the group");
    }
    assert_eq!(get(&app, "/apis").await.status(), 404);
    assert!(taken(&log).is_empty());
    assert_eq!(text(get(&app, "/shops/books/x/y").await).await, "no such shelf");
}

#[tokio::test]
async fn a_middleware_may_answer_by_itself_and_the_handler_does_not_run() {
    async fn guard(ctx: Context, next: Next) -> Result<Response, StatusCode> {
        match ctx.header("x-key") {
            Some("ok") => Ok(next.run(ctx).await),
            _ => Err(StatusCode::UNAUTHORIZED),
        }
    }
    let ran = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&ran);
    let app = app(move |server| {
        server.middleware(guard).get("/", move || {
            *counted.lock().unwrap() += 1;
            async { "in" }
        });
    });
    assert_eq!(get(&app, "/").await.status(), 401);
    assert_eq!(*ran.lock().unwrap(), 0);
    let request = http::Request::get("/").header("x-key", "ok").body("").unwrap();
    assert_eq!(text(app.call(request.into()).await).await, "in");
}

#[tokio::test]
async fn what_is_set_on_the_context_before_and_after_the_handler_reaches_the_response() {
    async fn set(ctx: Context, next: Next) -> Response {
        ctx.set_response_header("x-before", "1");
        let response = next.run(&ctx).await;
        ctx.set_response_header("x-after", "2");
        response
    }
    let app = app(|server| {
        server
            .middleware(set)
            .get("/typed", async || "typed")
            .get("/ctx", async |ctx: Context| {
                ctx.set_response_header("x-own", "3").set_response_body("ctx");
            });
    });
    for path in ["/typed", "/ctx"] {
        let response = get(&app, path).await;
        assert_eq!(response.headers()["x-before"], "1", "{path}");
        assert_eq!(response.headers()["x-after"], "2", "{path}");
        assert_eq!(text(response).await, path[1..]);
    }
}

#[tokio::test]
async fn a_middleware_may_pass_on_another_request() {
    async fn upper(mut request: Request, next: Next) -> Response {
        let body = request.body_mut().bytes().await.unwrap();
        *request.body_mut() = Body::from(body.to_ascii_uppercase());
        request.extensions_mut().insert(5_u32);
        next.run(request).await
    }
    let app = app(|server| {
        server
            .middleware(upper)
            .post("/echo/{id}", async |ctx: Context, Path(id): Path<u8>, body: Bytes| {
                format!(
                    "{} {id} {:?} {}",
                    String::from_utf8_lossy(&body),
                    ctx.extension::<u32>(),
                    ctx.matched_pattern().unwrap()
                )
            });
    });
    let response = send(&app, Method::POST, "/echo/9", "shout").await;
    assert_eq!(text(response).await, "SHOUT 9 Some(5) /echo/{id}");
}

#[tokio::test]
async fn a_stream_passes_through_middleware_while_its_handler_runs() {
    let log = Log::default();
    let app = app(|server| {
        server.middleware(noting(&log, "m")).get("/", async |ctx: Context| {
            for piece in ["a", "b", "c"] {
                ctx.set_response_body(piece).send_body().await.unwrap();
            }
        });
    });
    let mut response = get(&app, "/").await;
    assert_eq!(
        taken(&log),
        [">m Some(\"/\")", "<m 200"],
        "the head is there before the body"
    );
    assert_eq!(response.body_mut().bytes().await.unwrap(), "abc");
}

#[tokio::test]
async fn a_middleware_that_reads_the_streamed_body_gets_all_of_it() {
    async fn length(ctx: Context, next: Next) -> Response {
        let mut response = next.run(ctx).await;
        let body = response.body_mut().bytes().await.unwrap();
        response.with_header("x-length", body.len()).with_body(body)
    }
    let app = app(|server| {
        server.middleware(length).get("/", async |ctx: Context| {
            for piece in ["ab", "cd"] {
                ctx.set_response_body(piece).send_body().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
    });
    let response = get(&app, "/").await;
    assert_eq!(response.headers()["x-length"], "4");
    assert_eq!(text(response).await, "abcd");
}

#[tokio::test]
async fn a_panic_is_an_answer_for_the_middleware_around_it() {
    let log = Log::default();
    let app = app(|server| {
        server
            .middleware(noting(&log, "m"))
            .on_panic(|_: &hyperlane::HandlerPanic| (StatusCode::INTERNAL_SERVER_ERROR, "shaped"))
            .get("/", async || -> &'static str { panic!("boom") });
    });
    let response = get(&app, "/").await;
    assert_eq!(taken(&log), [">m Some(\"/\")", "<m 500"]);
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(text(response).await, "shaped");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_given_up_is_dropped() {
    struct OnDrop(Log);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("dropped".into());
        }
    }
    async fn limit(ctx: Context, next: Next) -> Response {
        let limit = std::time::Duration::from_secs(1);
        match tokio::time::timeout(limit, next.run(ctx)).await {
            Ok(response) => response,
            Err(_) => StatusCode::GATEWAY_TIMEOUT.into(),
        }
    }
    let log = Log::default();
    let held = Arc::clone(&log);
    let app = app(move |server| {
        server.middleware(limit).get("/", move || {
            let held = OnDrop(Arc::clone(&held));
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        });
    });
    assert_eq!(get(&app, "/").await.status(), 504);
    assert_eq!(taken(&log), ["dropped"]);
}

/// A layer that answers `/stop` by itself and marks the rest.
#[derive(Clone)]
struct Mark;

#[derive(Clone)]
struct Marked<S>(S);

impl<S> tower_layer::Layer<S> for Mark {
    type Service = Marked<S>;

    fn layer(&self, inner: S) -> Marked<S> {
        Marked(inner)
    }
}

impl<S> tower_service::Service<http::Request<Body>> for Marked<S>
where
    S: tower_service::Service<http::Request<Body>, Response = http::Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = S::Error;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let stop = request.uri().path() == "/stop";
        let rest = self.0.call(request);
        Box::pin(async move {
            if stop {
                return Ok(http::Response::builder().status(418).body(Body::empty()).unwrap());
            }
            let mut response = rest.await?;
            response.headers_mut().insert("x-layer", "1".parse().unwrap());
            Ok(response)
        })
    }
}

#[tokio::test]
async fn a_layer_of_tower_stands_around_the_handler() {
    let app = app(|server| {
        server
            .layer(Mark)
            .get("/stop", async || "never")
            .get("/go/{id}", async |Path(id): Path<u8>, ctx: Context| {
                ctx.set_response_header("x-own", "2");
                format!("went {id}")
            });
    });
    assert_eq!(get(&app, "/stop").await.status(), 418);
    let response = get(&app, "/go/3").await;
    assert_eq!(
        (&response.headers()["x-layer"], &response.headers()["x-own"]),
        (&"1".parse().unwrap(), &"2".parse().unwrap())
    );
    assert_eq!(
        http_body::Body::size_hint(response.body()).exact(),
        Some(6),
        "an unchanged body keeps its length"
    );
    assert_eq!(text(response).await, "went 3");
}

#[tokio::test]
async fn guards_choose_between_routes_on_one_pattern() {
    let app = app(|server| {
        server
            .get("/v", async || "any")
            .get("/v", Route::new(async || "two").guard(Guard::header("x-version", "2")))
            .get("/v", Route::new(async || "flag").guard(Guard::has_header("x-flag")))
            .get(
                "/only",
                Route::new(async || "local").guard(Guard::host("*.example.com")),
            );
    });
    let ask = async |path: &str, name: &str, value: &str| {
        let request = http::Request::get(path).header(name, value).body("").unwrap();
        app.call(request.into()).await
    };
    assert_eq!(text(ask("/v", "x-version", "2").await).await, "two");
    assert_eq!(text(ask("/v", "x-version", "3").await).await, "any");
    assert_eq!(text(ask("/v", "x-flag", "").await).await, "flag");
    assert_eq!(text(ask("/only", "host", "a.example.com:80").await).await, "local");
    assert_eq!(ask("/only", "host", "example.com").await.status(), 404);
}

#[tokio::test]
async fn hosts_have_routes_of_their_own() {
    let (api, tenants) = (Router::new(), Router::new());
    api.get("/{page}", async || "api");
    tenants.get("/{other}", async |ctx: Context| {
        ctx.host().unwrap_or_default().to_owned()
    });
    let app = app(|server| {
        server
            .host("*.example.com", tenants)
            .host("api.example.com", api)
            .get("/about", async || "default");
    });
    let ask = async |host: &str, path: &str| {
        let request = http::Request::get(path).header("host", host).body("").unwrap();
        app.call(request.into()).await
    };
    assert_eq!(text(ask("API.example.com:8080", "/about").await).await, "api");
    assert_eq!(text(ask("a.example.com", "/about").await).await, "a.example.com");
    assert_eq!(text(ask("elsewhere", "/about").await).await, "default");
    assert_eq!(ask("api.example.com", "/a/b").await.status(), 404);
}

#[tokio::test]
async fn a_slash_at_the_end_is_what_the_policy_says() {
    use hyperlane::TrailingSlash::{Ignore, Redirect, Strict};
    for (policy, status, location) in [
        (Strict, 404, None),
        (Redirect, 308, Some("/about?q=1")),
        (Ignore, 200, None),
    ] {
        let app = app(|server| {
            server
                .trailing_slash(policy)
                .get("/about", async || "about")
                .get("/dir/", async || "dir");
        });
        let response = get(&app, "/about/?q=1").await;
        assert_eq!(response.status().as_u16(), status);
        let found = response
            .headers()
            .get("location")
            .map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(found.as_deref(), location);
        assert_eq!(get(&app, "/about").await.status(), 200);
        assert_eq!(get(&app, "/dir").await.status().as_u16(), status);
    }
}

#[test]
fn what_is_wrong_with_groups_and_hosts_is_told_by_name() {
    let server = Server::new();
    server
        .nest("api", Router::new())
        .nest("/api/", Router::new())
        .nest("/{*all}", Router::new())
        .host("example.com:80", Router::new())
        .middleware(async |State(_): State<u64>, ctx: Context, next: Next| next.run(ctx).await);
    let text = server.build().unwrap_err().to_string();
    for part in [
        "prefix `api`",
        "prefix `/api/`",
        "prefix `/{*all}`",
        "host `example.com:80`",
        "State<u64>",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_route_table_shows_methods_patterns_middleware_and_conditions() {
    async fn log(ctx: Context, next: Next) -> Response {
        next.run(ctx).await
    }
    let api = Router::new();
    api.middleware(log)
        .get("/users/{id}", Route::new(async || "").name("user"))
        .post("/users", async || "");
    let server = Server::new();
    server
        .middleware(log)
        .nest("/api", api)
        .get("/", Route::new(async || "").guard(Guard::header("x-a", "1")))
        .fallback(async || "");
    let table = server.routes().unwrap();
    assert_eq!(table.iter().len(), 4);
    assert_eq!(
        table.to_string(),
        "GET     /                log, if x-a: 1\n\
         GET     /api/users/{id}  log → log, as user\n\
         POST    /api/users       log → log\n\
         any     (fallback)       log\n"
    );
}

#[tokio::test]
async fn one_function_shapes_all_problems_and_their_own_headers_stay() {
    let log = Log::default();
    let app = app(|server| {
        server
            .middleware(noting(&log, "m"))
            .on_problem(|problem: &hyperlane::Problem, ctx: &Context| {
                (
                    problem.status(),
                    [("content-type", "text/x-mine")],
                    format!("{} {}", ctx.path(), problem.title()),
                )
            })
            .get("/n/{n}", async |Path(n): Path<u8>| n.to_string())
            .get("/panic", async || -> &'static str { panic!("boom") })
            .get("/plain", async || (StatusCode::CONFLICT, "mine alone"));
    });
    for (method, path, expected) in [
        (Method::GET, "/nowhere", "/nowhere Not Found"),
        (Method::POST, "/n/1", "/n/1 Method Not Allowed"),
        (Method::GET, "/n/x", "/n/x Bad Request"),
        (Method::GET, "/panic", "/panic Internal Server Error"),
        (Method::GET, "/%zz", "/%zz Bad Request"),
        (Method::GET, "/plain", "mine alone"),
    ] {
        let response = send(&app, method.clone(), path, "").await;
        if method == Method::POST {
            assert_eq!(response.headers()["allow"], "GET, HEAD, OPTIONS");
        }
        if path != "/plain" {
            assert_eq!(response.headers()["content-type"], "text/x-mine", "{path}");
        }
        assert_eq!(text(response).await, expected);
    }
    assert!(taken(&log).len() >= 12, "middleware stands inside of it");
}

#[tokio::test]
async fn a_path_that_a_uri_refuses_is_not_lost_on_the_way_through_a_layer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::new();
    server.config(hyperlane::ServerConfig::new().port(0));
    server
        .layer(Mark)
        .get("/admin/{name}", async |ctx: Context, Path(name): Path<String>| {
            format!("{name} {:?} {}", ctx.query_string(), ctx.uri().path())
        });
    let handle = server.run().await.unwrap();
    let mut client = tokio::net::TcpStream::connect(handle.local_addr()).await.unwrap();
    let request = b"GET /admin/users?q=<b>\"` HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    client.write_all(request).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.ends_with("users Some(\"q=%3Cb%3E%22%60\") /admin/users"),
        "{answer}"
    );
    handle.shutdown().await;
}

#[tokio::test]
async fn the_narrower_of_two_domains_goes_first() {
    let (wide, narrow) = (Router::new(), Router::new());
    wide.get("/", async || "wide");
    narrow.get("/", async || "narrow");
    let app = app(|server| {
        server.host("*.example.com", wide).host("*.api.example.com", narrow);
    });
    let ask = async |host: &str| {
        let request = http::Request::get("/").header("host", host).body("").unwrap();
        text(app.call(request.into()).await).await
    };
    assert_eq!(ask("a.api.example.com").await, "narrow");
    assert_eq!(ask("api.example.com").await, "wide");
}

#[tokio::test]
async fn a_shaped_problem_keeps_all_cookies_and_is_shaped_once() {
    let app = app(|server| {
        server
            .on_problem(|problem: &hyperlane::Problem, _: &Context| {
                problem
                    .clone()
                    .with_detail(format!("{}!", problem.detail().unwrap_or_default()))
            })
            .get("/", async |ctx: Context| {
                ctx.set_response_cookie(hyperlane::Cookie::new("a", "1"));
                ctx.set_response_cookie(hyperlane::Cookie::new("b", "2"));
                Err::<(), _>(hyperlane::Problem::new(StatusCode::CONFLICT).with_detail("no"))
            });
    });
    let response = get(&app, "/").await;
    assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
    assert!(text(response).await.contains("\"no!\""));
}
