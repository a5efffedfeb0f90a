//! The handler and its settings.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use hyperlane::{Context, Handler, Requirements, Response, Router, Routes};

use crate::cache::Cache;
use crate::root::{Root, Symlinks};
use crate::{CacheControl, serve};

/// A handler that serves the files of a directory.
///
/// Register it for `GET` with a pattern that ends in a wildcard, or as the fallback: what the wildcard captured is the path
/// below the directory; in a fallback it is all of the request's path, the prefix of a nested router included. `HEAD` is answered by itself. A pattern that ends without a parameter stands for the directory
/// itself. [`at`](Self::at) registers all of a directory at once.
///
/// ```
/// use hyperlane::Server;
/// use hyperlane_files::{CacheControl, Files, has_hash};
///
/// let site = Files::new("public").precompressed(true).immutable(has_hash);
/// let server = Server::new();
/// server.add(site.at("/assets"));
/// ```
///
/// Clones share one cache; a setting changed on a clone gives it a cache of its own.
#[derive(Clone)]
pub struct Files {
    pub(crate) settings: Arc<Settings>,
    pub(crate) cache: Arc<Cache>,
}

pub(crate) type Predicate = dyn Fn(&str) -> bool + Send + Sync;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) root: Root,
    pub(crate) index: Option<String>,
    pub(crate) listing: bool,
    pub(crate) dot_files: bool,
    pub(crate) precompressed: bool,
    pub(crate) fallback: Option<String>,
    pub(crate) not_found: Option<String>,
    pub(crate) cache_control: HeaderValue,
    pub(crate) immutable: Option<Arc<Predicate>>,
    #[cfg(feature = "content-tags")]
    pub(crate) content_tags: bool,
    pub(crate) media_types: Vec<(String, HeaderValue)>,
    pub(crate) cache_bytes: u64,
    pub(crate) cache_time: Duration,
    pub(crate) read_size: usize,
    pub(crate) growing: bool,
}

