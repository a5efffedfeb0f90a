//! Patterns that are not taken, and what the error says.

use hyperlane_router::{InsertError, Router};

#[track_caller]
fn refusal(pattern: &str) -> String {
    let mut router = Router::new();
    let error: InsertError = router.insert(pattern, ()).expect_err("a malformed pattern");
    assert!(!error.is_conflict());
    assert_eq!(error.pattern(), pattern);
    assert!(router.is_empty());
    error.to_string()
}

#[track_caller]
fn conflict(first: &str, second: &str) {
    for (first, second) in [(first, second), (second, first)] {
        let mut router = Router::new();
        router.insert(first, 1).expect("the first pattern is taken");
        let error = router.insert(second, 2).expect_err("the second conflicts");
        assert!(error.is_conflict());
        assert_eq!(error.pattern(), second);
        assert_eq!(error.conflicts_with(), Some(first));
        let message = format!("route `{second}` conflicts with `{first}`: ");
        assert!(error.to_string().starts_with(&message), "{error}");
        assert_eq!((router.len(), router.get(first)), (1, Some(&1)));
    }
}

#[test]
fn names_both_patterns_of_a_conflict_in_either_order() {
    conflict("/user/{name}", "/user/{id}");
    conflict("/files/{*path}", "/files/{*rest}");
    conflict("/{a}/x/{b}", "/{b}/x/{a}");
    conflict("/img-{a}.png", "/img-{b}.png");
    conflict("/café", "/caf%C3%A9");
    conflict("/{{a}}", "/%7Ba%7D");
}

#[test]
fn says_when_the_same_pattern_comes_twice() {
    let mut router = Router::new();
    router.insert("/about", 1).unwrap();
    let error = router.insert("/about", 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "route `/about` conflicts with `/about`: it is registered already"
    );
    assert_eq!(router.find("/about").unwrap().map(|found| *found.value), Some(1));
}

#[test]
fn takes_patterns_that_only_overlap() {
    let patterns = [
        "/", "/{a}", "/{*all}", "/{a}/", "/a", "/a{b}", "/{b}a", "/a{b}a", "/{a}/b", "/a/{b}", "/a/{*b}", "//",
    ];
    let mut router = Router::new();
    for pattern in patterns {
        router.insert(pattern, ()).unwrap();
    }
    assert_eq!(router.len(), patterns.len());
}

#[test]
fn refuses_a_pattern_without_leading_slash() {
    for pattern in ["", "about", "{id}"] {
        assert_eq!(
            refusal(pattern),
            format!("route `{pattern}` is malformed: begin it with `/`")
        );
    }
}

#[test]
fn refuses_unbalanced_braces() {
    for pattern in ["/{id", "/id}", "/a{", "/{a}/b}", "/{a}}", "/{", "/x{{a}"] {
        assert!(refusal(pattern).contains("has no partner"), "{pattern}");
    }
}

#[test]
fn refuses_empty_odd_and_repeated_names() {
    assert!(refusal("/{}").ends_with("a parameter has no name; write `{id}` or `{*path}`"));
    assert!(refusal("/{*}").ends_with("a parameter has no name; write `{id}` or `{*path}`"));
    assert!(refusal("/{a b}").contains("the parameter name `a b` may hold only letters"));
    assert!(refusal("/{a*}").contains("the parameter name `a*` may hold only"));
    assert!(refusal("/{{{a{b}").contains("the parameter name `a{b` may hold only"));
    assert!(refusal("/{id}/x/{id}").contains("`id` is used twice"));
    assert!(refusal("/{id}/{*id}").contains("`id` is used twice"));
}

#[test]
fn refuses_two_parameters_in_a_segment() {
    assert!(refusal("/{a}-{b}").contains("`{a}-{b}` holds two parameters"));
    assert!(refusal("/{a}{*b}").contains("`{a}{*b}` holds two parameters"));
}

#[test]
fn refuses_a_wildcard_that_is_not_the_whole_last_segment() {
    assert!(refusal("/{*path}/edit").contains("make `{*…}` the last segment"));
    assert!(refusal("/{*path}/").contains("make `{*…}` the last segment"));
    assert!(refusal("/a{*path}").contains("make `{*…}` the whole segment"));
    assert!(refusal("/{*path}.txt").contains("make `{*…}` the whole segment"));
}

#[test]
fn shows_the_new_form_for_old_parameters() {
    assert_eq!(
        refusal("/user/:id"),
        "route `/user/:id` is malformed: `:id` is the old form of a parameter; \
         write `{id}`, or `%3A` for a literal first character"
    );
    assert!(refusal("/files/*path").contains("write `{*path}`, or `%2A`"));
    assert!(refusal("/files/*").contains("write `{*path}`"));
    assert!(refusal("/:").contains("write `{id}`"));
}

#[test]
fn takes_colons_and_stars_that_are_text() {
    let mut router = Router::new();
    for pattern in ["/v1/{id}:cancel", "/a:b", "/a*", "/%3Aid", "/%2A"] {
        router.insert(pattern, ()).unwrap();
    }
    let found = router.find("/v1/7:cancel").unwrap().unwrap();
    assert_eq!(found.params.get("id"), Some("7"));
    assert_eq!(&**router.find("/:id").unwrap().unwrap().pattern, "/%3Aid");
}

#[test]
fn refuses_what_is_not_part_of_a_path() {
    assert!(refusal("/search?q={q}").contains("`?` is not part of a path; leave out what follows, or write `%3F`"));
    assert!(refusal("/a#b").contains("write `%23`"));
}

#[test]
fn refuses_escapes_that_no_path_could_meet() {
    assert!(refusal("/100%").contains("write `%25`"));
    assert!(refusal("/%zz").contains("write `%25`"));
    assert!(refusal("/%FF").contains("not utf-8"));
    assert!(refusal("/%00").contains("a nul"));
    assert!(refusal("/a\0").contains("a nul"));
}
