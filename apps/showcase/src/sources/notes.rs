//! The notes of the guest book, in the same database as the orders.

use super::Database;

/// The most notes that are kept; the oldest give way, so that nobody can fill the disk.
const MAX_NOTES: i64 = 1000;

pub(super) const SQLITE_SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS showcase_notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        author TEXT NOT NULL,
        text TEXT NOT NULL,
        written_ms BIGINT NOT NULL
    );
";

pub(super) const POSTGRES_SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS showcase_notes (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        author TEXT NOT NULL,
        text TEXT NOT NULL,
        written_ms BIGINT NOT NULL
    );
";

const LATEST: &str = "SELECT id, author, text, written_ms FROM showcase_notes ORDER BY id DESC LIMIT $1";
const ONE: &str = "SELECT id, author, text, written_ms FROM showcase_notes WHERE id = $1";
const ADD: &str = "
    INSERT INTO showcase_notes (author, text, written_ms) VALUES ($1, $2, $3)
    RETURNING id, author, text, written_ms
";
const FORGET_OLD: &str = "DELETE FROM showcase_notes WHERE id <= $1";
const REMOVE: &str = "DELETE FROM showcase_notes WHERE id = $1";

/// A note as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredNote {
    pub(crate) id: i64,
    pub(crate) author: String,
    pub(crate) text: String,
    pub(crate) written_ms: i64,
}

/// As the statements name its columns.
type Row = (i64, String, String, i64);

impl Database {
    /// The latest notes, the newest first.
    pub(crate) async fn latest_notes(&self, limit: i64) -> Result<Vec<StoredNote>, sqlx::Error> {
        let rows: Vec<Row> = match self {
            Self::Sqlite(pool) => sqlx::query_as(LATEST).bind(limit).fetch_all(pool).await?,
            Self::Postgres(pool) => sqlx::query_as(LATEST).bind(limit).fetch_all(pool).await?,
        };
        Ok(rows.into_iter().map(StoredNote::from).collect())
    }

    /// One note, if it is there.
    pub(crate) async fn note(&self, id: i64) -> Result<Option<StoredNote>, sqlx::Error> {
        let row: Option<Row> = match self {
            Self::Sqlite(pool) => sqlx::query_as(ONE).bind(id).fetch_optional(pool).await?,
            Self::Postgres(pool) => sqlx::query_as(ONE).bind(id).fetch_optional(pool).await?,
        };
        Ok(row.map(StoredNote::from))
    }

    /// Keeps a note, and forgets what is too old.
    pub(crate) async fn add_note(&self, author: &str, text: &str, written_ms: i64) -> Result<StoredNote, sqlx::Error> {
        let (author, text) = (storable(author), storable(text));
        let row: Row = match self {
            Self::Sqlite(pool) => {
                let add = sqlx::query_as(ADD).bind(author).bind(text).bind(written_ms);
                add.fetch_one(pool).await?
            }
            Self::Postgres(pool) => {
                let add = sqlx::query_as(ADD).bind(author).bind(text).bind(written_ms);
                add.fetch_one(pool).await?
            }
        };
        let note = StoredNote::from(row);
        let oldest = note.id - MAX_NOTES;
        match self {
            Self::Sqlite(pool) => sqlx::query(FORGET_OLD).bind(oldest).execute(pool).await.map(drop)?,
            Self::Postgres(pool) => sqlx::query(FORGET_OLD).bind(oldest).execute(pool).await.map(drop)?,
        }
        Ok(note)
    }

    /// Removes a note; whether it was there.
    pub(crate) async fn remove_note(&self, id: i64) -> Result<bool, sqlx::Error> {
        let removed = match self {
            Self::Sqlite(pool) => sqlx::query(REMOVE).bind(id).execute(pool).await?.rows_affected(),
            Self::Postgres(pool) => sqlx::query(REMOVE).bind(id).execute(pool).await?.rows_affected(),
        };
        Ok(removed > 0)
    }
}

impl From<Row> for StoredNote {
    fn from((id, author, text, written_ms): Row) -> Self {
        Self {
            id,
            author,
            text,
            written_ms,
        }
    }
}

/// The text of PostgreSQL holds no NUL.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_the_newest_notes_and_forgets_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(None, folder.path()).await.unwrap();
        for n in 0..MAX_NOTES + 2 {
            database.add_note("a", &format!("note {n}\0"), n).await.unwrap();
        }
        let latest = database.latest_notes(2).await.unwrap();
        let texts: Vec<_> = latest.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(texts, ["note 1001\u{fffd}", "note 1000\u{fffd}"]);
        let all = database.latest_notes(i64::MAX).await.unwrap();
        assert_eq!(i64::try_from(all.len()), Ok(MAX_NOTES));

        let id = latest[0].id;
        assert!(database.remove_note(id).await.unwrap());
        assert!(!database.remove_note(id).await.unwrap());
        assert_eq!(database.note(id).await.unwrap(), None);
        assert_eq!(database.note(latest[1].id).await.unwrap().as_ref(), Some(&latest[1]));
        database.close().await;
    }
}
