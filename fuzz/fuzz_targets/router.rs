//! Lines of the input are patterns, the last one is a path. A refused pattern changes nothing, the order of
//! insertion matters only among regular expressions, a match is one that its pattern alone would give, and the URL that
//! the pattern makes of the parameters leads back to them.

#![no_main]

use std::fmt::Display;

use hyperlane_router::{Match, PathError, Pattern, Router};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (patterns, path) = input.rsplit_once('\n').unwrap_or(("", input));
    let mut router: Router<u32> = Router::new();
    let mut accepted = Vec::new();
    for (value, pattern) in (0..).zip(patterns.lines().take(64)) {
        match router.insert(pattern, value) {
            Ok(()) => accepted.push((pattern, value)),
            Err(error) => assert_eq!(error.pattern(), pattern),
        }
        assert_eq!(router.len(), accepted.len());
    }
    for (pattern, value) in &accepted {
        assert_eq!(router.get(pattern), Some(value));
    }

    let mut reversed: Router<u32> = Router::new();
    for (pattern, value) in accepted.iter().rev() {
        reversed
            .insert(pattern, *value)
            .expect("conflicts do not depend on the order");
    }
    let found = router.find(path);
    let expressions = router.routes().filter(|(pattern, _)| has_regex(pattern));
    if expressions.count() < 2 {
        assert_eq!(describe(&found), describe(&reversed.find(path)));
    }
    if let Ok(Some(other)) = router.find_other_slash(path) {
        assert_ne!(other.path, path);
        let location = other.location(None).unwrap_or_default();
        assert!(!location.starts_with("//") && location.bytes().all(|byte| byte.is_ascii_graphic()));
    }

    match found {
        Ok(Some(found)) => stands_alone(&found, path),
        Ok(None) => {
            for (pattern, value) in accepted {
                let found = alone(pattern, value).find(path).map(|found| found.is_some());
                assert_eq!(found, Ok(false), "{pattern:?} was overlooked");
            }
        }
        Err(error) => {
            let empty: Router<u32> = Router::new();
            assert_eq!(empty.find(path).unwrap_err(), error, "routes do not matter");
        }
    }
});

fn stands_alone(found: &Match<'_, u32>, path: &str) {
    let router = alone(found.pattern, *found.value);
    assert_eq!(describe(&Ok(Some(found.clone()))), describe(&router.find(path)));
    for (name, value) in &found.params {
        assert!(!name.is_empty() && !value.is_empty());
    }

    let pattern = Pattern::parse(found.pattern).expect("it was accepted before");
    let owned: Vec<(&str, &str)> = found.params.iter().collect();
    let values: Vec<(&str, &dyn Display)> = owned
        .iter()
        .map(|(name, value)| (*name, value as &dyn Display))
        .collect();
    // Only a dot segment stands in the way: the values fitted when they were found.
    if let Ok(url) = pattern.url(&values) {
        let again = router.find(&url).expect("a url is well-formed").expect("it leads back");
        assert_eq!(format!("{:?}", again.params), format!("{:?}", found.params));
    }
}

fn alone(pattern: &str, value: u32) -> Router<u32> {
    let mut router = Router::new();
    router.insert(pattern, value).expect("it was accepted before");
    router
}

fn has_regex(pattern: &Pattern) -> bool {
    let mut params = pattern.params();
    params.any(|param| param.constraint().is_some_and(|constraint| constraint.is_regex()))
}

fn describe(found: &Result<Option<Match<'_, u32>>, PathError>) -> String {
    format!("{found:?}")
}
