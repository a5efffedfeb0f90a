//! One parsed pattern.

use std::iter;
use std::sync::Arc;

use crate::error::{InsertError, Reason};
use crate::path::decode;

/// A pattern, parsed and known to be well-formed.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: Arc<str>,
    segments: Vec<Segment>,
    /// Shared with the parameters of every match; `None` spares patterns without any an allocation.
    names: Option<Arc<[Box<str>]>>,
}

/// What stands between two slashes of a pattern, its text decoded like a path's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Literal(Box<str>),
    Param(Affixes),
    Wildcard,
}

/// The fixed text around a parameter within its segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Affixes {
    prefix: Box<str>,
    suffix: Box<str>,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, InsertError> {
        parse(text).map_err(|reason| InsertError::new(text, reason))
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
                    Segment::Param(affixes) => {
                        rest = next;
                        return affixes.value(head);
                    }
                    Segment::Wildcard => return Some(rest),
                }
            }
            None
        })
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

fn parse(text: &str) -> Result<Pattern, Reason> {
    let rest = text.strip_prefix('/').ok_or(Reason::NoLeadingSlash)?;
    if let Some(mark) = text.chars().find(|mark| matches!(mark, '?' | '#')) {
        return Err(Reason::OutsidePath { mark });
    }
    let mut names: Vec<Box<str>> = Vec::new();
    let mut segments = Vec::new();
    for part in rest.split('/') {
        if segments.last() == Some(&Segment::Wildcard) {
            return Err(Reason::WildcardNotLast);
        }
        let (segment, name) = parse_segment(part)?;
        if let Some(name) = name {
            if names.iter().any(|other| **other == *name) {
                return Err(Reason::RepeatedName { name: name.into() });
            }
            names.push(name.into());
        }
        segments.push(segment);
    }
    Ok(Pattern {
        text: text.into(),
        segments,
        names: (!names.is_empty()).then(|| names.into()),
    })
}

fn parse_segment(part: &str) -> Result<(Segment, Option<&str>), Reason> {
    refuse_old_style(part)?;
    let Some((before, name, after)) = split_param(part)? else {
        return Ok((Segment::Literal(literal(part)?), None));
    };
    if split_param(after)?.is_some() {
        return Err(Reason::TwoParams { segment: part.into() });
    }
    let Some(name) = name.strip_prefix('*') else {
        let affixes = Affixes {
            prefix: literal(before)?,
            suffix: literal(after)?,
        };
        return Ok((Segment::Param(affixes), Some(valid_name(name)?)));
    };
    let name = valid_name(name)?;
    if before.is_empty() && after.is_empty() {
        Ok((Segment::Wildcard, Some(name)))
    } else {
        Err(Reason::WildcardNotAlone { segment: part.into() })
    }
}

/// Splits a segment at its first parameter: the text before, what the braces hold, the text after.
fn split_param(part: &str) -> Result<Option<(&str, &str, &str)>, Reason> {
    let mut rest = part;
    while let Some(place) = rest.find(['{', '}']) {
        let (_, found) = rest.split_at(place);
        if let Some(after) = found.strip_prefix("{{").or_else(|| found.strip_prefix("}}")) {
            rest = after;
            continue;
        }
        let unbalanced = || Reason::UnbalancedBrace { segment: part.into() };
        let inner = found.strip_prefix('{').ok_or_else(unbalanced)?;
        let (name, after) = inner.split_once('}').ok_or_else(unbalanced)?;
        let before = part.len() - found.len();
        return Ok(part.get(..before).map(|before| (before, name, after)));
    }
    Ok(None)
}

/// The text that a literal part stands for: doubled braces become single, escapes are decoded.
fn literal(part: &str) -> Result<Box<str>, Reason> {
    let unescaped = part.replace("{{", "{").replace("}}", "}");
    match decode(&unescaped) {
        Ok(text) => Ok(text.into()),
        Err(cause) => Err(Reason::BadEscape { cause }),
    }
}

fn valid_name(name: &str) -> Result<&str, Reason> {
    let allowed = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    if name.is_empty() {
        Err(Reason::EmptyName)
    } else if name.chars().all(allowed) {
        Ok(name)
    } else {
        Err(Reason::BadName { name: name.into() })
    }
}

/// `:id` and `*path` were parameters in earlier routers. As text they would match nothing that
/// anybody asks for, silently.
fn refuse_old_style(part: &str) -> Result<(), Reason> {
    let (mark, star, default) = match part.as_bytes().first() {
        Some(b':') => (':', "", "id"),
        Some(b'*') => ('*', "*", "path"),
        _ => return Ok(()),
    };
    let name = part.strip_prefix(mark).filter(|name| valid_name(name).is_ok());
    let name = name.unwrap_or(default);
    Err(Reason::OldStyle {
        segment: part.into(),
        new: format!("{{{star}{name}}}"),
        escape: if mark == ':' { "%3A" } else { "%2A" },
    })
}
