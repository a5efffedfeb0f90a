//! The API described by its own handlers, as OpenAPI 3.1.
//!
//! [`OpenApi`] serves a document of all routes. Methods, paths and their parameters come from the registered patterns;
//! what a handler reads and answers comes from its types, where a route asks for it with
//! [`Route::openapi`](crate::Route::openapi): arguments implement [`Describe`], what is returned
//! [`DescribeResponse`], and values in it [`schemars::JsonSchema`]. So nothing is said twice, and what is said can't
//! differ from what is done. The closure adds words, and what no type tells.
//!
//! ```
//! use hyperlane::*;
//! use hyperlane::openapi::OpenApi;
//! use hyperlane::openapi::schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct NewNote { text: String }
//!
//! /// A note that is kept.
//! #[derive(Serialize, JsonSchema)]
//! struct Note { id: u64, text: String }
//!
//! async fn create(Json(new): Json<NewNote>) -> Created<Json<Note>> {
//!     Created::new("/notes/7", Json(Note { id: 7, text: new.text }))
//! }
//!
//! async fn read(Path(id): Path<u64>) -> Result<Json<Note>, Problem> {
//!     Err(Problem::new(StatusCode::NOT_FOUND).with_detail(format!("there is no note {id}")))
//! }
//!
//! let server = Server::new();
//! server
//!     .post("/notes", Route::new(create).openapi(|operation| operation.summary("Keeps a note").tag("notes")))
//!     .get("/notes/{id:u64}", Route::new(read).openapi(|operation| operation.problem(404, "there is no such note")));
//! let api = OpenApi::new("Notes", "1.0.0");
//!
//! let document = api.document(&server)?;
//! let created = &document.as_value()["paths"]["/notes"]["post"]["responses"]["201"];
//! assert_eq!(created["content"]["application/json"]["schema"]["$ref"], "#/components/schemas/Note");
//!
//! api.serve(&server); // GET /openapi.json
//! # assert!(server.build().is_ok());
//! # Ok::<(), RunError>(())
//! ```
//!
//! In the walk of a request it has no place: the document is written once, when the registration is frozen.

mod api;
mod arguments;
mod components;
mod describe;
mod document;
mod operation;
mod parameter;
mod path;
mod problem;
mod responses;
mod returned;
mod schemas;
mod security;
#[cfg(feature = "macros")]
pub(crate) mod typed_path;
#[cfg(feature = "openapi-viewer")]
mod viewer;

use std::fmt;
use std::sync::Arc;

pub use api::OpenApi;
pub(crate) use api::Publication;
pub use describe::{Describe, DescribeArguments, DescribeHandler, DescribePart, DescribeResponse};
pub use document::Document;
pub use operation::Operation;
pub use responses::{ResponseDescription, Responses, Status};
pub use security::Security;

pub use schemars;

/// What is told of a route.
#[derive(Clone, Default)]
pub(crate) enum RouteDescription {
    /// That it is there, and its path.
    #[default]
    Unknown,
    /// Nothing.
    Hidden,
    /// What this function adds.
    Typed(Arc<dyn Fn(Operation) -> Operation + Send + Sync>),
}

impl RouteDescription {
    /// What the types of a handler say, and then `edit`.
    pub(crate) fn typed<H, Args>(edit: impl Fn(Operation) -> Operation + Send + Sync + 'static) -> Self
    where
        H: DescribeHandler<Args>,
    {
        Self::Typed(Arc::new(move |operation| edit(H::describe_handler(operation))))
    }
}

impl fmt::Debug for RouteDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "Unknown",
            Self::Hidden => "Hidden",
            Self::Typed(_) => "Typed",
        })
    }
}
