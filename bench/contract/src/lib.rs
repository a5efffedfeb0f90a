//! What every server of the benchmark answers, and what the harness therefore expects.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | [`HELLO`] as `text/plain` |
//! | `POST /items/{id}` | the [`Item`] sent, made a [`Receipt`], as JSON without spaces |
//! | `GET /download` | [`download`], 1 MiB |
//! | `POST /upload` | the number of bytes sent, in decimal, as `text/plain` |
//! | `GET /stream` | [`CHUNKS`] chunks, each of them [`CHUNK`], each handed over and sent as a chunk of its own |
//!
//! A server takes its port from [`port`], binds 127.0.0.1, says so with [`announce`], and uses all cores as its
//! project recommends for production. One that can run on several drivers is told which by the variable `DRIVER`. The
//! programs in other languages keep to the same table. Servers for the growth charts keep to that
//! of [`growth`], those for the comparison of protocols to that of [`protocols`], and
//! those for the article's scenarios to that of [`scenarios`].
//!
//! ```
//! use contract::{Item, Receipt};
//!
//! let item = Item { name: "pen".into(), quantity: 3, price: 150, tags: vec!["new".into()] };
//! assert_eq!(Receipt::new(7, item).total, 450);
//! ```
#![forbid(unsafe_code)]

pub mod growth;
pub mod protocols;
pub mod raw;
pub mod scenarios;

use std::fmt::Display;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

/// That of tokio's own listeners.
const BACKLOG: i32 = 1024;

/// The answer to `GET /`: 13 bytes.
pub const HELLO: &str = "Hello, World!";

/// One piece of the answer to `GET /stream`: 64 bytes.
pub const CHUNK: &[u8; 64] = b"A piece of sixty-four bytes, as a table's row or an event's are.";

/// The number of pieces of the answer to `GET /stream`.
pub const CHUNKS: usize = 1_000;

/// The length of the answer to `GET /download`, in bytes.
pub const DOWNLOAD_LENGTH: usize = 1024 * 1024;

/// The most bytes of an upload that a server has to accept; for frameworks that want to be told.
pub const UPLOAD_LIMIT: usize = 2 * 1024 * 1024;

/// What `POST /items/{id}` is sent.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// How many are wanted.
    pub quantity: u32,
    /// The price of one, in cents.
    pub price: u64,
    /// Labels, in the client's order.
    pub tags: Vec<String>,
}

/// What `POST /items/{id}` answers. The order of the fields is their order in the JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The path's parameter.
    pub id: u64,
    /// As sent.
    pub name: String,
    /// As sent.
    pub tags: Vec<String>,
    /// Quantity times price, in cents.
    pub total: u64,
}

impl Receipt {
    /// The answer for an item.
    pub fn new(id: u64, item: Item) -> Self {
        Self {
            id,
            total: u64::from(item.quantity).saturating_mul(item.price),
            name: item.name,
            tags: item.tags,
        }
    }
}

/// The path of the example that is measured.
pub const EXAMPLE_PATH: &str = "/items/4711";

/// What the example that is measured sends, an [`Item`].
pub const EXAMPLE_ITEM: &str =
    r#"{"name":"Field notebook, A5, dotted","quantity":3,"price":1299,"tags":["paper","office","new"]}"#;

/// What the example that is measured must be answered with, a [`Receipt`].
pub const EXAMPLE_RECEIPT: &str =
    r#"{"id":4711,"name":"Field notebook, A5, dotted","tags":["paper","office","new"],"total":3897}"#;

/// The answer to `GET /download`: the alphabet again and again, so that a misplaced byte is noticed. Servers make it
/// once and keep it.
pub fn download() -> Vec<u8> {
    (b'a'..=b'z').cycle().take(DOWNLOAD_LENGTH).collect()
}

/// The port to listen on, from the variable `PORT`; 8080 when there is none.
///
/// # Panics
///
/// The variable holds something else than a port: the program can't run.
pub fn port() -> u16 {
    std::env::var("PORT").map_or(8080, |port| port.parse().expect("PORT is a number up to 65535"))
}

/// A listener on that port of 127.0.0.1 whose connections have `TCP_NODELAY` on, as Linux hands it down to what is
/// accepted. For frameworks that take a listener and have no setting of their own.
///
/// # Errors
///
/// The port is taken.
pub fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port())).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How many threads a server runs that has to be told: as many as there are cores.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tells the harness that connections are accepted from now on.
pub fn announce(address: impl Display) {
    println!("listening on http://{address}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_receipt_in_the_order_of_its_fields() {
        let item = Item {
            name: "pen".into(),
            quantity: 3,
            price: 150,
            tags: vec!["blue".into(), "new".into()],
        };
        let json = serde_json::to_string(&Receipt::new(7, item)).expect("plain data");
        assert_eq!(json, r#"{"id":7,"name":"pen","tags":["blue","new"],"total":450}"#);
    }

    #[test]
    fn the_example_is_answered_as_written() {
        let item: Item = serde_json::from_str(EXAMPLE_ITEM).expect("an item");
        let receipt = serde_json::to_string(&Receipt::new(4711, item)).expect("plain data");
        assert_eq!(receipt, EXAMPLE_RECEIPT);
    }

    #[test]
    fn makes_one_mebibyte_of_the_alphabet() {
        let bytes = download();
        assert_eq!(bytes.len(), 1 << 20);
        assert!(bytes.starts_with(b"abcdefghijklmnopqrstuvwxyzabc"));
    }
}
