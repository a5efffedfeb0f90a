//! The router: patterns in, matches out.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use crate::constraint::Constraint;
use crate::error::{InsertError, Reason};
use crate::hash::PathHasher;
use crate::params::Params;
use crate::path::{PathError, with_decoded};
use crate::pattern::{Param, Pattern};
use crate::regex::SUPPORTED;
use crate::trie::Node;

/// Values under path patterns.
///
/// Filled once, then only read: [`find`](Self::find) takes `&self`, locks nothing, and its cost is
/// bounded by the patterns, not by what a client sends. See the [crate documentation](crate) for
/// the form of patterns and the order in which they are tried.
///
/// ```
/// use hyperlane_router::Router;
///
/// let mut router = Router::new();
/// router.insert("/a/{id}", 1)?;
/// assert_eq!(router.find("/a/7")?.map(|found| *found.value), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Router<T> {
    trie: Node,
    routes: Vec<Route<T>>,
    by_text: HashMap<Arc<str>, usize, BuildHasherDefault<PathHasher>>,
}

/// What [`Router::find`] found.
#[derive(Clone, Debug)]
pub struct Match<'r, T> {
    /// The value that was inserted under the pattern.
    pub value: &'r T,
    /// The pattern as it was inserted; a clone costs one reference count.
    pub pattern: &'r Arc<str>,
    /// The decoded parameters, in the order of the pattern.
    pub params: Params,
}

#[derive(Clone)]
struct Route<T> {
    pattern: Pattern,
    value: T,
    /// Whether its text is the one path that it matches.
    is_plain: bool,
}

impl<T> Router<T> {
    /// An empty router.
    #[must_use]
    pub fn new() -> Self {
        Self {
            trie: Node::default(),
            routes: Vec::new(),
            by_text: HashMap::default(),
        }
    }

    /// Registers `value` under `pattern`.
    ///
    /// # Errors
    ///
    /// When the pattern is malformed, or when one that matches the same paths is registered
    /// already: then the error names both. Also when it holds a regular expression and the feature
    /// `regex` is off. The router stays as it was.
    pub fn insert(&mut self, pattern: &str, value: T) -> Result<(), InsertError> {
        let pattern = Pattern::parse(pattern)?;
        let is_regex = |param: Param<'_>| param.constraint().is_some_and(Constraint::is_regex);
        if !SUPPORTED && let Some(param) = pattern.params().find(|param| is_regex(*param)) {
            let param = param.to_string();
            return Err(InsertError::new(pattern.text(), Reason::RegexFeature { param }));
        }
        let route = self.routes.len();
        if let Err(taken) = self.trie.insert(pattern.segments(), route) {
            let with = self.routes.get(taken).map(|old| old.pattern.text().clone());
            let with = with.unwrap_or_default();
            return Err(InsertError::new(pattern.text(), Reason::Conflict { with }));
        }
        self.by_text.insert(pattern.text().clone(), route);
        let is_plain = !pattern.text().contains(['%', '{', '}']);
        self.routes.push(Route {
            pattern,
            value,
            is_plain,
        });
        Ok(())
    }

    /// The value registered under exactly this pattern, letter for letter.
    #[must_use]
    pub fn get(&self, pattern: &str) -> Option<&T> {
        let route = *self.by_text.get(pattern)?;
        self.routes.get(route).map(|route| &route.value)
    }

    /// The value registered under exactly this pattern, letter for letter, to be changed: a
    /// further method of a path is added to what is already there.
    #[must_use]
    pub fn get_mut(&mut self, pattern: &str) -> Option<&mut T> {
        let route = *self.by_text.get(pattern)?;
        self.routes.get_mut(route).map(|route| &mut route.value)
    }

    /// Finds the most specific pattern that matches `raw_path`.
    ///
    /// `raw_path` is the path of the request target as it was received: percent-encoded, beginning
    /// with `/`, without the query. A target that does not begin with `/`, like the `*` of
    /// `OPTIONS *` (RFC 9112, section 3.2.4), matches nothing.
    ///
    /// A match without parameters allocates nothing; one with parameters allocates their text, and
    /// from the second parameter on one list of offsets. A path of more than 256 bytes that holds
    /// an escape costs one more.
    ///
    /// # Errors
    ///
    /// When the path holds a malformed escape, escapes that are not UTF-8, or a NUL. The request
    /// deserves a 400 (Bad Request).
    pub fn find<'r>(&'r self, raw_path: &str) -> Result<Option<Match<'r, T>>, PathError> {
        let mut params = Params::new();
        Ok(self.route(raw_path, &mut params)?.map(|route| Match {
            value: &route.value,
            pattern: route.pattern.text(),
            params,
        }))
    }

    /// The same as [`find`](Self::find) for a caller that keeps the memory of the parameters: `params` gets those of the
    /// match, and none without one.
    ///
    /// Once that memory is large enough, a match allocates nothing.
    ///
    /// # Errors
    ///
    /// Those of [`find`](Self::find).
    pub fn find_into(&self, raw_path: &str, params: &mut Params) -> Result<Option<&T>, PathError> {
        Ok(self.route(raw_path, params)?.map(|route| &route.value))
    }

    /// The value of the pattern without parameters and escapes that `raw_path` is, letter for letter.
    ///
    /// It is what [`find`](Self::find) would find, for less: no other pattern goes before one that is all text. `None`
    /// says nothing: `find` may know more.
    #[inline]
    #[must_use]
    pub fn find_plain(&self, raw_path: &str) -> Option<&T> {
        let route = self.routes.get(*self.by_text.get(raw_path)?)?;
        route.is_plain.then_some(&route.value)
    }

    #[inline]
    fn route(&self, raw_path: &str, params: &mut Params) -> Result<Option<&Route<T>>, PathError> {
        let found = with_decoded(raw_path, |path| {
            let rest = path.strip_prefix('/')?;
            let route = self.routes.get(self.trie.find(rest)?)?;
            params.capture(&route.pattern, rest);
            Some(route)
        });
        if !matches!(found, Ok(Some(_))) {
            params.clear();
        }
        found
    }

    /// Every pattern with its value, in the order of insertion.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &T)> {
        self.routes.iter().map(|route| (route.pattern.text(), &route.value))
    }

    /// The same with the patterns in parts, for what prints a table of routes or builds URLs.
    ///
    /// ```
    /// # let mut router = hyperlane_router::Router::new();
    /// router.insert("/user/{id:u64}", "user")?;
    /// for (pattern, value) in router.routes() {
    ///     let params: Vec<String> = pattern.params().map(|param| param.to_string()).collect();
    ///     assert_eq!(format!("{pattern} {value} {params:?}"), r#"/user/{id:u64} user ["id:u64"]"#);
    /// }
    /// # Ok::<(), hyperlane_router::InsertError>(())
    /// ```
    pub fn routes(&self) -> impl ExactSizeIterator<Item = (&Pattern, &T)> {
        self.routes.iter().map(|route| (&route.pattern, &route.value))
    }

    /// The same patterns with each value replaced by what `change` makes of it, for a caller that
    /// registers in one form and serves in another.
    pub fn map<U>(self, mut change: impl FnMut(&Arc<str>, T) -> U) -> Router<U> {
        let routes = self.routes.into_iter().map(|route| Route {
            value: change(route.pattern.text(), route.value),
            pattern: route.pattern,
            is_plain: route.is_plain,
        });
        Router {
            routes: routes.collect(),
            trie: self.trie,
            by_text: self.by_text,
        }
    }

    /// How many patterns are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether no pattern is registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for Router<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
