//! From a pattern back to a URL's path.

use std::error::Error;
use std::fmt::{self, Display};

use crate::encode::{encode_literal, write_rest, write_segment};
use crate::pattern::{Param, Pattern, Segment};

/// A struct whose fields are the parameters of a pattern: the URL of a route that a wrong parameter does not compile
/// for.
///
/// `#[derive(TypedPath)]` implements it, and checks pattern and fields while it compiles. `Display` writes the path,
/// each value percent-encoded (RFC 3986, section 3.3).
///
/// Any text is written, also one that the route would not take: an empty one, or one that does not fit its
/// constraint. Browsers remove `.` and `..` however they are encoded. Fields whose types cannot hold such text need
/// no care; otherwise [`Pattern::url`] judges the values.
///
/// ```
/// use std::fmt;
/// use hyperlane_router::{TypedPath, write_segment};
///
/// // What the derive macro writes.
/// struct User { name: String }
/// impl TypedPath for User {
///     const PATTERN: &'static str = "/user/{name}";
/// }
/// impl fmt::Display for User {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("/user/")?;
///         write_segment(f, &self.name)
///     }
/// }
///
/// assert_eq!(User { name: "a b".into() }.url(), "/user/a%20b");
/// ```
pub trait TypedPath: Display {
    /// The pattern to register.
    const PATTERN: &'static str;

    /// The path of these values, percent-encoded, without scheme and host.
    #[must_use]
    fn url(&self) -> String {
        self.to_string()
    }
}

/// Why [`Pattern::url`] made no URL.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// A parameter of the pattern has no value.
    Missing {
        /// The parameter.
        name: String,
    },
    /// The pattern has no parameter for a value.
    Unknown {
        /// The name that was given with the value.
        name: String,
    },
    /// The router would not match the value: it is empty, holds a NUL, or does not fit the constraint.
    Misfit {
        /// The parameter as it stands between the braces, `id:u64`.
        param: String,
    },
    /// With the value, a segment would be `.` or `..`, which clients remove (RFC 3986, section 5.2.4).
    DotSegment {
        /// The parameter as it stands between the braces, `*path`.
        param: String,
    },
}

impl Pattern {
    /// Puts values in the places of the parameters and returns the path, percent-encoded.
    ///
    /// The router, if it has this pattern alone, finds exactly these values for it. For values that are known when
    /// the program is compiled, [`TypedPath`] makes mistakes compile errors.
    ///
    /// ```
    /// use hyperlane_router::Pattern;
    ///
    /// let pattern = Pattern::parse("/user/{id:u64}/{*file}")?;
    /// assert_eq!(pattern.url(&[("id", &7), ("file", &"my cv.pdf")])?, "/user/7/my%20cv.pdf");
    /// assert!(pattern.url(&[("id", &"me"), ("file", &"cv.pdf")]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a value is missing, or one too many, or would not come back from the URL.
    pub fn url(&self, values: &[(&str, &dyn Display)]) -> Result<String, UrlError> {
        for (name, _) in values {
            if !self.params().any(|param| param.name() == *name) {
                return Err(UrlError::Unknown { name: (*name).into() });
            }
        }
        let mut url = String::new();
        let mut params = self.params();
        for segment in self.segments() {
            url.push('/');
            let (before, after) = match segment {
                Segment::Literal(text) => {
                    encode_literal(text, &mut url);
                    continue;
                }
                Segment::Param(affixes, _) => (&*affixes.prefix, &*affixes.suffix),
                Segment::Wildcard(_) => ("", ""),
            };
            let Some(param) = params.next() else { continue };
            let start = url.len();
            encode_literal(before, &mut url);
            write_value(&mut url, param, values)?;
            encode_literal(after, &mut url);
            if url.get(start..).is_some_and(|written| written.split('/').any(is_dots)) {
                let param = param.to_string();
                return Err(UrlError::DotSegment { param });
            }
        }
        Ok(url)
    }
}

fn write_value(url: &mut String, param: Param<'_>, values: &[(&str, &dyn Display)]) -> Result<(), UrlError> {
    let value = values.iter().find(|(name, _)| *name == param.name());
    let (_, value) = value.ok_or_else(|| UrlError::Missing {
        name: param.name().into(),
    })?;
    let value = value.to_string();
    let fits = param.constraint().is_none_or(|constraint| constraint.fits(&value));
    if value.is_empty() || value.contains('\0') || !fits {
        return Err(UrlError::Misfit {
            param: param.to_string(),
        });
    }
    let written = if param.is_wildcard() {
        write_rest(url, value)
    } else {
        write_segment(url, value)
    };
    debug_assert!(written.is_ok(), "a string takes everything");
    Ok(())
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | ".." | "%2E" | "%2E%2E" | ".%2E" | "%2E.")
}

impl Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(f, "the parameter `{name}` has no value; give one"),
            Self::Unknown { name } => write!(f, "the pattern has no parameter `{name}`; leave the value out"),
            Self::Misfit { param } => write!(
                f,
                "the route would not take this value for `{{{param}}}`; give one that is not empty, holds no nul, \
                 and fits the constraint"
            ),
            Self::DotSegment { param } => write!(
                f,
                "with this value for `{{{param}}}` a segment is `.` or `..`, which clients remove; give another one"
            ),
        }
    }
}

impl Error for UrlError {}
