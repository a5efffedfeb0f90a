//! What servers for the article's four scenarios answer, and how they are told what they need.
//!
//! | request | answer |
//! |---|---|
//! | `GET /aggregate` | a [`Dashboard`] of three sources: a query, a call of the partner, a file |
//! | `GET /faults` | a [`Survivors`]: one source answers; of three others one hangs, one fails and one is slow |
//! | `POST /photos` | a [`Photo`], once the JPEG that was sent is on disk, and its thumbnail too |
//! | `POST /large` | a [`Stored`], once what was sent is on disk |
//! | `GET /chat` | a WebSocket: what one member sends as text, every other one is sent, with the same text in it |
//! | `POST /import` | an [`Imported`], once the CSV that was sent is in the database |
//! | `GET /sum` | a [`Sum`] of what is in the database |
//! | `GET /static/{name}` | the file of that name in `files` of the folder, with ranges and conditions |
//!
//! Each source takes the time that [`Settings::service`] says, waited before its work: so sources far away are told from
//! each other on a machine that has none. No source is waited for longer than [`SOURCE_TIMEOUT`].

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long one source is waited for where some fail.
pub const SOURCE_TIMEOUT: Duration = Duration::from_millis(250);

/// The longest time that an answer should take where some sources fail.
pub const DEADLINE: Duration = Duration::from_millis(300);

/// The longer edge of a thumbnail, in pixels.
pub const THUMBNAIL: u32 = 256;

/// The number of rows that the database of the first scenario holds.
pub const ORDERS: i64 = 1_000;

/// What the file of the first scenario holds.
pub const CONFIGURATION: &str = "region = north";

/// What the partner answers.
pub const DELIVERY: &str = "2 days";

/// The table of the first scenario's database, and its rows.
pub const ORDERS_SQL: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL); \
    WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1000) \
    INSERT INTO orders SELECT id, id * 7 % 100 FROM n;";

/// What the first scenario's database is asked.
pub const ORDERS_QUERY: &str = "SELECT count(*) FROM orders WHERE amount >= 0";

/// The table that records are imported into.
pub const RECORDS_SQL: &str =
    "CREATE TABLE records (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, amount INTEGER NOT NULL)";

/// What tells how much is in it.
pub const SUM_QUERY: &str = "SELECT count(*), coalesce(sum(amount), 0) FROM records";

/// The first line of what is imported.
pub const CSV_HEAD: &str = "id,name,email,amount\n";

/// What a server is told by variables.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The partner's port on 127.0.0.1 (`PARTNER`).
    pub partner: u16,
    /// A folder of its own, empty but for `files` (`FOLDER`).
    pub folder: PathBuf,
    /// How long database, partner and file take (`SERVICE`, milliseconds with commas between).
    pub service: [Duration; 3],
}

impl Settings {
    /// From the variables.
    ///
    /// # Panics
    ///
    /// One is missing or holds something else: the program can't run.
    pub fn from_environment() -> Self {
        let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("{name} is set"));
        let times: Vec<_> = variable("SERVICE")
            .split(',')
            .map(|time| Duration::from_millis(time.parse().expect("SERVICE has milliseconds")))
            .collect();
        Self {
            partner: variable("PARTNER").parse().expect("PARTNER is a port"),
            folder: variable("FOLDER").into(),
            service: times.try_into().expect("SERVICE has three times"),
        }
    }

    /// The database of the first scenario.
    pub fn orders(&self) -> PathBuf {
        self.folder.join("orders.db")
    }

    /// The file of the first scenario.
    pub fn configuration(&self) -> PathBuf {
        self.folder.join("config.txt")
    }

    /// Where uploads go.
    pub fn uploads(&self) -> PathBuf {
        self.folder.join("uploads")
    }

    /// The database that records are imported into.
    pub fn records(&self) -> PathBuf {
        self.folder.join("records.db")
    }

    /// The files of `GET /static/{name}`.
    pub fn files(&self) -> PathBuf {
        self.folder.join("files")
    }
}

/// What three sources say.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Dashboard {
    /// What [`ORDERS_QUERY`] counts.
    pub orders: i64,
    /// The partner's answer.
    pub delivery: String,
    /// The file's content.
    pub configuration: String,
}

impl Dashboard {
    /// What every server must answer.
    pub fn expected() -> Self {
        Self {
            orders: ORDERS,
            delivery: DELIVERY.into(),
            configuration: CONFIGURATION.into(),
        }
    }
}

/// What is left where sources fail.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Survivors {
    /// What the one that answers says.
    pub orders: i64,
    /// How many did not answer in time, or with an error.
    pub failed: usize,
}

/// A photo that was stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Photo {
    /// The length of what was sent.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The thumbnail's width.
    pub width: u32,
    /// The thumbnail's height.
    pub height: u32,
}

/// What was stored.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What was imported.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// How many records.
    pub records: u64,
}

/// What is in the database.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many records.
    pub records: u64,
    /// Of their amounts.
    pub sum: u64,
}

/// One line of what is imported.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Counts from 1.
    pub id: i64,
    /// Not empty.
    pub name: String,
    /// Has an `@`.
    pub email: String,
    /// In cents.
    pub amount: i64,
}

impl Record {
    /// The record of a number.
    pub fn nth(id: i64) -> Self {
        Self {
            id,
            name: format!("Customer {id}"),
            email: format!("customer{id}@example.org"),
            amount: amount(id),
        }
    }

    /// Whether it may be kept: what a server has to look at.
    pub fn is_valid(&self) -> bool {
        self.id > 0 && !self.name.is_empty() && self.email.contains('@') && self.amount >= 0
    }

    /// As a line.
    pub fn line(&self) -> String {
        format!("{},{},{},{}\n", self.id, self.name, self.email, self.amount)
    }
}

impl Sum {
    /// Of so many records.
    pub fn of(records: u64) -> Self {
        let sum = (1..=records).filter_map(|id| u64::try_from(amount(id.try_into().ok()?)).ok());
        Self {
            records,
            sum: sum.sum(),
        }
    }
}

fn amount(id: i64) -> i64 {
    id * 7_919 % 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line_of_the_table_and_valid() {
        let record = Record::nth(3);
        assert_eq!(record.line(), "3,Customer 3,customer3@example.org,3757\n");
        assert!(record.is_valid());
        assert_eq!(CSV_HEAD.trim_end().split(',').count(), 4);
    }

    #[test]
    fn the_sum_is_that_of_the_records() {
        assert_eq!(
            Sum::of(2),
            Sum {
                records: 2,
                sum: 7_919 + 5_838
            }
        );
    }
}
