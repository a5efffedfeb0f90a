//! One file as the answer of a handler.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode};
use hyperlane::{Context, IntoResponse, Problem, Response};

use crate::CacheControl;
use crate::answer::{Answer, Manner};
use crate::body::Reader;
use crate::disposition::disposition;
use crate::files::{DEFAULT_READ_SIZE, LARGEST_READ, SMALLEST_READ};
use crate::media_type::media_type;
use crate::path::SafePath;
use crate::resource::{Representation, Stamp};
use crate::root::open_trusted;
use crate::serve::blocking;

/// A file that a handler answers with, to be saved by the client or shown.
///
/// Ranges and conditions of the request count as they do for [`Files`](crate::Files), so that a download that broke off
/// can be taken up again. The path is the program's own: it is opened wherever it is. What a client sent must not be part
/// of it; for that there is [`Files::serve`](crate::Files::serve).
///
/// ```
/// use hyperlane::{Context, Response, Server};
/// use hyperlane_files::Download;
///
/// async fn report(ctx: Context) -> Response {
///     Download::new("/srv/reports/2026.pdf").name("Jahresbericht März 2026.pdf").respond(&ctx).await
/// }
///
/// let server = Server::new();
/// server.get("/report", report);
/// ```
#[derive(Clone)]
#[must_use = "a download is sent by `respond`"]
pub struct Download {
    path: PathBuf,
    name: Option<String>,
    kind: &'static str,
    media_type: Option<HeaderValue>,
    cache_control: HeaderValue,
    read_size: usize,
    growing: bool,
}

impl Download {
    /// A download of this file, under its own name.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            name: None,
            kind: "attachment",
            media_type: None,
            cache_control: CacheControl::private().into(),
            read_size: DEFAULT_READ_SIZE,
            growing: false,
        }
    }

    /// The name under which it is saved, in any script (RFC 6266, RFC 8187). Directories in it, control characters, and
    /// those that turn the direction of writing are left out.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// It is shown where the client can, and saved where it can't.
    ///
    /// A page or an SVG that a user has uploaded runs with the rights of the site then: leave those to be saved, or send
    /// them from a host of their own.
    pub fn inline(mut self) -> Self {
        self.kind = "inline";
        self
    }

    /// Its media type. Default: by the extension of its name.
    pub fn media_type(mut self, value: impl Into<HeaderValue>) -> Self {
        self.media_type = Some(value.into());
        self
    }

    /// How long it may be kept. Default: [`CacheControl::private`], as a handler may have looked at who asks.
    pub fn cache_control(mut self, value: impl Into<HeaderValue>) -> Self {
        self.cache_control = value.into();
        self
    }

    /// Bytes that are read at a time, as for [`Files::read_size`](crate::Files::read_size). Default: 128 KiB.
    pub fn read_size(mut self, bytes: usize) -> Self {
        self.read_size = bytes.clamp(SMALLEST_READ, LARGEST_READ);
        self
    }

    /// Whether the file may become longer while it is sent, as for [`Files::growing`](crate::Files::growing). Default: no.
    pub fn growing(mut self, growing: bool) -> Self {
        self.growing = growing;
        self
    }

    /// The answer to a request: the file, a part of it, or why not.
    ///
    /// A file that is not there, or is no regular file, is 404; 503 while the process is out of file descriptors.
    pub async fn respond(self, ctx: &Context) -> Response {
        // For other methods conditions mean something else (RFC 9110 §13.2.1), and parts nothing (§14.2).
        let counts = matches!(*ctx.method(), Method::GET | Method::HEAD);
        let path: Arc<std::path::Path> = self.path.into();
        let opened = {
            let path = Arc::clone(&path);
            blocking(move || open_trusted(&path)).await
        };
        let (file, metadata) = match opened {
            Ok(opened) => opened,
            Err(failure) => return failure.response(&path.to_string_lossy()),
        };
        let own_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = self.name.unwrap_or(own_name);
        let media_type = self.media_type.unwrap_or_else(|| media_type(&name, &[]));
        let stamp = Stamp::of(&metadata);
        let Some(root) = SafePath::parse("", false) else {
            return Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        };
        let file_state = Representation::new(root, None, stamp, media_type);
        let manner = Manner {
            cache_control: Some(self.cache_control),
            disposition: Some(disposition(self.kind, &name)),
            varies: false,
            status: (!counts).then_some(StatusCode::OK),
        };
        let answer = Answer::new(ctx, &file_state, &manner);
        if answer.is_complete() {
            return answer.complete();
        }
        answer.with_file(Reader {
            file,
            stamp,
            piece: self.read_size,
            may_grow: self.growing,
        })
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("path", &self.path)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
