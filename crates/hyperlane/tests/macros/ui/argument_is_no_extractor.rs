//! An argument that can't be read from a request is reported at the function.

use hyperlane::get;

struct User;

#[get("/a")]
async fn handler(_user: User) {}

fn main() {}
