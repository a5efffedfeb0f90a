//! HTTP/2 from outside: frame by frame with a client of our own, message by message with the client of the `h2` crate, and
//! with other people's tools. What `h2spec` looks at is here, section by section, and more strictly.

mod app;
mod bodies;
mod client;
mod conformance_compression;
mod conformance_connection;
mod conformance_frames;
mod conformance_messages;
mod conformance_streams;
mod conformance_windows;
mod exchange;
mod floods;
mod hpack;
mod interim;
mod shutdown;
mod table;
mod timeouts;
mod tools;
mod tunnels;
