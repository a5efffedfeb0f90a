//! `GET /performance`: the figures of the last benchmark, with the article's beside them.
//!
//! The fields are the article's. At the top level they hold what was measured, or nothing when no
//! benchmark was run; under `article` they hold what the article states.

use hyperlane::{Json, State};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::Showcase,
    growth::GrowthChart,
    results::{Results, ResultsError},
};

/// Answers 200 in every case: `status` is `measured`, `missing` or `broken`, `message` says more.
pub(crate) async fn performance(State(showcase): State<Showcase>) -> Json<PerformanceResponse> {
    let file = &showcase.results;
    let (status, message, results) = match file.read().await {
        Ok(results) => ("measured", "figures of the last benchmark".to_owned(), Some(results)),
        Err(ResultsError::Missing) => (
            "missing",
            format!("no benchmark has been measured yet: there is no {file}"),
            None,
        ),
        Err(ResultsError::Broken(reason)) => (
            "broken",
            format!("the benchmark's file {file} can't be used: {reason}"),
            None,
        ),
    };
    let growth = showcase.results.growth().await;
    let measured = results.as_ref().map(PerformanceReport::of).unwrap_or_default();
    Json(PerformanceResponse {
        status,
        message,
        measured,
        results,
        growth,
        article: PerformanceReport::of_the_article(),
    })
}

/// The whole answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PerformanceResponse {
    status: &'static str,
    message: String,
    #[serde(flatten)]
    measured: PerformanceReport,
    /// The file as it was read.
    results: Option<Results>,
    /// How cost grows, where that was measured.
    growth: Vec<GrowthChart>,
    /// What the article states; measured elsewhere, by others.
    article: PerformanceReport,
}

/// The article's report; what nobody measured is absent.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct PerformanceReport {
    current_framework: Option<BenchmarkResults>,
    comparison: Vec<FrameworkPerformance>,
    performance_advantage: Vec<PerformanceAdvantage>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct BenchmarkResults {
    framework_name: String,
    qps: f64,
    latency_avg_ms: Option<f64>,
    latency_p99_ms: Option<f64>,
    latency_max_ms: Option<f64>,
    requests_total: Option<u64>,
    transfer_rate_mb: Option<f64>,
    test_duration_seconds: Option<u32>,
    concurrency_level: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct FrameworkPerformance {
    name: String,
    qps: f64,
}

/// How many per cent more requests the current framework answers; negative when it answers fewer.
#[derive(Debug, Serialize, JsonSchema)]
struct PerformanceAdvantage {
    vs_framework: String,
    improvement_percent: f64,
}

impl PerformanceReport {
    fn of(results: &Results) -> Self {
        let current = results.hyperlane();
        Self {
            current_framework: current.map(|row| BenchmarkResults {
                framework_name: row.name.clone(),
                qps: row.requests_per_second,
                latency_avg_ms: row.latency_avg_ms,
                latency_p99_ms: row.latency_p99_ms,
                latency_max_ms: row.latency_max_ms,
                requests_total: row.requests_total,
                transfer_rate_mb: None,
                test_duration_seconds: results.seconds,
                concurrency_level: results.connections,
            }),
            comparison: results
                .rows
                .iter()
                .map(|row| FrameworkPerformance {
                    name: row.name.clone(),
                    qps: row.requests_per_second,
                })
                .collect(),
            performance_advantage: current
                .into_iter()
                .flat_map(|current| {
                    let others = results.rows.iter().filter(|row| row.name != current.name);
                    others.map(|row| PerformanceAdvantage {
                        vs_framework: row.name.clone(),
                        improvement_percent: percent_more(current.requests_per_second, row.requests_per_second),
                    })
                })
                .collect(),
        }
    }

    /// The figures as the article prints them.
    fn of_the_article() -> Self {
        const HYPERLANE: f64 = 324_323.71;
        let row = |name: &str, qps| FrameworkPerformance {
            name: name.to_owned(),
            qps,
        };
        let comparison = vec![
            row("Tokio", 340_130.92),
            row("Hyperlane", HYPERLANE),
            row("Rocket", 298_945.31),
            row("Rust Std", 291_218.96),
            row("Gin", 242_570.16),
            row("Go Std", 234_178.93),
            row("Node.js", 139_412.13),
        ];
        let compared = ["Node.js", "Go Std", "Gin"];
        let performance_advantage = comparison
            .iter()
            .rev()
            .filter(|row| compared.contains(&row.name.as_str()))
            .map(|row| PerformanceAdvantage {
                vs_framework: row.name.clone(),
                // The article cuts the fraction off.
                improvement_percent: percent_more(HYPERLANE, row.qps).trunc(),
            })
            .collect();
        Self {
            current_framework: Some(BenchmarkResults {
                framework_name: "Hyperlane".to_owned(),
                qps: HYPERLANE,
                latency_avg_ms: Some(1.46),
                latency_p99_ms: None,
                latency_max_ms: Some(230.59),
                requests_total: Some(19_476_349),
                transfer_rate_mb: Some(33.10),
                test_duration_seconds: Some(60),
                concurrency_level: Some(360),
            }),
            comparison,
            performance_advantage,
        }
    }
}

/// To a tenth of a per cent: the load varies more than that from run to run.
fn percent_more(ours: f64, theirs: f64) -> f64 {
    ((ours / theirs - 1.0) * 1000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_the_advantage_from_the_measured_rows() {
        let text = r#"{"schema":1,"rows":[
            {"name":"raw tokio","requests_per_second":200.0},
            {"name":"hyperlane","requests_per_second":150.0,"latency_avg_ms":1.5},
            {"name":"axum","requests_per_second":100.0}]}"#;
        let report = PerformanceReport::of(&Results::parse(text.as_bytes()).unwrap());
        let advantages: Vec<_> = report
            .performance_advantage
            .iter()
            .map(|row| (row.vs_framework.as_str(), row.improvement_percent))
            .collect();
        assert_eq!(advantages, [("raw tokio", -25.0), ("axum", 50.0)]);
        assert_eq!(report.current_framework.unwrap().latency_avg_ms, Some(1.5));
    }

    #[test]
    fn claims_nothing_when_hyperlane_was_not_measured() {
        let text = r#"{"schema":1,"rows":[{"name":"axum","requests_per_second":100.0}]}"#;
        let report = PerformanceReport::of(&Results::parse(text.as_bytes()).unwrap());
        assert!(report.current_framework.is_none() && report.performance_advantage.is_empty());
        assert_eq!(report.comparison.len(), 1);
    }

    #[test]
    fn repeats_the_articles_percentages() {
        let percents: Vec<_> = PerformanceReport::of_the_article()
            .performance_advantage
            .iter()
            .map(|row| row.improvement_percent)
            .collect();
        assert_eq!(percents, [132.0, 38.0, 33.0]);
    }
}
