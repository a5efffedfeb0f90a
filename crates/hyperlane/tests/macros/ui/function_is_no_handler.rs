//! Functions that can't be routes.

use hyperlane::get;

#[get("/a")]
fn not_async() {}

#[get("/a")]
async unsafe fn not_safe() {}

#[get("/a")]
struct NoFunction;

#[get("/a")]
async fn generic<T>(_: T) {}

struct Users;

impl Users {
    #[get("/a")]
    async fn method(&self) {}
}

#[get("/a")]
#[get("/b")]
async fn twice() {}

fn main() {}
