//! Imports of records in bulk, and durable jobs in the background, in the application's own database.
//!
//! - [`imports`]: CSV or NDJSON, plain or compressed, as a body or a file, is read as a stream, checked record by record
//!   and written in transactions. What is wrong with a record stands in a report; the others go through. A stored source
//!   goes on behind the last committed record when its process dies, and writes nothing twice.
//! - [`jobs`]: work that is enqueued in the transaction of what it belongs to, with retries, schedules, unique keys and
//!   leases, for one process or for several machines.
//!
//! The database is SQLite, or PostgreSQL with the feature `postgres`. The tables' names begin with `hyperlane_`; they are
//! made where they are missing.
//!
//! # Example
//!
//! ```
//! use hyperlane::{Context, Created, Error, Json, Server, State};
//! use hyperlane_batch::{
//!     Database,
//!     imports::{Format, ImportStatus, Importer, Imports, Rejected},
//!     jobs::{Jobs, Worker},
//! };
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Person {
//!     email: String,
//!     age: Option<u8>,
//! }
//!
//! async fn upload(ctx: Context, State(imports): State<Imports>) -> Result<Created<Json<ImportStatus>>, Error> {
//!     let import = imports.store("people", "people.csv", Format::CSV, ctx.body_stream()).await?;
//!     Ok(Created::new(format!("/imports/{}", import.id), Json(import)))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}", folder.path().join("batch.sqlite").display());
//! # let sources = folder.path().join("sources");
//! let people = Importer::<Person>::new("people")
//!     .check(|person| match person.email.contains('@') {
//!         true => Ok(()),
//!         false => Err(Rejected::field("email", "has no @")),
//!     })
//!     .into_table("people", ["email", "age"], |person| [person.email.into(), person.age.into()]);
//!
//! let jobs = Jobs::open(Database::connect(&url).await?).await?;
//! let imports = Imports::open(&jobs, sources, [people]).await?;
//! let worker = Worker::new(&jobs).imports(&imports).start();
//!
//! let server = Server::new();
//! server.state(imports).post("/imports", upload);
//! // … run it, and when it has ended:
//! worker.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! # Limits
//!
//! | what | default | why |
//! |---|---|---|
//! | records of a transaction | 1,000 or 1 MiB | the cost of a commit does not count, and a transaction takes milliseconds |
//! | batches in memory | 3 | one is written, one waits, one is gathered |
//! | longest record | 1 MiB | it is held in memory as a whole |
//! | columns | 2,000 | what SQLite takes; PostgreSQL takes 1,600 |
//! | refused records | 10,000 | so many have one cause; and the report is bounded by it |
//! | reasons of a record | 8 of 300 characters | they quote what strangers sent |
//! | decompressed source | 64 GiB, and 200 times its size from 16 MiB on | bombs; tables shrink to a fifth or a twentieth |
//! | window of `zstd` | 8 MiB | RFC 9659 §3; a frame may ask for more memory than that |
//! | a database that is away | one minute, then the job's pauses | a restart is over by then |
//! | jobs at a time | 4 | their weight is unknown, and requests are to be answered beside them |
//! | lease of a job | 30 s, renewed every 10 s | a slow database does not take a job from a worker that lives |
//! | attempts of a job | 20, from 5 s to 1 h apart | about half a day |
//! | grace at a shutdown | 5 s | within the ten seconds that many supervisors allow |
//!
//! How large a stored source may be is the body limit of its route.
#![forbid(unsafe_code)]

mod clock;
mod database;
mod error;
pub mod imports;
pub mod jobs;

pub use self::{
    database::{Connection, Database, Transaction},
    error::Error,
};

/// The guide's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/batch.md")]
struct Guide;
