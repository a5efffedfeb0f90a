//! What there is on the other side of a trailing slash.

use std::borrow::Cow;

use crate::path::PathError;
use crate::router::{Match, Router};

/// A match for the path with its trailing slash taken away, or added: found by [`Router::find_other_slash`].
///
/// To ignore trailing slashes is to take [`found`](Self::found) as if it had been asked for. To redirect is to answer
/// 308 (Permanent Redirect), which keeps method and body (RFC 9110, section 15.4.9), with
/// [`location`](Self::location).
#[derive(Clone, Debug)]
pub struct OtherSlash<'r, 'p, T> {
    /// What matched.
    pub found: Match<'r, T>,
    /// The path that matched, percent-encoded as it was received.
    pub path: Cow<'p, str>,
}

impl<T> Router<T> {
    /// Finds what matches `raw_path` with one trailing slash taken away if there is one, and added if there is none.
    ///
    /// It is meant for paths that [`find`](Self::find) has no match for, and changes nothing about those that have
    /// one. `/` has no other form. A pattern's wildcard matches with and without the slash, so that a path that it
    /// takes never comes here.
    ///
    /// ```
    /// use hyperlane_router::Router;
    ///
    /// let mut router = Router::new();
    /// router.insert("/about", "about")?;
    /// assert!(router.find("/about/")?.is_none());
    ///
    /// let other = router.find_other_slash("/about/")?.expect("it is there without the slash");
    /// assert_eq!(*other.found.value, "about");
    /// assert_eq!(other.location(Some("page=2")).as_deref(), Some("/about?page=2"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`find`](Self::find).
    pub fn find_other_slash<'r, 'p>(&'r self, raw_path: &'p str) -> Result<Option<OtherSlash<'r, 'p, T>>, PathError> {
        let Some(path) = other_form(raw_path) else {
            return Ok(None);
        };
        let found = self.find(&path)?;
        Ok(found.map(|found| OtherSlash { found, path }))
    }
}

impl<T> OtherSlash<'_, '_, T> {
    /// The value of `Location` that leads to the other form, the query of the request behind it.
    ///
    /// `None` if there is no safe one. A client takes `//name/…` for another host (RFC 3986, section 4.2), and
    /// browsers read a backslash as a slash and leave out control characters: a redirect to such a path would send
    /// people wherever the author of a link wants. Text that is not ASCII is percent-encoded.
    #[must_use]
    pub fn location(&self, query: Option<&str>) -> Option<String> {
        location(&self.path, query)
    }
}

/// The `Location` for the other form of `raw_path`, whether anything matches that or not: the same as
/// [`OtherSlash::location`].
#[must_use]
pub fn other_slash_location(raw_path: &str, query: Option<&str>) -> Option<String> {
    location(&other_form(raw_path)?, query)
}

fn other_form(raw_path: &str) -> Option<Cow<'_, str>> {
    if raw_path == "/" || !raw_path.starts_with('/') {
        return None;
    }
    Some(match raw_path.strip_suffix('/') {
        Some(without) => Cow::Borrowed(without),
        None => Cow::Owned(format!("{raw_path}/")),
    })
}

fn location(path: &str, query: Option<&str>) -> Option<String> {
    if matches!(path.as_bytes().get(1), Some(b'/' | b'\\')) {
        return None;
    }
    let mut location = String::with_capacity(path.len() + query.map_or(0, |query| query.len() + 1));
    append(&mut location, path)?;
    if let Some(query) = query {
        location.push('?');
        append(&mut location, query)?;
    }
    Some(location)
}

fn append(location: &mut String, text: &str) -> Option<()> {
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' => location.push(char::from(byte)),
            0x80.. => location.push_str(&format!("%{byte:02X}")),
            _ => return None,
        }
    }
    Some(())
}
