//! Random patterns and paths against two independent judges: a list that is searched by the
//! documented rule, and `matchit` where both accept the patterns.

use std::cmp::Reverse;

use hyperlane_router::Router;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const SEGMENTS: &[&str] = &["", "a", "b", "ab", "{x}", "a{x}", "{x}b", "a{x}b", "{x}ab", "%2F", "é"];
const CONSTRAINED_SEGMENTS: &[&str] = &[
    "",
    "a",
    "1",
    "{x}",
    "{x:u8}",
    "{x:hex}",
    "{x:alpha}",
    "{x:alnum}",
    "a{x}",
    "a{x:u8}",
    "a{x:alnum}",
    "{x:u8}b",
    "{x}b",
];
const PLAIN_SEGMENTS: &[&str] = &["a", "b", "ab", "{x}"];
const PIECES: &[&str] = &[
    "", "a", "b", "ab", "aab", "abb", "%61", "%2F", "%2f", "%C3%A9", "a%25", "%62", "1", "7b", "a7", "a300", "z", "g1",
    "-",
];

/// A pattern from segments, its parameters numbered so that no name repeats.
fn pattern(segments: &[&str], wildcard: bool) -> String {
    let numbered = segments.iter().enumerate();
    let mut pattern: String = numbered
        .map(|(n, segment)| format!("/{}", segment.replace("{x", &format!("{{p{n}"))))
        .collect();
    if wildcard {
        pattern.push_str("/{*rest}");
    }
    pattern
}

fn patterns(segments: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    let one = (vec(select(segments), 1..4), any::<bool>());
    vec(one.prop_map(|(segments, wildcard)| pattern(&segments, wildcard)), 1..8)
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(PIECES).prop_map(|piece| format!("/{piece}"));
    vec(segment, 1..5).prop_map(|segments| segments.concat())
}

/// The decoded segments of a path; the escapes of these tests are few.
fn decode(text: &str) -> String {
    let text = text.replace("%61", "a").replace("%62", "b").replace("%C3%A9", "é");
    text.replace("%2F", "/").replace("%2f", "/").replace("%25", "%")
}

/// Whether the text fits the constraint, and how early it is asked; without one it is asked last.
fn fits(constraint: Option<&str>, value: &str) -> Option<usize> {
    let all = |of: fn(char) -> bool| !value.is_empty() && value.chars().all(of);
    let (fits, rank) = match constraint {
        None => (true, 0),
        Some("alnum") => (all(|letter| letter.is_ascii_alphanumeric()), 1),
        Some("alpha") => (all(|letter| letter.is_ascii_alphabetic()), 2),
        Some("hex") => (all(|letter| letter.is_ascii_hexdigit()), 3),
        Some("u8") => (all(|letter| letter.is_ascii_digit()) && value.parse::<u8>().is_ok(), 4),
        Some(other) => panic!("{other} is not among the constraints of these tests"),
    };
    fits.then_some(rank)
}

/// How specific each segment of a pattern is, and what it takes, if the pattern matches.
type Judgement = Option<(Vec<Reverse<(u8, usize, usize, usize)>>, Vec<String>)>;

fn judge(pattern: &str, path: &str) -> Judgement {
    let mut left: Vec<&str> = path.split('/').skip(1).collect();
    let (mut ranks, mut values) = (Vec::new(), Vec::new());
    for segment in pattern.split('/').skip(1) {
        if segment == "{*rest}" {
            let rest = left.join("/");
            if rest.is_empty() {
                return None;
            }
            ranks.push(Reverse((0, 0, 0, 0)));
            values.push(decode(&rest));
            return Some((ranks, values));
        }
        if left.is_empty() {
            return None;
        }
        let actual = decode(left.remove(0));
        match segment.split_once('{') {
            None if actual == decode(segment) => ranks.push(Reverse((2, 0, 0, 0))),
            None => return None,
            Some((prefix, tail)) => {
                let (inner, suffix) = tail.split_once('}')?;
                let value = actual.strip_prefix(prefix)?.strip_suffix(suffix)?;
                if value.is_empty() {
                    return None;
                }
                let rank = fits(inner.split_once(':').map(|(_, constraint)| constraint), value)?;
                ranks.push(Reverse((1, prefix.len(), suffix.len(), rank)));
                values.push(value.to_owned());
            }
        }
    }
    left.is_empty().then_some((ranks, values))
}

