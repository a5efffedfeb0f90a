//! `#[get("/user/{id}")]` and its kin.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Attribute, Error, Ident, LitStr, Meta, Result, parse2};

use crate::arguments::Arguments;
use crate::function::Function;

/// The attributes of this crate, by which a second one is recognised.
const ATTRIBUTES: [&str; 8] = ["get", "post", "put", "delete", "patch", "head", "options", "route"];

/// The attributes that belong on the outer function, which is what others see; the others on the one that runs.
const OUTER: [&str; 4] = ["doc", "cfg", "deprecated", "must_use"];

/// The methods that `http::Method` has constants for.
const METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

/// The function under `#[attribute(arguments)]` as a route.
///
/// A function's own type has no name, so that nothing can be implemented for it. A type in its place, as other frameworks
/// write one, would be no function any more, and no variable in the module could have its name. Here the function stays,
/// and returns its future in a wrapper whose type names what the attribute says.
pub(crate) fn expand(
    attribute: &str,
    method: Option<&str>,
    arguments: TokenStream,
    item: TokenStream,
) -> Result<TokenStream> {
    let function: Function = parse2(item)?;
    // Where only the attribute is wrong, the route is there nevertheless, so that what uses it is not wrong, too.
    let registrations = parse2(arguments)
        .and_then(|arguments| registrations(attribute, method, &function, &arguments))
        .unwrap_or_else(|error| error.into_compile_error());
    Ok(route(&function, &registrations))
}

fn route(function: &Function, registrations: &TokenStream) -> TokenStream {
    let Function {
        attributes,
        visibility,
        name,
        arguments,
        output,
        rest,
    } = function;
    let conditions: Vec<&Attribute> = conditions(attributes).collect();
    let of_inner = |attribute: &&Attribute| !is(attribute, &OUTER) && !is_route(attribute);
    let inner = attributes.iter().filter(|attribute| of_inner(attribute));
    let outer = attributes.iter().filter(|attribute| is(attribute, &OUTER));
    let lints: Vec<&Attribute> = attributes
        .iter()
        .filter(|attribute| is(attribute, &["allow"]))
        .collect();
    let annotation = Ident::new(&format!("__route_{}", name.unraw()), name.span());
    let values: Vec<Ident> = (0..arguments.len())
        .map(|n| variable(&format!("argument_{n}")))
        .collect();
    let (router, handler) = (variable("router"), variable("handler"));
    let is_handler = quote_spanned!(name.span()=> ::hyperlane::__macros::is_handler(#name));
    quote! {
        #(#outer)*
        #(#lints)*
        #visibility fn #name(#(#values: #arguments),*) -> ::hyperlane::__macros::Annotated<
            #annotation,
            impl ::core::future::Future<Output = #output>,
        > {
            #(#inner)*
            async fn #name #rest
            ::hyperlane::__macros::Annotated::new(#name(#(#values),*))
        }

        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #visibility struct #annotation;

        #(#conditions)*
        impl ::hyperlane::__macros::Annotation for #annotation {
            fn register<H, Args>(#router: &::hyperlane::Router, #handler: H)
            where
                H: ::hyperlane::Handler<Args>,
                Args: 'static,
            {
                #registrations
            }
        }

        #(#conditions)*
        const _: () = {
            #[allow(deprecated, dead_code)]
            fn check() {
                #is_handler
            }
        };
    }
}

/// Under what conditions there is a function: these hold for everything that stands in its place.
fn conditions(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| is(attribute, &["cfg"]))
}

/// The statements that register the route.
fn registrations(
    attribute: &str,
    method: Option<&str>,
    function: &Function,
    arguments: &Arguments,
) -> Result<TokenStream> {
    let name = &function.name;
    if let Some(second) = function.attributes.iter().find(|attribute| is_route(attribute)) {
        let message = format!(
            "a function has one route: remove this attribute, and register it with `.get(\"/…\", {name})`, or name \
             several methods with `#[route(\"/…\", method = \"…\", method = \"…\")]`"
        );
        return Err(Error::new_spanned(second, message));
    }
    let methods = methods(attribute, method, &arguments.methods)?;
    let pattern = &arguments.pattern;
    let (router, handler) = (variable("router"), variable("handler"));
    let handler = match &arguments.name {
        Some(route) => quote!(::hyperlane::Route::new(#handler.clone()).name(#route)),
        None => quote!(#handler.clone()),
    };
    if methods.is_empty() {
        return Ok(quote!(#router.route(#pattern, #handler);));
    }
    let register = |method| quote!(#router.on(#method, #pattern, #handler););
    Ok(methods.iter().map(register).collect())
}

/// A variable that is the same wherever it is written: a function's name may come from another macro.
fn variable(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The methods as expressions; none stand for all.
fn methods(attribute: &str, method: Option<&str>, named: &[LitStr]) -> Result<Vec<TokenStream>> {
    let Some(method) = method else {
        return named.iter().map(named_method).collect();
    };
    match named.first() {
        Some(other) => Err(Error::new(
            other.span(),
            format!("`#[{attribute}]` has its method already: remove this one, or write `#[route(…)]`"),
        )),
        None => Ok(vec![constant(method, Span::call_site())]),
    }
}

fn named_method(literal: &LitStr) -> Result<TokenStream> {
    let method = literal.value();
    let upper = method.to_ascii_uppercase();
    if METHODS.contains(&method.as_str()) {
        return Ok(constant(&method, literal.span()));
    }
    if METHODS.contains(&upper.as_str()) {
        let message = format!("methods are case-sensitive: write `{upper}`");
        return Err(Error::new(literal.span(), message));
    }
    if method.is_empty() || !method.bytes().all(is_token) {
        let message = "a method is a word like `PURGE`: letters, digits, and a few signs, without a space";
        return Err(Error::new(literal.span(), message));
    }
    Ok(quote! {
        ::hyperlane::Method::from_bytes(#method.as_bytes()).expect("it was checked when this was compiled")
    })
}

fn constant(method: &str, span: Span) -> TokenStream {
    let constant = Ident::new(method, span);
    quote!(::hyperlane::Method::#constant)
}

/// A letter of a token (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether it is an attribute of this crate: with arguments, for other crates have attributes of these names.
fn is_route(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    let is_ours = last.is_some_and(|segment| ATTRIBUTES.iter().any(|name| segment.ident == name));
    is_ours && matches!(attribute.meta, Meta::List(_))
}

fn is(attribute: &Attribute, names: &[&str]) -> bool {
    names.iter().any(|name| attribute.path().is_ident(name))
}
