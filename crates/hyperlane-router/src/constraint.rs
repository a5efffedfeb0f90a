//! What a parameter's text must be for its pattern to match.

use std::fmt;
use std::str::FromStr;

use crate::error::Reason;
use crate::regex::Regex;

/// The condition behind the colon of `{id:u64}` or `{tag:[a-z]+}`: the name of a type, or else a regular expression.
///
/// It judges the decoded text of its parameter. Where it says no, the router goes on with the next pattern that could
/// match, so that `/user/{id:u64}` and `/user/{name}` can stand side by side.
///
/// | type | text that fits |
/// |---|---|
/// | `bool` | `true`, `false` |
/// | `date` | a day that exists, as `2024-02-29` (RFC 3339, section 5.6, `full-date`) |
/// | `uuid` | 8-4-4-4-12 hexadecimal digits (RFC 9562, section 4) |
/// | `u8` `u16` `u32` `u64` `u128` | decimal digits, within the range of the type |
/// | `i8` `i16` `i32` `i64` `i128` | the same, and a `-` may stand in front |
/// | `f64` | a finite decimal number: `2`, `-1.5`, `1e3` |
/// | `hex` | hexadecimal digits |
/// | `alpha` | ASCII letters |
/// | `alnum` | ASCII letters and digits |
///
/// What fits a number type is read by its `FromStr` without an error.
///
/// Everything that is not a plain word is a regular expression in the syntax of the `regex` crate, and needs the
/// feature `regex`. It must fit the whole text. `\d`, `\w`, `\s` and `\b` know ASCII only, for a path is read by
/// programs that do. Braces in it are paired, or written `\{` and `\}`. It is made a table of states when the route
/// is registered: matching reads each byte once, takes no lock and allocates nothing.
///
/// ```
/// use hyperlane_router::Pattern;
///
/// let pattern = Pattern::parse("/user/{id:u64}")?;
/// let id = pattern.params().next().and_then(|param| param.constraint()).expect("it has one");
/// assert_eq!(id.as_str(), "u64");
/// assert!(id.fits("42"));
/// assert!(!id.fits("-42"));
/// # Ok::<(), hyperlane_router::InsertError>(())
/// ```
#[derive(Clone)]
pub struct Constraint {
    text: Box<str>,
    check: Check,
}

#[derive(Clone)]
enum Check {
    /// The place of a type in [`TYPES`].
    Type(usize, fn(&str) -> bool),
    Regex(Regex),
}

/// A type that a pattern can name.
struct Type {
    name: &'static str,
    fits: fn(&str) -> bool,
}

/// The types, in the order in which they are tried on the same place: the narrower first.
const TYPES: [Type; 17] = [
    Type::new("bool", is_bool),
    Type::new("date", is_date),
    Type::new("uuid", is_uuid),
    Type::new("u8", is_whole::<u8>),
    Type::new("u16", is_whole::<u16>),
    Type::new("u32", is_whole::<u32>),
    Type::new("u64", is_whole::<u64>),
    Type::new("u128", is_whole::<u128>),
    Type::new("i8", is_whole::<i8>),
    Type::new("i16", is_whole::<i16>),
    Type::new("i32", is_whole::<i32>),
    Type::new("i64", is_whole::<i64>),
    Type::new("i128", is_whole::<i128>),
    Type::new("f64", is_number),
    Type::new("hex", |text| consists_of(text, u8::is_ascii_hexdigit)),
    Type::new("alpha", |text| consists_of(text, u8::is_ascii_alphabetic)),
    Type::new("alnum", |text| consists_of(text, u8::is_ascii_alphanumeric)),
];

impl Type {
    const fn new(name: &'static str, fits: fn(&str) -> bool) -> Self {
        Self { name, fits }
    }
}

impl Constraint {
    pub(crate) fn parse(text: &str) -> Result<Self, Reason> {
        if text.is_empty() {
            return Err(Reason::EmptyConstraint);
        }
        let mut types = TYPES.iter().enumerate();
        let check = match types.find(|(_, known)| known.name == text) {
            Some((place, known)) => Check::Type(place, known.fits),
            // As a regular expression it would match nothing but itself: more likely a type was meant.
            None if is_word(text) => return Err(Reason::UnknownType { name: text.into() }),
            None => Check::Regex(Regex::compile(text)?),
        };
        Ok(Self {
            text: text.into(),
            check,
        })
    }

    /// The constraint as it stands in the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a regular expression, and not the name of a type.
    #[must_use]
    pub fn is_regex(&self) -> bool {
        matches!(self.check, Check::Regex(_))
    }

    /// Whether this text, decoded, may be the value of the parameter. Without the feature `regex` no text fits a
    /// regular expression.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        match &self.check {
            Check::Type(_, fits) => fits(value),
            Check::Regex(regex) => regex.fits(value),
        }
    }

    /// The same of a piece of a decoded path, in which a NUL stands for an escaped slash.
    pub(crate) fn fits_decoded(&self, value: &str) -> bool {
        match &self.check {
            // No type has a slash, nor a NUL.
            Check::Type(_, fits) => fits(value),
            Check::Regex(regex) => regex.fits_decoded(value),
        }
    }

    /// Greater is tried first on the same place: types by their order, then expressions, then (0) no constraint.
    pub(crate) fn rank(this: Option<&Self>) -> usize {
        match this.map(|constraint| &constraint.check) {
            None => 0,
            Some(Check::Regex(_)) => 1,
            Some(Check::Type(place, _)) => 1 + TYPES.len() - place,
        }
    }

    /// The names of all types, for messages.
    pub(crate) fn types() -> impl Iterator<Item = &'static str> {
        TYPES.iter().map(|known| known.name)
    }
}

impl PartialEq for Constraint {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Constraint {}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Constraint").field(&self.text).finish()
    }
}

fn is_word(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

fn is_bool(text: &str) -> bool {
    matches!(text, "true" | "false")
}

/// `FromStr` would take a `+`, too. In a URL that is more often a space that was encoded wrongly.
fn is_whole<T: FromStr>(text: &str) -> bool {
    !text.starts_with('+') && text.parse::<T>().is_ok()
}

/// `FromStr` would take `inf` and `nan`, too.
fn is_number(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E');
    !text.starts_with('+') && text.bytes().all(plain) && text.parse().is_ok_and(f64::is_finite)
}

fn consists_of(text: &str, of: fn(&u8) -> bool) -> bool {
    !text.is_empty() && text.as_bytes().iter().all(of)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_date(text: &str) -> bool {
    let digits = |part: &str, length| (part.len() == length && is_digits(part)).then(|| part.parse::<u32>().ok());
    let mut parts = text.split('-');
    let mut part = |length| parts.next().and_then(|part| digits(part, length)).flatten();
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day) && parts.next().is_none()
}

fn is_digits(text: &str) -> bool {
    consists_of(text, u8::is_ascii_digit)
}
