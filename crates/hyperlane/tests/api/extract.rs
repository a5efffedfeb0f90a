//! Arguments of handlers and getters of the context.

use std::collections::HashMap;

use hyperlane::{Context, FromContext, HeaderMap, HttpVersion, Json, Method, Path, PeerAddr, Query, Rejection, Uri};
use serde::{Deserialize, Serialize};

use crate::support::{Answer, app, call, get, request};

#[derive(Debug, Deserialize, Serialize)]
struct Item {
    name: String,
    tags: Vec<String>,
    price: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Book,
    Film,
}

#[derive(Debug, Deserialize)]
struct Named {
    shop: String,
    kind: Kind,
    id: u64,
}

#[tokio::test]
async fn path_parameters_are_read_singly_in_order_and_by_name() {
    let app = app(|server| {
        server
            .get("/one/{id}", async |Path(id): Path<u64>| format!("{id}"))
            .get("/tuple/{a}/{b}", async |Path((a, b)): Path<(String, i8)>| {
                format!("{a} {b}")
            })
            .get("/named/{shop}/{kind}/{id}", async |Path(named): Path<Named>| {
                format!("{} {:?} {}", named.shop, named.kind, named.id)
            })
            .get("/map/{a}/{b}", async |Path(map): Path<HashMap<String, u8>>| {
                format!("{} {}", map["a"], map["b"])
            })
            .get("/list/{a}/{b}", async |Path(list): Path<Vec<String>>| list.join("+"));
    });
    assert_eq!(get(&app, "/one/7").await.text, "7");
    assert_eq!(get(&app, "/tuple/x%20y/-3").await.text, "x y -3");
    assert_eq!(get(&app, "/named/s/film/9").await.text, "s Film 9");
    assert_eq!(get(&app, "/map/1/2").await.text, "1 2");
    assert_eq!(get(&app, "/list/1/2").await.text, "1+2");

    for (target, part) in [
        (
            "/one/abc",
            r#"path parameter `id` does not fit: \"abc\" is not a whole number"#,
        ),
        ("/one/-1", "`id`"),
        ("/one/18446744073709551616", "`id`"),
        ("/tuple/x/128", "`b`"),
        ("/named/s/song/9", "`kind`"),
        ("/named/s/book/x", "`id`"),
    ] {
        let answer = get(&app, target).await;
        assert_eq!(answer.status(), 400, "{target}");
        assert!(answer.text.contains(part), "{part} in {}", answer.text);
    }
}

#[tokio::test]
async fn a_pattern_without_the_wanted_parameters_is_the_servers_fault() {
    let app = app(|server| {
        server
            .get("/a/{x}", async |Path(_): Path<(u8, u8)>| "")
            .get("/b/{x}/{y}", async |Path(_): Path<u8>| "")
            .get("/c/{x}", async |Path(_): Path<Named>| "");
    });
    for target in ["/a/1", "/b/1/2", "/c/1"] {
        let answer = get(&app, target).await;
        assert_eq!(answer.status(), 500, "{target}");
        assert!(!answer.text.contains("parameter"), "no details for the client");
    }
}

