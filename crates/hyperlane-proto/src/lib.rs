//! HTTP/1.1 as values and bytes, without sockets, clock or runtime: the protocol core of hyperlane.
