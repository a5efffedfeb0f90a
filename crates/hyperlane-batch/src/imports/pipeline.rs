//! One attempt at an import: read, prepare, gather, write; each waits for the next, down to the socket or the disk.

use std::{pin::pin, time::Duration};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use tokio::{io::AsyncRead, sync::mpsc};

use super::{
    Imports,
    format::Format,
    importer::{Prepared, TableImporter},
    reader::{Place, ReadError, Reader},
    rejected::Rejected,
    source::Source,
    store::{self, Begun, Checkpoint},
    table::{self, Row},
};

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// All records were written or refused.
    Done,
    /// Another attempt would end the same way.
    Failed(String),
    /// The source or the database failed; what is committed stands, and another attempt goes on there.
    Broken(String),
    /// It was cancelled, or somebody else goes on with it.
    Lost,
}

/// Records on their way to one transaction.
#[derive(Debug, Default)]
struct Batch {
    rows: Vec<Row>,
    /// Number and line of each row's record.
    origins: Vec<(u64, u64)>,
    refused: Vec<(u64, u64, Rejected)>,
    bytes: usize,
    /// Behind its last record.
    place: Place,
    taken: u64,
}

/// A record that was made a row, or refused.
struct Ready {
    line: u64,
    place: Place,
    taken: u64,
    result: Result<Row, Rejected>,
}

impl Batch {
    fn push(&mut self, ready: Ready) {
        self.place = ready.place;
        self.taken = ready.taken;
        match ready.result {
            Ok(row) => {
                self.bytes += row.iter().map(super::value::Value::size).sum::<usize>();
                self.rows.push(row);
                self.origins.push((ready.place.records, ready.line));
            }
            Err(rejected) => self.refused.push((ready.place.records, ready.line, rejected)),
        }
    }

    fn len(&self) -> usize {
        self.rows.len() + self.refused.len()
    }
}

pub(super) struct Pipeline<'a> {
    pub(super) imports: &'a Imports,
    pub(super) importer: &'a TableImporter,
    pub(super) begun: Begun,
}

