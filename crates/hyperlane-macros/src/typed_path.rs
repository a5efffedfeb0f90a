//! `#[derive(TypedPath)]`.

use hyperlane_router::{Param, Pattern, Piece};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, LitStr, Member, Meta, Result, parse2};

use crate::arguments::check_pattern;

/// What `#[derive(TypedPath)]` adds to a struct.
pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = parse2(item)?;
    if let Some(generic) = input.generics.params.first() {
        let message = "a typed path must know its types: remove the generic parameters";
        return Err(Error::new_spanned(generic, message));
    }
    let Data::Struct(data) = &input.data else {
        let message = "only a struct has the parameters of one pattern: write one struct for each pattern";
        return Err(Error::new_spanned(&input.ident, message));
    };
    // Where only the pattern is wrong, the struct is a typed path nevertheless, so that what uses it is not wrong, too.
    let parts = Parts::new(&input, &data.fields).unwrap_or_else(|error| Parts::of_error(&error));
    Ok(parts.implement(&input.ident))
}

/// What differs from struct to struct.
struct Parts {
    pattern: LitStr,
    /// The statements that write the path.
    display: TokenStream,
    /// The expression that reads the struct.
    from_context: TokenStream,
    /// Parameters, types and documentation of the fields.
    description: TokenStream,
}

impl Parts {
    fn new(input: &DeriveInput, fields: &Fields) -> Result<Self> {
        let literal = pattern_literal(input)?;
        let pattern = check_pattern(&literal)?;
        let fields = pair(&pattern, &literal, fields)?;
        Ok(Self {
            display: display(&pattern, &fields),
            from_context: from_context(&fields),
            description: description(&fields),
            pattern: literal,
        })
    }

    fn of_error(error: &Error) -> Self {
        Self {
            pattern: LitStr::new("/", Span::call_site()),
            display: error.to_compile_error(),
            from_context: quote!(::core::unreachable!()),
            description: TokenStream::new(),
        }
    }

    fn implement(&self, name: &Ident) -> TokenStream {
        let Self {
            pattern,
            display,
            from_context,
            description,
        } = self;
        let (f, ctx) = (variable("f"), variable("ctx"));
        quote! {
            #[automatically_derived]
            impl ::hyperlane::TypedPath for #name {
                const PATTERN: &'static str = #pattern;
            }

            #[automatically_derived]
            impl ::core::fmt::Display for #name {
                fn fmt(&self, #f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #display
                    ::core::result::Result::Ok(())
                }
            }

            #[automatically_derived]
            impl ::hyperlane::FromContext for #name {
                type Rejection = ::hyperlane::Rejection;

                async fn from_context(
                    #ctx: &::hyperlane::Context,
                ) -> ::core::result::Result<Self, ::hyperlane::Rejection> {
                    let _ = #ctx;
                    #from_context
                }
            }

            ::hyperlane::__describe_typed_path! { #name #description }
        }
    }
}

/// A field and its parameter.
struct Pair<'a> {
    member: Member,
    field: &'a Field,
    param: Param<'a>,
}

fn pattern_literal(input: &DeriveInput) -> Result<LitStr> {
    let mut attributes = input
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("typed_path"));
    let missing = "the pattern is missing: write `#[typed_path(\"/user/{id}\")]` under the derive";
    let attribute = attributes
        .next()
        .ok_or_else(|| Error::new(input.ident.span(), missing))?;
    if let Some(second) = attributes.next() {
        return Err(Error::new_spanned(
            second,
            "a typed path has one pattern: remove this one",
        ));
    }
    let wrong = |_| Error::new_spanned(attribute, "write the pattern as text: `#[typed_path(\"/user/{id}\")]`");
    attribute.parse_args().map_err(wrong)
}

