//! Imports: records that come as CSV or NDJSON, plain or compressed, and go into a table in transactions.
//!
//! ```text
//! body or file → decompress → tell records apart → parse, check, map → batch → one transaction:
//!                                                    rows + report + checkpoint
//! ```
//!
//! Each step waits for the next one, so that a slow database slows the sender down, and memory stays flat however long
//! the source is. A record with a mistake is refused with its line, field and reason; the others go through.
//!
//! [`Imports::stream`] imports a body while it arrives. [`Imports::store`] writes it to disk first and imports it as a
//! [job](crate::jobs): that one survives the process, and goes on behind the last record that was committed, because the
//! checkpoint is written in the transaction of the rows. Nothing is written twice, also where two processes believe that
//! they are the one to go on: with each attempt the import's fence moves, and a transaction of an older one fails.

mod format;
mod importer;
mod listing;
mod pipeline;
mod reader;
mod record;
mod rejected;
mod report;
mod running;
mod source;
mod status;
mod store;
mod stored;
mod table;
mod value;
mod watch;

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyperlane::Body;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::{
    format::Format,
    importer::{Importer, TableImporter},
    rejected::Rejected,
    report::{Report, ReportFormat},
    status::{ImportId, ImportState, ImportStatus},
    table::OnConflict,
    value::Value,
    watch::Watch,
};
use self::{running::body_reader, store::NewImport};
use crate::{
    database::Database,
    error::Error,
    jobs::{JobId, Jobs, NewJob},
};

/// The kind of the jobs that imports run as.
const KIND: &str = "hyperlane.import";

/// The imports of a database; cheap to clone.
///
/// # Example
///
/// ```
/// use hyperlane::Body;
/// use hyperlane_batch::{
///     Database,
///     imports::{Format, ImportState, Importer, Imports},
///     jobs::{Jobs, Worker},
/// };
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hyperlane::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let url = format!("sqlite:{}", folder.path().join("batch.sqlite").display());
/// let database = Database::connect(&url).await?;
/// # sqlx::query("CREATE TABLE people (name TEXT, age INTEGER)").execute(database.as_sqlite().unwrap()).await?;
/// let people = Importer::<(String, u8)>::new("people")
///     .into_table("people", ["name", "age"], |(name, age)| [name.into(), age.into()]);
///
/// let jobs = Jobs::open(database).await?;
/// let imports = Imports::open(&jobs, folder.path().join("sources"), [people]).await?;
/// let worker = Worker::new(&jobs).imports(&imports).start();
///
/// let import = imports.store("people", "staff.csv", Format::CSV, Body::from("name,age\nAnn,41\nBob,old\n")).await?;
/// let mut watch = imports.watch(import.id);
/// while let Some(status) = watch.next().await? {
///     println!("{} of {} records refused", status.rejected, status.read);
/// }
/// let status = imports.status(import.id).await?.expect("it was just imported");
/// assert_eq!((status.state, status.written, status.rejected), (ImportState::Done, 1, 1));
/// worker.shutdown().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Imports {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Jobs,
    folder: PathBuf,
    importers: HashMap<String, TableImporter>,
    /// Told after each change in this process.
    changed: Notify,
    /// The imports that run in this process, so that they can be cancelled at once.
    running: Mutex<HashMap<i64, CancellationToken>>,
}

impl Imports {
    /// The imports of the database that `jobs` is in, whose tables are made where they are missing: `hyperlane_imports`
    /// and `hyperlane_import_errors`. Sources are stored in `folder`, which belongs to the imports alone: what is there of
    /// uploads that broke off is removed once it is a day old.
    ///
    /// The database's rows and the sources' files belong together: on several machines the folder has to be a shared one.
    ///
    /// # Errors
    ///
    /// When the database can't be reached, the folder can't be made, or two importers have the same name.
    pub async fn open(
        jobs: &Jobs,
        folder: impl Into<PathBuf>,
        importers: impl IntoIterator<Item = TableImporter>,
    ) -> Result<Self, Error> {
        let mut by_name = HashMap::new();
        for importer in importers {
            if let Some(other) = by_name.insert(importer.name.clone(), importer) {
                return Err(Error::misuse(format!("two importers are named {:?}", other.name)));
            }
        }
        jobs.database().create(store::SCHEMA).await?;
        let folder = folder.into();
        let imports = Self {
            inner: Arc::new(Inner {
                jobs: jobs.clone(),
                folder,
                importers: by_name,
                changed: Notify::new(),
                running: Mutex::default(),
            }),
        };
        imports.tidy().await?;
        Ok(imports)
    }

