//! A closure that gives away what it captured, and so can answer one request only.

use hyperlane::Server;

fn main() {
    let greeting = String::from("hello");
    Server::new().get("/", move || async move { greeting });
}
