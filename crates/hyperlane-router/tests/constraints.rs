//! Constraints of parameters: what fits, what goes before what, and what is refused.

use hyperlane_router::{InsertError, Pattern, Router};

/// Whether `value` fits the constraint of `/{x:…}`.
#[track_caller]
fn fits(constraint: &str, value: &str) -> bool {
    let pattern = Pattern::parse(&format!("/{{x:{constraint}}}")).expect("a well-formed pattern");
    let param = pattern.params().next().expect("it has a parameter");
    param.constraint().expect("it has a constraint").fits(value)
}

#[track_caller]
fn accepts(constraint: &str, good: &[&str], bad: &[&str]) {
    for value in good {
        assert!(fits(constraint, value), "{constraint} takes {value:?}");
    }
    for value in bad.iter().chain(&["", " ", "\0", "/", "1/2", "é"]) {
        assert!(!fits(constraint, value), "{constraint} refuses {value:?}");
    }
}

/// A router whose values are its patterns, and what `path` meets in it.
#[track_caller]
fn find(patterns: &[&str], path: &str) -> String {
    let mut router = Router::new();
    for pattern in patterns {
        router.insert(pattern, *pattern).expect("patterns without conflict");
    }
    let found = router.find(path).expect("a well-formed path");
    found.map_or("-".to_owned(), |found| {
        let params = found.params.iter().map(|(name, value)| format!(" {name}={value}"));
        params.fold((*found.value).to_owned(), |line, param| line + &param)
    })
}

#[track_caller]
fn refusal(pattern: &str) -> String {
    let mut router = Router::new();
    let error: InsertError = router.insert(pattern, ()).expect_err("a malformed pattern");
    assert!(!error.is_conflict());
    assert!(router.is_empty());
    error.to_string()
}

#[test]
fn whole_numbers_are_digits_within_the_range_of_their_type() {
    let odd = ["+1", "1.0", "1e3", "0x1", "1_0", "٣", "--1", "-", "1 "];
    accepts("u8", &["0", "255", "007"], &[&odd[..], &["256", "-1"]].concat());
    accepts("u16", &["65535"], &["65536", "-1"]);
    accepts("u32", &["4294967295"], &["4294967296"]);
    accepts("u64", &["18446744073709551615"], &["18446744073709551616", "-0"]);
    let max = u128::MAX.to_string();
    accepts("u128", &[&max], &[&format!("{max}0")]);
    accepts("i8", &["-128", "127", "-0"], &[&odd[..], &["128", "-129"]].concat());
    accepts("i16", &["-32768"], &["32768"]);
    accepts("i32", &["-2147483648"], &["2147483648"]);
    accepts("i64", &["-9223372036854775808"], &["9223372036854775808"]);
    accepts("i128", &["-1"], &["a"]);
}

#[test]
fn numbers_are_finite_and_decimal() {
    let bad = [
        "nan", "inf", "-inf", "infinity", "1e999", "+1", "1,5", "0x1", "e", ".", "-",
    ];
    accepts("f64", &["2", "-1.5", "1e3", ".5", "1.", "1E-3"], &bad);
}

#[test]
fn words_dates_and_identifiers_have_their_form() {
    accepts("bool", &["true", "false"], &["True", "1", "yes"]);
    accepts("alpha", &["abcXYZ"], &["a1", "a-b", "ä"]);
    accepts("alnum", &["a1", "1", "Z"], &["a-b", "a_b", "1.0"]);
    accepts("hex", &["00ff", "DEADbeef"], &["0x1", "g"]);
    let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let shifted = "67e550441-0b1-426f-9247-bb680e5fe0c8";
    let short = "67e55044-10b1-426f-9247-bb680e5fe0c";
    let braced = "{67e55044-10b1-426f-9247-bb680e5fe0}";
    accepts("uuid", &[uuid, &uuid.to_uppercase()], &[shifted, short, braced]);
    let good = ["2024-02-29", "2000-02-29", "1999-12-31", "0000-01-01"];
    let bad = [
        "2023-02-29",
        "1900-02-29",
        "2024-04-31",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "2024-1-1",
        "24-01-01",
        "2024-01-01-",
        "2024-01-01T00:00",
        "-024-01-01",
        "2024-+1-01",
        "2024-01",
    ];
    accepts("date", &good, &bad);
}

#[test]
fn every_number_that_fits_is_parsed() {
    for text in ["0", "7", "-7", "255", "1e3", ".5", "007", "-0"] {
        assert!(!fits("u8", text) || text.parse::<u8>().is_ok(), "{text}");
        assert!(!fits("i64", text) || text.parse::<i64>().is_ok(), "{text}");
        assert!(!fits("f64", text) || text.parse::<f64>().is_ok(), "{text}");
    }
}

#[test]
fn a_value_that_does_not_fit_goes_on_to_the_next_pattern() {
    let patterns = ["/user/{name}", "/user/{id:u64}", "/user/me"];
    assert_eq!(find(&patterns, "/user/7"), "/user/{id:u64} id=7");
    assert_eq!(find(&patterns, "/user/ann"), "/user/{name} name=ann");
    assert_eq!(find(&patterns, "/user/me"), "/user/me");
    assert_eq!(find(&["/user/{id:u64}"], "/user/ann"), "-");
}

