//! Attribute and derive macros of hyperlane: sugar that is never required.
//!
//! The facade re-exports them with its feature `macros`; use them from there. Everything they write names the facade as
//! `::hyperlane`, and does what a program could have written itself with its public items.
//!
//! # Place in the walk of a request
//!
//! None: they are gone when the program runs. Before, they save registration from naming a pattern far from its handler,
//! and read each pattern with the router's own parser, so that a malformed one does not compile.

#![forbid(unsafe_code)]

mod arguments;
mod function;
mod route;
mod typed_path;

use proc_macro::TokenStream;

/// Makes an `async fn` a route that answers `GET` (and `HEAD`) on a pattern, for `.add(…)` of a server or a router.
///
/// ```text
/// /// One user.
/// #[get("/user/{id:u64}", name = "user")]
/// async fn user(Path(id): Path<u64>) -> String {
///     format!("user {id}")
/// }
///
/// server.add(user);
/// server.add((user, list, create));
/// ```
///
/// The function stays what it was: `user(Path(7)).await` calls it, and it can be registered like any handler, too:
/// `server.get("/me/{id}", user)`, or `Route::new(user).body_limit(…)`. It keeps its documentation, visibility and
/// attributes.
///
/// The pattern is checked while the program compiles; a conflict with another one is an error of `run`. `name = "…"`
/// names the route as `Route::name` does.
///
/// The function is free-standing (no `self`), and has no generic parameters, for a route must know its types. A second
/// attribute of this kind is refused: register the route under the other pattern as a handler.
#[proc_macro_attribute]
pub fn get(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("get", Some("GET"), arguments, item)
}

/// The same as [`macro@get`] for `POST`.
#[proc_macro_attribute]
pub fn post(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("post", Some("POST"), arguments, item)
}

/// The same as [`macro@get`] for `PUT`.
#[proc_macro_attribute]
pub fn put(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("put", Some("PUT"), arguments, item)
}

/// The same as [`macro@get`] for `DELETE`.
#[proc_macro_attribute]
pub fn delete(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("delete", Some("DELETE"), arguments, item)
}

/// The same as [`macro@get`] for `PATCH`.
#[proc_macro_attribute]
pub fn patch(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("patch", Some("PATCH"), arguments, item)
}

/// The same as [`macro@get`] for `HEAD` alone.
#[proc_macro_attribute]
pub fn head(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("head", Some("HEAD"), arguments, item)
}

/// The same as [`macro@get`] for `OPTIONS`.
#[proc_macro_attribute]
pub fn options(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("options", Some("OPTIONS"), arguments, item)
}

/// The same as [`macro@get`] for other methods, for several, or, without `method`, for all.
///
/// ```text
/// #[route("/cache/{key}", method = "PURGE")]
/// async fn purge(Path(key): Path<String>) -> StatusCode { … }
///
/// #[route("/search", method = "GET", method = "POST")]
/// async fn search(ctx: Context) { … }
/// ```
///
/// Methods are case-sensitive (RFC 9110, section 9.1).
#[proc_macro_attribute]
pub fn route(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand("route", None, arguments, item)
}

/// Makes a struct the typed parameters of a pattern: a URL that is built from values of the right number and types, or
/// does not compile.
///
/// ```text
/// #[derive(TypedPath)]
/// #[typed_path("/users/{id}/posts/{slug}")]
/// struct Post { id: u64, slug: String }
///
/// Post { id: 7, slug: "a b".into() }.url()    // "/users/7/posts/a%20b"
/// server.get(Post::PATTERN, post);
/// async fn post(Post { id, slug }: Post) -> String { … }
/// ```
///
/// It implements the trait `TypedPath` with `PATTERN` and `url`, [`Display`](std::fmt::Display), which writes the URL,
/// and `FromContext`, so that handlers take the struct as an argument. Each parameter has a field of its name (`-` in a
/// name is `_` in the field's) and each field a parameter; the fields of a tuple struct go by their order, and a
/// pattern without parameters goes with a unit struct. Fields implement [`Display`](std::fmt::Display) and
/// [`FromStr`](std::str::FromStr), the error of which is what a client is told with the parameter's name.
///
/// Values are percent-encoded as segments of a path (RFC 3986, section 3.3); in a wildcard's value slashes stay.
/// The pattern is the whole path: a route that is nested under a prefix names it here, too.
#[proc_macro_derive(TypedPath, attributes(typed_path))]
pub fn typed_path(item: TokenStream) -> TokenStream {
    typed_path::expand(item.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}

fn expand(attribute: &str, method: Option<&str>, arguments: TokenStream, item: TokenStream) -> TokenStream {
    route::expand(attribute, method, arguments.into(), item.into())
        .unwrap_or_else(|error| error.into_compile_error())
        .into()
}
