//! What matches what, and how specific patterns win.

use hyperlane_router::Router;

/// A router whose values are its patterns.
fn router(patterns: &[&str]) -> Router<String> {
    let mut router = Router::new();
    for pattern in patterns {
        let value = (*pattern).to_owned();
        router.insert(pattern, value).expect("patterns without conflict");
    }
    router
}

/// The pattern and the parameters that `path` meets, written `pattern name=value …`.
fn find(router: &Router<String>, path: &str) -> String {
    let Some(found) = router.find(path).expect("a well-formed path") else {
        return "-".to_owned();
    };
    assert_eq!(&**found.pattern, found.value);
    let params = found.params.iter();
    params.fold(found.value.clone(), |line, (name, value)| {
        format!("{line} {name}={value}")
    })
}

/// Every order of the patterns must give the same answers.
#[track_caller]
fn finds(patterns: &[&str], answers: &[(&str, &str)]) {
    let reversed: Vec<&str> = patterns.iter().rev().copied().collect();
    for patterns in [patterns, &reversed] {
        let router = router(patterns);
        for (path, answer) in answers {
            assert_eq!(find(&router, path), *answer, "for {path} among {patterns:?}");
        }
    }
}

#[test]
fn matches_static_patterns_exactly() {
    finds(
        &["/", "/about", "/about/us", "/about/"],
        &[
            ("/", "/"),
            ("/about", "/about"),
            ("/about/", "/about/"),
            ("/about/us", "/about/us"),
            ("/abou", "-"),
            ("/About", "-"),
            ("/about/us/", "-"),
            ("//about", "-"),
            ("//", "-"),
        ],
    );
}

#[test]
fn takes_one_segment_that_is_not_empty_for_a_parameter() {
    finds(
        &["/user/{id}", "/user/{id}/posts/{post}"],
        &[
            ("/user/7", "/user/{id} id=7"),
            ("/user/a+b", "/user/{id} id=a+b"),
            ("/user/7/posts/x", "/user/{id}/posts/{post} id=7 post=x"),
            ("/user", "-"),
            ("/user/", "-"),
            ("/user/7/", "-"),
            ("/user//posts/x", "-"),
        ],
    );
}

#[test]
fn takes_the_rest_that_is_not_empty_for_a_wildcard() {
    finds(
        &["/files/{*path}"],
        &[
            ("/files/a", "/files/{*path} path=a"),
            ("/files/a/b/", "/files/{*path} path=a/b/"),
            ("/files//a", "/files/{*path} path=/a"),
            ("/files/", "-"),
            ("/files", "-"),
        ],
    );
}

#[test]
fn leaves_dot_segments_as_they_are() {
    finds(
        &["/files/{*path}", "/admin"],
        &[
            ("/files/../admin", "/files/{*path} path=../admin"),
            ("/files/%2e%2E/admin", "/files/{*path} path=../admin"),
            ("/./admin", "-"),
        ],
    );
}

#[test]
fn matches_text_around_a_parameter() {
    finds(
        &["/{id}.json", "/v{n}", "/img-{n}.png", "/{*rest}"],
        &[
            ("/7.json", "/{id}.json id=7"),
            ("/7.json.json", "/{id}.json id=7.json"),
            ("/v2", "/v{n} n=2"),
            ("/img-1.png", "/img-{n}.png n=1"),
            ("/img-.png", "/{*rest} rest=img-.png"),
            ("/.json", "/{*rest} rest=.json"),
            ("/v", "/{*rest} rest=v"),
        ],
    );
}

#[test]
fn lets_the_more_specific_segment_win() {
    finds(
        &["/ab", "/a{x}b", "/a{x}", "/{x}b", "/{x}", "/{*x}"],
        &[
            ("/ab", "/ab"),
            ("/aab", "/a{x}b x=a"),
            ("/aa", "/a{x} x=a"),
            ("/bb", "/{x}b x=b"),
            ("/c", "/{x} x=c"),
            ("/a", "/{x} x=a"),
            ("/c/", "/{*x} x=c/"),
        ],
    );
}

#[test]
fn goes_back_when_the_more_specific_segment_leads_nowhere() {
    finds(
        &["/me/posts", "/{id}/files", "/{id}.json/x", "/{*rest}"],
        &[
            ("/me/posts", "/me/posts"),
            ("/me/files", "/{id}/files id=me"),
            ("/a.json/x", "/{id}.json/x id=a"),
            ("/a.json/files", "/{id}/files id=a.json"),
            ("/me/other", "/{*rest} rest=me/other"),
        ],
    );
}

#[test]
fn goes_back_over_several_segments() {
    finds(
        &["/a/b/c/d", "/a/{x}/c/e", "/{y}/b/{z}/f", "/a/{*rest}"],
        &[
            ("/a/b/c/d", "/a/b/c/d"),
            ("/a/b/c/e", "/a/{x}/c/e x=b"),
            ("/a/b/c/f", "/a/{*rest} rest=b/c/f"),
            ("/q/b/c/f", "/{y}/b/{z}/f y=q z=c"),
            ("/a/b/c/g", "/a/{*rest} rest=b/c/g"),
            ("/q/b/c/g", "-"),
        ],
    );
}

