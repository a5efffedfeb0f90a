//! The description of a whole API: what the routes do not say, and where it is served.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyperlane_core::Response;
use serde_json::{Value, json};

use super::components::is_valid_character;
use super::document::Document;
use super::security::Security;
use crate::error::RunError;
use crate::routing::{Route, RoutingTable};
use crate::server::Server;

type Edit = dyn Fn(&mut Value) + Send + Sync;

/// The description of an API: its title, its version, and where it is served.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::openapi::{OpenApi, Security};
///
/// let server = Server::new();
/// server.get("/health", async || "ok");
/// OpenApi::new("Shop", "1.2.0")
///     .description("Buys and sells.")
///     .security("token", Security::bearer())
///     .serve(&server); // GET /openapi.json
/// # assert!(server.build().is_ok());
/// ```
#[derive(Clone)]
pub struct OpenApi {
    pub(super) info: Value,
    pub(super) servers: Vec<Value>,
    pub(super) security: Vec<(String, Security)>,
    pub(super) tags: Vec<Value>,
    edits: Vec<Arc<Edit>>,
    path: String,
    #[cfg(feature = "openapi-viewer")]
    viewer: Option<String>,
}

impl OpenApi {
    /// An API of this title and version: the version of the API, not that of the program.
    pub fn new(title: &str, version: &str) -> Self {
        Self {
            info: json!({ "title": title, "version": version }),
            servers: Vec::new(),
            security: Vec::new(),
            tags: Vec::new(),
            edits: Vec::new(),
            path: "/openapi.json".to_owned(),
            #[cfg(feature = "openapi-viewer")]
            viewer: None,
        }
    }

    /// What it is for, in CommonMark.
    #[must_use]
    pub fn description(mut self, text: &str) -> Self {
        self.info["description"] = json!(text);
        self
    }

    /// The license under which it may be used; `identifier` is one of SPDX, as `MIT`.
    #[must_use]
    pub fn license(mut self, name: &str, identifier: &str) -> Self {
        self.info["license"] = json!({ "name": name, "identifier": identifier });
        self
    }

    /// Whom to ask.
    #[must_use]
    pub fn contact(mut self, name: &str, email: &str) -> Self {
        self.info["contact"] = json!({ "name": name, "email": email });
        self
    }

    /// A server that has this API: the URL that stands before all paths. Default: the one that serves the document.
    #[must_use]
    pub fn server(mut self, url: &str, description: &str) -> Self {
        self.servers.push(json!({ "url": url, "description": description }));
        self
    }

    /// A way to say who asks. Routes behind the middleware that asks for it are described as secured by it.
    ///
    /// # Panics
    ///
    /// The name has other characters than ASCII letters, digits, `.`, `-` and `_` (OpenAPI 3.1 §4.8.7.1).
    #[must_use]
    #[track_caller]
    pub fn security(mut self, name: &str, security: Security) -> Self {
        assert!(
            !name.is_empty() && name.chars().all(is_valid_character),
            "`{name}` can't be the name of a security scheme: write it with letters, digits, `.`, `-` and `_`"
        );
        self.security.push((name.to_owned(), security));
        self
    }

    /// What operations with this tag have in common. Tags stand in the order in which they are told; one that is told
    /// again is told anew.
    #[must_use]
    pub fn tag(mut self, name: &str, description: &str) -> Self {
        self.tags.retain(|tag| tag["name"] != name);
        self.tags.push(json!({ "name": name, "description": description }));
        self
    }

    /// Changes the document in the end, for what no method here can say.
    #[must_use]
    pub fn edit(mut self, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.edits.push(Arc::new(change));
        self
    }

    /// Where the document is served. Default: `/openapi.json`.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Serves a page at this path, as `/docs`, on which the operations can be read and tried. All of it is in the
    /// program: it needs no other server. It sets a `Content-Security-Policy` of its own.
    #[cfg(feature = "openapi-viewer")]
    #[must_use]
    pub fn viewer(mut self, path: &str) -> Self {
        self.viewer = Some(path.to_owned());
        self
    }

    /// Serves the document, and the viewer if there is to be one. All routes of the server are in it, also those that
    /// are registered later; but not these themselves.
    pub fn serve(self, server: &Server) {
        let publication = Arc::new(Publication::new(self));
        let shared = Arc::clone(&publication);
        let document = move || {
            let document = shared.text();
            async move { document_response(document) }
        };
        server.get(&publication.api.path, Route::new(document).undocumented());
        #[cfg(feature = "openapi-viewer")]
        if let Some(path) = &publication.api.viewer {
            super::viewer::serve(server, path, &publication.api.path, &publication.api.origins());
        }
        server.publish(publication);
    }

    /// The document of what is registered so far, to be written into a file or looked at.
    ///
    /// ```
    /// use hyperlane::*;
    /// use hyperlane::openapi::OpenApi;
    ///
    /// let server = Server::new();
    /// server.get("/users/{id:u64}", async || "a user");
    /// let document = OpenApi::new("Users", "1.0").document(&server)?;
    /// let get = document.as_value().pointer("/paths/~1users~1{id}/get").expect("it is registered");
    /// assert_eq!(get["parameters"][0]["schema"]["type"], "integer");
    /// # Ok::<(), RunError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Something that was registered is wrong, as [`Server::run`] would say.
    pub fn document(&self, server: &Server) -> Result<Document, RunError> {
        Ok(self.describe(&server.table()?))
    }

    fn describe(&self, table: &RoutingTable) -> Document {
        let mut document = Document::of(self, table);
        for edit in &self.edits {
            edit(document.as_value_mut());
        }
        document
    }

    /// What a page must be allowed to ask: servers on other origins.
    #[cfg(feature = "openapi-viewer")]
    fn origins(&self) -> Vec<String> {
        let urls = self.servers.iter().filter_map(|server| server["url"].as_str());
        urls.filter_map(origin).collect()
    }
}

/// The origin of a URL, for a policy; what would mean something else there has none.
#[cfg(feature = "openapi-viewer")]
fn origin(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let (scheme, host) = (uri.scheme_str()?, uri.host()?);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    host.bytes().all(plain).then(|| format!("{scheme}://{host}{port}"))
}

/// A description that is served, which is written when all routes are known.
#[derive(Debug)]
pub(crate) struct Publication {
    api: OpenApi,
    text: OnceLock<Bytes>,
}

impl Publication {
    fn new(api: OpenApi) -> Self {
        Self {
            api,
            text: OnceLock::new(),
        }
    }

    /// Writes the document of these routes.
    pub(crate) fn write(&self, table: &RoutingTable) {
        self.text.get_or_init(|| self.api.describe(table).to_json().into());
    }

    fn text(&self) -> Bytes {
        self.text.get().cloned().unwrap_or_default()
    }
}

fn document_response(text: Bytes) -> Response {
    Response::from(StatusCode::OK)
        .with_header(CONTENT_TYPE, "application/json")
        .with_header(CACHE_CONTROL, "no-cache")
        .with_body(text)
}

impl fmt::Debug for OpenApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenApi")
            .field("info", &self.info)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
