//! Arguments that an attribute does not have.

use hyperlane::{get, route};

#[get("/a", method = "POST")]
async fn second_method() {}

#[get("/a", guard = "x")]
async fn unknown() {}

#[get("/a", name = "x", name = "y")]
async fn two_names() {}

#[route("/a", method = "get")]
async fn lower_case() {}

#[route("/a", method = "NO WORD")]
async fn no_token() {}

fn main() {}