    /// Imports a body while it arrives; the database's pace becomes the sender's. It ends with the call: where the
    /// sender leaves, what was committed stays, and the import counts as failed.
    ///
    /// What is wrong with the source is told by the status that is returned, as is where it stopped. `label` is what
    /// people know the source by; 200 characters of it are kept.
    ///
    /// # Errors
    ///
    /// When there is no such importer, or the database can't be reached at the start or the end.
    pub async fn stream(&self, importer: &str, label: &str, format: Format, body: Body) -> Result<ImportStatus, Error> {
        let importer = self.importer(importer)?;
        let new = NewImport {
            importer: &importer.name,
            label,
            format,
            source: None,
            owned: false,
            bytes_total: None,
        };
        let id = store::insert(&mut self.database().acquire().await?.link(), &new, self.now()).await?;
        self.tell();
        self.run_streamed(id, importer, body_reader(body)).await?;
        self.known(id).await
    }

    /// Stores a body, and imports it afterwards: by a [`Worker`](crate::jobs::Worker) that knows of these imports, in
    /// this process or another. How large it may be is its route's body limit. A source is removed once it was imported.
    ///
    /// # Errors
    ///
    /// When there is no such importer, the sender leaves or sends more than its route allows (which is answered 413), the
    /// disk is full, or the database can't be reached; nothing is kept then.
    pub async fn store(
        &self,
        importer: &str,
        label: &str,
        format: Format,
        body: Body,
    ) -> Result<ImportStatus, hyperlane::Error> {
        self.importer(importer)?;
        let (path, bytes) = self.receive(body).await?;
        // A task of its own: a sender that leaves now, while the database is waited for, leaves no file behind.
        let (imports, importer, label) = (self.clone(), importer.to_owned(), label.to_owned());
        let kept = tokio::spawn(async move { imports.keep(path, bytes, &importer, &label, format).await });
        let id = kept
            .await
            .map_err(|error| Error::io("the source can't be stored", error.into()))??;
        Ok(self.known(id).await?)
    }

    /// Imports a file that is there already, such as a finished upload. It is left where it is, and has to stay there
    /// until the import has ended.
    ///
    /// # Errors
    ///
    /// When there is no such importer or file, or the database can't be reached.
    pub async fn file(
        &self,
        importer: &str,
        label: &str,
        format: Format,
        path: impl Into<PathBuf>,
    ) -> Result<ImportStatus, Error> {
        self.importer(importer)?;
        let path =
            std::path::absolute(path.into()).map_err(|error| Error::io("the path can't be made absolute", error))?;
        let told = |error| Error::io(format!("{} can't be read", path.display()), error);
        let meta = tokio::fs::metadata(&path).await.map_err(told)?;
        let source = path
            .to_str()
            .ok_or_else(|| Error::misuse(format!("{} is no valid UTF-8", path.display())))?;
        let new = NewImport {
            importer,
            label,
            format,
            source: Some(source),
            owned: false,
            bytes_total: Some(meta.len()),
        };
        let id = self.enqueue(&new).await?;
        self.known(id).await
    }

