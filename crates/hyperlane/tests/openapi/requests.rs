//! What handlers read.

use garde::Validate;
use hyperlane::headers::{Authorization, IfNoneMatch, authorization::Bearer};
use hyperlane::openapi::schemars::JsonSchema;
use hyperlane::openapi::{Describe, Operation};
use hyperlane::{
    Bytes, Context, Cookies, Form, FromContext, Json, Multipart, Query, Rejection, Route, TypedHeader, Valid,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{document, operation, parameter, statuses};

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
struct Search {
    /// What to look for.
    q: String,
    page: Option<u32>,
    tags: Vec<String>,
    price: Option<Range>,
    order: Option<Order>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
struct Range {
    min: u32,
    max: u32,
}

#[derive(Deserialize, JsonSchema)]
enum Order {
    Up,
    Down,
}

#[test]
fn a_query_is_a_parameter_for_each_field() {
    async fn search(_: Query<Search>) {}
    async fn maybe(_: Option<Query<Search>>) {}
    let document = document(|server| {
        server
            .get("/search", Route::new(search).openapi(|operation| operation))
            .get("/maybe", Route::new(maybe).openapi(|operation| operation));
    });
    let search = operation(&document, "get", "/search");
    let q = parameter(search, "q");
    assert_eq!(
        (&q["in"], &q["required"], &q["description"]),
        (&json!("query"), &json!(true), &json!("What to look for."))
    );
    let page = parameter(search, "page");
    assert_eq!(
        (&page["required"], &page["schema"]["type"]),
        (&json!(false), &json!("integer"))
    );
    assert_eq!(
        (&page["schema"]["maximum"], &page["allowEmptyValue"]),
        (&json!(u32::MAX), &json!(true))
    );
    assert_eq!(parameter(search, "tags")["schema"]["minItems"], 1);
    assert_eq!(parameter(search, "price")["style"], "deepObject");
    assert_eq!(
        parameter(search, "order")["schema"]["$ref"],
        "#/components/schemas/Order"
    );
    assert!(statuses(search).contains(&"400"));
    assert_eq!(parameter(operation(&document, "get", "/maybe"), "q")["required"], false);
}

#[derive(Deserialize, JsonSchema, Serialize, Validate)]
struct User {
    #[garde(length(chars, min = 1, max = 50))]
    name: String,
    #[serde(default)]
    #[garde(skip)]
    admin: bool,
}

#[test]
fn a_json_body_has_its_schema_its_rules_and_its_rejections() {
    async fn create(_: Valid<Json<User>>) {}
    let document = document(|server| {
        server.post("/users", Route::new(create).openapi(|operation| operation));
    });
    let create = operation(&document, "post", "/users");
    let body = &create["requestBody"];
    assert_eq!(body["required"], true);
    assert_eq!(
        body["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/User"
    );
    let user = &document["components"]["schemas"]["User"];
    assert_eq!(
        (&user["required"], &user["properties"]["name"]["maxLength"]),
        (&json!(["name"]), &json!(50))
    );
    assert_eq!(statuses(create), ["400", "413", "415", "422", "default"]);
    let problem = &create["responses"]["422"]["content"]["application/problem+json"]["schema"]["$ref"];
    assert_eq!(problem, "#/components/schemas/Problem");
    assert_eq!(
        document["components"]["schemas"]["Problem"]["required"],
        json!(["type", "title", "status"])
    );
}

#[test]
fn what_may_be_missing_is_not_required_and_what_is_caught_is_not_rejected() {
    async fn maybe(_: Option<Json<User>>) {}
    async fn caught(_: Result<Json<User>, Rejection>) {}
    let document = document(|server| {
        server
            .post("/maybe", Route::new(maybe).openapi(|operation| operation))
            .post("/caught", Route::new(caught).openapi(|operation| operation));
    });
    assert_eq!(operation(&document, "post", "/maybe")["requestBody"]["required"], false);
    let caught = operation(&document, "post", "/caught");
    assert_eq!(
        (&caught["requestBody"]["required"], statuses(caught)),
        (&json!(true), vec!["default"])
    );
}

#[test]
fn bodies_have_their_types() {
    async fn form(_: Form<User>) {}
    async fn files(_: Multipart) {}
    async fn bytes(_: Bytes) {}
    async fn text(_: String) {}
    let document = document(|server| {
        server
            .post("/form", Route::new(form).openapi(|operation| operation))
            .post("/files", Route::new(files).openapi(|operation| operation))
            .post("/bytes", Route::new(bytes).openapi(|operation| operation))
            .post("/text", Route::new(text).openapi(|operation| operation));
    });
    for (path, media_type, required) in [
        ("/form", "application/x-www-form-urlencoded", true),
        ("/files", "multipart/form-data", true),
        ("/bytes", "application/octet-stream", false),
        ("/text", "text/plain", false),
    ] {
        let operation = operation(&document, "post", path);
        let body = &operation["requestBody"];
        assert!(body["content"].get(media_type).is_some(), "{path}: {body}");
        assert_eq!(body["required"], required, "{path}");
        assert!(statuses(operation).contains(&"413"), "{path}");
    }
}

#[test]
fn typed_headers_are_parameters_but_for_those_that_documents_keep_elsewhere() {
    async fn cached(_: TypedHeader<IfNoneMatch>, _: Option<TypedHeader<Authorization<Bearer>>>, _: Cookies) {}
    let document = document(|server| {
        server.get("/", Route::new(cached).openapi(|operation| operation));
    });
    let cached = operation(&document, "get", "/");
    assert_eq!(cached["parameters"].as_array().map(Vec::len), Some(1));
    let header = parameter(cached, "if-none-match");
    assert_eq!((&header["in"], &header["required"]), (&json!("header"), &json!(true)));
}

#[cfg(feature = "websocket")]
#[test]
fn a_websocket_is_described_as_what_opens_it() {
    use hyperlane::websocket::WebSocketUpgrade;

    async fn chat(upgrade: WebSocketUpgrade) -> hyperlane::Response {
        upgrade.on_upgrade(async |_| {})
    }
    let document = document(|server| {
        server.get(
            "/chat",
            Route::new(chat).openapi(|operation| operation.summary("Opens a chat")),
        );
    });
    let chat = operation(&document, "get", "/chat");
    assert_eq!(statuses(chat), ["101", "400", "403", "426", "default"]);
    assert!(chat["responses"]["101"]["headers"].get("upgrade").is_some());
}

struct Tenant;

impl FromContext for Tenant {
    type Rejection = Rejection;

    async fn from_context(_: &Context) -> Result<Self, Rejection> {
        Ok(Self)
    }
}

impl Describe for Tenant {
    fn describe(operation: Operation) -> Operation {
        operation
            .header::<u32>("x-tenant")
            .cookie::<String>("lang")
            .secured_by("key")
    }
}

#[test]
fn an_extractor_of_ones_own_says_what_it_reads() {
    async fn handler(_: Tenant) {}
    let document = document(|server| {
        server.get(
            "/",
            Route::new(handler).openapi(|operation| operation.deprecated().tag("a").tag("a")),
        );
    });
    let handler = operation(&document, "get", "/");
    assert_eq!(parameter(handler, "x-tenant")["schema"]["type"], "integer");
    assert_eq!(parameter(handler, "lang")["in"], "cookie");
    assert_eq!(handler["security"], json!([{ "key": [] }]));
    assert_eq!(
        (&handler["deprecated"], &handler["tags"]),
        (&json!(true), &json!(["a"]))
    );
    assert!(statuses(handler).contains(&"401"));
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
struct Deep {
    name: String,
    all: Option<bool>,
    tags: Option<Vec<String>>,
    range: Option<Range>,
    #[serde(flatten)]
    page: Page,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it is only described")]
struct Page {
    #[serde(default)]
    offset: u32,
}

#[test]
fn optional_fields_lists_and_flattened_ones_are_parameters_of_their_own() {
    async fn deep(_: Query<Deep>) {}
    let document = document(|server| {
        server.get("/", Route::new(deep).openapi(|operation| operation));
    });
    let deep = operation(&document, "get", "/");
    for (name, required, kind) in [
        ("name", true, "string"),
        ("all", false, "boolean"),
        ("tags", false, "array"),
        ("offset", false, "integer"),
    ] {
        let parameter = parameter(deep, name);
        assert_eq!(
            (&parameter["required"], &parameter["schema"]["type"]),
            (&json!(required), &json!(kind)),
            "{name}"
        );
    }
    assert_eq!(parameter(deep, "tags")["schema"]["items"], json!({ "type": "string" }));
    assert_eq!(parameter(deep, "range")["schema"]["$ref"], "#/components/schemas/Range");
    assert!(!deep.to_string().contains("null"), "text has none: {deep}");
}

#[test]
fn names_of_fields_that_are_not_described_may_nest_but_not_end_in_a_bracket() {
    async fn open(_: Form<Page>) {}
    async fn map(_: Query<std::collections::HashMap<String, String>>) {}
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it is only described")]
    struct Closed {
        name: String,
    }
    async fn closed(_: Form<Closed>) {}
    let document = document(|server| {
        server
            .post("/open", Route::new(open).openapi(|operation| operation))
            .get("/map", Route::new(map).openapi(|operation| operation))
            .post("/closed", Route::new(closed).openapi(|operation| operation));
    });
    let form = |path: &str| {
        let body = &operation(&document, "post", path)["requestBody"];
        body["content"]["application/x-www-form-urlencoded"]["schema"].clone()
    };
    let names = &form("/open")["propertyNames"]["pattern"];
    assert!(names.is_string());
    assert_eq!(
        &parameter(operation(&document, "get", "/map"), "query")["schema"]["propertyNames"]["pattern"],
        names
    );
    assert_eq!(
        (
            &form("/closed")["propertyNames"],
            &form("/closed")["additionalProperties"]
        ),
        (&json!(null), &json!(false))
    );
}

#[derive(Deserialize, JsonSchema, Serialize)]
struct Tree {
    name: String,
    children: Vec<Self>,
}

#[test]
fn a_type_that_holds_itself_is_a_component_that_refers_to_itself() {
    async fn plant(tree: Json<Tree>) -> Json<Tree> {
        tree
    }
    async fn find(_: Query<Tree>) {}
    let document = document(|server| {
        server
            .post("/", Route::new(plant).openapi(|operation| operation))
            .get("/", Route::new(find).openapi(|operation| operation));
    });
    let tree = &document["components"]["schemas"]["Tree"];
    assert_eq!(
        tree["properties"]["children"]["items"]["$ref"],
        "#/components/schemas/Tree"
    );
    assert_eq!(parameter(operation(&document, "get", "/"), "children")["in"], "query");
}

#[test]
fn a_handler_that_takes_its_context_says_its_parameters_one_by_one() {
    let document = document(|server| {
        server.get(
            "/",
            Route::new(async |_: Context| ()).openapi(|operation| {
                operation
                    .query_parameter::<u8>("size")
                    .optional(|operation| operation.query_parameter::<Option<String>>("name"))
            }),
        );
    });
    let get = operation(&document, "get", "/");
    let size = parameter(get, "size");
    assert_eq!(
        (&size["required"], &size["schema"]["maximum"]),
        (&json!(true), &json!(255))
    );
    let name = parameter(get, "name");
    assert_eq!(
        (&name["required"], &name["schema"]["type"]),
        (&json!(false), &json!("string"))
    );
    assert_eq!(name["allowEmptyValue"], json!(null), "nobody said so");
}
