//! The walk of a request for a file: its path is checked, the file is found in memory or on the disk, a variant is chosen,
//! and the answer made.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};
use hyperlane::{Body, Context, Html, IntoResponse, Problem, Response};
use percent_encoding::percent_decode_str;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::CacheControl;
use crate::answer::{Answer, Manner};
use crate::body::Reader;
use crate::encoding::{Accepted, Coding};
use crate::failure::Failure;
use crate::files::{Files, Settings};
use crate::load::{Loaded, load};
use crate::path::{SafePath, hides_a_separator, raw_tail};
use crate::resource::{Representation, Resource, Stamp};
use crate::root::Found;

/// A file that was replaced between two looks at it is looked for again, but not for ever.
const LOOKS: usize = 3;

/// Answers the request of a route: its wildcard is the path.
pub(crate) async fn answer_route(files: &Files, ctx: &Context) -> Response {
    match captured(ctx) {
        Captured::Path(path) => answer(files, ctx, &path).await,
        Captured::Directory if ctx.path().ends_with('/') => answer(files, ctx, "").await,
        Captured::Directory => redirect(ctx).unwrap_or_else(|failure| failure.response("")),
        Captured::Nothing => refused(files, ctx).await,
    }
}

/// Answers a request with the file of a decoded path.
pub(crate) async fn answer(files: &Files, ctx: &Context, path: &str) -> Response {
    if !matches!(*ctx.method(), Method::GET | Method::HEAD) {
        let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED).into_response();
        response.insert_header(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(path) = SafePath::parse(path, files.settings.dot_files) else {
        return refused(files, ctx).await;
    };
    match find_and_answer(files, ctx, &path, None).await {
        Err(Failure::NotFound) => missing(files, ctx, &path).await,
        Err(failure) => failure.response(path.as_str()),
        Ok(response) => response,
    }
}

/// What a route says about the path below the root.
enum Captured<'c> {
    /// It is the parameter at the end of the pattern, or all of the path in a fallback.
    Path(Cow<'c, str>),
    /// The pattern ends without a parameter, and stands for the directory itself.
    Directory,
    /// It hides a separator, or can't be decoded.
    Nothing,
}

fn captured(ctx: &Context) -> Captured<'_> {
    let Some(pattern) = ctx.matched_pattern() else {
        let raw = ctx.path().strip_prefix('/').filter(|raw| !hides_a_separator(raw));
        let path = raw.and_then(|raw| percent_decode_str(raw).decode_utf8().ok());
        return path.map_or(Captured::Nothing, Captured::Path);
    };
    let Some((_, path)) = ctx.params().last().filter(|_| pattern.ends_with('}')) else {
        return Captured::Directory;
    };
    if hides_a_separator(ctx.path()) && hides_a_separator(raw_tail(ctx.path(), path.len())) {
        return Captured::Nothing;
    }
    Captured::Path(Cow::Borrowed(path))
}

/// The answer where there is no such file.
async fn missing(files: &Files, ctx: &Context, path: &SafePath) -> Response {
    let settings = &files.settings;
    let Some(fallback) = &settings.fallback else {
        return refused(files, ctx).await;
    };
    let is_page = path.is_directory() || !path.file_name().contains('.');
    let answered = if is_page || wants_page(ctx) {
        stand_in(files, ctx, fallback, None).await
    } else {
        None
    };
    let mut response = match answered {
        Some(response) => response,
        None => refused(files, ctx).await,
    };
    if !is_page {
        response.append_header(VARY, HeaderValue::from_static("accept"));
    }
    response
}

/// 404, with the file that goes with it.
async fn refused(files: &Files, ctx: &Context) -> Response {
    let page = match &files.settings.not_found {
        Some(page) => stand_in(files, ctx, page, Some(StatusCode::NOT_FOUND)).await,
        None => None,
    };
    page.unwrap_or_else(|| Failure::NotFound.response(""))
}

/// A file that the settings name; `None` and a line in the log if it is not there.
async fn stand_in(files: &Files, ctx: &Context, path: &str, status: Option<StatusCode>) -> Option<Response> {
    let found = match SafePath::parse(path, true).filter(|path| !path.is_directory()) {
        Some(path) => find_and_answer(files, ctx, &path, status).await,
        None => Err(Failure::NotFound),
    };
    match found {
        Ok(response) => Some(response),
        Err(Failure::NotFound) => {
            tracing::error!(
                path,
                "file that stands in for missing ones is not below the root: answering 404"
            );
            None
        }
        Err(failure) => Some(failure.response(path)),
    }
}

fn wants_page(ctx: &Context) -> bool {
    let accept = ctx.header(ACCEPT.as_str()).unwrap_or_default().to_ascii_lowercase();
    accept.contains("text/html")
}

