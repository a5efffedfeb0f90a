//! All results as data: what `results.json` holds.
//!
//! The fields on top are those of the article's table, for one workload; everything is below `workloads`. A run puts
//! its workloads into what is there, each as soon as it is over: an interrupted run keeps what it has measured, and a
//! run of one workload leaves the others alone.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::catalog::Entry;
use crate::instructions::Instructions;
use crate::machine;
use crate::report::WorkloadResults;
use crate::statistics::Spread;
use crate::system_calls::SystemCalls;
use crate::workload::{ARTICLE_CONNECTIONS, Workload};

/// The version of this form. A field is only ever added to a version.
const SCHEMA: u32 = 1;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Results {
    pub(crate) schema: u32,
    /// When the workload of `rows` was measured, or the newest of the others.
    pub(crate) date: String,
    pub(crate) machine: String,
    /// The workload of `rows`, with its time.
    pub(crate) workload: String,
    pub(crate) connections: usize,
    /// Load for each server, in seconds.
    pub(crate) seconds: u64,
    pub(crate) rows: Vec<ArticleRow>,
    /// Some slices were short, and are no comparison.
    pub(crate) quick: bool,
    pub(crate) workloads: Vec<WorkloadResults>,
    pub(crate) counts: Vec<Counts>,
    /// What could not be counted, and why.
    pub(crate) uncounted: Vec<Skipped>,
    /// Servers that were not measured at all.
    pub(crate) skipped: Vec<Skipped>,
}

/// A row of the article's table; of several rounds the medians.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ArticleRow {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) requests_per_second: f64,
    pub(crate) latency_avg_ms: f64,
    pub(crate) latency_max_ms: f64,
    pub(crate) latency_p99_ms: f64,
    pub(crate) ratio_to_raw_tokio: f64,
    pub(crate) requests_total: u64,
    pub(crate) errors: u64,
}

/// Figures that noise can't touch, for one request.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Counts {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) instructions: Option<f64>,
    /// Of the realistic workload.
    pub(crate) instructions_realistic: Option<f64>,
    pub(crate) system_calls: Option<SystemCalls>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Skipped {
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Skipped {
    pub(crate) fn new(entry: &Entry, reason: &str) -> Self {
        Self {
            name: entry.title.into(),
            reason: machine::without_paths(reason),
        }
    }
}

impl Results {
    pub(crate) fn new() -> Self {
        Self {
            schema: SCHEMA,
            date: machine::today(),
            machine: machine::description(),
            connections: ARTICLE_CONNECTIONS,
            ..Self::default()
        }
    }

    /// What an earlier run left in the file, if that was on a machine like this one; nothing otherwise: figures of two
    /// machines can't be compared.
    pub(crate) fn open(path: &Path) -> Self {
        let new = Self::new();
        let text = fs::read_to_string(path).ok();
        let old: Option<Self> = text.and_then(|text| serde_json::from_str(&text).ok());
        old.filter(|old| old.schema == SCHEMA && old.machine == new.machine)
            .unwrap_or(new)
    }

    /// Puts a workload in the place of what was measured of it before.
    pub(crate) fn put(&mut self, measured: WorkloadResults) {
        self.workloads.retain(|workload| workload.name != measured.name);
        self.workloads.push(measured);
        let place = |workload: &WorkloadResults| Workload::ALL.iter().position(|known| known.name() == workload.name);
        self.workloads.sort_by_key(place);
        self.quick = self.workloads.iter().any(|workload| workload.quick);
        self.date = machine::today();
        let article = self.workload(Workload::KeepAlive).cloned();
        if let Some(article) = article {
            self.date = article.measured.split(' ').next().unwrap_or_default().to_owned();
            self.seconds = article.slice_seconds * u64::from(article.rounds);
            self.workload = format!("{}, {} s", article.description, self.seconds);
            self.rows = article_rows(&article);
        }
    }

    /// Puts the counts of a server in the place of the earlier ones.
    pub(crate) fn put_counts(&mut self, counts: Counts) {
        match self.counts.iter_mut().find(|known| known.name == counts.name) {
            Some(known) => {
                known.version = counts.version;
                known.instructions = counts.instructions.or(known.instructions);
                known.instructions_realistic = counts.instructions_realistic.or(known.instructions_realistic);
                known.system_calls = counts.system_calls.or(known.system_calls.take());
            }
            None => self.counts.push(counts),
        }
    }

    pub(crate) fn workload(&self, workload: Workload) -> Option<&WorkloadResults> {
        self.workloads.iter().find(|results| results.name == workload.name())
    }

    /// Whether there is not one figure.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.workloads.iter().all(|workload| workload.rows.is_empty())
    }
}