/// The fields with their parameters in the order of the pattern. Neither may be left over.
fn pair<'a>(pattern: &'a Pattern, literal: &LitStr, fields: &'a Fields) -> Result<Vec<Pair<'a>>> {
    let mut left: Vec<(Member, &Field)> = fields.members().zip(fields).collect();
    let mut pairs = Vec::new();
    let mut errors: Option<Error> = None;
    let mut report = |error: Error| match &mut errors {
        Some(errors) => errors.combine(error),
        None => errors = Some(error),
    };
    for param in pattern.params() {
        let place = left.iter().position(|(member, _)| belongs(member, param));
        match place.map(|place| left.remove(place)) {
            Some((member, field)) => pairs.push(Pair { member, field, param }),
            None => report(Error::new(literal.span(), no_field(param, fields))),
        }
    }
    for (member, field) in left {
        report(no_param(&member, field));
    }
    errors.map_or(Ok(pairs), Err)
}

/// Whether a field is a parameter's: by its name, or, without one, because it is the next.
fn belongs(member: &Member, param: Param<'_>) -> bool {
    match member {
        Member::Named(name) => name.unraw() == param.name().replace('-', "_"),
        Member::Unnamed(_) => true,
    }
}

fn no_field(param: Param<'_>, fields: &Fields) -> String {
    let name = param.name();
    match fields {
        Fields::Named(_) => {
            let field = name.replace('-', "_");
            format!("the parameter `{name}` of the pattern has no field: add `{field}`, or remove `{{{param}}}`")
        }
        Fields::Unnamed(_) => format!("the parameter `{name}` of the pattern has no field: add one at its place"),
        Fields::Unit => format!("the parameter `{name}` of the pattern has no field: give the struct fields"),
    }
}

fn no_param(member: &Member, field: &Field) -> Error {
    match member {
        Member::Named(name) => {
            let message = format!(
                "the pattern has no parameter `{0}`: add `{{{0}}}` to it, or remove the field",
                name.unraw()
            );
            Error::new(name.span(), message)
        }
        Member::Unnamed(_) => {
            let message = "the pattern has fewer parameters than this struct has fields: add one, or remove the field";
            Error::new_spanned(&field.ty, message)
        }
    }
}

/// The statements that write the path to `f`.
fn display(pattern: &Pattern, fields: &[Pair<'_>]) -> TokenStream {
    let f = variable("f");
    let mut fields = fields.iter();
    let mut statements = TokenStream::new();
    for piece in pattern.pieces() {
        statements.extend(match piece {
            Piece::Text(text) => quote!(#f.write_str(#text)?;),
            Piece::Param(param) => {
                let field = fields.next().map(|Pair { member, field, .. }| (member, at(field)));
                field
                    .map(|(member, place)| {
                        let write = if param.is_wildcard() {
                            quote_spanned!(place=> ::hyperlane::__macros::write_rest)
                        } else {
                            quote_spanned!(place=> ::hyperlane::__macros::write_segment)
                        };
                        let value = Ident::new("value", place);
                        quote!({
                            let #value = &self.#member;
                            #write(#f, #value)?;
                        })
                    })
                    .unwrap_or_default()
            }
        });
    }
    statements
}

/// The expression that reads the struct from `ctx`, or says why it can't.
fn from_context(fields: &[Pair<'_>]) -> TokenStream {
    let ctx = variable("ctx");
    let fields = fields.iter().map(|Pair { member, field, param }| {
        let name = param.name();
        let read = quote_spanned!(at(field)=> ::hyperlane::__macros::path_param(#ctx, #name)?);
        let mut member = member.to_token_stream();
        member.extend(quote!(: #read));
        member
    });
    quote!(::core::result::Result::Ok(Self { #(#fields,)* }))
}

/// The fields as a document of the API tells of them. Whether there are documents the crate `hyperlane` knows, and not
/// this one: so it is a macro of that crate which makes something of it, or nothing.
fn description(fields: &[Pair<'_>]) -> TokenStream {
    let fields = fields.iter().map(|Pair { field, param, .. }| {
        let (name, kind, documentation) = (param.name(), &field.ty, documentation(field));
        quote!((#name, #kind, #documentation))
    });
    fields.collect()
}

/// What stands in the comments above a field.
fn documentation(field: &Field) -> String {
    let lines = field.attrs.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<_> = lines.map(|line| line.trim().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

/// A variable that is the same wherever it is written: a field's type may come from another macro.
fn variable(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Where the compiler reports what a field's type lacks.
fn at(field: &Field) -> Span {
    field.ty.span().resolved_at(Span::mixed_site())
}
