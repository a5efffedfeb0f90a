//! One parsed pattern.

use std::borrow::Cow;
use std::sync::Arc;
use std::{fmt, iter};

use crate::constraint::Constraint;
use crate::encode::encode_literal;
use crate::error::InsertError;
use crate::parse::parse;

/// A pattern that is known to be well-formed: what a table of routes prints, and what builds URLs.
///
/// The [crate documentation](crate) says how a pattern is written.
///
/// ```
/// use hyperlane_router::Pattern;
///
/// let pattern = Pattern::parse("/shop/{id:u64}/{*path}")?;
/// assert_eq!(pattern.as_str(), "/shop/{id:u64}/{*path}");
///
/// let params: Vec<String> = pattern.params().map(|param| param.to_string()).collect();
/// assert_eq!(params, ["id:u64", "*path"]);
///
/// assert!(Pattern::parse("/shop/{id").is_err());
/// # Ok::<(), hyperlane_router::InsertError>(())
/// ```
#[derive(Clone)]
pub struct Pattern {
    text: Arc<str>,
    segments: Vec<Segment>,
    /// Shared with the parameters of every match; `None` spares patterns without any an allocation.
    names: Option<Arc<[Box<str>]>>,
}

/// A parameter of a [`Pattern`]. Its text is as in the pattern, without the braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'p> {
    name: &'p str,
    constraint: Option<&'p Constraint>,
    is_wildcard: bool,
}

/// A part of the URLs of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'p> {
    /// Fixed text, slashes included, percent-encoded.
    Text(Cow<'p, str>),
    /// The place of a parameter's value.
    Param(Param<'p>),
}

/// What stands between two slashes of a pattern, its text decoded like a path's.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Literal(Box<str>),
    Param(Affixes, Option<Constraint>),
    Wildcard(Option<Constraint>),
}

/// The fixed text around a parameter within its segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Affixes {
    pub(crate) prefix: Box<str>,
    pub(crate) suffix: Box<str>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// Without the feature `regex`, regular expressions in it are not judged.
    ///
    /// # Errors
    ///
    /// When it is malformed; the error says what to write instead.
    pub fn parse(text: &str) -> Result<Self, InsertError> {
        let (segments, names) = parse(text).map_err(|reason| InsertError::new(text, reason))?;
        Ok(Self {
            text: text.into(),
            segments,
            names: (!names.is_empty()).then(|| names.into()),
        })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its parameters, from left to right.
    pub fn params(&self) -> impl Iterator<Item = Param<'_>> {
        let constraints = self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::Param(_, constraint) => Some((constraint, false)),
            Segment::Wildcard(constraint) => Some((constraint, true)),
        });
        let names = self.names.as_deref().unwrap_or_default();
        iter::zip(names, constraints).map(|(name, (constraint, is_wildcard))| Param {
            name,
            constraint: constraint.as_ref(),
            is_wildcard,
        })
    }

    /// Fixed text and parameters, from left to right: what a URL is put together from.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut params = self.params().map(Piece::Param);
        let mut text = String::new();
        for segment in &self.segments {
            text.push('/');
            let (before, after) = match segment {
                Segment::Literal(literal) => {
                    encode_literal(literal, &mut text);
                    continue;
                }
                Segment::Param(affixes, _) => (&*affixes.prefix, &*affixes.suffix),
                Segment::Wildcard(_) => ("", ""),
            };
            encode_literal(before, &mut text);
            pieces.push(Piece::Text(std::mem::take(&mut text).into()));
            pieces.extend(params.next());
            encode_literal(after, &mut text);
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text.into()));
        }
        pieces
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub(crate) fn names(&self) -> Option<&Arc<[Box<str>]>> {
        self.names.as_ref()
    }

    /// The text that each parameter takes from `rest`, a decoded path without its first slash that
    /// this pattern matches.
    pub(crate) fn captures<'p>(&'p self, rest: &'p str) -> impl Iterator<Item = &'p str> {
        let mut segments = self.segments.iter();
        let mut rest = rest;
        iter::from_fn(move || {
            for segment in segments.by_ref() {
                let (head, next) = rest.split_once('/').unwrap_or((rest, ""));
                match segment {
                    Segment::Literal(_) => rest = next,
                    Segment::Param(affixes, _) => {
                        rest = next;
                        return affixes.value(head);
                    }
                    Segment::Wildcard(_) => return Some(rest),
                }
            }
            None
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl<'p> Param<'p> {
    /// The name under which handlers find its value.
    #[must_use]
    pub fn name(self) -> &'p str {
        self.name
    }

    /// What its value must be, if the pattern says so.
    #[must_use]
    pub fn constraint(self) -> Option<&'p Constraint> {
        self.constraint
    }

    /// Whether it takes everything that is left of the path.
    #[must_use]
    pub fn is_wildcard(self) -> bool {
        self.is_wildcard
    }
}

impl fmt::Display for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_wildcard { "*" } else { "" };
        write!(f, "{star}{}", self.name)?;
        self.constraint.map_or(Ok(()), |constraint| write!(f, ":{constraint}"))
    }
}

impl Affixes {
    /// The parameter's part of a segment, if the segment has the affixes and something between.
    pub(crate) fn value<'s>(&self, segment: &'s str) -> Option<&'s str> {
        let value = segment.strip_prefix(&*self.prefix)?;
        let value = value.strip_suffix(&*self.suffix)?;
        (!value.is_empty()).then_some(value)
    }

    /// Greater is more specific. Two affixes of one rank that fit the same segment are the same.
    pub(crate) fn rank(&self) -> (usize, usize) {
        (self.prefix.len(), self.suffix.len())
    }
}
