//! A field's type is read from text, and written as text.

use hyperlane::TypedPath;

#[derive(TypedPath)]
#[typed_path("/files/{tags}")]
struct Tagged {
    tags: Vec<u8>,
}

fn main() {}
