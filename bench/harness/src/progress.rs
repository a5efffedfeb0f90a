//! What is shown while it runs, on standard error.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::report::{Row, WorkloadResults};
use crate::rounds::{Sample, Series};
use crate::statistics::Spread;
use crate::workload::Workload;

/// So much must be done before it says something about the pace.
const LEARNING: Duration = Duration::from_secs(20);

/// Tells where the run is and how long it still takes.
#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    /// Of all slices and counts, as estimated before.
    expected: Duration,
    /// The estimate of what is done.
    done: Cell<Duration>,
}

impl Progress {
    pub(crate) fn new(expected: Duration) -> Self {
        Self {
            began: Instant::now(),
            expected,
            done: Cell::new(Duration::ZERO),
        }
    }

    /// A piece is done that was estimated to take so long.
    pub(crate) fn advance(&self, estimated: Duration) {
        self.done.set(self.done.get() + estimated);
    }

    /// The estimate of what is left, corrected by how long it took so far.
    fn left(&self) -> String {
        let left = self.expected.saturating_sub(self.done.get());
        let pace = if self.done.get() < LEARNING {
            1.0
        } else {
            self.began.elapsed().as_secs_f64() / self.done.get().as_secs_f64()
        };
        let minutes = |seconds: f64| seconds / 60.0;
        format!(
            "{:.0} min gone, about {:.0} left",
            minutes(self.began.elapsed().as_secs_f64()),
            minutes(left.as_secs_f64() * pace).ceil()
        )
    }

    pub(crate) fn building(title: &str) {
        eprintln!("building {title}");
    }

    pub(crate) fn skipped(title: &str, reason: &str) {
        eprintln!("  skipped: {title}: {reason}");
    }

    pub(crate) fn round(&self, workload: Workload, round: u32, rounds: u32) {
        eprintln!("{workload}, round {round} of {rounds} ({})", self.left());
    }

    pub(crate) fn slice(&self, series: &Series<'_>, sample: Option<Sample>, base: Option<Sample>) {
        let title = series.installation.entry.title;
        match (sample, &series.failure) {
            (Some(sample), _) => eprintln!("  {title:<22} {}", describe(sample, base)),
            (None, Some(failure)) => eprintln!("  {title:<22} skipped: {failure}"),
            (None, None) => {}
        }
    }

    pub(crate) fn summary(results: &WorkloadResults) {
        eprintln!("{}: {}", results.name, results.description);
        for row in &results.rows {
            eprintln!("  {:<22} {}", row.name, summarize(row));
        }
    }

    pub(crate) fn counting(&self, title: &str) {
        eprintln!("counting instructions and system calls of {title} ({})", self.left());
    }

    /// A point of the growth charts.
    pub(crate) fn point(&self, what: &str) {
        eprintln!("{what} ({})", self.left());
    }
}

fn describe(sample: Sample, base: Option<Sample>) -> String {
    if let Some(bytes) = sample.bytes_per_connection {
        return format!("{bytes:>9.0} bytes a connection");
    }
    let ratio = base.map(|base| sample.requests_per_second / base.requests_per_second);
    let ratio = ratio.map_or_else(String::new, |ratio| format!(", {ratio:.2} × raw tokio"));
    let errors = if sample.errors == 0 {
        String::new()
    } else {
        format!(", {} errors", sample.errors)
    };
    format!(
        "{:>9.0} requests/s, {:.1} + {:.1} µs CPU each{ratio}{errors}",
        sample.requests_per_second, sample.user, sample.system
    )
}

/// The median, and the least and the greatest, of what the workload is about.
fn summarize(row: &Row) -> String {
    if let Some(Spread { median, min, max, .. }) = row.bytes_per_connection {
        return format!("{median:.0} bytes a connection ({min:.0}–{max:.0})");
    }
    let figures = [("throughput", row.ratio), ("CPU", row.cpu_ratio)];
    let figures = figures.into_iter().filter_map(|(name, ratio)| {
        let Spread { median, min, max, .. } = ratio?;
        Some(format!("{name} {median:.3} × raw tokio ({min:.3}–{max:.3})"))
    });
    figures.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn sums_up_by_ratios_and_their_range() {
        let results = results();
        let rows: Vec<_> = results
            .workloads
            .iter()
            .flat_map(|workload| &workload.rows)
            .map(summarize)
            .collect();
        assert!(
            rows[1].starts_with("throughput 0.800 × raw tokio (0.800–0.800), CPU "),
            "{rows:?}"
        );
    }

    #[test]
    fn tells_how_long_it_still_takes() {
        let progress = Progress::new(Duration::from_secs(600));
        assert_eq!(progress.left(), "0 min gone, about 10 left");
        progress.advance(Duration::from_secs(10));
        assert_eq!(progress.left(), "0 min gone, about 10 left");
        progress.advance(Duration::from_secs(10));
        assert_eq!(progress.left(), "0 min gone, about 1 left");
    }

    #[test]
    fn shows_the_ratio_once_the_base_has_run() {
        let sample = Sample {
            requests_per_second: 500.0,
            user: 1.0,
            system: 2.0,
            ..Sample::default()
        };
        let base = Sample {
            requests_per_second: 1000.0,
            ..sample
        };
        assert_eq!(describe(sample, None), "      500 requests/s, 1.0 + 2.0 µs CPU each");
        assert!(describe(sample, Some(base)).ends_with("0.50 × raw tokio"));
        assert!(describe(Sample { errors: 3, ..sample }, None).ends_with("3 errors"));
    }
}
