//! What an application says to TLS, and asks of it.

#[path = "../../../hyperlane-server/tests/authority/mod.rs"]
mod authority;
mod clients;
mod redirect;
