//! What stands in the parentheses of a route's attribute: `"/user/{id}", name = "user"`.

use hyperlane_router::Pattern;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Result, Token};

/// The arguments of `#[get(…)]` and its kin.
pub(crate) struct Arguments {
    pub(crate) pattern: LitStr,
    pub(crate) methods: Vec<LitStr>,
    pub(crate) name: Option<LitStr>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(LitStr) {
            let message = "the pattern is missing: write it first, as text like \"/user/{id}\"";
            return Err(Error::new(input.span(), message));
        }
        let mut arguments = Self {
            pattern: input.parse()?,
            methods: Vec::new(),
            name: None,
        };
        check_pattern(&arguments.pattern)?;
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let key: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let value: LitStr = input.parse()?;
            match key.to_string().as_str() {
                "method" => arguments.methods.push(value),
                "name" if arguments.name.is_none() => arguments.name = Some(value),
                "name" => return Err(Error::new(key.span(), "a route has one name: remove this one")),
                other => {
                    let message = format!("there is no `{other}` here: write `name = \"…\"` or `method = \"…\"`");
                    return Err(Error::new(key.span(), message));
                }
            }
        }
        Ok(arguments)
    }
}

/// Reads a pattern as the router will, or says at its place what is wrong with it.
pub(crate) fn check_pattern(pattern: &LitStr) -> Result<Pattern> {
    Pattern::parse(&pattern.value()).map_err(|error| Error::new(pattern.span(), error))
}
