//! Items that can't be the parameters of one pattern.

use hyperlane::TypedPath;

#[derive(TypedPath)]
#[typed_path("/{id}")]
enum Choice {
    Id(u64),
}

#[derive(TypedPath)]
#[typed_path("/{id}")]
struct Generic<T> {
    id: T,
}

#[derive(TypedPath)]
#[typed_path("/{id}")]
#[typed_path("/{name}")]
struct Two {
    id: u64,
}

fn main() {}
