//! Writes rows into a table: `COPY` in PostgreSQL, `INSERT` of many rows in SQLite.
//!
//! Where the database refuses rows, the batch is halved until those are found that it refuses; the others are written.

use std::ops::Range;

#[cfg(feature = "postgres")]
use sqlx::Executor as _;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{rejected::Rejected, value::Value};
use crate::database::Link;

pub(super) type Row = Vec<Value>;

/// Rows of one statement in SQLite: more are not faster, and each number of rows is a statement of its own to keep.
const SQLITE_ROWS: usize = 100;

/// SQLite takes 32,766 values in one statement.
const SQLITE_VALUES: usize = 32_766;

/// What happens to a record whose row is there already, by the table's own unique columns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnConflict {
    /// The record is refused, with what the database says.
    Reject,
    /// The row that is there stays, and the record counts as written.
    Keep,
    /// The row with the same values in these columns, which have to be unique, takes the record's other values.
    Update(Vec<String>),
}

#[derive(Debug, Clone)]
pub(super) struct Table {
    name: String,
    columns: Vec<String>,
    policy: OnConflict,
}

impl Table {
    pub(super) fn new(name: &str, columns: &[&str]) -> Self {
        Self {
            name: name.split('.').map(quoted).collect::<Vec<_>>().join("."),
            columns: columns.iter().map(|column| quoted(column)).collect(),
            policy: OnConflict::Reject,
        }
    }

    pub(super) fn on_conflict(&mut self, policy: OnConflict) {
        self.policy = policy;
    }

    /// Writes rows in the transaction of `link`, and returns which the database refused.
    pub(super) async fn write(&self, link: &mut Link<'_>, rows: &[Row]) -> Result<Vec<(usize, Rejected)>, sqlx::Error> {
        let mut refused = Vec::new();
        let mut open: Vec<Range<usize>> = Vec::new();
        if !rows.is_empty() {
            open.push(0..rows.len());
        }
        while let Some(range) = open.pop() {
            let Some(part) = rows.get(range.clone()) else {
                continue;
            };
            link.run("SAVEPOINT hyperlane_import").await?;
            match self.insert(link, part).await {
                Ok(()) => link.run("RELEASE SAVEPOINT hyperlane_import").await?,
                Err(error) => {
                    let Some(rejected) = refusal(&error) else {
                        return Err(error);
                    };
                    link.run("ROLLBACK TO SAVEPOINT hyperlane_import").await?;
                    link.run("RELEASE SAVEPOINT hyperlane_import").await?;
                    if part.len() == 1 {
                        refused.push((range.start, rejected));
                    } else {
                        let middle = range.start + part.len() / 2;
                        // The first half is written first: of two records with the same key the first one wins.
                        open.push(middle..range.end);
                        open.push(range.start..middle);
                    }
                }
            }
        }
        Ok(refused)
    }

    async fn insert(&self, link: &mut Link<'_>, rows: &[Row]) -> Result<(), sqlx::Error> {
        match link {
            Link::Sqlite(connection) => self.insert_sqlite(connection, rows).await,
            #[cfg(feature = "postgres")]
            Link::Postgres(connection) => self.copy(connection, rows).await,
        }
    }

    async fn insert_sqlite(&self, connection: &mut SqliteConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
        let many = SQLITE_ROWS.min(SQLITE_VALUES / self.columns.len().max(1)).max(1);
        for rows in rows.chunks(many) {
            let start = format!("INSERT INTO {} ({}) ", self.name, self.columns.join(", "));
            let mut query: QueryBuilder<'_, Sqlite> = QueryBuilder::new(start);
            query.push_values(rows, |mut row, values| {
                for value in values {
                    match value {
                        Value::Null => row.push_bind(None::<String>),
                        Value::Bool(value) => row.push_bind(*value),
                        Value::Integer(value) => row.push_bind(*value),
                        Value::Real(value) => row.push_bind(*value),
                        Value::Text(value) => row.push_bind(value.as_str()),
                        Value::Bytes(value) => row.push_bind(value.as_slice()),
                    };
                }
            });
            query.push(self.conflict_clause());
            query.build().execute(&mut *connection).await?;
        }
        Ok(())
    }

