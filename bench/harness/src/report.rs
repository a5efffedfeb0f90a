//! The results as data: what is written to `results.json`.
//!
//! The fields on top are those of the article's table, for one workload; everything is below `workloads`.

use serde::Serialize;

use crate::catalog::{BASE, Entry};
use crate::instructions::Instructions;
use crate::machine;
use crate::options::{Options, Plan};
use crate::rounds::{Latency, Sample, Series};
use crate::statistics::Spread;
use crate::system_calls::SystemCalls;
use crate::workload::{ARTICLE_CONNECTIONS, Workload};

/// The version of this form. A field is only ever added to a version.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
pub(crate) struct Results {
    pub(crate) schema: u32,
    pub(crate) date: String,
    pub(crate) machine: String,
    /// The workload of `rows`, with its time.
    pub(crate) workload: String,
    pub(crate) connections: usize,
    /// Load for each server, in seconds.
    pub(crate) seconds: u64,
    pub(crate) rows: Vec<ArticleRow>,
    /// Short slices, which are no comparison.
    pub(crate) quick: bool,
    pub(crate) workloads: Vec<WorkloadResults>,
    pub(crate) counts: Vec<Counts>,
    /// Servers that were not measured at all, or not counted.
    pub(crate) skipped: Vec<Skipped>,
}

/// A row of the article's table; of several rounds the medians.
#[derive(Debug, Serialize)]
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

#[derive(Debug, Serialize)]
pub(crate) struct WorkloadResults {
    #[serde(skip)]
    pub(crate) workload: Workload,
    pub(crate) name: &'static str,
    pub(crate) description: String,
    pub(crate) rounds: u32,
    pub(crate) slice_seconds: u64,
    pub(crate) rows: Vec<Row>,
    pub(crate) omitted: Vec<Skipped>,
}

/// One server in one workload. Ratios are to raw tokio in the same round; times are in microseconds, sizes in bytes.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) requests_per_second: Option<Spread>,
    pub(crate) ratio: Option<Spread>,
    pub(crate) cpu_user: Option<Spread>,
    pub(crate) cpu_system: Option<Spread>,
    /// Of user and system time together.
    pub(crate) cpu_ratio: Option<Spread>,
    pub(crate) latency_mean: Option<Spread>,
    pub(crate) latency_p50: Option<Spread>,
    pub(crate) latency_p99: Option<Spread>,
    pub(crate) latency_p999: Option<Spread>,
    pub(crate) latency_max: Option<Spread>,
    pub(crate) bytes_per_response: Option<Spread>,
    pub(crate) bytes_per_connection: Option<Spread>,
    pub(crate) peak_memory: Option<Spread>,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
}

/// Figures that noise can't touch, for one request.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) instructions: Option<f64>,
    /// Of the realistic workload.
    pub(crate) instructions_realistic: Option<f64>,
    pub(crate) system_calls: Option<SystemCalls>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Skipped {
    pub(crate) name: &'static str,
    pub(crate) reason: String,
}

impl Skipped {
    pub(crate) fn new(entry: &Entry, reason: &str) -> Self {
        Self {
            name: entry.title,
            reason: machine::without_paths(reason),
        }
    }
}

impl Results {
    pub(crate) fn new(
        options: &Options,
        workloads: Vec<WorkloadResults>,
        counts: Vec<Counts>,
        skipped: Vec<Skipped>,
    ) -> Self {
        let article = workloads.iter().find(|results| results.workload == Workload::KeepAlive);
        let plan = options.plan(Workload::KeepAlive);
        let seconds = plan.slice.as_secs() * u64::from(plan.rounds);
        Self {
            schema: SCHEMA,
            date: machine::today(),
            machine: machine::description(),
            workload: format!("{}, {seconds} s", Workload::KeepAlive.description(options.rate)),
            connections: ARTICLE_CONNECTIONS,
            seconds,
            rows: article.map(WorkloadResults::article_rows).unwrap_or_default(),
            quick: options.quick,
            workloads,
            counts,
            skipped,
        }
    }

    /// Whether there is not one figure.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.workloads.iter().all(|workload| workload.rows.is_empty())
    }
}

