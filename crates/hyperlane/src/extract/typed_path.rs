//! Parameters of a path for structs with `#[derive(TypedPath)]`.

use std::fmt::Display;
use std::str::FromStr;

use super::Rejection;
use super::params::ParamsError;
use crate::context::Context;

/// Reads one parameter by its name, as [`Path`](super::Path) does, but with [`FromStr`].
pub fn path_param<T>(ctx: &Context, name: &str) -> Result<T, Rejection>
where
    T: FromStr,
    T::Err: Display,
{
    let Some(text) = ctx.param(name) else {
        let message = format!("the pattern has no parameter `{name}`, which the handler's typed path takes");
        return Err(ParamsError::Shape(message).into());
    };
    text.parse().map_err(|error: T::Err| {
        let (name, message) = (Some(name.to_owned()), error.to_string());
        ParamsError::Value { name, message }.into()
    })
}
