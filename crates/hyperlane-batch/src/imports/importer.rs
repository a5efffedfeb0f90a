//! What an import does with each record: parse, check, make something of it, write it into a table.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use super::{
    record::Content,
    rejected::Rejected,
    source::Bounds,
    table::{OnConflict, Row, Table},
    value::Value,
};

/// The limits of an import, each with its reason.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// Large enough that the cost of a commit does not count, small enough that one takes milliseconds.
    pub(super) batch_records: usize,
    /// What a batch holds in memory; three may be there at a time.
    pub(super) batch_bytes: usize,
    /// So many mistakes have one cause, such as the wrong file; and it is what a report can grow to.
    pub(super) max_errors: u64,
    /// A record is held in memory as a whole.
    pub(super) max_record: usize,
    pub(super) bounds: Bounds,
    pub(super) concurrency: usize,
    /// A restart of the database is over by then; longer outages are for the job's pauses.
    pub(super) patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_records: 1000,
            batch_bytes: 1024 * 1024,
            max_errors: 10_000,
            max_record: 1024 * 1024,
            bounds: Bounds {
                bytes: 64 * 1024 * 1024 * 1024,
                ratio: 200,
            },
            concurrency: 1,
            patience: Duration::from_secs(60),
        }
    }
}

type Later<T> = Pin<Box<dyn Future<Output = Result<T, Rejected>> + Send>>;

/// A record that was made ready, or will be.
pub(super) enum Prepared<T> {
    Now(Result<T, Rejected>),
    Later(Later<T>),
}

type Prepare<T> = Arc<dyn Fn(Content) -> Prepared<T> + Send + Sync>;

/// Describes an import: from records of type `T` to rows of a table.
///
/// # Example
///
/// ```
/// use hyperlane_batch::imports::{Importer, Rejected};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Person {
///     name: String,
///     age: u8,
/// }
///
/// let people = Importer::<Person>::new("people")
///     .check(|person| match person.age {
///         0..=150 => Ok(()),
///         _ => Err(Rejected::field("age", "is over 150")),
///     })
///     .map(8, async |person| Ok((person.name.to_uppercase(), person.age)))
///     .into_table("people", ["name", "age"], |(name, age)| [name.into(), age.into()]);
/// # let _ = people;
/// ```
pub struct Importer<T> {
    name: String,
    prepare: Prepare<T>,
    limits: Limits,
}

impl<T: DeserializeOwned + Send + 'static> Importer<T> {
    /// An import of records that are deserialized by `serde`: columns by their names in the header, or JSON.
    ///
    /// `name` is what the import is known by in the database, also after a restart.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            prepare: Arc::new(|content| Prepared::Now(content.parse())),
            limits: Limits::default(),
        }
    }
}

