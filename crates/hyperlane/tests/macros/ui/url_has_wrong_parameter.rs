//! A URL with a wrong parameter.

use hyperlane::TypedPath;

#[derive(TypedPath)]
#[typed_path("/users/{id}")]
struct User {
    id: u64,
}

fn main() {
    let _ = User { id: "seven" }.url();
    let _ = User { name: 7 }.url();
    let _ = User {}.url();
}
