//! The other side of a trailing slash.

use hyperlane_router::{PathError, Router};

/// The pattern that matches on the other side of the slash, and the `Location` that leads there.
fn other(patterns: &[&str], path: &str) -> Option<(String, Option<String>)> {
    let mut router = Router::new();
    for pattern in patterns {
        router.insert(pattern, ()).expect("patterns without conflict");
    }
    let other = router.find_other_slash(path).expect("a well-formed path")?;
    Some((other.found.pattern.to_string(), other.location(None)))
}

fn location(path: &str) -> Option<String> {
    other(&["/{*rest}"], path).and_then(|(_, location)| location)
}

#[test]
fn adds_a_slash_or_takes_it_away() {
    let found = |pattern: &str, location: &str| Some((pattern.to_owned(), Some(location.to_owned())));
    assert_eq!(other(&["/about"], "/about/"), found("/about", "/about"));
    assert_eq!(other(&["/about/"], "/about"), found("/about/", "/about/"));
    assert_eq!(
        other(&["/user/{id}"], "/user/%C3%A9/"),
        found("/user/{id}", "/user/%C3%A9")
    );
    assert_eq!(
        other(&["/user/{id:u8}/"], "/user/7"),
        found("/user/{id:u8}/", "/user/7/")
    );
    assert_eq!(other(&["/user/{id:u8}/"], "/user/me"), None);
    assert_eq!(other(&["/about"], "/other/"), None);
    assert_eq!(other(&["/about"], "/about//"), None);
}

#[test]
fn leaves_the_root_and_what_is_no_path() {
    for path in ["/", "", "*", "about"] {
        assert_eq!(other(&["/", "/{*all}", "//"], path), None, "{path}");
    }
}

#[test]
fn an_escaped_slash_is_none_rfc_3986_section_2_2() {
    assert_eq!(other(&["/about"], "/about%2F"), None);
}

#[test]
fn never_leads_to_another_host_rfc_3986_section_4_2() {
    for path in [
        "//evil.example/",
        "//evil.example",
        "/\\evil.example/",
        "/\t/evil.example/",
        "/a\r\nb/",
    ] {
        let (pattern, location) = other(&["/{*rest}", "//evil.example", "//evil.example/"], path).expect("it matches");
        assert_eq!(location, None, "{path} met {pattern}");
    }
    assert_eq!(location("/a//").as_deref(), Some("/a/"));
}

#[test]
fn a_location_is_ascii_and_keeps_the_query() {
    assert_eq!(location("/é/").as_deref(), Some("/%C3%A9"));
    let mut router = Router::new();
    router.insert("/a", ()).unwrap();
    let other = router.find_other_slash("/a/").unwrap().unwrap();
    assert_eq!(
        other.location(Some("x=1&y=%20é")).as_deref(),
        Some("/a?x=1&y=%20%C3%A9")
    );
    assert_eq!(other.location(Some("")).as_deref(), Some("/a?"));
    assert_eq!(other.location(Some("x\r\ny: z")), None);
}

#[test]
fn a_path_that_cannot_be_decoded_is_an_error() {
    let router: Router<()> = Router::new();
    assert_eq!(
        router.find_other_slash("/%g/").unwrap_err(),
        PathError::MalformedEscape { at: 1 }
    );
}
