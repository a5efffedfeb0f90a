//! Every parameter has a field, and every field a parameter.

use hyperlane::TypedPath;

#[derive(TypedPath)]
#[typed_path("/users/{id}/posts/{slug}")]
struct Missing {
    id: u64,
}

#[derive(TypedPath)]
#[typed_path("/users/{id}")]
struct TooMany {
    id: u64,
    slug: String,
}

#[derive(TypedPath)]
#[typed_path("/users/{id}/{user-name}")]
struct Misspelt {
    id: u64,
    username: String,
}

#[derive(TypedPath)]
#[typed_path("/users/{id}")]
struct Unit;

#[derive(TypedPath)]
#[typed_path("/users/{id}")]
struct Tuple(u64, String);

fn main() {}
