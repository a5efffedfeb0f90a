//! The function under a route's attribute.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, Ident, Result, ReturnType, Token, Type, Visibility, parenthesized, token};

/// An `async fn`, of which only the head is looked at. That spares every program a second reading of its handlers, and
/// leaves mistakes in their bodies to the compiler.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    /// The types of the arguments.
    pub(crate) arguments: Vec<Type>,
    /// What the future yields; `()` where nothing is written.
    pub(crate) output: Type,
    /// The parentheses with the arguments, the return type and the body, as they were written.
    pub(crate) rest: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if input.peek(Token![fn]) {
            return Err(input.error("a handler waits for its client: write `async fn`"));
        }
        if input.peek(Token![unsafe]) || (input.peek(Token![async]) && input.peek2(Token![unsafe])) {
            return Err(input.error("the server cannot promise anything to an `unsafe` handler: remove `unsafe`"));
        }
        if !(input.peek(Token![async]) && input.peek2(Token![fn])) {
            return Err(input.error("only an `async fn` can be a route: put the attribute on one"));
        }
        input.parse::<Token![async]>()?;
        input.parse::<Token![fn]>()?;
        let name: Ident = input.parse()?;
        if input.peek(Token![<]) {
            let message = format!(
                "a route must know its types: remove the generic parameters of `{name}`, or register it with its types, \
                 as `.get(\"/…\", {name}::<…>)`"
            );
            return Err(input.error(message));
        }
        if !input.peek(token::Paren) {
            return Err(input.error("the arguments are missing: write `()`"));
        }
        let rest = input.fork().parse()?;
        let content;
        parenthesized!(content in input);
        let arguments = arguments(&content, &name)?;
        let output = match input.parse()? {
            ReturnType::Default => Type::Verbatim(quote!(())),
            ReturnType::Type(_, output) => *output,
        };
        input.parse::<TokenStream>()?;
        Ok(Self {
            attributes,
            visibility,
            name,
            arguments,
            output,
            rest,
        })
    }
}

/// The types of the arguments. Their patterns are the compiler's affair.
fn arguments(content: ParseStream<'_>, name: &Ident) -> Result<Vec<Type>> {
    let mut types = Vec::new();
    while !content.is_empty() {
        content.call(Attribute::parse_outer)?;
        while !content.peek(Token![:]) || content.peek(Token![::]) {
            if content.peek(Token![self]) {
                let message = format!(
                    "a route has no `self`: move `{name}` out of the `impl`, and take what it needs as `State<T>`"
                );
                return Err(content.error(message));
            }
            if content.peek(Token![::]) {
                content.parse::<Token![::]>()?;
            } else {
                content.parse::<TokenTree>()?;
            }
        }
        content.parse::<Token![:]>()?;
        types.push(content.parse()?);
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    if types.len() > 12 {
        return Err(Error::new(
            name.span(),
            "a handler has up to 12 arguments: take `Context`, which has them all",
        ));
    }
    Ok(types)
}
