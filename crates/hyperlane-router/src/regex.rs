//! Regular expressions as constraints, behind the feature `regex`.
//!
//! An expression becomes a deterministic automaton when its route is registered. The usual engines decide for each
//! text how to search and keep scratch space in a pool behind a lock; what stands in a segment is short, and the
//! time of a table of states is known beforehand: one step for each byte.

use crate::error::Reason;

#[cfg(feature = "regex")]
pub(crate) use automaton::Regex;
#[cfg(not(feature = "regex"))]
pub(crate) use unsupported::Regex;

/// Whether expressions can be matched.
pub(crate) const SUPPORTED: bool = cfg!(feature = "regex");

#[cfg(feature = "regex")]
mod automaton {
    use std::error::Error;
    use std::sync::Arc;

    use regex_automata::dfa::{Automaton, StartKind, dense};
    use regex_automata::nfa::thompson;
    use regex_automata::{Anchored, Input, MatchKind};

    use super::Reason;
    use crate::path::ESCAPED_SLASH;

    /// The most memory, in bytes, that an expression's table may take. Large repetitions multiply, and a route is
    /// not worth more.
    const TABLE_LIMIT: usize = 1 << 20;
    /// The most memory, in bytes, that making the table may take.
    const WORK_LIMIT: usize = 8 << 20;

    #[derive(Clone)]
    pub(crate) struct Regex(Arc<dense::DFA<Vec<u32>>>);

    impl Regex {
        pub(crate) fn compile(text: &str) -> Result<Self, Reason> {
            // With all matches instead of the preferred one, the longest is found, and it is asked whether that is
            // everything. Anchors written around the expression could be undone by a comment in it.
            let table = dense::Config::new()
                .start_kind(StartKind::Anchored)
                .match_kind(MatchKind::All)
                .dfa_size_limit(Some(TABLE_LIMIT))
                .determinize_size_limit(Some(WORK_LIMIT));
            let states = thompson::Config::new().nfa_size_limit(Some(WORK_LIMIT));
            let built = dense::Builder::new()
                .configure(table)
                .thompson(states)
                .build(&with_ascii_classes(text));
            match built {
                Ok(table) => Ok(Self(Arc::new(table))),
                Err(error) if is_too_large(&error) => Err(Reason::LargeRegex { regex: text.into() }),
                Err(error) => Err(Reason::BadRegex {
                    regex: text.into(),
                    cause: innermost(&error),
                }),
            }
        }

        pub(crate) fn fits(&self, value: &str) -> bool {
            let input = Input::new(value).anchored(Anchored::Yes);
            let longest = self.0.try_search_fwd(&input);
            longest.is_ok_and(|longest| longest.is_some_and(|end| end.offset() == value.len()))
        }

        pub(crate) fn fits_decoded(&self, value: &str) -> bool {
            if value.contains(ESCAPED_SLASH) {
                return self.fits(&value.replace(ESCAPED_SLASH, "/"));
            }
            self.fits(value)
        }
    }

    /// The expression with `\d`, `\w`, `\s` and `\b` spelt out for ASCII: their Unicode forms would make tables of
    /// megabytes, and let through digits that no number parser reads.
    fn with_ascii_classes(text: &str) -> String {
        let mut spelt = String::with_capacity(text.len());
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            if letter != '\\' {
                spelt.push(letter);
                continue;
            }
            match letters.next() {
                Some('d') => spelt.push_str("[0-9]"),
                Some('D') => spelt.push_str("[^0-9]"),
                Some('w') => spelt.push_str("[0-9A-Za-z_]"),
                Some('W') => spelt.push_str("[^0-9A-Za-z_]"),
                Some('s') => spelt.push_str("[\\t\\n\\v\\f\\r\\x20]"),
                Some('S') => spelt.push_str("[^\\t\\n\\v\\f\\r\\x20]"),
                Some('b') => spelt.push_str("(?-u:\\b)"),
                other => {
                    spelt.push('\\');
                    spelt.extend(other);
                }
            }
        }
        spelt
    }

    /// Whether the table exceeds its limit, or already the states that it is made from.
    fn is_too_large(error: &dense::BuildError) -> bool {
        let states = error
            .source()
            .and_then(|cause| cause.downcast_ref::<thompson::BuildError>());
        error.is_size_limit_exceeded() || states.is_some_and(|states| states.size_limit().is_some())
    }

    /// The last line of the cause: those before it draw the expression over several lines.
    fn innermost(error: &dyn Error) -> String {
        let mut cause = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let text = cause.to_string();
        let line = text.lines().next_back().unwrap_or_default();
        line.trim_start_matches("error: ").to_owned()
    }
}

#[cfg(not(feature = "regex"))]
mod unsupported {
    use super::Reason;

    /// An expression that is known to be one, and no more. The router refuses it.
    #[derive(Clone)]
    pub(crate) struct Regex;

    impl Regex {
        #[expect(
            clippy::unnecessary_wraps,
            reason = "the same signature as with the feature, where compiling can fail"
        )]
        pub(crate) fn compile(_: &str) -> Result<Self, Reason> {
            Ok(Self)
        }

        pub(crate) fn fits(&self, _: &str) -> bool {
            false
        }

        pub(crate) fn fits_decoded(&self, _: &str) -> bool {
            false
        }
    }
}
