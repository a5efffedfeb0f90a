//! Path patterns to values, and back to URLs: the routing leaf of hyperlane.
//!
//! # Place in the walk of a request
//!
//! The head has been parsed and nothing has run yet. The facade hands the path, still
//! percent-encoded, to [`Router::find`] and gets the value registered for it, the pattern that
//! matched and the parameters. This crate knows no methods, no handlers and no sockets; a value
//! is whatever the caller stores.
//!
//! # Patterns
//!
//! A pattern begins with `/` and is a list of segments.
//!
//! | segment | matches |
//! |---|---|
//! | `about` | exactly that text |
//! | `{id}` | one segment that is not empty |
//! | `v{id}`, `{id}.json`, `img-{id}.png` | one segment with that beginning and end, and something between |
//! | `{*path}` | everything that is left, slashes included, if it is not empty; only as the last segment |
//! | `{id:u64}`, `{*path:…}` | the same if the value is of that type; [`Constraint`] lists the types |
//! | `{tag:[a-z]{2,5}}` | the same if the regular expression fits the whole value; with the feature `regex` |
//!
//! `/about` and `/about/` are two patterns; [`Router::find_other_slash`] finds the one for the other.
//! A literal brace is written twice (`{{`, `}}`). Escapes in a pattern are decoded like those of a
//! path: `/caf%C3%A9` *is* `/café`, `%25` is a literal percent sign, and `%2F` is a slash inside a
//! segment. A constraint is taken as it stands and judges decoded text.
//!
//! # What goes before what
//!
//! Segment by segment the more specific choice is tried first: text, then a parameter with the
//! longer beginning, then with the longer end, then a bare parameter, then the wildcard. Where only
//! constraints differ, types go first, in the order of their [table](Constraint); then regular
//! expressions, in the order of insertion; last the parameter without one. A choice that leads
//! nowhere is taken back, so `/{id}/files` still meets `/me/files` beside `/me/posts`.
//!
//! Only patterns that differ in nothing but the names of their parameters conflict, whatever the
//! order in which they are inserted. Two regular expressions are the same if their texts are.
//!
//! # Escapes in paths
//!
//! Every escape is decoded exactly once (RFC 3986, section 2.4). A slash that was written `%2F`
//! never separates segments (section 2.2); it comes back as `/` in the parameter that holds it.
//! `+` stays `+`: it means a space in form data only. Dot segments stay as they are: a proxy in
//! front has judged the path as the client sent it, and removing them here would route to a place
//! that it never saw. A handler that opens files must refuse `..` and a leading `/` itself.
//!
//! # Example
//!
//! ```
//! use hyperlane_router::Router;
//!
//! let mut router = Router::new();
//! router.insert("/about", "about")?;
//! router.insert("/user/{id}", "user")?;
//! router.insert("/files/{*path}", "file")?;
//!
//! let found = router.find("/user/J%C3%BCrgen")?.expect("the pattern is registered");
//! assert_eq!(*found.value, "user");
//! assert_eq!(&**found.pattern, "/user/{id}");
//! assert_eq!(found.params.get("id"), Some("Jürgen"));
//!
//! assert!(router.find("/nowhere")?.is_none());
//! assert!(router.find("/user/%g1").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod constraint;
mod encode;
mod error;
mod hash;
mod params;
mod parse;
mod path;
mod pattern;
mod regex;
mod router;
mod slash;
mod trie;
mod url;

pub use constraint::Constraint;
pub use encode::{write_rest, write_segment};
pub use error::InsertError;
pub use params::{Params, ParamsIter};
pub use path::PathError;
pub use pattern::{Param, Pattern, Piece};
pub use router::{Match, Router};
pub use slash::{OtherSlash, other_slash_location};
pub use url::{TypedPath, UrlError};
