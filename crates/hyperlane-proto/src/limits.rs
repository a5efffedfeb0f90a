//! How much a peer may send before it has said anything useful.
//!
//! The engine fills these from its configuration and hands them to the parsers. Every default is on
//! without being asked for.
//!
//! ```
//! use hyperlane_proto::HeadLimits;
//!
//! let limits = HeadLimits { head_bytes: 64 * 1024, ..HeadLimits::default() };
//! assert_eq!(limits.request_line_bytes, 8192);
//! ```

/// Limits on the head of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Longest request line in bytes, without its CRLF. Default 8192, above the 8000 that
    /// RFC 9112 §3 recommends to support. Exceeding it is answered with 414.
    pub request_line_bytes: usize,
    /// Longest head in bytes: empty lines before it, the request line, all fields and the final empty
    /// line. Default 16384: room for large cookies, and the most that an idle peer can make a
    /// connection buffer. Exceeding it is answered with 431. More than 4 GiB counts as 4 GiB.
    pub head_bytes: usize,
    /// Most field lines in a head. Default 100: several times what browsers and proxies send, and a
    /// bound on the work of everything that walks the fields. Exceeding it is answered with 431.
    pub header_count: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self {
            request_line_bytes: 8192,
            head_bytes: 16 * 1024,
            header_count: 100,
        }
    }
}

/// Limits on what surrounds the data of a chunked body (RFC 9112 §7.1). The size of the data itself is
/// the business of whoever reads the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Longest chunk-size line in bytes, extensions included, without its CRLF. Default 1024: a size
    /// needs 16, and no extension in use is longer. Exceeding it is answered with 400.
    pub size_line_bytes: usize,
    /// Most bytes of chunk extensions over the whole body. Default 16384. Without it a peer could make
    /// the server read without end while the body, and so the body's limit, does not grow
    /// (RFC 9112 §7.1.1 asks for such a limit). Exceeding it is answered with 400.
    pub extension_bytes_total: usize,
    /// Most bytes of the trailer section, without the empty line that ends it. Default 8192: trailers
    /// carry digests and statuses, and are held in memory. Exceeding it is answered with 431.
    pub trailer_bytes: usize,
    /// Most trailer field lines. Default 32. Exceeding it is answered with 431.
    pub trailer_count: usize,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self {
            size_line_bytes: 1024,
            extension_bytes_total: 16 * 1024,
            trailer_bytes: 8192,
            trailer_count: 32,
        }
    }
}
