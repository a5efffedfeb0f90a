//! Paths, methods and the parameters in patterns.

use std::collections::HashMap;

use hyperlane::openapi::schemars::JsonSchema;
use hyperlane::{Guard, Json, Method, Path, Route, Router};
use serde::Deserialize;
use serde_json::json;

use super::{document, operation, parameter, statuses};

#[test]
fn every_route_is_there_even_if_nothing_is_told_of_it() {
    let document = document(|server| {
        let inner = Router::new();
        inner.get("/", async || "").delete("/{id:u64}", async || "");
        server.get("/plain", async || "").nest("/shops/{shop}/items", inner);
    });
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(operation(&document, "get", "/plain")["operationId"], "get_plain");
    let delete = operation(&document, "delete", "/shops/{shop}/items/{id}");
    assert_eq!(delete["operationId"], "delete_shops_shop_items_id");
    assert_eq!(
        parameter(delete, "shop")["schema"],
        json!({ "type": "string", "minLength": 1 })
    );
    assert_eq!(parameter(delete, "id")["schema"]["type"], "integer");
    assert_eq!(parameter(delete, "id")["required"], true);
    operation(&document, "get", "/shops/{shop}/items");
}

#[test]
fn conditions_of_patterns_are_schemas_and_their_misses_are_404() {
    let document = document(|server| {
        server
            .get("/a/{day:date}/{who:uuid}/{word:alpha}", async || "")
            .get("/files/{*path}", async || "");
    });
    let dated = operation(&document, "get", "/a/{day}/{who}/{word}");
    assert_eq!(parameter(dated, "day")["schema"]["format"], "date");
    assert_eq!(parameter(dated, "who")["schema"]["format"], "uuid");
    assert_eq!(parameter(dated, "word")["schema"]["pattern"], "^[A-Za-z]+$");
    assert_eq!(statuses(dated), ["400", "404", "default"]);
    let files = operation(&document, "get", "/files/{path}");
    assert_eq!(statuses(files), ["400", "default"]);
    let description = parameter(files, "path")["description"].as_str();
    assert!(description.is_some_and(|text| text.contains("slashes")));
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
struct Place {
    /// Where it is.
    shop: String,
    id: u16,
}

#[test]
fn a_path_is_what_pattern_and_handler_both_take() {
    async fn single(_: Path<u32>) {}
    async fn pair(_: Path<(String, i8)>) {}
    async fn named(_: Path<Place>) {}
    let document = document(|server| {
        server
            .get("/single/{id:u64}", Route::new(single).openapi(|operation| operation))
            .get("/pair/{a}/{b}", Route::new(pair).openapi(|operation| operation))
            .get("/named/{id}/{shop}", Route::new(named).openapi(|operation| operation));
    });
    let single = parameter(operation(&document, "get", "/single/{id}"), "id");
    assert_eq!(
        (&single["schema"]["minimum"], &single["schema"]["maximum"]),
        (&json!(0), &json!(u32::MAX))
    );
    let pair = operation(&document, "get", "/pair/{a}/{b}");
    assert_eq!(parameter(pair, "a")["schema"]["type"], "string");
    assert_eq!(parameter(pair, "b")["schema"]["minimum"], -128);
    let named = operation(&document, "get", "/named/{id}/{shop}");
    assert_eq!(parameter(named, "id")["schema"]["maximum"], 65535);
    assert_eq!(parameter(named, "shop")["description"], "Where it is.");
}

#[test]
fn a_route_of_any_method_stands_in_for_those_that_have_none() {
    let document = document(|server| {
        server
            .route("/any", Route::new(async || "").name("any"))
            .get("/any", Route::new(async || "").name("read"))
            .on(
                Method::from_bytes(b"PURGE").expect("it is a token"),
                "/cache",
                async || "",
            );
    });
    assert_eq!(operation(&document, "get", "/any")["operationId"], "read");
    assert_eq!(operation(&document, "patch", "/any")["operationId"], "any_patch");
    assert_eq!(document["paths"]["/any"].as_object().map(serde_json::Map::len), Some(8));
    let purge = &document["paths"]["/cache"]["x-additional-operations"]["PURGE"];
    assert_eq!(purge["operationId"], "purge_cache");
}

/// OpenAPI 3.1 §4.8.8.1: templates that differ in names alone are the same path.
#[test]
fn patterns_that_are_one_path_for_a_document_are_merged() {
    async fn by_id(_: Path<u64>) -> Json<u64> {
        Json(1)
    }
    async fn by_name(_: Path<String>) -> &'static str {
        ""
    }
    let document = document(|server| {
        server
            .get("/users/{id:u64}", Route::new(by_id).openapi(|operation| operation))
            .get("/users/{name}", Route::new(by_name).openapi(|operation| operation))
            .put("/users/{name}", async || "")
            .get("/hosted", Route::new(async || "").guard(Guard::host("a.example")))
            .get("/hosted", async || "");
    });
    assert!(document["paths"].get("/users/{name}").is_none());
    let get = operation(&document, "get", "/users/{id}");
    assert_eq!(
        parameter(get, "id")["schema"]["anyOf"].as_array().map(Vec::len),
        Some(2)
    );
    let content = get["responses"]["200"]["content"].as_object().expect("there is some");
    assert_eq!(content.keys().collect::<Vec<_>>(), ["application/json", "text/plain"]);
    assert!(!statuses(get).contains(&"404"));
    assert_eq!(
        parameter(operation(&document, "put", "/users/{id}"), "id")["in"],
        "path"
    );
    operation(&document, "get", "/hosted");
}