    /// An import, or `None` where there is none of that number.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn status(&self, id: ImportId) -> Result<Option<ImportStatus>, Error> {
        listing::status(&mut self.database().acquire().await?.link(), id, self.now()).await
    }

    /// The latest imports, the newest first. At most 1,000.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn list(&self, limit: u16) -> Result<Vec<ImportStatus>, Error> {
        let limit = limit.min(1000);
        listing::list(&mut self.database().acquire().await?.link(), limit.into(), self.now()).await
    }

    /// Follows an import: its status now, and then whenever it has changed, until it has ended.
    #[must_use]
    pub fn watch(&self, id: ImportId) -> Watch {
        Watch::new(self.clone(), id)
    }

    /// Cancels an import that has not ended. From now on nothing more is committed of it, by any process; what was stays,
    /// and [`retry`](Self::retry) goes on behind it. Tells whether there was something to cancel.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn cancel(&self, id: ImportId) -> Result<bool, Error> {
        let mut held = self.database().acquire().await?;
        let cancelled = store::cancel(&mut held.link(), id, self.now()).await?;
        drop(held);
        if let Some(token) = self.running().get(&id.0) {
            token.cancel();
        }
        self.tell();
        let Some(job) = cancelled else {
            return Ok(false);
        };
        if let Some(job) = job {
            self.inner.jobs.cancel(JobId(job)).await?;
        }
        Ok(true)
    }

    /// Goes on with an import that failed or was cancelled and whose source is stored, behind the last record that was
    /// committed. What was refused so far is no longer counted against the importer's ceiling. Tells whether there was
    /// such an import.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn retry(&self, id: ImportId) -> Result<bool, Error> {
        let mut transaction = self.database().begin().await?;
        if !store::retry(&mut transaction.link(), id).await? {
            return Ok(false);
        }
        let job = self
            .inner
            .jobs
            .enqueue(&mut transaction, &NewJob::new(KIND, &id))
            .await?;
        store::set_job(&mut transaction.link(), id, job.0).await?;
        transaction.commit().await?;
        self.inner.jobs.wake();
        self.tell();
        Ok(true)
    }

    /// Cancels an import if it runs, and forgets it: its report, and its source if it was [stored](Self::store). The rows
    /// that it wrote stay. Tells whether there was such an import.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn remove(&self, id: ImportId) -> Result<bool, Error> {
        self.cancel(id).await?;
        let mut transaction = self.database().begin().await?;
        let removed = store::remove(&mut transaction.link(), id).await?;
        transaction.commit().await?;
        self.tell();
        let Some(source) = removed else {
            return Ok(false);
        };
        if let Some(source) = source {
            self.discard(&source).await;
        }
        Ok(true)
    }

    /// What was refused, and why.
    ///
    /// # Errors
    ///
    /// When there is no such import, or the database can't be reached.
    pub async fn report(&self, id: ImportId, format: ReportFormat) -> Result<Report, Error> {
        self.known(id).await?;
        Ok(Report::new(self.clone(), id, format))
    }

    async fn enqueue(&self, new: &NewImport<'_>) -> Result<ImportId, Error> {
        let mut transaction = self.database().begin().await?;
        let id = store::insert(&mut transaction.link(), new, self.now()).await?;
        let job = self
            .inner
            .jobs
            .enqueue(&mut transaction, &NewJob::new(KIND, &id))
            .await?;
        store::set_job(&mut transaction.link(), id, job.0).await?;
        transaction.commit().await?;
        self.inner.jobs.wake();
        self.tell();
        Ok(id)
    }

    fn importer(&self, name: &str) -> Result<&TableImporter, Error> {
        let importer = self.inner.importers.get(name);
        importer.ok_or_else(|| Error::unknown(format!("there is no importer named {name:?}")))
    }

    async fn known(&self, id: ImportId) -> Result<ImportStatus, Error> {
        let status = self.status(id).await?;
        status.ok_or_else(|| Error::unknown(format!("there is no import {id}")))
    }

    fn database(&self) -> &Database {
        self.inner.jobs.database()
    }

    fn now(&self) -> i64 {
        self.inner.jobs.clock().now()
    }

    fn tell(&self) {
        self.inner.changed.notify_waiters();
    }

    fn running(&self) -> MutexGuard<'_, HashMap<i64, CancellationToken>> {
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Imports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imports")
            .field("importers", &self.inner.importers.keys())
            .field("folder", &self.inner.folder)
            .finish_non_exhaustive()
    }
}