#[test]
fn a_value_that_fits_but_leads_nowhere_is_taken_back() {
    let patterns = ["/{id:u64}/posts", "/{name}/files", "/{*rest:date}", "/{*rest}"];
    assert_eq!(find(&patterns, "/7/posts"), "/{id:u64}/posts id=7");
    assert_eq!(find(&patterns, "/7/files"), "/{name}/files name=7");
    assert_eq!(find(&patterns, "/7/other"), "/{*rest} rest=7/other");
    assert_eq!(find(&patterns, "/2024-01-01"), "/{*rest:date} rest=2024-01-01");
}

#[test]
fn types_on_one_place_go_narrower_first_in_any_order_of_insertion() {
    let mut patterns = [
        "/{a}",
        "/{b:alnum}",
        "/{c:hex}",
        "/{d:u8}",
        "/{e:u64}",
        "/{f:bool}",
        "/{g:i64}",
    ];
    for _ in 0..patterns.len() {
        patterns.rotate_left(1);
        for (path, found) in [
            ("/200", "/{d:u8} d=200"),
            ("/300", "/{e:u64} e=300"),
            ("/-3", "/{g:i64} g=-3"),
            ("/ff", "/{c:hex} c=ff"),
            ("/true", "/{f:bool} f=true"),
            ("/truth", "/{b:alnum} b=truth"),
            ("/a-b", "/{a} a=a-b"),
        ] {
            assert_eq!(find(&patterns, path), found, "among {patterns:?}");
        }
    }
}

#[test]
fn text_around_a_parameter_goes_before_its_constraint() {
    let patterns = ["/{id:u64}", "/v{n}", "/v{n:u8}", "/{name}.json", "/{day:date}.json"];
    assert_eq!(find(&patterns, "/v1"), "/v{n:u8} n=1");
    assert_eq!(find(&patterns, "/vx"), "/v{n} n=x");
    assert_eq!(find(&patterns, "/2024-01-01.json"), "/{day:date}.json day=2024-01-01");
    assert_eq!(find(&patterns, "/x.json"), "/{name}.json name=x");
}

#[test]
fn judges_decoded_text() {
    assert_eq!(find(&["/{id:u64}"], "/%37"), "/{id:u64} id=7");
    assert_eq!(find(&["/{id:u64}"], "/7%2F"), "-");
    assert_eq!(find(&["/{id:alpha}"], "/a%2Fb"), "-");
}

#[test]
fn the_same_constraint_twice_is_a_conflict_that_names_both() {
    for (first, second) in [
        ("/user/{id:u64}", "/user/{number:u64}"),
        ("/{*a:date}", "/{*b:date}"),
        ("/v{a:u8}.x/{b}", "/v{c:u8}.x/{d}"),
    ] {
        let mut router = Router::new();
        router.insert(first, 1).expect("the first is taken");
        let error = router.insert(second, 2).expect_err("the second conflicts");
        assert_eq!((error.pattern(), error.conflicts_with()), (second, Some(first)));
        assert_eq!(router.len(), 1);
    }
}

#[test]
fn patterns_with_different_constraints_do_not_conflict() {
    let mut router = Router::new();
    for pattern in [
        "/{a}",
        "/{a:u8}",
        "/{a:u16}",
        "/{*a}",
        "/{*a:u8}",
        "/x{a:u8}",
        "/{a:u8}/b",
    ] {
        router.insert(pattern, ()).expect("no conflict");
    }
}

#[test]
fn refuses_constraints_that_are_none() {
    assert!(refusal("/{id:}").ends_with("write `{id:u64}`, or leave the colon out"));
    let message = refusal("/{id:int}");
    assert!(
        message.contains("there is no type `int`; write one of `bool`, `date`"),
        "{message}"
    );
    assert!(message.ends_with("or `(int)` for a regular expression"), "{message}");
    assert!(refusal("/{id:usize}").contains("there is no type `usize`"));
    assert!(refusal("/{:u64}").contains("a parameter has no name"));
    assert!(refusal("/{id:u64").contains("has no partner"));
    assert!(refusal("/{id:[a-z]{2}").contains("has no partner"));
    assert!(refusal("/{a:u8}{b:u8}").contains("holds two parameters"));
    assert!(refusal("/{*a:u8}/b").contains("make `{*…}` the last segment"));
    assert!(refusal("/{a:u8}/{a:u16}").contains("`a` is used twice"));
}

#[test]
fn says_which_parameters_a_pattern_has() {
    let pattern = Pattern::parse("/{a}/x{b:u8}.y/{*c:alnum}").expect("well-formed");
    let params: Vec<_> = pattern
        .params()
        .map(|param| {
            let constraint = param.constraint().map(hyperlane_router::Constraint::as_str);
            (param.name(), constraint, param.is_wildcard(), param.to_string())
        })
        .collect();
    assert_eq!(
        params,
        [
            ("a", None, false, "a".to_owned()),
            ("b", Some("u8"), false, "b:u8".to_owned()),
            ("c", Some("alnum"), true, "*c:alnum".to_owned()),
        ]
    );
}

#[cfg(not(feature = "regex"))]
#[test]
fn refuses_a_regular_expression_without_the_feature() {
    let message = refusal("/{tag:[a-z]+}");
    assert!(
        message.contains("`{tag:[a-z]+}` holds a regular expression; turn on the feature `regex`"),
        "{message}"
    );
    assert!(
        Pattern::parse("/{tag:[a-z]+}").is_ok(),
        "its form is judged all the same"
    );
}
