//! The fourth scenario: the body is read whole, then its records are written, each by itself or all in one transaction.

use std::io;

use contract::scenarios::{Imported, RECORDS_SQL, Record, SUM_QUERY, Settings, Sum};
use rusqlite::{Connection as Database, params};

use crate::App;
use crate::http::{Answer, Connection};

const INSERT: &str = "INSERT INTO records (id, name, email, amount) VALUES (?1, ?2, ?3, ?4)";

pub(crate) fn prepare(settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
    open(settings)?.execute_batch(RECORDS_SQL)?;
    Ok(())
}

pub(crate) fn import(connection: &mut Connection, app: &App) -> io::Result<Answer> {
    let body = connection.body()?;
    let database = open(&app.settings).map_err(io::Error::other)?;
    let records = if app.one_transaction {
        let transaction = database.unchecked_transaction().map_err(io::Error::other)?;
        let records = write(&transaction, &body)?;
        transaction.commit().map_err(io::Error::other)?;
        records
    } else {
        write(&database, &body)?
    };
    Answer::json(&Imported { records })
}

pub(crate) fn sum(app: &App) -> io::Result<Answer> {
    let database = open(&app.settings).map_err(io::Error::other)?;
    let (records, sum): (i64, i64) = database
        .query_row(SUM_QUERY, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(io::Error::other)?;
    Answer::json(&Sum {
        records: records.try_into().map_err(io::Error::other)?,
        sum: sum.try_into().map_err(io::Error::other)?,
    })
}

/// With the settings of the other side: a write-ahead log, which is synchronised when it is moved to the database.
fn open(settings: &Settings) -> rusqlite::Result<Database> {
    let database = Database::open(settings.records())?;
    database.pragma_update(None, "journal_mode", "wal")?;
    database.pragma_update(None, "synchronous", "normal")?;
    Ok(database)
}

fn write(database: &Database, body: &[u8]) -> io::Result<u64> {
    let mut insert = database.prepare(INSERT).map_err(io::Error::other)?;
    let mut records = 0;
    for record in csv::Reader::from_reader(body).deserialize::<Record>() {
        let record = record?;
        if record.is_valid() {
            let values = params![record.id, record.name, record.email, record.amount];
            insert.execute(values).map_err(io::Error::other)?;
            records += 1;
        }
    }
    Ok(records)
}