#[test]
fn takes_names_from_the_pattern_that_matched() {
    finds(
        &["/{a}/x", "/{b}/y/{a}"],
        &[("/1/x", "/{a}/x a=1"), ("/1/y/2", "/{b}/y/{a} b=1 a=2")],
    );
}

#[test]
fn takes_doubled_braces_as_text() {
    finds(
        &["/{{id}}", "/{id}", "/{{{id}}}"],
        &[
            ("/{id}", "/{{id}}"),
            ("/%7Bid%7d", "/{{id}}"),
            ("/{7}", "/{{{id}}} id=7"),
            ("/7", "/{id} id=7"),
        ],
    );
}

#[test]
fn answers_targets_that_are_no_path_with_no_match() {
    let router = router(&["/", "/{*rest}"]);
    for target in ["", "*", "a", "example.com:80"] {
        assert_eq!(find(&router, target), "-");
    }
}

#[test]
fn finds_nothing_when_empty() {
    let router: Router<String> = Router::default();
    assert!(router.is_empty());
    assert_eq!(find(&router, "/"), "-");
}

#[test]
fn stays_linear_when_every_segment_could_be_text_or_parameter() {
    // Two choices in each of 14 segments: every path through the tree exists, and all fail in the
    // last segment. A search that visited nodes twice would multiply.
    let mut router = Router::new();
    for bits in 0..1_usize << 14 {
        let choose = |segment| {
            if bits & (1_usize << segment) == 0 {
                "/a".to_owned()
            } else {
                format!("/{{p{segment}}}")
            }
        };
        let pattern: String = (0_usize..14).map(choose).collect();
        router.insert(&format!("{pattern}/end"), ()).unwrap();
    }
    let path = format!("{}/no", "/a".repeat(14));
    assert!(router.find(&path).unwrap().is_none());
    let long = "/a".repeat(100_000);
    assert!(router.find(&long).unwrap().is_none());
}

#[test]
fn takes_more_parameters_than_the_alphabet_has_letters() {
    let pattern: String = (0..60).map(|n| format!("/{{p{n}}}")).collect();
    let path: String = (0..60).map(|n| format!("/{n}")).collect();
    let mut router = Router::new();
    router.insert(&pattern, ()).unwrap();
    let params = router.find(&path).unwrap().unwrap().params;
    assert_eq!(params.len(), 60);
    assert_eq!(params.get("p59"), Some("59"));
}

#[test]
fn gives_parameters_by_name_position_and_in_order() {
    let mut router = Router::new();
    router.insert("/{a}/{b}/{c}", ()).unwrap();
    let params = router.find("/1/22/333").unwrap().unwrap().params;
    assert_eq!(
        (params.get("a"), params.get("b"), params.get("c")),
        (Some("1"), Some("22"), Some("333"))
    );
    assert_eq!(params.get("d"), None);
    assert_eq!(
        (params.at(0), params.at(1), params.at(2)),
        (Some("1"), Some("22"), Some("333"))
    );
    assert_eq!((params.at(3), params.at(usize::MAX)), (None, None));
    assert_eq!(params.iter().len(), 3);
    assert_eq!(format!("{params:?}"), r#"{"a": "1", "b": "22", "c": "333"}"#);
    drop(router);
    assert_eq!(params.clone().get("c"), Some("333"), "parameters outlive the router");
}

#[test]
fn has_no_parameters_for_static_patterns() {
    let router = router(&["/a"]);
    let params = router.find("/a").unwrap().unwrap().params;
    assert!(params.is_empty());
    assert_eq!((params.len(), params.get(""), params.at(0)), (0, None, None));
    assert_eq!(params.iter().next(), None);
}

#[test]
fn changes_a_value_through_its_exact_pattern() {
    let mut router = Router::new();
    router.insert("/user/{id}", vec!["GET"]).unwrap();
    router.get_mut("/user/{id}").unwrap().push("POST");
    assert_eq!(router.get_mut("/user/{name}"), None);
    assert_eq!(router.get("/user/7"), None);
    assert_eq!(router.get("/user/{id}"), Some(&vec!["GET", "POST"]));
    assert_eq!(router.find("/user/7").unwrap().unwrap().value, &["GET", "POST"]);
}

#[test]
fn keeps_patterns_and_order_when_values_are_mapped() {
    let router = router(&["/b", "/a/{id}"]).map(|pattern, value| (pattern.len(), value));
    let found = router.find("/a/1").unwrap().unwrap();
    assert_eq!(*found.value, (7, "/a/{id}".to_owned()));
    assert_eq!(found.params.get("id"), Some("1"));
    let patterns: Vec<&str> = router.iter().map(|(pattern, _)| &**pattern).collect();
    assert_eq!(patterns, ["/b", "/a/{id}"]);
    assert_eq!(router.len(), 2);
}
