//! The results of one workload as data: what the rounds say of each server.

use serde::{Deserialize, Serialize};

use crate::catalog::{BASE, Entry};
use crate::machine;
use crate::options::{Options, Plan};
use crate::results::Skipped;
use crate::rounds::{Latency, Sample, Series};
use crate::statistics::Spread;
use crate::workload::Workload;

/// One workload, measured in one go.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct WorkloadResults {
    pub(crate) name: String,
    pub(crate) description: String,
    /// When it was over, in UTC.
    pub(crate) measured: String,
    /// Short slices, which are no comparison.
    pub(crate) quick: bool,
    pub(crate) rounds: u32,
    pub(crate) slice_seconds: u64,
    pub(crate) rows: Vec<Row>,
    pub(crate) omitted: Vec<Skipped>,
}

/// One server in one workload. Ratios are to raw tokio in the same round; times are in microseconds, sizes in bytes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Requests a second in each round, for comparisons with another server in the same round.
    pub(crate) by_round: Vec<Option<f64>>,
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

impl WorkloadResults {
    pub(crate) fn new(workload: Workload, plan: Plan, options: &Options, series: &[Series<'_>]) -> Self {
        let base = series.iter().find(|series| series.installation.entry.name == BASE);
        let base = base.map(|base| base.samples.as_slice()).unwrap_or_default();
        let mut rows: Vec<Row> = series.iter().filter_map(|series| Row::new(series, base)).collect();
        rows.sort_by(|a, b| a.cost(workload).total_cmp(&b.cost(workload)));
        let omitted = series.iter().filter_map(|series| {
            let reason = series.failure.clone()?;
            Some(Skipped::new(series.installation.entry, &reason))
        });
        Self {
            name: workload.name().into(),
            description: workload.description(options.rate),
            measured: machine::now(),
            quick: options.quick,
            rounds: plan.rounds,
            slice_seconds: plan.slice.as_secs(),
            rows,
            omitted: omitted.collect(),
        }
    }

    /// `None` for one that this program does not know any more.
    pub(crate) fn workload(&self) -> Option<Workload> {
        Workload::by_name(&self.name)
    }

    /// The row of a server, by its name in the catalog.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        let entry = Entry::by_name(name)?;
        self.rows.iter().find(|row| row.name == entry.title)
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
            name: series.installation.entry.title.into(),
            version: series.installation.version.clone(),
            by_round: series.samples.iter().map(timed_requests).collect(),
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

    /// What the workload is about, with its spread.
    pub(crate) fn figure(&self, workload: Workload) -> Option<Spread> {
        match workload {
            Workload::Idle => self.bytes_per_connection,
            Workload::FixedRate => self.latency_p99,
            _ => self.ratio.or(self.requests_per_second),
        }
    }

    /// The less the better.
    fn cost(&self, workload: Workload) -> f64 {
        let figure = self.figure(workload).map(|figure| figure.median);
        if workload.prefers_less() {
            figure.unwrap_or(f64::MAX)
        } else {
            -figure.unwrap_or(0.0)
        }
    }
}

/// Of a slice in which requests were counted.
fn timed_requests(sample: &Option<Sample>) -> Option<f64> {
    sample
        .as_ref()
        .filter(|sample| sample.latency.is_some())
        .map(|sample| sample.requests_per_second)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::installation::tests::installation;

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

    /// The base in two rounds, of which the machine was half as fast in one; of the others each round's share of it.
    pub(crate) fn workload_results(options: &Options, servers: &[(&str, [f64; 2])]) -> WorkloadResults {
        let base = [1000.0, 500.0];
        let mut samples = vec![(BASE, base.map(sample).to_vec())];
        samples.extend(servers.iter().map(|(name, shares)| {
            let slices = base.iter().zip(shares).map(|(base, share)| sample(base * share));
            (*name, slices.collect())
        }));
        samples.push(("node", vec![None, None]));
        let installations: Vec<_> = samples.iter().map(|(name, _)| installation(name)).collect();
        let series: Vec<_> = installations
            .iter()
            .zip(samples)
            .map(|(installation, (_, samples))| Series {
                installation,
                failure: samples.iter().all(Option::is_none).then(|| "it <broke>".to_owned()),
                samples,
            })
            .collect();
        let plan = Plan {
            rounds: 2,
            slice: Duration::from_secs(1),
            warm_up: false,
        };
        WorkloadResults::new(Workload::KeepAlive, plan, options, &series)
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let options = Options::parse(["--quick".to_owned()]).expect("valid");
        let results = workload_results(&options, &[("hyper", [0.8, 0.8])]);
        let names: Vec<_> = results.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["raw tokio", "hyper"]);
        let hyper = results.row("hyper").expect("measured");
        let ratio = hyper.ratio.expect("two rounds");
        assert_eq!((ratio.median, ratio.min, ratio.max), (0.8, 0.8, 0.8));
        assert_eq!(hyper.by_round, [Some(800.0), Some(400.0)]);
        assert_eq!(
            hyper.requests_per_second.map(|spread| (spread.min, spread.max)),
            Some((400.0, 800.0))
        );
        assert_eq!(results.omitted[0].reason, "it <broke>");
    }
}