impl<T: Send + 'static> Importer<T> {
    /// Refuses records that do not hold to a rule.
    #[must_use]
    pub fn check<F>(self, rule: F) -> Self
    where
        F: Fn(&T) -> Result<(), Rejected> + Send + Sync + 'static,
    {
        let Self { name, prepare, limits } = self;
        let rule = Arc::new(rule);
        let prepare: Prepare<T> = Arc::new(move |content| match prepare(content) {
            Prepared::Now(result) => Prepared::Now(result.and_then(|value| rule(&value).map(|()| value))),
            Prepared::Later(later) => {
                let rule = rule.clone();
                Prepared::Later(Box::pin(async move {
                    later.await.and_then(|value| rule(&value).map(|()| value))
                }))
            }
        });
        Self { name, prepare, limits }
    }

    /// Refuses records that do not hold to the rules of their type, which are written with `garde`.
    #[cfg(feature = "garde")]
    #[must_use]
    pub fn garde(self) -> Self
    where
        T: garde::Validate<Context = ()>,
    {
        self.check(|value| value.validate().map_err(Rejected::from))
    }

    /// Makes something else of each record, so many at a time; their order is kept. What waits (a look-up, a call to
    /// another service) belongs here, and may refuse a record.
    #[must_use]
    pub fn map<R, F, W>(self, concurrency: usize, work: F) -> Importer<R>
    where
        R: Send + 'static,
        F: Fn(T) -> W + Send + Sync + 'static,
        W: Future<Output = Result<R, Rejected>> + Send + 'static,
    {
        let Self {
            name,
            prepare,
            mut limits,
        } = self;
        limits.concurrency = limits.concurrency.max(concurrency);
        let work = Arc::new(work);
        let prepare: Prepare<R> = Arc::new(move |content| match prepare(content) {
            Prepared::Now(Ok(value)) => Prepared::Later(Box::pin(work(value))),
            Prepared::Now(Err(rejected)) => Prepared::Now(Err(rejected)),
            Prepared::Later(later) => {
                let work = work.clone();
                Prepared::Later(Box::pin(async move { work(later.await?).await }))
            }
        });
        Importer { name, prepare, limits }
    }

    /// Writes each record as a row of a table, which may be named with its schema. `row` gives the values of `columns`,
    /// in their order.
    pub fn into_table<const N: usize, F>(self, table: &str, columns: [&str; N], row: F) -> TableImporter
    where
        F: Fn(T) -> [Value; N] + Send + Sync + 'static,
    {
        let Self { name, prepare, limits } = self;
        let row = Arc::new(row);
        let prepare: Prepare<Row> = Arc::new(move |content| match prepare(content) {
            Prepared::Now(result) => Prepared::Now(result.map(|value| row(value).to_vec())),
            Prepared::Later(later) => {
                let row = row.clone();
                Prepared::Later(Box::pin(async move { later.await.map(|value| row(value).to_vec()) }))
            }
        });
        TableImporter {
            name,
            prepare,
            limits,
            table: Table::new(table, &columns),
        }
    }
}

impl<T> fmt::Debug for Importer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Importer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An [`Importer`] with its table, and with its limits.
#[derive(Clone)]
pub struct TableImporter {
    pub(super) name: String,
    pub(super) prepare: Prepare<Row>,
    pub(super) limits: Limits,
    pub(super) table: Table,
}

impl TableImporter {
    /// What happens to a record whose row is there already. Default: [`OnConflict::Reject`].
    #[must_use]
    pub fn on_conflict(mut self, policy: OnConflict) -> Self {
        self.table.on_conflict(policy);
        self
    }

    /// How many records are written in one transaction. Default: 1,000. A record is visible to others at the end of its
    /// transaction, and a restart goes on there.
    #[must_use]
    pub fn batch(mut self, records: usize) -> Self {
        self.limits.batch_records = records.max(1);
        self
    }

    /// How many bytes the rows of one transaction take in memory at most, about; it ends there, too. Default: 1 MiB. Up to
    /// three batches are in memory at a time: one is written, one waits, one is being gathered.
    #[must_use]
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.limits.batch_bytes = bytes.max(1);
        self
    }

    /// After how many refused records the import is given up. What was committed by then stays. Default: 10,000: so many
    /// have one cause, such as the wrong file.
    #[must_use]
    pub fn max_errors(mut self, records: u64) -> Self {
        self.limits.max_errors = records;
        self
    }

    /// The longest record, in bytes. A longer one is refused, and read past. Default: 1 MiB.
    #[must_use]
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.limits.max_record = bytes.max(256);
        self
    }

    /// The largest source, in bytes when decompressed. Default: 64 GiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.limits.bounds.bytes = bytes;
        self
    }

    /// How many times its size a source may have when decompressed, counted from 16 MiB on. Default: 200; tables shrink
    /// to a fifth or a twentieth, gzip can't do more than 1,032.
    #[must_use]
    pub fn max_ratio(mut self, times: u64) -> Self {
        self.limits.bounds.ratio = times.max(1);
        self
    }

    /// How long a batch is tried again when the database is away, before the attempt is given up. Default: one minute. A
    /// stored source is then tried again later, as a job is.
    #[must_use]
    pub fn patience(mut self, time: Duration) -> Self {
        self.limits.patience = time;
        self
    }
}

impl fmt::Debug for TableImporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableImporter")
            .field("name", &self.name)
            .field("table", &self.table)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
