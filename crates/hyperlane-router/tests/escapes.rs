//! Percent-encoding of paths (RFC 3986, sections 2.1 to 2.5) and of patterns.

use hyperlane_router::{PathError, Router};

#[track_caller]
fn value(pattern: &str, path: &str) -> Option<String> {
    let mut router = Router::new();
    router.insert(pattern, ()).expect("a well-formed pattern");
    let found = router.find(path).expect("a well-formed path")?;
    Some(found.params.at(0).unwrap_or_default().to_owned())
}

#[track_caller]
fn error(path: &str) -> PathError {
    let mut router = Router::new();
    router.insert("/{*rest}", ()).expect("a well-formed pattern");
    router.find(path).expect_err("a path to refuse")
}

#[test]
fn meets_patterns_with_escaped_letters_rfc_3986_section_6_2_2_2() {
    assert_eq!(value("/about", "/%61bout").as_deref(), Some(""));
    assert_eq!(value("/café", "/caf%C3%A9").as_deref(), Some(""));
    assert_eq!(value("/café", "/caf%c3%a9").as_deref(), Some(""));
    assert_eq!(value("/café", "/café").as_deref(), Some(""));
}

#[test]
fn never_separates_segments_at_an_escaped_slash_rfc_3986_section_2_2() {
    assert_eq!(value("/{a}/{b}", "/x%2Fy"), None);
    assert_eq!(value("/{a}", "/x%2Fy").as_deref(), Some("x/y"));
    assert_eq!(value("/{a}", "/x%2fy%2F").as_deref(), Some("x/y/"));
    assert_eq!(value("/{*a}", "/x%2Fy/z").as_deref(), Some("x/y/z"));
    assert_eq!(value("/a/b", "/a%2Fb"), None);
    assert_eq!(value("/a", "%2Fa"), None);
}

#[test]
fn decodes_exactly_once_rfc_3986_section_2_4() {
    assert_eq!(value("/{a}", "/%2525").as_deref(), Some("%25"));
    assert_eq!(value("/{a}", "/%252F").as_deref(), Some("%2F"));
    assert_eq!(value("/{a}", "/%25252F").as_deref(), Some("%252F"));
    assert_eq!(value("/{a}", "/%2500").as_deref(), Some("%00"));
    assert_eq!(value("/{a}", "/100%25").as_deref(), Some("100%"));
}

#[test]
fn never_cuts_an_escape_at_the_text_around_a_parameter() {
    assert_eq!(value("/{a}5", "/x%25"), None);
    assert_eq!(value("/{a}25", "/x%25"), None);
    assert_eq!(value("/{a}F", "/x%2F"), None);
    assert_eq!(value("/{a}F", "/x%2FF").as_deref(), Some("x/"));
    assert_eq!(value("/{a}.json", "/x%2Ejson").as_deref(), Some("x"));
}

#[test]
fn keeps_plus_signs() {
    assert_eq!(value("/{a}", "/a+b").as_deref(), Some("a+b"));
    assert_eq!(value("/{a}", "/a%2Bb%20c").as_deref(), Some("a+b c"));
}

#[test]
fn decodes_paths_longer_than_the_stack_holds() {
    for length in [84, 85, 86, 5000] {
        let path = format!("/{}", "%C3%A9".repeat(length));
        assert_eq!(value("/{a}", &path), Some("é".repeat(length)));
    }
}

#[test]
fn refuses_malformed_escapes_rfc_3986_section_2_1() {
    for (path, at) in [
        ("/%", 1),
        ("/a%1", 2),
        ("/%g1", 1),
        ("/%1g", 1),
        ("/%+1", 1),
        ("/%%41", 1),
        ("/%2é", 1),
        ("/%41%", 4),
        ("/% 1", 1),
    ] {
        assert_eq!(error(path), PathError::MalformedEscape { at }, "for {path}");
    }
}

#[test]
fn refuses_escapes_that_are_not_utf_8() {
    for path in [
        "/%FF",
        "/%C3",
        "/%C3/%A9",
        "/%C3%2F",
        "/%C0%AF",
        "/%ED%A0%80",
        "/%F4%90%80%80",
    ] {
        assert_eq!(error(path), PathError::NotUtf8, "for {path}");
    }
}

#[test]
fn refuses_nul_escaped_or_not() {
    assert_eq!(error("/a%00"), PathError::Nul { at: 2 });
    assert_eq!(error("/a\0b"), PathError::Nul { at: 2 });
    assert_eq!(error("/%61\0"), PathError::Nul { at: 4 });
}

#[test]
fn says_in_the_error_what_is_wrong_without_repeating_the_path() {
    assert_eq!(
        error("/secret%g1").to_string(),
        "malformed escape at byte 7 of the path: write `%` and two hexadecimal digits"
    );
    assert_eq!(error("/a%00").to_string(), "nul at byte 2 of the path: leave it out");
    assert_eq!(
        error("/%FF").to_string(),
        "the escapes of the path are not utf-8: encode its text as utf-8"
    );
}

#[test]
fn decodes_escapes_in_patterns_like_those_in_paths() {
    assert_eq!(value("/caf%C3%A9", "/café").as_deref(), Some(""));
    assert_eq!(value("/100%25", "/100%25").as_deref(), Some(""));
    assert_eq!(value("/a%2Fb", "/a%2fb").as_deref(), Some(""));
    assert_eq!(value("/a%2Fb", "/a/b"), None);
    assert_eq!(value("/%7Ba%7D", "/{a}").as_deref(), Some(""));
    assert_eq!(value("/{a}%2E", "/x.").as_deref(), Some("x"));
}