async fn find_and_answer(
    files: &Files,
    ctx: &Context,
    path: &SafePath,
    status: Option<StatusCode>,
) -> Result<Response, Failure> {
    let settings = &files.settings;
    let known = files.cache.get(path.as_str());
    if let Some(resource) = &known
        && resource.seen.elapsed() < settings.cache_time
        && let Some(response) = answer_from_memory(settings, ctx, resource, status).await?
    {
        return Ok(response);
    }
    let mut before = known;
    for _ in 0..LOOKS {
        let loaded = {
            let (settings, path, before) = (Arc::clone(settings), path.clone(), before.take());
            let shown_path = decoded_path(ctx);
            blocking(move || load(&settings, &path, before.as_deref(), &shown_path)).await
        };
        let (resource, mut large) = match loaded {
            Ok(Loaded::File(resource, large)) => (resource, large),
            Ok(Loaded::MissingSlash) => return redirect(ctx),
            Ok(Loaded::Listing(page)) => return Ok(listing(page)),
            Err(failure) => {
                files.cache.remove(path.as_str());
                return Err(failure);
            }
        };
        files.cache.insert(path.as_str(), &resource);
        let Some((at, chosen)) = choose(ctx, &resource) else {
            return Err(Failure::NotFound);
        };
        let opened = large
            .iter()
            .position(|(of, _)| *of == at)
            .map(|place| large.swap_remove(place).1);
        match opened {
            None => {
                if let Some(response) = answer_from_memory(settings, ctx, &resource, status).await? {
                    return Ok(response);
                }
            }
            Some(file) => {
                let answer = Answer::new(ctx, chosen, &manner(settings, &resource, chosen, status));
                return Ok(send(settings, answer, chosen, file));
            }
        }
        before = Some(resource);
    }
    Err(Failure::Busy(io::Error::other(
        "file is replaced faster than it can be opened",
    )))
}

/// The answer with a file that was seen a moment ago. `None` if it has to be looked for again: it is not in memory, and
/// not the same any more.
async fn answer_from_memory(
    settings: &Arc<Settings>,
    ctx: &Context,
    resource: &Resource,
    status: Option<StatusCode>,
) -> Result<Option<Response>, Failure> {
    let Some((_, chosen)) = choose(ctx, resource) else {
        return Ok(None);
    };
    let answer = Answer::new(ctx, chosen, &manner(settings, resource, chosen, status));
    if answer.is_complete() {
        return Ok(Some(answer.complete()));
    }
    if let Some(content) = &chosen.content {
        return Ok(Some(answer.with_content(content)));
    }
    let opened = {
        let (settings, path) = (Arc::clone(settings), chosen.path.clone());
        blocking(move || settings.root.open(&path)).await
    };
    match opened {
        Ok(Found::File(file, metadata)) if Stamp::of(&metadata) == chosen.stamp => {
            Ok(Some(send(settings, answer, chosen, file)))
        }
        Ok(_) | Err(Failure::NotFound) => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn choose<'r>(ctx: &Context, resource: &'r Resource) -> Option<(usize, &'r Representation)> {
    match resource.representations.as_slice() {
        [only] => Some((0, only)),
        _ => resource.choose(Accepted::of(ctx.headers())),
    }
}

fn manner(settings: &Settings, resource: &Resource, chosen: &Representation, status: Option<StatusCode>) -> Manner {
    let path = chosen.path.as_str();
    let path = path
        .strip_suffix(chosen.coding.map_or("", Coding::suffix))
        .unwrap_or(path);
    let is_immutable = status.is_none()
        && settings
            .immutable
            .as_ref()
            .is_some_and(|is_immutable| is_immutable(path));
    Manner {
        // What is not there may be there in a moment, whatever is said of the files.
        cache_control: Some(if status.is_some() {
            CacheControl::no_store().into()
        } else if is_immutable {
            CacheControl::immutable().into()
        } else {
            settings.cache_control.clone()
        }),
        disposition: None,
        varies: resource.representations.len() > 1,
        status,
    }
}

fn send(settings: &Settings, answer: Answer, chosen: &Representation, file: std::fs::File) -> Response {
    if answer.is_complete() {
        return answer.complete();
    }
    answer.with_file(Reader {
        file,
        stamp: chosen.stamp,
        piece: settings.read_size,
        may_grow: settings.growing,
    })
}

/// Runs what may wait for the disk on the threads that are for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let mut asked = Asked(spawn_blocking(work));
    match (&mut asked.0).await {
        Ok(result) => result,
        Err(error) => Err(Failure::Broken(io::Error::other(error))),
    }
}

/// Work that is not begun any more once nobody waits for it.
struct Asked<T>(JoinHandle<T>);

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// To the same path with a slash behind it, so that what its page links to is looked for in it. Never to another host: two
/// slashes in front would be one.
fn redirect(ctx: &Context) -> Result<Response, Failure> {
    let path = ctx.path();
    if path.starts_with("//") || path.contains('\\') {
        return Err(Failure::NotFound);
    }
    let query = ctx.query_string().map(|query| format!("?{query}")).unwrap_or_default();
    let location = HeaderValue::try_from(format!("{path}/{query}")).map_err(|_| Failure::NotFound)?;
    let mut response = Response::new(Body::empty()).with_status(StatusCode::PERMANENT_REDIRECT);
    response.insert_header(LOCATION, location);
    Ok(response)
}

/// A page of names that others may have chosen: nothing in it may run.
fn listing(page: String) -> Response {
    let mut response = Html(page).into_response();
    let policy = HeaderValue::from_static("default-src 'none'; base-uri 'none'; form-action 'none'");
    response.insert_header(CONTENT_SECURITY_POLICY, policy);
    response.insert_header(CACHE_CONTROL, CacheControl::revalidate().into());
    response.insert_header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn decoded_path(ctx: &Context) -> String {
    percent_decode_str(ctx.path()).decode_utf8_lossy().into_owned()
}
