//! Static files and downloads: ranges, conditions, variants, and no way out of the root.
//!
//! [`Files`] is a handler that serves a directory, [`Download`] one file as the answer of a handler. Both stand at step 8
//! of the walk of a request, as an ordinary user of the framework: routes, middleware, limits and time-outs are those of any
//! handler.
//!
//! ```no_run
//! use hyperlane::{Context, Error, Response, Server};
//! use hyperlane_files::{Download, Files};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     let server = Server::new();
//!     server.get("/assets/{*path}", Files::new("public")).get("/report", report);
//!     server.run().await?.wait().await;
//!     Ok(())
//! }
//!
//! async fn report(ctx: Context) -> Response {
//!     Download::new("/srv/reports/2026.pdf").name("Annual report.pdf").respond(&ctx).await
//! }
//! ```
//!
//! # What is answered
//!
//! - Conditions by `ETag` and `Last-Modified`, in the order of RFC 9110 §13.2.2: 304 and 412.
//! - Ranges (RFC 9110 §14), one or several: 206, and 416 with the length there is. `If-Range` by tag or date.
//! - Variants that were compressed beforehand, by `Accept-Encoding` (§12.5.3), if
//!   [asked for](Files::precompressed). Conditions and ranges are about the variant that was chosen.
//! - A directory by its index file, and 308 to the path with a slash behind it.
//! - `X-Content-Type-Options: nosniff` always, `Cache-Control: no-cache` unless [set](Files::cache_control).
//!
//! # What is refused
//!
//! Whatever is no plain path to a regular file below the root is 404, as what is not there: `..` in any writing, escaped
//! separators, backslashes, control characters, hidden files, devices and pipes, and links that lead outside. On Linux the
//! kernel itself keeps each step below the root (`openat2`), so that no change at the wrong moment opens a way out;
//! elsewhere paths are resolved and compared before and after the opening. Names that mean something of their own on
//! Windows are refused there.
//!
//! # Limits
//!
//! | what | limit | why | set by |
//! |---|---|---|---|
//! | path, name | 4096 bytes, 255 bytes | no system opens longer ones | |
//! | ranges of a request | 16, together no longer than the file | beyond that the whole is cheaper (RFC 9110 §14.2) | |
//! | small files in memory | 16 MiB | the assets of most sites | [`Files::cache_size`] |
//! | a file that is kept in memory | 256 KiB | a few large ones must not push out the many small ones | |
//! | time until a kept file is looked at again | 1 s | nobody notices, and a busy file costs nothing | [`Files::cache_time`] |
//! | memory of a download | 2 pieces of 128 KiB | one on its way, one read ahead | [`Files::read_size`] |
//! | entries of a listing | 10,000 | nobody reads more | |
//!
//! # How fast, and what not
//!
//! A small file is read in one go, and answered from memory while it stays hot. A large one is read ahead on tokio's threads
//! for what blocks, so that its connection never waits for the disk while the client takes what was read. Bytes are copied
//! once from the kernel and once to it: the engine has no way to hand a file over as it is (`sendfile`).
//!
//! A file that changes while it is sent breaks its response off: a client must not take halves of two files for one.
#![forbid(unsafe_code)]

mod answer;
mod body;
mod cache;
mod cache_control;
mod condition;
mod disposition;
mod download;
mod encoding;
mod entity_tag;
mod failure;
mod files;
mod listing;
mod load;
mod media_type;
mod multipart;
mod path;
mod range;
mod resource;
mod root;
mod serve;

pub use cache_control::{CacheControl, has_hash};
pub use download::Download;
pub use files::{Files, FilesArgs, FilesAt};
pub use root::Symlinks;

/// The program of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/static-files.md")]
struct Guide;
