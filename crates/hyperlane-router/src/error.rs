//! Why a pattern was not taken.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::constraint::Constraint;
use crate::path::PathError;

/// Why [`Router::insert`](crate::Router::insert) refused a pattern.
///
/// The message names the pattern, says what is wrong, and what to write instead.
///
/// ```
/// use hyperlane_router::Router;
///
/// let mut router = Router::new();
/// router.insert("/user/{id}", 1)?;
/// let error = router.insert("/user/{name}", 2).unwrap_err();
/// assert!(error.is_conflict());
/// assert_eq!(error.conflicts_with(), Some("/user/{id}"));
/// # Ok::<(), hyperlane_router::InsertError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertError {
    pattern: Box<str>,
    reason: Box<Reason>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Conflict {
        with: Arc<str>,
    },
    NoLeadingSlash,
    OutsidePath {
        mark: char,
    },
    UnbalancedBrace {
        segment: String,
    },
    EmptyName,
    BadName {
        name: String,
    },
    RepeatedName {
        name: String,
    },
    TwoParams {
        segment: String,
    },
    EmptyConstraint,
    UnknownType {
        name: String,
    },
    #[cfg_attr(
        not(feature = "regex"),
        expect(dead_code, reason = "no expression is judged without the feature")
    )]
    BadRegex {
        regex: String,
        cause: String,
    },
    #[cfg_attr(
        not(feature = "regex"),
        expect(dead_code, reason = "no expression is judged without the feature")
    )]
    LargeRegex {
        regex: String,
    },
    RegexFeature {
        param: String,
    },
    WildcardNotLast,
    WildcardNotAlone {
        segment: String,
    },
    BadEscape {
        cause: PathError,
    },
    OldStyle {
        segment: String,
        new: String,
        escape: &'static str,
    },
}

impl InsertError {
    pub(crate) fn new(pattern: &str, reason: Reason) -> Self {
        Self {
            pattern: pattern.into(),
            reason: Box::new(reason),
        }
    }

    /// The pattern that was refused.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether a pattern that matches the same paths is registered already. Otherwise the pattern
    /// itself is malformed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.conflicts_with().is_some()
    }

    /// The registered pattern that matches the same paths.
    #[must_use]
    pub fn conflicts_with(&self) -> Option<&str> {
        match &*self.reason {
            Reason::Conflict { with } => Some(with),
            _ => None,
        }
    }
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = &self.pattern;
        if let Reason::Conflict { with } = &*self.reason {
            return if **with == **pattern {
                write!(f, "route `{pattern}` conflicts with `{with}`: it is registered already")
            } else {
                write!(
                    f,
                    "route `{pattern}` conflicts with `{with}`: they match the same paths, keep one of them"
                )
            };
        }
        write!(f, "route `{pattern}` is malformed: {}", self.reason)
    }
}

impl Error for InsertError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &*self.reason {
            Reason::BadEscape { cause } => Some(cause),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { with } => write!(f, "it conflicts with `{with}`"),
            Self::NoLeadingSlash => f.write_str("begin it with `/`"),
            Self::OutsidePath { mark } => write!(
                f,
                "`{mark}` is not part of a path; leave out what follows, or write `%{:02X}` for the character",
                u32::from(*mark)
            ),
            Self::UnbalancedBrace { segment } => write!(
                f,
                "a brace in `{segment}` has no partner; close it, or double it for a literal brace"
            ),
            Self::EmptyName => f.write_str("a parameter has no name; write `{id}` or `{*path}`"),
            Self::BadName { name } => write!(
                f,
                "the parameter name `{name}` may hold only letters, digits, `_` and `-`"
            ),
            Self::RepeatedName { name } => {
                write!(f, "the parameter name `{name}` is used twice; rename one")
            }
            Self::TwoParams { segment } => write!(
                f,
                "`{segment}` holds two parameters; take one for the whole segment and split its value"
            ),
            Self::EmptyConstraint => {
                f.write_str("nothing follows the colon of a parameter; write `{id:u64}`, or leave the colon out")
            }
            Self::UnknownType { name } => {
                let types = Constraint::types().collect::<Vec<_>>().join("`, `");
                write!(
                    f,
                    "there is no type `{name}`; write one of `{types}`, or `({name})` for a regular expression"
                )
            }
            Self::BadRegex { regex, cause } => write!(
                f,
                "the regular expression `{regex}` is not understood ({cause}); correct it"
            ),
            Self::LargeRegex { regex } => write!(
                f,
                "the table of the regular expression `{regex}` exceeds its limit; shorten its repetitions"
            ),
            Self::RegexFeature { param } => write!(
                f,
                "`{{{param}}}` holds a regular expression; turn on the feature `regex`, or write a type such as `u64`"
            ),
            Self::WildcardNotLast => f.write_str("something follows the wildcard; make `{*…}` the last segment"),
            Self::WildcardNotAlone { segment } => write!(
                f,
                "`{segment}` holds text beside the wildcard; make `{{*…}}` the whole segment"
            ),
            // The cause counts from the beginning of a piece, so that its place would mislead here.
            Self::BadEscape {
                cause: PathError::MalformedEscape { .. },
            } => f.write_str("a `%` is not followed by two hexadecimal digits; write `%25` for the character"),
            Self::BadEscape {
                cause: PathError::Nul { .. },
            } => f.write_str("it holds a nul; leave it out, no path with one is accepted"),
            Self::BadEscape {
                cause: PathError::NotUtf8,
            } => f.write_str("its escapes are not utf-8; write the characters themselves"),
            Self::OldStyle { segment, new, escape } => write!(
                f,
                "`{segment}` is the old form of a parameter; write `{new}`, or `{escape}` for a literal first character"
            ),
        }
    }
}
