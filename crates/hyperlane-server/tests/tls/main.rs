//! TLS over real sockets, with the client of `rustls`.

mod alpn;
#[path = "../authority/mod.rs"]
mod authority;
mod certificates;
mod clients;
mod hostile;
mod names;
mod reload;
mod sessions;
mod support;
mod transport;
