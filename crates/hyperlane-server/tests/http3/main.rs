//! HTTP/3 over real sockets, with the client of `h3`, and by hand where a client would not do what is tested.

#[path = "../authority/mod.rs"]
mod authority;
mod door;
mod hostile;
mod raw;
mod requests;
mod shutdown;
mod support;
