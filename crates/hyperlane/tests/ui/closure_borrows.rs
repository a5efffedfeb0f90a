//! A closure that borrows what lives shorter than the server.

use hyperlane::Server;

fn main() {
    let greeting = String::from("hello");
    Server::new().get("/", || async { greeting.clone() });
}
