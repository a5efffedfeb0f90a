//! Queries and forms: lists, nesting, empty values, and what is hostile.

use std::collections::HashMap;

use hyperlane::{App, Form, Query};
use serde::Deserialize;

use crate::support::{app, call, get, post, problem};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Search {
    q: String,
    ids: Vec<u32>,
    filter: Option<Filter>,
    items: Vec<Filter>,
    page: Option<u32>,
    flag: bool,
    map: HashMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Filter {
    name: String,
    min: Option<i32>,
}

fn search() -> App {
    app(|server| {
        server.get("/", async |Query(search): Query<Search>| {
            let filter = search.filter.map(|filter| format!("{}>{:?}", filter.name, filter.min));
            let items: Vec<_> = search.items.into_iter().map(|item| item.name).collect();
            let mut map: Vec<_> = search.map.into_iter().collect();
            map.sort();
            format!(
                "{}|{:?}|{}|{items:?}|{:?}|{}|{map:?}",
                search.q,
                search.ids,
                filter.unwrap_or_default(),
                search.page,
                search.flag
            )
        });
        server.post("/", async |Form(search): Form<Search>| {
            format!("{}{:?}", search.q, search.ids)
        });
        server.get(
            "/nested",
            async |Query(filter): Query<HashMap<String, HashMap<String, String>>>| format!("{filter:?}"),
        );
    })
}

#[tokio::test]
async fn lists_are_read_in_each_of_their_notations() {
    let app = search();
    for query in [
        "ids=1&ids=2",
        "ids[]=1&ids[]=2",
        "ids[0]=1&ids[1]=2",
        "ids[1]=2&ids[0]=1",
        "ids%5B%5D=1&ids%5b%5d=2",
    ] {
        assert_eq!(
            get_query(&app, query).await,
            "|[1, 2]|||None|false|[]".replace("|||", "||[]|"),
            "{query}"
        );
    }
    assert_eq!(get_query(&app, "ids=1").await, "|[1]||[]|None|false|[]");
}

async fn get_query(app: &App, query: &str) -> String {
    // The request is built by hand: what browsers send is not always what `Uri` takes.
    get(app, &format!("/?{query}")).await.text
}

#[tokio::test]
async fn structs_and_maps_are_read_from_brackets() {
    let app = search();
    assert_eq!(
        get_query(&app, "filter[name]=a%5Bb%5D%26c&filter[min]=-3").await,
        "|[]|a[b]&c>Some(-3)|[]|None|false|[]"
    );
    assert_eq!(
        get_query(&app, "items[0][name]=a&items[1][name]=b&map[x]=1&map[y]=2").await,
        r#"|[]||["a", "b"]|None|false|[("x", "1"), ("y", "2")]"#
    );
    assert_eq!(get_query(&app, "flag&q").await, "|[]||[]|None|true|[]");
}

/// Forms send what was left empty.
#[tokio::test]
async fn an_empty_value_that_does_not_fit_counts_as_missing() {
    let app = search();
    assert_eq!(
        get_query(&app, "q=&page=&filter[name]=n&filter[min]=").await,
        "|[]|n>None|[]|None|false|[]"
    );
    let document = problem(&get(&app, "/?page=x").await);
    assert_eq!(document["errors"][0]["field"], "page");
    let many: String = (0..5000).map(|_| "page=&").collect();
    assert!(matches!(get(&app, &format!("/?{many}")).await.status(), 200 | 400));
}

#[tokio::test]
async fn the_field_that_is_wrong_is_named_however_deep() {
    let app = search();
    for (query, field) in [
        ("filter[name]=x&filter[min]=z", "filter.min"),
        ("filter[min]=1", "filter.name"),
        ("ids[]=1&ids[]=b", "ids[1]"),
        ("items[0][name]=a&items[1][min]=3", "items[1].name"),
        ("q=%ff", "q"),
        ("q=a&q=b", "q"),
    ] {
        let document = problem(&get(&app, &format!("/?{query}")).await);
        assert_eq!(
            (document["status"].as_u64(), &document["errors"][0]["field"]),
            (Some(400), &field.into()),
            "{query}"
        );
        assert_eq!(document["errors"][0]["in"], "query", "{query}");
    }
}

#[tokio::test]
async fn hostile_queries_are_refused_and_harm_nobody() {
    let app = search();
    let deep = format!("filter{}=x", "[a]".repeat(2000));
    let wide: String = (0..3000).map(|i| format!("map[k{i}]=v&")).collect();
    for (query, statuses) in [
        (deep.as_str(), &[400][..]),
        (&wide, &[200]),
        ("ids[4294967295]=1", &[400]),
        ("ids[99999999999999999999]=1", &[400]),
        ("ids=1&ids[]=2", &[400]),
        ("filter=1&filter[name]=2", &[400]),
        ("[", &[400]),
        ("q[", &[400]),
        ("[]=1", &[200, 400]),
        ("=", &[200, 400]),
        ("&&&", &[200]),
        ("%", &[200, 400]),
        ("q=%zz", &[200]),
    ] {
        let status = get(&app, &format!("/?{query}")).await.status();
        assert!(
            statuses.contains(&status),
            "{} is {status}",
            &query[..query.len().min(40)]
        );
    }
    let nested = get(&app, &format!("/nested?a{}=x", "[b]".repeat(200))).await;
    assert_eq!(nested.status(), 400);
}

#[tokio::test]
async fn forms_are_read_and_their_type_is_checked() {
    let app = search();
    let form = "application/x-www-form-urlencoded";
    let answer = call(
        &app,
        post(
            "/",
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            "q=a+%C3%BC&ids=1&ids=2",
        ),
    )
    .await;
    assert_eq!(answer.text, "a ü[1, 2]");
    for content_type in ["application/json", "multipart/form-data", "text/plain", ""] {
        assert_eq!(
            problem(&call(&app, post("/", content_type, "q=a")).await)["status"],
            415,
            "{content_type}"
        );
    }
    let document = problem(&call(&app, post("/", form, "ids=x")).await);
    assert_eq!(
        (document["status"].as_u64(), &document["errors"][0]["in"]),
        (Some(422), &"form".into())
    );
    assert_eq!(document["errors"][0]["field"], "ids[0]");
    assert_eq!(
        problem(&call(&app, post("/", form, &b"q=\xff"[..])).await)["code"],
        "malformed"
    );
}

/// JSON Schema Validation 2020-12 §6.1.1: a number without a fraction is an integer, however it is written.
#[tokio::test]
async fn a_whole_number_fits_an_integer_however_it_is_written() {
    let app = search();
    for query in ["page=3.0", "page=30e-1", "page=0.3e%2B1"] {
        assert_eq!(get_query(&app, query).await, "|[]||[]|Some(3)|false|[]", "{query}");
    }
    assert_eq!(
        get_query(&app, "ids=1&ids=2.0&q=3.0").await,
        "3.0|[1, 2]||[]|None|false|[]"
    );
    assert_eq!(get_query(&app, "ids[]=1.0&ids[]=2").await, "|[1, 2]||[]|None|false|[]");
    assert_eq!(
        get_query(&app, "filter[name]=1.0&filter[min]=-3.0").await,
        "|[]|1.0>Some(-3)|[]|None|false|[]"
    );
    for query in ["page=3.5", "page=1e10", "page=3.", "page=0x3"] {
        assert_eq!(get(&app, &format!("/?{query}")).await.status(), 400, "{query}");
    }
}

/// A value without a name is no field, wherever it stands.
#[tokio::test]
async fn a_value_without_a_name_is_passed_over() {
    let app = search();
    for query in ["=1&q=a", "q=a&=1", "=&q=a&=2&=3"] {
        assert_eq!(get_query(&app, query).await, "a|[]||[]|None|false|[]", "{query}");
    }
    assert_eq!(get_query(&app, "=1").await, "|[]||[]|None|false|[]");
}
