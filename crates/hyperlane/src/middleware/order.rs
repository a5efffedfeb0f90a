//! Which orders of middleware can't work: what is warned of when a server starts.

use super::ErasedMiddleware;
use std::sync::Arc;

/// `outer` must stand around `inner`.
struct Rule {
    outer: &'static str,
    inner: &'static str,
    why: &'static str,
}

const NO_TAG: &str = "which gives tags to whole bodies alone, and gets a stream";
const PREFLIGHT: &str = "which refuses preflight requests, as these have no credentials";
const PANIC: &str = "which answers panics that are told as a client that left otherwise";

/// Those of which there is no doubt; the rest is a matter of taste.
const RULES: [Rule; 10] = [
    Rule::new("RequestIds", "Trace", "whose spans have no id otherwise"),
    Rule::new("Compression", "ETags", NO_TAG),
    Rule::new("AccessLog", "ETags", NO_TAG),
    Rule::new("Trace", "ETags", NO_TAG),
    Rule::new("ConcurrencyLimit", "ETags", NO_TAG),
    Rule::new("Cors", "BasicAuth", PREFLIGHT),
    Rule::new("Cors", "BearerAuth", PREFLIGHT),
    Rule::new("Cors", "Jwt", PREFLIGHT),
    Rule::new("AccessLog", "CatchPanic", PANIC),
    Rule::new("Trace", "CatchPanic", PANIC),
];

/// Those of which a second one around a route has no effect, or a wrong one.
const ONCE: [(&str, &str); 3] = [
    ("RequestIds", "the inner one gives another id than the outer one sends"),
    ("Compression", "the inner one leaves nothing to do for the outer one"),
    (
        "Cors",
        "the outer one answers preflight requests alone, and both set the same headers",
    ),
];

impl Rule {
    const fn new(outer: &'static str, inner: &'static str, why: &'static str) -> Self {
        Self { outer, inner, why }
    }
}

/// What is surely wrong with the order of a chain, the outermost first.
pub(crate) fn doubts(chain: &[Arc<dyn ErasedMiddleware>]) -> Vec<String> {
    let names: Vec<_> = chain
        .iter()
        .map(|middleware| ready_made(middleware.type_name()))
        .collect();
    let place = |name: &str| names.iter().position(|other| *other == Some(name));
    let mut doubts = Vec::new();
    for Rule { outer, inner, why } in RULES {
        if let (Some(first), Some(last)) = (place(inner), names.iter().rposition(|other| *other == Some(outer)))
            && first < last
        {
            doubts.push(format!(
                "`{outer}` stands inside of `{inner}`, {why}: register `{outer}` before it"
            ));
        }
    }
    for (name, why) in ONCE {
        if names.iter().filter(|other| **other == Some(name)).count() > 1 {
            doubts.push(format!("`{name}` stands there twice: {why}; register it once"));
        }
    }
    doubts
}

/// Whether handlers in this chain run within the span of a `Trace`.
pub(crate) fn is_traced(chain: &[Arc<dyn ErasedMiddleware>]) -> bool {
    chain
        .iter()
        .any(|middleware| ready_made(middleware.type_name()) == Some("Trace"))
}

/// The name of a middleware of this crate. One of the user's own may have the same name, and is another one.
fn ready_made(type_name: &'static str) -> Option<&'static str> {
    let path = type_name.split('<').next()?;
    path.strip_prefix("hyperlane::middleware::")?.rsplit("::").next()
}

#[cfg(test)]
mod tests {
    use std::any::type_name;

    use super::*;
    use crate::middleware::{AccessLog, BearerAuth, CatchPanic, RequestIds, Timeout, Trace, erase};

    #[test]
    fn the_names_of_rules_are_those_of_types() {
        assert_eq!(ready_made(type_name::<Trace>()), Some("Trace"));
        assert_eq!(ready_made(type_name::<BearerAuth<Vec<String>>>()), Some("BearerAuth"));
        assert_eq!(ready_made("app::middleware::Trace"), None);
    }

    #[test]
    fn the_recommended_order_is_beyond_doubt() {
        let chain = [
            erase(RequestIds::new()),
            erase(AccessLog::new()),
            erase(Trace::new()),
            erase(CatchPanic::new()),
            erase(Timeout::new(std::time::Duration::from_secs(1))),
        ];
        assert!(doubts(&chain).is_empty());
        assert!(is_traced(&chain));
        let reversed: Vec<_> = chain.into_iter().rev().collect();
        assert_eq!(doubts(&reversed).len(), 3, "{:?}", doubts(&reversed));
    }
}