impl WorkloadResults {
    pub(crate) fn new(workload: Workload, plan: Plan, rate: u32, series: &[Series<'_>]) -> Self {
        let base = series.iter().find(|series| series.installation.entry.name == BASE);
        let base = base.map(|base| base.samples.as_slice()).unwrap_or_default();
        let mut rows: Vec<Row> = series.iter().filter_map(|series| Row::new(series, base)).collect();
        rows.sort_by(|a, b| a.rank(workload).total_cmp(&b.rank(workload)));
        let omitted = series.iter().filter_map(|series| {
            let reason = series.failure.clone()?;
            Some(Skipped::new(series.installation.entry, &reason))
        });
        Self {
            workload,
            name: workload.name(),
            description: workload.description(rate),
            rounds: plan.rounds,
            slice_seconds: plan.slice.as_secs(),
            rows,
            omitted: omitted.collect(),
        }
    }

    fn article_rows(&self) -> Vec<ArticleRow> {
        let median = |spread: Option<Spread>| spread.map_or(0.0, |spread| spread.median);
        let rows = self.rows.iter().map(|row| ArticleRow {
            name: row.name.to_owned(),
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
}

impl Row {
    /// `None` for a server without a single slice.
    fn new(series: &Series<'_>, base: &[Option<Sample>]) -> Option<Self> {
        let samples: Vec<Sample> = series.samples.iter().flatten().copied().collect();
        if samples.is_empty() {
            return None;
        }
        let of = |figure: fn(&Sample) -> Option<f64>| Spread::of(samples.iter().filter_map(figure));
        let timed = |figure: fn(&Sample) -> f64| {
            Spread::of(samples.iter().filter(|sample| sample.latency.is_some()).map(figure))
        };
        // wrk says 0 where its histogram has no such value, as for late ones of few pipelined requests.
        let latency = |figure: fn(&Latency) -> f64| {
            let seen = samples.iter().filter_map(|sample| sample.latency.as_ref());
            Spread::of(seen.map(figure).filter(|value| *value > 0.0))
        };
        let ratio = |figure: fn(&Sample) -> f64| {
            let rounds = series.samples.iter().zip(base);
            let pairs = rounds.filter_map(|(own, base)| own.as_ref().zip(base.as_ref()));
            let timed = pairs.filter(|(own, base)| own.latency.is_some() && figure(base) > 0.0);
            Spread::of(timed.map(|(own, base)| figure(own) / figure(base)))
        };
        Some(Self {
            name: series.installation.entry.title,
            version: series.installation.version.clone(),
            requests_per_second: timed(|sample| sample.requests_per_second),
            ratio: ratio(|sample| sample.requests_per_second),
            cpu_user: timed(|sample| sample.user),
            cpu_system: timed(|sample| sample.system),
            cpu_ratio: ratio(|sample| sample.user + sample.system),
            latency_mean: latency(|latency| latency.mean),
            latency_p50: latency(|latency| latency.p50),
            latency_p99: latency(|latency| latency.p99),
            latency_p999: latency(|latency| latency.p999),
            latency_max: latency(|latency| latency.max),
            bytes_per_response: of(|sample| sample.bytes_per_response),
            bytes_per_connection: of(|sample| sample.bytes_per_connection),
            peak_memory: of(|sample| Some(sample.peak_memory as f64)),
            requests: samples.iter().map(|sample| sample.requests).sum(),
            errors: samples.iter().map(|sample| sample.errors).sum(),
        })
    }

    /// The best first.
    fn rank(&self, workload: Workload) -> f64 {
        let median = |spread: Option<Spread>| spread.map_or(f64::MAX, |spread| spread.median);
        match workload {
            Workload::Idle => median(self.bytes_per_connection),
            Workload::FixedRate => median(self.latency_p99),
            _ => -self
                .ratio
                .or(self.requests_per_second)
                .map_or(0.0, |spread| spread.median),
        }
    }
}

impl Counts {
    pub(crate) fn new(
        entry: &'static Entry,
        version: &str,
        instructions: Option<Instructions>,
        system_calls: Option<SystemCalls>,
    ) -> Self {
        Self {
            name: entry.title,
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
    use std::time::Duration;

    use super::*;
    use crate::installation::Installation;

    fn installation(name: &str) -> Installation {
        Installation {
            entry: Entry::by_name(name).expect("in the catalog"),
            program: "".into(),
            arguments: Vec::new(),
            version: "1.0".into(),
        }
    }

    fn sample(requests_per_second: f64) -> Option<Sample> {
        Some(Sample {
            requests: 10,
            requests_per_second,
            user: 1.0,
            system: 1e6 / requests_per_second,
            latency: Some(Latency {
                mean: 1500.0,
                ..Latency::default()
            }),
            ..Sample::default()
        })
    }

    /// The base in two rounds, of which the machine was half as fast in one, and a server at 0.8 of it.
    pub(crate) fn results() -> Results {
        let installations = [installation("hyper"), installation(BASE), installation("node")];
        let samples = [
            vec![sample(800.0), sample(400.0)],
            vec![sample(1000.0), sample(500.0)],
            vec![None, None],
        ];
        let series: Vec<_> = installations
            .iter()
            .zip(samples)
            .map(|(installation, samples)| Series {
                installation,
                failure: samples.iter().all(Option::is_none).then(|| "it <broke>".to_owned()),
                samples,
            })
            .collect();
        let plan = Plan {
            rounds: 2,
            slice: Duration::from_secs(1),
            warm_up: Duration::ZERO,
        };
        let workload = WorkloadResults::new(Workload::KeepAlive, plan, 1, &series);
        let options = Options::parse(["--quick".to_owned()]).expect("valid");
        let calls = SystemCalls {
            total: 2.0,
            calls: vec![("read".into(), 1.0), ("write".into(), 1.0)],
        };
        let instructions = Instructions {
            hello: 4321.0,
            item: None,
        };
        let entry = Entry::by_name("hyper").expect("in the catalog");
        let counts = vec![Counts::new(entry, "1.0", Some(instructions), Some(calls))];
        Results::new(&options, vec![workload], counts, vec![Skipped::new(entry, "a|b")])
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let results = results();
        let names: Vec<_> = results.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["raw tokio", "hyper"]);
        let hyper = results.workloads[0].rows.get(1).expect("hyper");
        assert_eq!(
            hyper.ratio,
            Some(Spread {
                median: 0.8,
                min: 0.8,
                max: 0.8
            })
        );
        assert_eq!(
            hyper.requests_per_second.map(|spread| (spread.min, spread.max)),
            Some((400.0, 800.0))
        );
    }

    #[test]
    fn the_article_s_rows_have_the_fields_that_the_showcase_reads() {
        let json = serde_json::to_value(results()).expect("plain data");
        assert_eq!(json["schema"], 1);
        assert_eq!(json["workload"], "keep-alive, 360 connections, 5 s");
        assert_eq!(
            (json["connections"].as_u64(), json["seconds"].as_u64()),
            (Some(360), Some(5))
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
        assert_eq!(json["workloads"][0]["omitted"][0]["reason"], "it <broke>");
    }
}