impl Pipeline<'_> {
    /// Boxed, since it is large, and so that the compiler sees that it is `Send` here.
    pub(super) fn run<'a>(&'a self, raw: impl AsyncRead + Send + 'static) -> BoxFuture<'a, Ended> {
        Box::pin(self.attempt(raw))
    }

    async fn attempt(&self, raw: impl AsyncRead + Send + 'static) -> Ended {
        // One batch waits while one is written and one is gathered.
        let (sender, mut receiver) = mpsc::channel(1);
        let mut gather = pin!(self.gather(raw, self.begun.format, sender));
        let mut write = pin!(self.write(&mut receiver));
        let mut gathered = None;
        let written = loop {
            tokio::select! {
                result = &mut gather, if gathered.is_none() => gathered = Some(result),
                result = &mut write => break result,
            }
        };
        match (written, gathered) {
            (Err(ended), _) => ended,
            (Ok(()), Some(Err(ReadError::Content(reason)))) => Ended::Failed(reason),
            (Ok(()), Some(Err(ReadError::Source(error)))) => {
                Ended::Broken(format!("reading the source failed: {error}"))
            }
            (Ok(()), _) => Ended::Done,
        }
    }

    /// Reads and prepares. What was prepared before a mistake of the source is sent before the mistake is told.
    async fn gather(
        &self,
        raw: impl AsyncRead + Send + 'static,
        format: Format,
        sender: mpsc::Sender<Batch>,
    ) -> Result<(), ReadError> {
        let limits = &self.importer.limits;
        let source = Source::open(raw, limits.bounds).await.map_err(ReadError::Source)?;
        let mut reader = Reader::begin(source, format, limits.max_record).await?;
        reader.skip_to(self.begun.place).await?;
        let mut batch = Batch::default();
        let mut pending = FuturesOrdered::new();
        let mut end = None;
        while end.is_none() || !pending.is_empty() {
            tokio::select! {
                biased;
                Some(ready) = pending.next(), if !pending.is_empty() => batch.push(ready),
                record = reader.next(), if end.is_none() && pending.len() < limits.concurrency => match record {
                    Ok(Some(record)) => {
                        let (line, place, taken) = (record.line, reader.place(), reader.taken());
                        debug_assert_eq!(record.number, place.records, "a record is counted as it is read");
                        let ready = move |result| Ready { line, place, taken, result };
                        let content = record.content;
                        match (self.importer.prepare)(content) {
                            Prepared::Now(result) if pending.is_empty() => batch.push(ready(result)),
                            prepared => pending.push_back(async move {
                                match prepared {
                                    Prepared::Now(result) => ready(result),
                                    Prepared::Later(later) => ready(later.await),
                                }
                            }),
                        }
                    }
                    Ok(None) => end = Some(Ok(())),
                    Err(error) => end = Some(Err(error)),
                },
            }
            let full = batch.len() >= limits.batch_records || batch.bytes >= limits.batch_bytes;
            if full {
                let mut sending = pin!(sender.send(std::mem::take(&mut batch)));
                loop {
                    tokio::select! {
                        biased;
                        sent = &mut sending => match sent {
                            Ok(()) => break,
                            Err(_) => return Ok(()),
                        },
                        // What was begun goes on: it may hold what the writer waits for, such as a connection.
                        Some(ready) = pending.next(), if !pending.is_empty() => batch.push(ready),
                    }
                }
            }
        }
        if batch.len() > 0 {
            let _ = sender.send(batch).await;
        }
        end.unwrap_or(Ok(()))
    }

    async fn write(&self, receiver: &mut mpsc::Receiver<Batch>) -> Result<(), Ended> {
        let mut at = self.begun.checkpoint();
        while let Some(batch) = receiver.recv().await {
            at = self.commit(at, &batch).await?;
            self.imports.tell();
            let errors = at.rejected.saturating_sub(self.begun.forgiven);
            if errors > self.importer.limits.max_errors {
                let limit = self.importer.limits.max_errors;
                return Err(Ended::Failed(format!(
                    "more than {limit} records were refused; the report tells why"
                )));
            }
        }
        Ok(())
    }

    /// Writes a batch, as often as it takes within the importer's patience.
    async fn commit(&self, at: Checkpoint, batch: &Batch) -> Result<Checkpoint, Ended> {
        let until = tokio::time::Instant::now() + self.importer.limits.patience;
        let mut pause = Duration::from_millis(100);
        let mut again = false;
        loop {
            let error = match self.try_commit(at, batch, again).await {
                Ok(result) => return result,
                Err(error) => error,
            };
            if !table::is_passing(&error) {
                return Err(Ended::Failed(format!("the database refuses: {error}")));
            }
            if tokio::time::Instant::now() + pause > until {
                return Err(Ended::Broken(format!("the database is away: {error}")));
            }
            tracing::warn!(import = %self.begun.id, %error, "a batch was not written; it is tried again in a moment");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
            again = true;
        }
    }

    async fn try_commit(
        &self,
        at: Checkpoint,
        batch: &Batch,
        again: bool,
    ) -> Result<Result<Checkpoint, Ended>, sqlx::Error> {
        let mut transaction = self.imports.database().open().await?;
        let mut link = transaction.link();
        // The commit before may have reached the database though its answer was lost. This waits for that transaction, should
        // it still be open there, and is seen before anything is written twice, the report's lines above all.
        if again && !store::advance(&mut link, &self.begun, at, at, self.imports.now()).await? {
            drop(transaction);
            return self.look_up(batch.place).await;
        }
        let refused = self.importer.table.write(&mut link, &batch.rows).await?;
        let mut faults: Vec<(u64, u64, &Rejected)> = Vec::new();
        faults.extend(
            batch
                .refused
                .iter()
                .map(|(number, line, rejected)| (*number, *line, rejected)),
        );
        for (index, rejected) in &refused {
            let (number, line) = batch.origins.get(*index).copied().unwrap_or_default();
            faults.push((number, line, rejected));
        }
        store::report(&mut link, self.begun.id, &faults).await?;
        let next = Checkpoint {
            place: batch.place,
            taken: batch.taken,
            written: at.written + (batch.rows.len() - refused.len()) as u64,
            rejected: at.rejected + faults.len() as u64,
        };
        let now = self.imports.now();
        if store::advance(&mut link, &self.begun, at, next, now).await? {
            transaction.finish().await?;
            return Ok(Ok(next));
        }
        drop(transaction);
        self.look_up(batch.place).await
    }

    /// Either the last attempt to commit did so and its answer was lost, or this import is no longer ours.
    async fn look_up(&self, place: Place) -> Result<Result<Checkpoint, Ended>, sqlx::Error> {
        let mut held = self.imports.database().acquire().await?;
        match store::reached(&mut held.link(), &self.begun).await? {
            Some(reached) if reached.place == place => Ok(Ok(reached)),
            _ => Ok(Err(Ended::Lost)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        database::Database,
        imports::{Importer, store::NewImport},
        jobs::Jobs,
    };

    #[tokio::test]
    async fn a_commit_whose_answer_was_lost_is_not_made_again() {
        let folder = tempfile::tempdir().expect("there is room");
        let url = format!("sqlite:{}", folder.path().join("batch.sqlite").display());
        let database = Database::connect(&url).await.expect("a file");
        sqlx::query("CREATE TABLE people (name TEXT PRIMARY KEY)")
            .execute(database.as_sqlite().expect("it is SQLite"))
            .await
            .expect("a table");
        let jobs = Jobs::open(database).await.expect("tables");
        let importer = Importer::<(String,)>::new("people").into_table("people", ["name"], |(name,)| [name.into()]);
        let imports = Imports::open(&jobs, folder.path().join("sources"), [importer.clone()])
            .await
            .expect("tables");
        let new = NewImport {
            importer: "people",
            label: "",
            format: Format::CSV,
            source: None,
            owned: false,
            bytes_total: None,
        };
        let mut held = imports.database().acquire().await.expect("it is there");
        let id = store::insert(&mut held.link(), &new, 0).await.expect("a row");
        let begun = store::begin(&mut held.link(), id, 0)
            .await
            .expect("a row")
            .expect("it waits");
        drop(held);
        let at = begun.checkpoint();
        let mut batch = Batch::default();
        for (records, result) in [(1, Ok(vec!["Ann".into()])), (2, Err(Rejected::new("is wrong")))] {
            let place = Place {
                offset: records,
                lines: records,
                records,
            };
            batch.push(Ready {
                line: records + 1,
                place,
                taken: records,
                result,
            });
        }
        let pipeline = Pipeline {
            imports: &imports,
            importer: &importer,
            begun,
        };
        let first = pipeline.try_commit(at, &batch, false).await.expect("it commits");
        let again = pipeline.try_commit(at, &batch, true).await.expect("it is looked up");
        assert_eq!(first.expect("it is ours"), again.expect("it is still ours"));
    }
}
