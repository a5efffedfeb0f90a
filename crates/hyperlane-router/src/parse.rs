//! From the text of a pattern to its segments.

use crate::constraint::Constraint;
use crate::error::Reason;
use crate::path::decode;
use crate::pattern::{Affixes, Segment};

/// The segments of a pattern and the names of its parameters.
pub(crate) fn parse(text: &str) -> Result<(Vec<Segment>, Vec<Box<str>>), Reason> {
    let mut rest = Some(text.strip_prefix('/').ok_or(Reason::NoLeadingSlash)?);
    let mut names: Vec<Box<str>> = Vec::new();
    let mut segments = Vec::new();
    while let Some(text) = rest {
        if matches!(segments.last(), Some(Segment::Wildcard(_))) {
            return Err(Reason::WildcardNotLast);
        }
        let (part, next) = split_segment(text);
        let (segment, name) = parse_segment(part)?;
        if let Some(name) = name {
            if names.iter().any(|other| **other == *name) {
                return Err(Reason::RepeatedName { name: name.into() });
            }
            names.push(name.into());
        }
        segments.push(segment);
        rest = next;
    }
    Ok((segments, names))
}

fn parse_segment(part: &str) -> Result<(Segment, Option<&str>), Reason> {
    refuse_old_style(part)?;
    let Some((before, inner, after)) = split_param(part)? else {
        return Ok((Segment::Literal(literal(part)?), None));
    };
    if split_param(after)?.is_some() {
        return Err(Reason::TwoParams { segment: part.into() });
    }
    let affixes = Affixes {
        prefix: literal(before)?,
        suffix: literal(after)?,
    };
    let (name, constraint) = match inner.split_once(':') {
        Some((name, constraint)) => (name, Some(constraint)),
        None => (inner, None),
    };
    let (name, is_wildcard) = match name.strip_prefix('*') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let name = valid_name(name)?;
    let constraint = constraint.map(Constraint::parse).transpose()?;
    let segment = if !is_wildcard {
        Segment::Param(affixes, constraint)
    } else if before.is_empty() && after.is_empty() {
        Segment::Wildcard(constraint)
    } else {
        return Err(Reason::WildcardNotAlone { segment: part.into() });
    };
    Ok((segment, Some(name)))
}

/// Splits a pattern at its first slash that does not belong to a constraint.
fn split_segment(text: &str) -> (&str, Option<&str>) {
    let mut rest = text;
    while let Some(place) = rest.find(['/', '{', '}']) {
        let (_, found) = rest.split_at(place);
        if let Some(next) = found.strip_prefix('/') {
            let length = text.len() - found.len();
            return (text.get(..length).unwrap_or_default(), Some(next));
        }
        let inner = found.get(1..).unwrap_or_default();
        rest = match doubled(found) {
            Some(after) => after,
            None if found.starts_with('{') => close(inner).map_or(inner, |(_, after)| after),
            None => inner,
        };
    }
    (text, None)
}

/// Splits a segment at its first parameter: the text before, what the braces hold, the text after.
fn split_param(part: &str) -> Result<Option<(&str, &str, &str)>, Reason> {
    let mut rest = part;
    while let Some(place) = rest.find(['{', '}']) {
        let (_, found) = rest.split_at(place);
        if let Some(after) = doubled(found) {
            rest = after;
            continue;
        }
        let param = found.strip_prefix('{').and_then(close);
        let (inner, after) = param.ok_or_else(|| Reason::UnbalancedBrace { segment: part.into() })?;
        let before = part.len() - found.len();
        return Ok(part.get(..before).map(|before| (before, inner, after)));
    }
    Ok(None)
}

/// What follows a doubled brace at the beginning of `text`.
fn doubled(text: &str) -> Option<&str> {
    text.strip_prefix("{{").or_else(|| text.strip_prefix("}}"))
}

/// Splits `text`, which follows an opening brace, at the brace that closes it. Braces within a constraint are counted,
/// but for those behind a backslash: `{tag:[a-z]{2,5}}`.
fn close(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut in_constraint = false;
    let mut letters = text.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '}' if depth == 0 => return Some((text.get(..place)?, text.get(place + 1..)?)),
            ':' => in_constraint = true,
            '/' if !in_constraint => return None,
            _ if !in_constraint => {}
            '\\' => {
                letters.next();
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The text that a literal part stands for: doubled braces become single, escapes are decoded.
fn literal(part: &str) -> Result<Box<str>, Reason> {
    if let Some(mark) = part.chars().find(|mark| matches!(mark, '?' | '#')) {
        return Err(Reason::OutsidePath { mark });
    }
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