#[tokio::test]
async fn queries_are_decoded_once_and_names_may_repeat() {
    #[derive(Deserialize)]
    struct Search {
        q: String,
        #[serde(default)]
        tag: Vec<String>,
        page: Option<u32>,
    }
    let app = app(|server| {
        server.get("/", async |Query(search): Query<Search>| {
            format!("{}|{:?}|{:?}", search.q, search.tag, search.page)
        });
        server.get("/one", async |ctx: Context| {
            format!("{:?} {:?}", ctx.query("a b"), ctx.query_string())
        });
    });
    assert_eq!(
        get(&app, "/?q=a+b%2Bc&tag=x&tag=y&page=2").await.text,
        r#"a b+c|["x", "y"]|Some(2)"#
    );
    assert_eq!(get(&app, "/?q=%2525").await.text, "%25|[]|None");
    assert_eq!(get(&app, "/?page=2").await.status(), 400);
    assert_eq!(get(&app, "/?q=&page=x").await.status(), 400);
    assert_eq!(get(&app, "/").await.status(), 400);
    assert_eq!(
        get(&app, "/one?x&a+b=%C3%BC+%2B&a+b=2").await.text,
        r#"Some("ü +") Some("x&a+b=%C3%BC+%2B&a+b=2")"#
    );
    assert_eq!(get(&app, "/one?a%20b").await.text, r#"Some("") Some("a%20b")"#);
    assert_eq!(get(&app, "/one").await.text, "None None");
}

async fn post_json(content_type: Option<&str>, body: &'static str) -> Answer {
    let app = app(|server| {
        server.post("/", async |Json(item): Json<Item>| Json(item));
    });
    let mut request = request(Method::POST, "/", body);
    if let Some(content_type) = content_type {
        request
            .headers_mut()
            .insert("content-type", content_type.parse().unwrap());
    }
    call(&app, request).await
}

#[tokio::test]
async fn json_goes_in_and_out() {
    let answer = post_json(
        Some("application/json; charset=utf-8"),
        r#"{"name":"n","tags":["t"],"price":1}"#,
    )
    .await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.text, r#"{"name":"n","tags":["t"],"price":1}"#);
    assert_eq!(
        post_json(Some("application/vnd.api+JSON"), r#"{"name":"","tags":[]}"#)
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn json_of_another_type_syntax_or_shape_is_refused_with_its_own_status() {
    let json = Some("application/json");
    for (content_type, body, status, part) in [
        (None, "{}", 415, "application/json"),
        (Some("text/plain"), "{}", 415, "application/json"),
        (Some("+json"), "{}", 415, "application/json"),
        (json, "", 400, "not json"),
        (json, "{", 400, "not json"),
        (json, r#"{"name":"","tags":[]} x"#, 400, "not json"),
        (json, r#"{"name":"","tags":["a",2]}"#, 422, "`tags[1]`"),
        (json, r#"{"tags":[]}"#, 422, "missing field `name`"),
    ] {
        let answer = post_json(content_type, body).await;
        assert_eq!(answer.status(), status, "{body} {}", answer.text);
        assert!(answer.text.contains(part), "{part} in {}", answer.text);
    }
}

/// JSON Schema Validation 2020-12 §6.1.1: a number without a fraction is an integer, however it is written.
#[tokio::test]
async fn a_whole_number_of_json_fits_an_integer_however_it_is_written() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is printed")]
    struct Numbers {
        small: u8,
        list: Vec<i64>,
        real: f64,
        #[serde(flatten)]
        rest: HashMap<String, i32>,
    }
    let app = app(|server| {
        server.post("/", async |Json(numbers): Json<Numbers>| format!("{numbers:?}"));
    });
    let post = async |body: &'static str| {
        let mut request = request(Method::POST, "/", body);
        let json = "application/json".parse().unwrap();
        request.headers_mut().insert("content-type", json);
        call(&app, request).await
    };
    let answer = post(r#"{"small":178e-1,"list":[1.0,-20e-1],"real":2.0,"x":1e2}"#).await;
    assert_eq!(answer.status(), 422, "17.8 is no integer");
    let answer = post(r#"{"small":17.0,"list":[1.0,-20e-1],"real":2.0,"x":1e2}"#).await;
    assert_eq!(
        answer.text,
        r#"Numbers { small: 17, list: [1, -2], real: 2.0, rest: {"x": 100} }"#
    );
    for (body, status, part) in [
        (r#"{"small":256.0,"list":[],"real":1}"#, 422, "`small`"),
        (r#"{"small":"1.0","list":[],"real":1}"#, 422, "`small`"),
        (r#"{"small":1.0,"small":2,"list":[],"real":1}"#, 422, "duplicate field"),
        (r#"{"small":1.0,"list":[],"real":1} x"#, 400, "not json"),
        (r#"{"small":1.0,"list":[],"real":1"#, 400, "not json"),
    ] {
        let answer = post(body).await;
        assert_eq!(answer.status(), status, "{body}: {}", answer.text);
        assert!(answer.text.contains(part), "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn deeply_nested_json_is_refused_and_harms_nobody() {
    let app = app(|server| {
        server.post("/", async |ctx: Context| {
            ctx.json::<Vec<HashMap<String, u8>>>().await.map(|_| ())
        });
        server.post("/ignored", async |ctx: Context| {
            ctx.json::<serde::de::IgnoredAny>().await.map(|_| ())
        });
    });
    for target in ["/", "/ignored"] {
        let mut request = request(Method::POST, target, "[".repeat(1_000_000));
        request
            .headers_mut()
            .insert("content-type", "application/json".parse().unwrap());
        let status = call(&app, request).await.status();
        assert!(matches!(status, 400 | 422), "{status}");
    }
}

#[tokio::test]
async fn the_head_is_read_as_arguments_and_through_getters() {
    let app = app(|server| {
        server.get(
            "/x",
            async |headers: HeaderMap, method: Method, uri: Uri, peer: PeerAddr, version: HttpVersion, ctx: Context| {
                assert_eq!((&headers, &method, &uri), (ctx.headers(), ctx.method(), ctx.uri()));
                assert_eq!((peer.0, version), (ctx.peer_addr(), ctx.version()));
                format!(
                    "{:?} {:?} {} {version}",
                    ctx.header("X-ONE"),
                    ctx.header("x-two"),
                    ctx.path()
                )
            },
        );
    });
    let mut request = request(Method::GET, "/x?y", "");
    request.headers_mut().insert("x-one", "1".parse().unwrap());
    assert_eq!(call(&app, request).await.text, r#"Some("1") None /x HTTP/1.1"#);
}

/// RFC 6265 §5.4.
#[tokio::test]
async fn cookies_are_read_whatever_stands_between_them() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            format!("{:?} {:?} {:?}", ctx.cookie("a"), ctx.cookie("b"), ctx.cookie("c"))
        });
    });
    let mut request = request(Method::GET, "/", "");
    request
        .headers_mut()
        .append("cookie", "junk; =; a=1; ;a=2".parse().unwrap());
    request.headers_mut().append("cookie", "b=x%20y=z".parse().unwrap());
    assert_eq!(call(&app, request).await.text, r#"Some("1") Some("x%20y=z") None"#);
}

#[tokio::test]
async fn extensions_of_the_request_reach_the_handler() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            assert_eq!(ctx.set_extension(5_u8), None);
            assert_eq!(ctx.set_extension(6_u8), Some(5));
            format!(
                "{:?} {:?} {:?}",
                ctx.extension::<&str>(),
                ctx.extension::<u8>(),
                ctx.extension::<u16>()
            )
        });
    });
    let mut request = request(Method::GET, "/", "");
    request.extensions_mut().insert("given");
    assert_eq!(call(&app, request).await.text, r#"Some("given") Some(6) None"#);
}

#[tokio::test]
async fn the_first_argument_that_can_not_be_had_answers_and_the_handler_does_not_run() {
    struct Refused;
    impl FromContext for Refused {
        type Rejection = (http::StatusCode, &'static str);

        async fn from_context(_: &Context) -> Result<Self, Self::Rejection> {
            Err((http::StatusCode::PAYMENT_REQUIRED, "pay"))
        }
    }
    let app = app(|server| {
        server.get("/{id}", async |_: Refused, Path(_): Path<u8>| -> &'static str {
            unreachable!()
        });
        server.get(
            "/result/{id}",
            async |refused: Result<Refused, (http::StatusCode, &'static str)>, id: Result<Path<u8>, Rejection>| {
                format!("{} {}", refused.is_err(), id.is_err())
            },
        );
    });
    let answer = get(&app, "/x").await;
    assert_eq!((answer.status(), answer.text.as_str()), (402, "pay"));
    assert_eq!(get(&app, "/result/x").await.text, "true true");
}

#[tokio::test]
async fn twelve_arguments_are_taken() {
    let app = app(|server| {
        type C = Context;
        server.get(
            "/",
            async |_: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C| "twelve",
        );
    });
    assert_eq!(get(&app, "/").await.text, "twelve");
}