impl Files {
    /// The files below this directory, which may be relative to where the program was started.
    ///
    /// The directory need not be there yet. While it is not, requests are answered 500 and the log says why.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let settings = Settings {
            root: Root {
                path: root.into(),
                symlinks: Symlinks::default(),
            },
            index: Some("index.html".to_owned()),
            listing: false,
            dot_files: false,
            precompressed: false,
            fallback: None,
            not_found: None,
            cache_control: CacheControl::revalidate().into(),
            immutable: None,
            #[cfg(feature = "content-tags")]
            content_tags: false,
            media_types: Vec::new(),
            // Holds the scripts, styles and icons of most sites, and is nothing beside what the process has anyway.
            cache_bytes: 16 << 20,
            // What a person who saves a file and looks at the page does not notice.
            cache_time: Duration::from_secs(1),
            read_size: DEFAULT_READ_SIZE,
            growing: false,
        };
        Self {
            cache: Arc::new(Cache::new(settings.cache_bytes)),
            settings: Arc::new(settings),
        }
    }

    /// The file that stands for its directory. Default: `index.html`.
    #[must_use]
    pub fn index(self, name: &str) -> Self {
        self.change(|settings| settings.index = Some(name.to_owned()))
    }

    /// No file stands for its directory: 404, or a [`listing`](Self::listing).
    #[must_use]
    pub fn without_index(self) -> Self {
        self.change(|settings| settings.index = None)
    }

    /// Whether a directory without an index file is answered with a page that lists what is in it. Default: no, since
    /// names tell, too.
    ///
    /// At most 10,000 entries are shown. What would not be served is not listed.
    #[must_use]
    pub fn listing(self, list: bool) -> Self {
        self.change(|settings| settings.listing = list)
    }

    /// Whether files and directories whose names begin with a dot are served. Default: no, as `.env`, `.git` and the like
    /// end up below a root by mistake.
    ///
    /// The root itself may have such a name: `Files::new("public/.well-known")`.
    #[must_use]
    pub fn dot_files(self, serve: bool) -> Self {
        self.change(|settings| settings.dot_files = serve)
    }

    /// What becomes of symbolic links. Default: [`Symlinks::Inside`].
    #[must_use]
    pub fn symlinks(self, policy: Symlinks) -> Self {
        self.change(|settings| settings.root.symlinks = policy)
    }

    /// Whether to look for `app.js.br`, `app.js.zst` and `app.js.gz` beside `app.js`, and give whichever the client wants
    /// most, or the smallest of those it wants alike. Default: no.
    ///
    /// A variant that is older than its file by a second or more was forgotten in a build, and is left alone.
    #[must_use]
    pub fn precompressed(self, look: bool) -> Self {
        self.change(|settings| settings.precompressed = look)
    }

    /// The file, by its path below the root, that is answered where there is none: the page of an application that does its
    /// own routing in the browser. Default: none.
    ///
    /// It stands in for paths whose last name has no dot, and for others where the client names `text/html` in `Accept`:
    /// a script that is missing stays a 404, and is not answered with a page.
    #[must_use]
    pub fn fallback(self, path: &str) -> Self {
        self.change(|settings| settings.fallback = Some(path.to_owned()))
    }

    /// The file, by its path below the root, that goes with a 404. Default: none; the answer is then shaped as all errors
    /// of the server are.
    #[must_use]
    pub fn not_found(self, path: &str) -> Self {
        self.change(|settings| settings.not_found = Some(path.to_owned()))
    }

    /// How long clients and proxies may keep the files. Default: [`CacheControl::revalidate`].
    #[must_use]
    pub fn cache_control(self, value: impl Into<HeaderValue>) -> Self {
        let value = value.into();
        self.change(|settings| settings.cache_control = value)
    }

    /// The files, by their paths below the root, whose content never changes: they are sent with
    /// [`CacheControl::immutable`]. [`has_hash`](crate::has_hash) knows the names that build tools write. Default: none.
    #[must_use]
    pub fn immutable(self, is_immutable: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.change(|settings| settings.immutable = Some(Arc::new(is_immutable)))
    }

    /// The media type of files with this extension, without its dot, instead of the usual one.
    #[must_use]
    pub fn media_type(self, extension: &str, value: impl Into<HeaderValue>) -> Self {
        let own = (extension.to_ascii_lowercase(), value.into());
        self.change(|settings| settings.media_types.insert(0, own))
    }

    /// Whether the tags of small files (up to 256 KiB) are made of their content (SHA-256) instead of their time of change
    /// and length: servers whose files have different times then give the same tags, and a file that was written anew with
    /// the same content stays the same. Default: no. Larger files keep the tags of all others.
    #[cfg(feature = "content-tags")]
    #[must_use]
    pub fn content_tags(self, of_content: bool) -> Self {
        self.change(|settings| settings.content_tags = of_content)
    }

    /// Bytes of small files (up to 256 KiB) that are kept in memory. Default: 16 MiB; 0 keeps none.
    ///
    /// A file that is kept is answered without asking the system anything.
    #[must_use]
    pub fn cache_size(self, bytes: u64) -> Self {
        self.change(|settings| settings.cache_bytes = bytes)
    }

    /// How long a file is answered as it was last seen, before it is looked at again. Default: one second.
    #[must_use]
    pub fn cache_time(self, time: Duration) -> Self {
        self.change(|settings| settings.cache_time = time)
    }

    /// Bytes that are read of a large file at a time. A download holds at most two such pieces in memory. Default:
    /// 128 KiB, at which the way to the threads that read is a small part of the work.
    ///
    /// It is kept within 4 KiB and 16 MiB.
    #[must_use]
    pub fn read_size(self, bytes: usize) -> Self {
        self.change(|settings| settings.read_size = bytes.clamp(SMALLEST_READ, LARGEST_READ))
    }

    /// Whether files may become longer while they are sent, as logs do: a response then ends where the file ended when it
    /// began. Default: no; a file that changes while it is sent breaks its response off.
    #[must_use]
    pub fn growing(self, growing: bool) -> Self {
        self.change(|settings| settings.growing = growing)
    }

    /// Answers a request with the file of this path below the root, for handlers that first look at who asks. The path is
    /// read as a decoded one of a request is: the same is refused.
    ///
    /// ```
    /// use hyperlane::{Context, IntoResponse, Path, Response, State, StatusCode};
    /// use hyperlane_files::Files;
    ///
    /// async fn member_file(ctx: Context, State(files): State<Files>, Path(path): Path<String>) -> Response {
    ///     match ctx.header("authorization") {
    ///         Some("Bearer of good news") => files.serve(&ctx, &path).await,
    ///         _ => StatusCode::UNAUTHORIZED.into_response(),
    ///     }
    /// }
    /// # hyperlane::Server::new().state(Files::new("members")).get("/members/{*path}", member_file);
    /// ```
    pub async fn serve(&self, ctx: &Context, path: &str) -> Response {
        serve::answer(self, ctx, path).await
    }

    /// The same for all paths below `prefix`, to be given to [`Server::add`](hyperlane::Server::add): three routes at once,
    /// since a wildcard is never empty. An empty prefix is the whole server.
    ///
    /// ```
    /// use hyperlane::Server;
    /// use hyperlane_files::Files;
    ///
    /// let server = Server::new();
    /// server.add(Files::new("public").at("/assets"));
    /// # assert!(server.build().is_ok());
    /// ```
    pub fn at(self, prefix: &str) -> FilesAt {
        FilesAt {
            prefix: prefix.trim_end_matches('/').to_owned(),
            files: self,
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self.cache = Arc::new(Cache::new(self.settings.cache_bytes));
        self
    }
}

pub(crate) const DEFAULT_READ_SIZE: usize = 128 << 10;
pub(crate) const SMALLEST_READ: usize = 4 << 10;
pub(crate) const LARGEST_READ: usize = 16 << 20;

/// Tells files from plain handlers.
#[derive(Debug)]
pub struct FilesArgs(());

#[diagnostic::do_not_recommend]
impl Handler<FilesArgs> for Files {
    fn call(&self, ctx: Context) -> Pin<Box<dyn Future<Output = Response> + Send>> {
        let files = self.clone();
        Box::pin(async move { serve::answer_route(&files, &ctx).await })
    }

    fn check(_: &mut Requirements) {}
}

/// Files below a prefix, made by [`Files::at`].
#[derive(Clone, Debug)]
#[must_use = "give it to `server.add(…)`"]
pub struct FilesAt {
    prefix: String,
    files: Files,
}

impl Routes for FilesAt {
    fn register(self, router: &Router) {
        let Self { prefix, files } = self;
        if !prefix.is_empty() {
            router.get(&prefix, files.clone());
        }
        router
            .get(format!("{prefix}/"), files.clone())
            .get(format!("{prefix}/{{*path}}"), files);
    }
}

/// What lies in a directory is not known here.
#[cfg(feature = "openapi")]
impl hyperlane::openapi::DescribeHandler<FilesArgs> for Files {
    fn describe_handler(operation: hyperlane::openapi::Operation) -> hyperlane::openapi::Operation {
        operation
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files")
            .field("root", &self.settings.root)
            .finish_non_exhaustive()
    }
}
