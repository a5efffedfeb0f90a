//! Regular expressions as constraints.
#![cfg(feature = "regex")]

use std::time::{Duration, Instant};

use hyperlane_router::Router;

/// The parameter that `path` gives to the pattern, if it matches.
#[track_caller]
fn value(pattern: &str, path: &str) -> Option<String> {
    let mut router = Router::new();
    router.insert(pattern, ()).expect("a well-formed pattern");
    let found = router.find(path).expect("a well-formed path")?;
    Some(found.params.at(0).unwrap_or_default().to_owned())
}

#[track_caller]
fn refusal(pattern: &str) -> String {
    let mut router = Router::new();
    router.insert(pattern, ()).expect_err("a malformed pattern").to_string()
}

#[test]
fn fits_the_whole_value_or_not_at_all() {
    assert_eq!(value("/{a:[a-z]+}", "/abc").as_deref(), Some("abc"));
    for path in ["/abc1", "/1abc", "/ABC", "/a-b", "/a%0Ab", "/"] {
        assert_eq!(value("/{a:[a-z]+}", path), None, "{path}");
    }
    assert_eq!(value("/{a:a|ab}", "/ab").as_deref(), Some("ab"));
    assert_eq!(value("/{a:a+?}", "/aaa").as_deref(), Some("aaa"));
    assert_eq!(value("/{a:en|de}", "/ende"), None);
    assert_eq!(value("/{a:^[0-9]+$}", "/12").as_deref(), Some("12"));
    assert_eq!(value("/{a:(?x) a b # c}", "/ab").as_deref(), Some("ab"));
    assert_eq!(value("/{a:(?m)^a$}", "/a%0Ab"), None);
    assert_eq!(value("/{a:x*}", "/"), None);
}

#[test]
fn takes_braces_slashes_and_marks_within_an_expression() {
    assert_eq!(value("/{tag:[a-z]{2,5}}", "/abc").as_deref(), Some("abc"));
    assert_eq!(value("/{tag:[a-z]{2,5}}", "/abcdef"), None);
    assert_eq!(value("/v{a:[0-9]{1}}-{{x}}", "/v1-{x}").as_deref(), Some("1"));
    assert_eq!(value(r"/{a:\{[a-z]+\}}/b", "/{x}/b").as_deref(), Some("{x}"));
    assert_eq!(value(r"/{a:\}}", "/}").as_deref(), Some("}"));
    assert_eq!(value("/{a:colou?r}/b", "/color/b").as_deref(), Some("color"));
    assert_eq!(value("/{a:#[0-9]}", "/%231").as_deref(), Some("#1"));
    assert_eq!(value("/{a:(?:x:y)}", "/x:y").as_deref(), Some("x:y"));
    assert_eq!(
        value(r"/{*path:[^/]+/[^/]+\.md}", "/docs/a.md").as_deref(),
        Some("docs/a.md")
    );
    assert_eq!(value(r"/{*path:[^/]+/[^/]+\.md}", "/docs/x/a.md"), None);
}

#[test]
fn judges_decoded_text_an_escaped_slash_included() {
    assert_eq!(value("/{a:é+}", "/%C3%A9%C3%A9").as_deref(), Some("éé"));
    assert_eq!(value("/{a:.}", "/é").as_deref(), Some("é"));
    assert_eq!(value("/{a:[^/]+}", "/x%2Fy"), None);
    assert_eq!(value("/{a:x/y}", "/x%2Fy").as_deref(), Some("x/y"));
    assert_eq!(value("/{a:%41}", "/%2541").as_deref(), Some("%41"));
}

#[test]
fn knows_ascii_classes() {
    assert_eq!(value(r"/{a:\d+}", "/12").as_deref(), Some("12"));
    assert_eq!(value(r"/{a:\d+}", "/٣"), None);
    assert_eq!(value(r"/{a:[\w.-]+}", "/a_1.-").as_deref(), Some("a_1.-"));
    assert_eq!(value(r"/{a:\w+}", "/é"), None);
    assert_eq!(value(r"/{a:\D+}", "/é").as_deref(), Some("é"));
    assert_eq!(value(r"/{a:[^\d]+}", "/1"), None);
    assert_eq!(value(r"/{a:a\sb\S}", "/a%20bc").as_deref(), Some("a bc"));
    assert_eq!(value(r"/{a:\bx\b}", "/x").as_deref(), Some("x"));
    assert_eq!(value(r"/{a:\\d}", r"/\d").as_deref(), Some(r"\d"));
    assert_eq!(value("/{a:(?i)straße}", "/STRAßE").as_deref(), Some("STRAßE"));
}

#[test]
fn several_on_one_place_go_behind_types_in_the_order_of_insertion() {
    let find = |patterns: &[&str], path| {
        let mut router = Router::new();
        for pattern in patterns {
            router.insert(pattern, ()).expect("no conflict");
        }
        router.find(path).unwrap().map(|found| found.pattern.to_string())
    };
    let patterns = ["/{a}", "/{b:[a-z0-9]+}", "/{c:[a-z]+}", "/{d:u64}"];
    assert_eq!(find(&patterns, "/12").as_deref(), Some("/{d:u64}"));
    assert_eq!(find(&patterns, "/ab").as_deref(), Some("/{b:[a-z0-9]+}"));
    assert_eq!(find(&patterns, "/a-b").as_deref(), Some("/{a}"));
    let patterns = ["/{c:[a-z]+}", "/{b:[a-z0-9]+}"];
    assert_eq!(find(&patterns, "/ab").as_deref(), Some("/{c:[a-z]+}"));
    assert_eq!(find(&patterns, "/a1").as_deref(), Some("/{b:[a-z0-9]+}"));
}

#[test]
fn the_same_expression_twice_is_a_conflict() {
    let mut router = Router::new();
    router.insert("/{a:[a-z]+}", 1).unwrap();
    let error = router.insert("/{b:[a-z]+}", 2).unwrap_err();
    assert_eq!(error.conflicts_with(), Some("/{a:[a-z]+}"));
}

#[test]
fn refuses_an_expression_that_is_none_or_too_large() {
    assert_eq!(
        refusal("/{a:[z-a]}"),
        "route `/{a:[z-a]}` is malformed: the regular expression `[z-a]` is not understood (invalid character class \
         range, the start must be <= the end); correct it"
    );
    assert!(refusal("/{a:(}").contains("unclosed group"));
    assert!(refusal("/{a:a)(b}").contains("unopened group"));
    assert!(refusal("/{a:*}").contains("is not understood"));
    assert!(refusal(r"/{a:(.)\1}").contains("backreferences are not supported"));
    assert!(refusal("/{a:(?=x)y}").contains("look-around"));
    assert!(refusal("/{a:.{1,100000}}").contains("exceeds its limit; shorten its repetitions"));
    assert!(refusal("/{a:(a|b)*a(a|b){30}}").contains("exceeds its limit"));
}

#[test]
fn stays_linear_in_the_path_and_in_the_routes() {
    // For engines that go back, `(a+)+b` doubles with each letter. Here each of 500 siblings reads the text once.
    let mut router = Router::new();
    for n in 0..500 {
        router.insert(&format!("/{{x:(a+)+b{n}}}/{{y:(a|aa)+c}}"), n).unwrap();
    }
    let path = format!("/{}/{}", "a".repeat(4000), "a".repeat(4000));
    let start = Instant::now();
    assert!(router.find(&path).unwrap().is_none());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
