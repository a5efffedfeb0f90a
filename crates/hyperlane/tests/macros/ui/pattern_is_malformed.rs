//! A pattern that the router does not take.

use hyperlane::{TypedPath, get};

#[get("/user/{id")]
async fn unclosed() {}

#[get("user")]
async fn relative() {}

#[get("/user/{id:int}")]
async fn unknown_type() {}

#[derive(TypedPath)]
#[typed_path("/user/:id")]
struct OldStyle {
    id: u64,
}

fn main() {}
