//! A client that imports.

use std::time::{Duration, Instant};

use contract::scenarios::{Imported, Sum};

use super::measure::Sample;
use super::stage::Stage;
use super::verify::{get, head, json, read};
use crate::Failure;
use crate::http::Connection;

const TIMEOUT: Duration = Duration::from_secs(240);

/// All records at once; then the table's sum is compared with theirs.
pub(super) fn import(port: u16, stage: &Stage) -> Result<Sample, Failure> {
    let failed = |error: std::io::Error| format!("the import failed: {error}");
    let mut connection = Connection::open(port).map_err(failed)?;
    connection.set_read_timeout(TIMEOUT).map_err(failed)?;
    let began = Instant::now();
    let response = connection
        .send(&head("/import", "text/csv", stage.csv.len() as u64))
        .and_then(|()| connection.send(&stage.csv))
        .and_then(|()| connection.receive())
        .map_err(failed)?;
    let seconds = began.elapsed().as_secs_f64();
    let imported: Imported = read(&response)?;
    let sum: Sum = json(&mut connection, &get("/sum", ""))?;
    let expected = Sum::of(stage.records);
    if imported.records != stage.records || sum != expected {
        return Err(format!(
            "it says {imported:?} and holds {sum:?} instead of {expected:?}"
        ));
    }
    Ok(Sample {
        figure: stage.records as f64 / seconds,
        ..Sample::default()
    })
}
