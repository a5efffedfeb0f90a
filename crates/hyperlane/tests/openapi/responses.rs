//! What handlers answer.

use hyperlane::openapi::schemars::JsonSchema;
use hyperlane::{Created, Either, Error, Html, Json, NoContent, Problem, Redirect, Response, Route, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{document, operation, statuses};

/// The operation of a handler.
macro_rules! described {
    ($handler:expr) => {
        described!($handler, |operation| operation)
    };
    ($handler:expr, $describe:expr) => {{
        let document = document(|server| {
            server.get("/", Route::new($handler).openapi($describe));
        });
        operation(&document, "get", "/").clone()
    }};
}

fn media_types(operation: &Value, status: &str) -> Vec<String> {
    let content = operation["responses"][status]["content"].as_object();
    content
        .into_iter()
        .flat_map(|content| content.keys().cloned())
        .collect()
}

#[test]
fn the_type_tells_status_and_body() {
    assert_eq!(media_types(&described!(async || "text"), "200"), ["text/plain"]);
    assert_eq!(
        media_types(&described!(async || vec![1_u8]), "200"),
        ["application/octet-stream"]
    );
    assert_eq!(media_types(&described!(async || Html("")), "200"), ["text/html"]);
    assert_eq!(media_types(&described!(async || Json(1)), "200"), ["application/json"]);
    assert_eq!(statuses(&described!(async || NoContent)), ["204"]);
    let redirect = described!(async || Redirect::see_other("/"));
    assert!(redirect["responses"]["3XX"]["headers"].get("location").is_some());
    let created = described!(async || Created::new("/1", Json(1)));
    assert_eq!(
        (statuses(&created), media_types(&created, "201")),
        (vec!["201"], vec!["application/json".to_owned()])
    );
    assert!(created["responses"]["201"]["headers"].get("location").is_some());
}

#[test]
fn alternatives_are_all_there() {
    assert_eq!(statuses(&described!(async || Some("text"))), ["200", "404"]);
    let fallible = described!(async || Ok::<_, Error>(Json(1)));
    assert_eq!(statuses(&fallible), ["200", "default"]);
    assert_eq!(media_types(&fallible, "default"), ["application/problem+json"]);
    let either = described!(async || -> Either<Json<u8>, Html<&'static str>> { Either::Right(Html("")) });
    assert_eq!(media_types(&either, "200"), ["application/json", "text/html"]);
    let nested = described!(async || Ok::<_, Problem>(Some(Created::new("/1", "text"))));
    assert_eq!(statuses(&nested), ["201", "404", "default"]);
}

#[test]
fn a_status_that_no_type_tells_is_told_by_hand() {
    let open = described!(async || (StatusCode::ACCEPTED, [("x-a", "b")], Json(1)));
    assert_eq!(media_types(&open, "default"), ["application/json"]);
    let told = described!(async || (StatusCode::ACCEPTED, Json(1)), |operation| {
        operation.response(202, |response| response.description("later"))
    });
    assert_eq!(
        (statuses(&told), media_types(&told, "202")),
        (vec!["202"], vec!["application/json".to_owned()])
    );
    assert_eq!(told["responses"]["202"]["description"], "later");
    let context = described!(async || (), |operation| operation
        .response(StatusCode::OK, |response| response.json::<u8>())
        .problem(404, "there is none"));
    assert_eq!(statuses(&context), ["200", "404"]);
    // An error stays an error, whatever else is told.
    let fallible = described!(async || Ok::<_, Error>(StatusCode::OK), |operation| {
        operation.response(200, |response| response)
    });
    assert_eq!(media_types(&fallible, "default"), ["application/problem+json"]);
    assert!(media_types(&fallible, "200").is_empty());
}

#[test]
fn of_an_opaque_response_nothing_is_told() {
    let opaque = described!(async || Response::from(StatusCode::OK));
    assert_eq!(
        opaque["responses"],
        json!({ "default": { "description": "the answer" } })
    );
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Settings {
    #[serde(default)]
    dark: bool,
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Page {
    settings: Settings,
    size: Size,
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Size {
    width: u8,
}

#[test]
fn components_are_shared_unless_what_is_written_differs_from_what_is_read() {
    async fn mirror(page: Json<Page>) -> Json<Page> {
        page
    }
    let document = document(|server| {
        server.post("/", Route::new(mirror).openapi(|operation| operation));
    });
    let mirror = operation(&document, "post", "/");
    let read = &mirror["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let written = &mirror["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(
        (read, written),
        (
            &json!("#/components/schemas/Page"),
            &json!("#/components/schemas/PageOutput")
        )
    );
    let schemas = document["components"]["schemas"].as_object().expect("there are some");
    let names: Vec<_> = schemas.keys().collect();
    assert_eq!(
        names,
        ["Page", "PageOutput", "Problem", "Settings", "SettingsOutput", "Size"]
    );
    assert_eq!(
        schemas["PageOutput"]["properties"]["settings"]["$ref"],
        "#/components/schemas/SettingsOutput"
    );
    assert!(schemas["Settings"].get("required").is_none());
    assert_eq!(schemas["SettingsOutput"]["required"], json!(["dark"]));
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Many<T> {
    items: Vec<T>,
}

/// OpenAPI 3.1 §4.8.7.1: a component's name has letters, digits, `.`, `-` and `_`.
#[derive(Deserialize, JsonSchema, Serialize)]
#[schemars(rename = "Size<cm> / ü")]
struct OddName {
    size: u8,
}

#[test]
fn generic_types_and_odd_names_have_components_that_references_find() {
    async fn handler(_: Json<Many<OddName>>) -> Json<Many<Size>> {
        Json(Many { items: Vec::new() })
    }
    let document = document(|server| {
        server.post("/", Route::new(handler).openapi(|operation| operation));
    });
    let schemas = document["components"]["schemas"].as_object().expect("there are some");
    for name in schemas.keys() {
        let valid = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_');
        assert!(name.chars().all(valid), "{name}");
    }
    assert_references_lead_somewhere(&document, &document);
    assert!(schemas.len() >= 4, "{:?}", schemas.keys());
}

fn assert_references_lead_somewhere(document: &Value, at: &Value) {
    match at {
        Value::Array(items) => items
            .iter()
            .for_each(|item| assert_references_lead_somewhere(document, item)),
        Value::Object(object) => {
            if let Some(target) = object.get("$ref").and_then(Value::as_str) {
                let pointer = target.strip_prefix('#').expect("it is in the document");
                assert!(document.pointer(pointer).is_some(), "{target}");
            }
            object
                .values()
                .for_each(|inner| assert_references_lead_somewhere(document, inner));
        }
        _ => {}
    }
}

mod shop {
    use super::*;

    #[derive(Deserialize, JsonSchema, Serialize)]
    pub(super) struct Item {
        pub(super) price: u32,
    }
}

mod stock {
    use super::*;

    #[derive(Deserialize, JsonSchema, Serialize)]
    pub(super) struct Item {
        pub(super) shelf: String,
    }
}

#[test]
fn types_of_one_name_are_kept_apart_wherever_they_meet() {
    async fn buy(_: Json<shop::Item>) -> Json<stock::Item> {
        Json(stock::Item { shelf: String::new() })
    }
    async fn store(_: Json<stock::Item>) -> Json<shop::Item> {
        Json(shop::Item { price: 1 })
    }
    let document = document(|server| {
        server
            .post("/buy", Route::new(buy).openapi(|operation| operation))
            .post("/store", Route::new(store).openapi(|operation| operation));
    });
    let follow = |schema: &Value| {
        let target = schema["$ref"].as_str().expect("it is a reference").to_owned();
        document.pointer(&target[1..]).expect("it is there").clone()
    };
    let json = "application/json";
    let read = |path| follow(&operation(&document, "post", path)["requestBody"]["content"][json]["schema"]);
    let written = |path| follow(&operation(&document, "post", path)["responses"]["200"]["content"][json]["schema"]);
    for schema in [read("/buy"), written("/store")] {
        assert!(schema["properties"].get("price").is_some(), "{schema}");
    }
    for schema in [read("/store"), written("/buy")] {
        assert!(schema["properties"].get("shelf").is_some(), "{schema}");
    }
}

#[test]
fn operations_of_other_methods_refer_to_what_is_written_too() {
    async fn mirror(page: Json<Page>) -> Json<Page> {
        page
    }
    let document = document(|server| {
        let search = hyperlane::Method::from_bytes(b"SEARCH").expect("it is a token");
        server.on(search, "/", Route::new(mirror).openapi(|operation| operation));
    });
    let search = &document["paths"]["/"]["x-additional-operations"]["SEARCH"];
    assert_eq!(
        search["responses"]["200"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/PageOutput"
    );
    assert_references_lead_somewhere(&document, &document);
}

/// What a schema gives as an example or default is a value, which may look like a schema.
#[test]
fn values_in_a_schema_stay_as_they_are() {
    #[derive(Deserialize, JsonSchema, Serialize)]
    struct Odd {
        #[schemars(extend("examples" = [{ "type": "integer", "format": "uint32" }]))]
        properties: Value,
        default: u32,
    }
    let document = document(|server| {
        server.post(
            "/",
            Route::new(async |odd: Json<Odd>| odd).openapi(|operation| operation),
        );
    });
    let properties = &document["components"]["schemas"]["Odd"]["properties"];
    assert_eq!(
        properties["properties"]["examples"][0],
        json!({ "type": "integer", "format": "uint32" })
    );
    assert_eq!(
        properties["default"]["maximum"],
        json!(u32::MAX),
        "it is a field of that name"
    );
}