fn article_rows(results: &WorkloadResults) -> Vec<ArticleRow> {
    let median = |spread: Option<Spread>| spread.map_or(0.0, |spread| spread.median);
    let rows = results.rows.iter().map(|row| ArticleRow {
        name: row.name.clone(),
        version: row.version.clone(),
        requests_per_second: rounded(median(row.requests_per_second), 2),
        latency_avg_ms: rounded(median(row.latency_mean) / 1e3, 3),
        latency_max_ms: rounded(row.latency_max.map_or(0.0, |spread| spread.max) / 1e3, 3),
        latency_p99_ms: rounded(median(row.latency_p99) / 1e3, 3),
        ratio_to_raw_tokio: rounded(median(row.ratio), 4),
        requests_total: row.requests,
        errors: row.errors,
    });
    rows.collect()
}

impl Counts {
    pub(crate) fn new(
        entry: &Entry,
        version: &str,
        instructions: Option<Instructions>,
        system_calls: Option<SystemCalls>,
    ) -> Self {
        Self {
            name: entry.title.into(),
            version: version.to_owned(),
            instructions: instructions.map(|count| count.hello),
            instructions_realistic: instructions.and_then(|count| count.item),
            system_calls,
        }
    }
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::options::Options;
    use crate::report::tests::workload_results;

    pub(crate) fn results() -> Results {
        let options = Options::parse(["--quick".to_owned()]).expect("valid");
        let mut results = Results::new();
        results.put(workload_results(&options, &[("hyper", [0.8, 0.8])]));
        let calls = SystemCalls {
            total: 2.0,
            calls: vec![("read".into(), 1.0), ("write".into(), 1.0)],
        };
        let instructions = Instructions {
            hello: 4321.0,
            item: None,
        };
        let entry = Entry::by_name("hyper").expect("in the catalog");
        results.put_counts(Counts::new(entry, "1.0", Some(instructions), Some(calls)));
        results.skipped.push(Skipped::new(entry, "a|b"));
        results
    }

    #[test]
    fn the_article_s_rows_have_the_fields_that_the_showcase_reads() {
        let json = serde_json::to_value(results()).expect("plain data");
        assert_eq!(json["schema"], 1);
        assert_eq!(json["workload"], "keep-alive, 360 connections, 2 s");
        assert_eq!(
            (json["connections"].as_u64(), json["seconds"].as_u64()),
            (Some(360), Some(2))
        );
        let row = &json["rows"][1];
        assert_eq!(
            (row["name"].as_str(), row["version"].as_str()),
            (Some("hyper"), Some("1.0"))
        );
        assert_eq!(
            (row["requests_per_second"].as_f64(), row["latency_avg_ms"].as_f64()),
            (Some(600.0), Some(1.5))
        );
        assert_eq!(
            (row["ratio_to_raw_tokio"].as_f64(), row["requests_total"].as_u64()),
            (Some(0.8), Some(20))
        );
        assert_eq!(
            (row["errors"].as_u64(), row["latency_p99_ms"].as_f64()),
            (Some(0), Some(0.0))
        );
    }

    #[test]
    fn a_workload_replaces_its_own_earlier_part_and_no_other() {
        let mut results = results();
        let mut other = results.workloads[0].clone();
        other.name = "close".into();
        results.put(other);
        let mut again = results.workloads[0].clone();
        again.rows.clear();
        results.put(again);
        let names: Vec<_> = results
            .workloads
            .iter()
            .map(|workload| workload.name.as_str())
            .collect();
        assert_eq!(names, ["keep-alive", "close"]);
        assert!(results.workloads[0].rows.is_empty() && !results.workloads[1].rows.is_empty());
    }

    #[test]
    fn counts_that_were_not_made_this_time_are_kept() {
        let mut results = results();
        let entry = Entry::by_name("hyper").expect("in the catalog");
        results.put_counts(Counts::new(entry, "1.1", None, Some(SystemCalls::default())));
        assert_eq!(results.counts.len(), 1);
        assert_eq!(results.counts[0].instructions, Some(4321.0));
        assert_eq!(results.counts[0].version, "1.1");
    }

    #[test]
    fn what_was_written_can_be_read_and_goes_on() {
        let path = std::env::temp_dir().join(format!("hyperlane-bench-{}.json", std::process::id()));
        fs::write(&path, serde_json::to_string(&results()).expect("plain data")).expect("writable");
        let read = Results::open(&path);
        fs::remove_file(&path).expect("written before");
        assert_eq!(read.workloads.len(), 1);
        assert_eq!(Results::open(&path).workloads.len(), 0);
    }
}