#[test]
fn routes_of_a_host_name_it_as_their_server() {
    let document = document(|server| {
        let admin = Router::new();
        admin.get("/users", async || "");
        server.get("/", async || "").host("admin.example", admin);
    });
    assert_eq!(document["paths"]["/users"]["servers"][0]["url"], "//admin.example");
    assert!(document["paths"]["/"].get("servers").is_none());
}

#[test]
fn a_path_read_as_a_map_or_a_list_has_the_schema_of_its_values() {
    async fn map(_: Path<HashMap<String, u8>>) {}
    async fn list(_: Path<Vec<bool>>) {}
    let document = document(|server| {
        server
            .get("/map/{a}/{b}", Route::new(map).openapi(|operation| operation))
            .get("/map/{a}", Route::new(map).openapi(|operation| operation))
            .get("/list/{a}/{b}", Route::new(list).openapi(|operation| operation))
            .get("/list/{a}", Route::new(list).openapi(|operation| operation));
    });
    for path in ["/map/{a}", "/map/{a}/{b}"] {
        assert_eq!(
            parameter(operation(&document, "get", path), "a")["schema"]["maximum"],
            255
        );
    }
    for path in ["/list/{a}", "/list/{a}/{b}"] {
        assert_eq!(
            parameter(operation(&document, "get", path), "a")["schema"]["type"],
            "boolean"
        );
    }
}

/// Schemas are read with the expressions of ECMA-262 (JSON Schema 2020-12 §6.4).
#[test]
fn an_expression_that_means_something_else_in_a_schema_is_told_in_words() {
    let document = document(|server| {
        server
            .get("/plain/{tag:[a-z]+(?:-[a-z]+)*}", async || "")
            .get("/flags/{tag:(?i)[a-z]+}", async || "");
    });
    let tag = |path: &str| parameter(operation(&document, "get", path), "tag").clone();
    assert_eq!(tag("/plain/{tag}")["schema"]["pattern"], "^(?:[a-z]+(?:-[a-z]+)*)$");
    let schema = &tag("/flags/{tag}")["schema"];
    assert_eq!(
        (&schema["description"], &schema["pattern"]),
        (&json!("fits `(?i)[a-z]+`"), &json!(null))
    );
}

/// A brace begins a parameter, a question mark ends a path (OpenAPI 3.1 §4.8.8.1, RFC 3986 §3.3).
#[test]
fn text_of_a_pattern_is_encoded_where_a_template_would_read_it_otherwise() {
    let document = document(|server| {
        server
            .get("/a/{{b}}/{c}", async || "")
            .get("/50%25", async || "")
            .get("/größe", async || "");
    });
    let paths: Vec<_> = document["paths"].as_object().expect("it is one").keys().collect();
    assert_eq!(paths, ["/50%25", "/a/%7Bb%7D/{c}", "/gr%C3%B6%C3%9Fe"]);
}

/// OpenAPI 3.1 §4.8.10: unique among all operations of the API.
#[test]
fn a_name_that_was_given_stays_and_those_made_up_give_way() {
    let document = document(|server| {
        server
            .get("/users", async || "")
            .post("/users", Route::new(async || "").name("get_users"))
            .put("/users", Route::new(async || "").name("same"))
            .delete(
                "/users",
                Route::new(async || "").openapi(|operation| operation.id("same")),
            );
    });
    let id = |method: &str| operation(&document, method, "/users")["operationId"].clone();
    assert_eq!((id("post"), id("get")), (json!("get_users"), json!("get_users_2")));
    let mut same = [id("put").to_string(), id("delete").to_string()];
    same.sort();
    assert_eq!(same, [r#""same""#, r#""same_2""#]);
}

#[test]
fn methods_that_are_registered_are_told_and_those_that_answer_by_themselves_are_not() {
    let document = document(|server| {
        server
            .get("/", async || "")
            .head("/own", async || "")
            .options("/own", async || "");
    });
    let methods = |path: &str| -> Vec<String> {
        let path = document["paths"][path].as_object().expect("it is there");
        path.keys().cloned().collect()
    };
    assert_eq!(methods("/"), ["get"]);
    assert_eq!(methods("/own"), ["head", "options"]);
}

#[test]
fn a_document_is_the_same_each_time() {
    let make = || {
        document(|server| {
            for name in ["/b/{x}", "/a", "/c/{y:u8}"] {
                server
                    .get(name, Route::new(async || Json(1_u8)).openapi(|operation| operation))
                    .route(name, async || "");
            }
        })
        .to_string()
    };
    assert_eq!(make(), make());
}
