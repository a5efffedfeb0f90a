//! An attribute without a pattern, or with something else in its place.

use hyperlane::{TypedPath, get};

#[get]
async fn nothing() {}

#[get(method = "GET")]
async fn no_pattern() {}

#[derive(TypedPath)]
struct NoAttribute;

#[derive(TypedPath)]
#[typed_path(user)]
struct NoText;

fn main() {}
