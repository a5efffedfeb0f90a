//! Lines of the input are patterns, the last one is a path. A refused pattern changes nothing, the order of
//! insertion does not matter, and a match is one that its pattern alone would give.

#![no_main]

use hyperlane_router::Router;
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
    assert_eq!(describe(&found), describe(&reversed.find(path)));

    let mut alone: Router<u32> = Router::new();
    match found {
        Ok(Some(found)) => {
            alone
                .insert(found.pattern, *found.value)
                .expect("it was accepted before");
            assert_eq!(describe(&Ok(Some(found.clone()))), describe(&alone.find(path)));
            assert!(
                found
                    .params
                    .iter()
                    .all(|(name, value)| !name.is_empty() && !value.is_empty())
            );
        }
        Ok(None) => {
            for (pattern, value) in accepted {
                let mut alone: Router<u32> = Router::new();
                alone.insert(pattern, value).expect("it was accepted before");
                assert!(matches!(alone.find(path), Ok(None)), "{pattern:?} was overlooked");
            }
        }
        Err(error) => assert_eq!(alone.find(path).unwrap_err(), error, "routes do not matter"),
    }
});

fn describe(found: &Result<Option<hyperlane_router::Match<'_, u32>>, hyperlane_router::PathError>) -> String {
    format!("{found:?}")
}
