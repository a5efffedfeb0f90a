//! The parameters of a match.

use std::fmt;
use std::sync::Arc;

use crate::path::ESCAPED_SLASH;
use crate::pattern::Pattern;

/// The decoded parameters that a path gave to a pattern, in the order of the pattern.
///
/// They own their text and borrow nothing, so that they can move into the request; the names are
/// shared with the router. Empty parameters allocate nothing.
///
/// ```
/// use hyperlane_router::Router;
///
/// let mut router = Router::new();
/// router.insert("/{shop}/{item}", ())?;
/// let params = router.find("/books/42")?.expect("it is registered").params;
///
/// assert_eq!(params.get("item"), Some("42"));
/// assert_eq!(params.at(0), Some("books"));
/// assert_eq!(params.iter().collect::<Vec<_>>(), [("shop", "books"), ("item", "42")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Params {
    names: Option<Arc<[Box<str>]>>,
    /// The values, one behind the other.
    text: String,
    /// Where in `text` each value ends, except the last: a single parameter needs none.
    ends: Vec<usize>,
}

impl Params {
    /// No parameters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets all parameters, and keeps the memory for the next ones: see [`Router::find_into`](crate::Router::find_into).
    pub fn clear(&mut self) {
        self.names = None;
        self.text.clear();
        self.ends.clear();
    }

    /// How many bytes of memory it keeps for values.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Takes the parameters of `pattern` from `rest`, a decoded path without its first slash that
    /// the pattern matches.
    pub(crate) fn capture(&mut self, pattern: &Pattern, rest: &str) {
        self.clear();
        let Some(names) = pattern.names() else {
            return;
        };
        self.names = Some(names.clone());
        for (position, value) in pattern.captures(rest).enumerate() {
            if position > 0 {
                self.ends.push(self.text.len());
            }
            let mut parts = value.split(ESCAPED_SLASH);
            self.text.extend(parts.next());
            for part in parts {
                self.text.push('/');
                self.text.push_str(part);
            }
        }
    }

    /// The value of the parameter with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.at(self.names().iter().position(|other| **other == *name)?)
    }

    /// The value of the parameter at this position of the pattern, counted from 0.
    #[must_use]
    pub fn at(&self, position: usize) -> Option<&str> {
        if position >= self.len() {
            return None;
        }
        let start = match position.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let end = self.ends.get(position).copied();
        self.text.get(start..end.unwrap_or(self.text.len()))
    }

    /// Names and values in the order of the pattern.
    #[must_use]
    pub fn iter(&self) -> ParamsIter<'_> {
        ParamsIter {
            params: self,
            position: 0,
        }
    }

    /// How many parameters there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names().len()
    }

    /// Whether the pattern has no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_none()
    }

    fn names(&self) -> &[Box<str>] {
        self.names.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<'p> IntoIterator for &'p Params {
    type Item = (&'p str, &'p str);
    type IntoIter = ParamsIter<'p>;

    fn into_iter(self) -> ParamsIter<'p> {
        self.iter()
    }
}

/// Names and values of [`Params`] in the order of the pattern; made by [`Params::iter`].
#[derive(Clone, Debug)]
pub struct ParamsIter<'p> {
    params: &'p Params,
    position: usize,
}

impl<'p> Iterator for ParamsIter<'p> {
    type Item = (&'p str, &'p str);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.params.names().get(self.position)?;
        let value = self.params.at(self.position)?;
        self.position += 1;
        Some((name, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.params.len() - self.position;
        (left, Some(left))
    }
}

impl ExactSizeIterator for ParamsIter<'_> {}
