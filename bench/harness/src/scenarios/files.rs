//! Files from disk, asked for by wrk.

use std::time::Duration;

use super::case::Download;
use super::measure::Sample;
use super::verify::{header, path};
use crate::Failure;
use crate::http::Connection;
use crate::wrk::{self, Job};

const CONNECTIONS: usize = 64;
/// Files and caches become warm.
const WARM_UP: Duration = Duration::from_millis(300);

pub(super) fn download(port: u16, download: Download, time: Duration) -> Result<Sample, Failure> {
    let mut connection = Connection::open(port).map_err(|error| format!("it does not listen: {error}"))?;
    let job = Job::get(&path(download), &header(&mut connection, download)?);
    drop(connection);
    wrk::warm_up(port, &job, CONNECTIONS, WARM_UP)?;
    let report = wrk::run(port, &job, CONNECTIONS, time)?;
    let mut sample = Sample::of(&report);
    sample.figure = report.requests_per_second();
    sample.per_second = None;
    Ok(sample)
}