fn agrees_with_the_list(patterns: &[String], paths: &[String]) -> Result<(), TestCaseError> {
    let mut router = Router::new();
    let taken = patterns.iter().filter(|pattern| router.insert(pattern, ()).is_ok());
    let taken: Vec<&String> = taken.collect();
    for path in paths {
        let judged = taken.iter().filter_map(|pattern| {
            let (ranks, values) = judge(pattern, path)?;
            Some((ranks, values, pattern.as_str()))
        });
        let expected = judged.min().map(|(_, values, pattern)| (pattern.to_owned(), values));
        let found = router
            .find(path)
            .expect("the paths of these tests are well-formed")
            .map(|found| {
                let values = found.params.iter().map(|(_, value)| value.to_owned());
                (found.pattern.to_string(), values.collect::<Vec<_>>())
            });
        prop_assert_eq!(found, expected, "for {} among {:?}", path, taken);
    }
    Ok(())
}

proptest! {
    #[test]
    fn agrees_with_a_list_searched_by_the_documented_rule(patterns in patterns(SEGMENTS), paths in vec(path(), 1..20)) {
        agrees_with_the_list(&patterns, &paths)?;
    }

    #[test]
    fn agrees_with_the_list_where_parameters_are_constrained(patterns in patterns(CONSTRAINED_SEGMENTS), paths in vec(path(), 1..20)) {
        agrees_with_the_list(&patterns, &paths)?;
    }

    #[test]
    fn does_not_depend_on_the_order_of_insertion(patterns in patterns(CONSTRAINED_SEGMENTS), paths in vec(path(), 1..10)) {
        let unique = |order: &mut dyn Iterator<Item = &String>| {
            let mut router = Router::new();
            let refused = order.filter(|pattern| router.insert(pattern, ()).is_err()).count();
            (router, refused)
        };
        let (forward, refused) = unique(&mut patterns.iter());
        let (backward, also_refused) = unique(&mut patterns.iter().rev());
        prop_assert_eq!(refused, also_refused);
        for path in &paths {
            let pattern = |router: &Router<()>| router.find(path).unwrap().map(|found| found.pattern.to_string());
            prop_assert_eq!(pattern(&forward), pattern(&backward));
        }
    }

    #[test]
    fn agrees_with_matchit_where_both_take_the_patterns(patterns in patterns(PLAIN_SEGMENTS), paths in vec("(/[ab]{1,2}){1,4}/?", 1..20)) {
        let (mut router, mut peer) = (Router::new(), matchit::Router::new());
        for pattern in &patterns {
            if peer.insert(pattern.as_str(), pattern).is_ok() {
                router.insert(pattern, pattern).unwrap();
            }
        }
        for path in &paths {
            if let Some(value) = router.find_plain(path) {
                let found = router.find(path).unwrap().map(|found| *found.value);
                prop_assert_eq!(found, Some(*value), "the short way finds what the long one does, for {}", path);
            }
            let expected = peer.at(path).ok().map(|found| {
                let params = found.params.iter().map(|(name, value)| format!("{name}={value}"));
                (*found.value, params.collect::<Vec<_>>())
            });
            let found = router.find(path).unwrap().map(|found| {
                let params = found.params.iter().map(|(name, value)| format!("{name}={value}"));
                (*found.value, params.collect::<Vec<_>>())
            });
            prop_assert_eq!(found, expected, "for {} among {:?}", path, patterns);
        }
    }

    #[test]
    fn takes_any_text_as_pattern_and_path_without_panic(pattern in "/[a{}*:%/2Fé\\x00?u8+()|\\\\\\[\\]]{0,14}", path in "/?[a%/2Ffé\\x00+]{0,12}") {
        let mut router = Router::new();
        if router.insert(&pattern, ()).is_ok() {
            prop_assert!(router.get(&pattern).is_some());
        }
        // Whatever the first pattern is, nothing but it may stand in the way of the second.
        let catches_all = router.insert("/{*rest}", ()).is_ok();
        if let Ok(found) = router.find(&path) {
            let is_longer_than_a_slash = path.starts_with('/') && path.len() > 1;
            prop_assert!(found.is_some() || !(catches_all && is_longer_than_a_slash));
        }
    }
}
