//! URLs from patterns and values.

use std::fmt::Display;

use hyperlane_router::{Pattern, Piece, Router, UrlError, write_rest, write_segment};
use proptest::prelude::*;

#[track_caller]
fn url(pattern: &str, values: &[(&str, &dyn Display)]) -> Result<String, UrlError> {
    Pattern::parse(pattern).expect("a well-formed pattern").url(values)
}

#[test]
fn values_stand_in_their_places() {
    assert_eq!(url("/", &[]).as_deref(), Ok("/"));
    assert_eq!(url("/about/", &[]).as_deref(), Ok("/about/"));
    assert_eq!(
        url("/a/{x}/b/{y:u8}", &[("y", &2), ("x", &"1")]).as_deref(),
        Ok("/a/1/b/2")
    );
    assert_eq!(
        url("/img-{n}.png/{*rest}", &[("n", &7), ("rest", &"a/b")]).as_deref(),
        Ok("/img-7.png/a/b")
    );
}

#[test]
fn text_and_values_are_encoded_rfc_3986_section_3_3() {
    assert_eq!(
        url("/{x}", &[("x", &"a/b?c#d%e f")]).as_deref(),
        Ok("/a%2Fb%3Fc%23d%25e%20f")
    );
    assert_eq!(
        url("/{x}", &[("x", &"-._~!$&'()*+,;=:@")]).as_deref(),
        Ok("/-._~!$&'()*+,;=:@")
    );
    assert_eq!(url("/{*x}", &[("x", &"a b/c?/")]).as_deref(), Ok("/a%20b/c%3F/"));
    assert_eq!(url("/café/{{x}}/a%2Fb", &[]).as_deref(), Ok("/caf%C3%A9/%7Bx%7D/a%2Fb"));
}

#[test]
fn refuses_values_that_would_not_come_back() {
    let misfit = |param: &str| Err(UrlError::Misfit { param: param.into() });
    assert_eq!(url("/{x}", &[]), Err(UrlError::Missing { name: "x".into() }));
    assert_eq!(url("/a", &[("x", &1)]), Err(UrlError::Unknown { name: "x".into() }));
    assert_eq!(url("/{x}", &[("x", &"")]), misfit("x"));
    assert_eq!(url("/{x}", &[("x", &"a\0")]), misfit("x"));
    assert_eq!(url("/{x:u8}", &[("x", &256)]), misfit("x:u8"));
    assert_eq!(url("/{*x:date}", &[("x", &"today")]), misfit("*x:date"));
}

#[test]
fn refuses_dot_segments_that_clients_remove_rfc_3986_section_5_2_4() {
    let dots = |param: &str| Err(UrlError::DotSegment { param: param.into() });
    assert_eq!(url("/{x}", &[("x", &"..")]), dots("x"));
    assert_eq!(url("/{x}", &[("x", &".")]), dots("x"));
    assert_eq!(url("/.{x}/a", &[("x", &".")]), dots("x"));
    assert_eq!(url("/{x}./a", &[("x", &".")]), dots("x"));
    assert_eq!(url("/{*x}", &[("x", &"a/../b")]), dots("*x"));
    assert_eq!(url("/{x}.json", &[("x", &"..")]).as_deref(), Ok("/%2E%2E.json"));
    assert_eq!(url("/{x}/.{y}", &[("x", &1), ("y", &"b")]).as_deref(), Ok("/1/.b"));
    assert_eq!(url("/../{x}", &[("x", &"...")]).as_deref(), Ok("/../..."));
}

#[test]
fn errors_say_what_to_do_and_do_not_repeat_the_value() {
    let error = url("/{x:u8}", &[("x", &"secret")]).unwrap_err().to_string();
    assert!(
        error.starts_with("the route would not take this value for `{x:u8}`; give one"),
        "{error}"
    );
    assert!(!error.contains("secret"));
}

#[test]
fn pieces_are_text_and_parameters_in_turn() {
    let pattern = Pattern::parse("/a/{x}.b/{*y}").expect("well-formed");
    let pieces: Vec<String> = pattern
        .pieces()
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_string(),
            Piece::Param(param) => format!("{{{param}}}"),
        })
        .collect();
    assert_eq!(pieces, ["/a/", "{x}", ".b/", "{*y}"]);
}

#[test]
fn dots_are_encoded_where_nothing_can_be_refused() {
    let mut path = String::new();
    write_segment(&mut path, "..").unwrap();
    write_rest(&mut path, "/./a../..").unwrap();
    assert_eq!(path, "%2E%2E/%2E/a../%2E%2E");
}

proptest! {
    #[test]
    fn what_the_url_holds_comes_back_from_the_router(x in "[ -~é\\n]{0,6}", y in "[a./%é ]{0,8}") {
        let text = "/p/a{x}b/{*y}";
        let mut router = Router::new();
        router.insert(text, ()).unwrap();
        match Pattern::parse(text).unwrap().url(&[("x", &x), ("y", &y)]) {
            Ok(url) => {
                prop_assert!(url.bytes().all(|byte| byte.is_ascii_graphic()));
                let found = router.find(&url).unwrap().expect("it leads to its route");
                prop_assert_eq!((found.params.get("x"), found.params.get("y")), (Some(&*x), Some(&*y)));
            }
            Err(_) => {
                let has_dots = y.split('/').any(|segment| matches!(segment, "." | ".."));
                prop_assert!(x.is_empty() || y.is_empty() || has_dots);
            }
        }
    }
}