    #[cfg(feature = "postgres")]
    async fn copy(&self, connection: &mut sqlx::PgConnection, rows: &[Row]) -> Result<(), sqlx::Error> {
        const STAGE: &str = "hyperlane_import_stage";
        let columns = self.columns.join(", ");
        // `COPY` knows no `ON CONFLICT`: where that is wanted, rows go through a table of the transaction's own.
        let staged = self.policy != OnConflict::Reject;
        let target = if staged { STAGE } else { &self.name };
        if staged {
            let make = format!(
                "CREATE TEMPORARY TABLE IF NOT EXISTS {STAGE} ON COMMIT DROP AS SELECT {columns} FROM {} LIMIT 0; TRUNCATE {STAGE}",
                self.name
            );
            connection.execute(make.as_str()).await?;
        }
        let mut text = Vec::new();
        for row in rows {
            for (index, value) in row.iter().enumerate() {
                if index > 0 {
                    text.push(b'\t');
                }
                value.copy_text(&mut text);
            }
            text.push(b'\n');
        }
        let mut copy = connection
            .copy_in_raw(&format!("COPY {target} ({columns}) FROM STDIN"))
            .await?;
        copy.send(text).await?;
        copy.finish().await?;
        if staged {
            let name = &self.name;
            let conflict = self.conflict_clause();
            let insert = format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {STAGE}{conflict}");
            connection.execute(insert.as_str()).await?;
        }
        Ok(())
    }

    fn conflict_clause(&self) -> String {
        match &self.policy {
            OnConflict::Reject => String::new(),
            OnConflict::Keep => " ON CONFLICT DO NOTHING".to_owned(),
            OnConflict::Update(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| quoted(key)).collect();
                let others = self.columns.iter().filter(|column| !keys.contains(column));
                let updates: Vec<String> = others.map(|column| format!("{column} = excluded.{column}")).collect();
                if updates.is_empty() {
                    return " ON CONFLICT DO NOTHING".to_owned();
                }
                format!(
                    " ON CONFLICT ({}) DO UPDATE SET {}",
                    keys.join(", "),
                    updates.join(", ")
                )
            }
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What is wrong with a row, where that is why the database refused a statement.
fn refusal(error: &sqlx::Error) -> Option<Rejected> {
    let error = error.as_database_error()?;
    #[cfg(feature = "postgres")]
    if let Some(postgres) = error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
        // Class 22: data exceptions. 23: constraints. 21000: an upsert meets one row twice in a statement.
        let code = postgres.code();
        if !(code.starts_with("22") || code.starts_with("23") || code == "21000" || code.starts_with("54")) {
            return None;
        }
        let reason = match postgres.detail() {
            Some(detail) => format!("{}: {detail}", postgres.message()),
            None => postgres.message().to_owned(),
        };
        return Some(Rejected::field(postgres.column().unwrap_or_default(), reason));
    }
    // SQLite's codes are extended ones; the low byte says it: CONSTRAINT, MISMATCH, TOOBIG.
    let code: u32 = error.code()?.parse().ok()?;
    if !matches!(code & 0xff, 18..=20) {
        return None;
    }
    let message = error.message();
    let field = message
        .rsplit_once("constraint failed: ")
        .map_or("", |(_, place)| place);
    let field = if field.contains(',') {
        ""
    } else {
        field.rsplit('.').next().unwrap_or_default()
    };
    Some(Rejected::field(field, message))
}

/// Whether waiting may help: the database is away, busy or full, and not what was asked of it wrong.
pub(super) fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            match code.parse::<u32>() {
                // SQLite: BUSY, LOCKED, IOERR, FULL, CANTOPEN.
                Ok(number) if code.len() < 5 => matches!(number & 0xff, 5 | 6 | 10 | 13 | 14),
                // PostgreSQL: connections, transactions that collide, resources, an operator's intervention, its system.
                _ => ["08", "40", "53", "55", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class)),
            }
        }
        _ => false,
    }
}
