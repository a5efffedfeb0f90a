//! What stands beside a claim of the article: one figure of each side, and what that means in the claim's words.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::case::Scenario;
use super::data::{CaseResults, Row};
use crate::number::grouped;

/// One comparison.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Headline {
    /// What was done.
    pub(super) what: String,
    /// In the claim's words.
    pub(super) text: String,
    pub(super) unit: String,
    /// The way without async; absent where there is none.
    pub(super) plain: Option<Side>,
    pub(super) ours: Side,
    /// Ours to the plain one.
    pub(super) ratio: Option<f64>,
    /// Short slices, which are no comparison.
    pub(super) quick: bool,
    /// When it was over, in UTC.
    pub(super) measured: String,
}

/// One side's median.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(super) struct Side {
    pub(super) how: String,
    pub(super) figure: f64,
    /// Peak, in bytes.
    pub(super) memory: Option<f64>,
}

/// Of a scenario: a case, the side that ours is compared with (the base without a name), and of what there is more or
/// less.
const fn chosen(scenario: Scenario) -> &'static [(&'static str, Option<&'static str>, &'static str)] {
    match scenario {
        Scenario::Aggregation => &[
            ("far-32", None, "response time"),
            ("far-32", Some("threads, sources at once"), "response time"),
            ("faults", None, "time for 99 of 100 answers"),
        ],
        Scenario::Uploads => &[
            ("photos", None, "throughput"),
            ("photos-slow", None, "throughput beside slow clients"),
            (
                "photos-slow",
                Some("threads, one for each"),
                "throughput beside slow clients",
            ),
        ],
        Scenario::RealTime => &[("chat", None, "messages delivered")],
        Scenario::Batch => &[
            ("import", None, "speed"),
            ("import", Some("threads, one transaction"), "speed"),
        ],
    }
}

/// Of what was measured.
pub(super) fn headlines<'a>(scenario: Scenario, case: impl Fn(&str) -> Option<&'a CaseResults>) -> Vec<Headline> {
    let chosen = chosen(scenario).iter();
    chosen
        .filter_map(|(name, plain, noun)| Headline::of(case(name)?, *plain, noun))
        .collect()
}

impl Headline {
    fn of(case: &CaseResults, plain: Option<&str>, noun: &str) -> Option<Self> {
        let ours = case.ours()?;
        let plain = case.rows.iter().find(|row| match plain {
            Some(name) => row.name == name,
            None => row.base,
        })?;
        let ratio = ours.figure.median / plain.figure.median;
        let ratio = ratio.is_finite().then_some(ratio);
        Some(Self {
            what: case.title.clone(),
            text: words(ratio, noun),
            unit: case.unit.clone(),
            plain: Some(Side::of(plain)),
            ours: Side::of(ours),
            ratio,
            quick: case.quick,
            measured: case.measured.clone(),
        })
    }

    /// Connections that were open at once and heard all that was sent, as `realtime.json` has them.
    pub(super) fn of_realtime(measured: &Value) -> Option<Self> {
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        let is_whole = |point: &&Value| {
            ["failed", "lost", "missing"]
                .iter()
                .all(|name| number(&point[*name]) == 0.0)
        };
        let points = measured["points"].as_array()?.iter().filter(is_whole);
        let most = points.max_by(|a, b| number(&a["connections"]).total_cmp(&number(&b["connections"])))?;
        let connections = number(&most["connections"]);
        Some(Self {
            what: "Connections that are open at once, and hear every message".into(),
            text: format!("{} connections at once", grouped(connections, 0)),
            unit: "connections".into(),
            plain: None,
            ours: Side {
                how: "`hyperlane-realtime`, `cargo xtask bench realtime`".into(),
                figure: connections,
                memory: Some(number(&most["user_bytes"]) * connections),
            },
            ratio: None,
            quick: measured["quick"].as_bool().unwrap_or(false),
            measured: measured["measured"].as_str().unwrap_or_default().into(),
        })
    }
}

impl Side {
    fn of(row: &Row) -> Self {
        Self {
            how: row.how.clone(),
            figure: row.figure.median,
            memory: row.peak_memory.map(|spread| spread.median),
        }
    }
}

/// `50% less response time`.
fn words(ratio: Option<f64>, noun: &str) -> String {
    /// What is nearer is told from nothing by chance alone.
    const EVEN: f64 = 3.0;
    let Some(ratio) = ratio else {
        return format!("{noun}: the plain way got nothing through");
    };
    let change = (ratio - 1.0) * 100.0;
    if change.abs() < EVEN {
        format!("the same {noun}")
    } else if change < 0.0 {
        format!("{:.0}% less {noun}", -change)
    } else {
        format!("{}% more {noun}", grouped(change, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_more_less_or_the_same() {
        assert_eq!(words(Some(0.5), "time"), "50% less time");
        assert_eq!(words(Some(3.0), "speed"), "200% more speed");
        assert_eq!(words(Some(1.01), "speed"), "the same speed");
        assert_eq!(words(None, "speed"), "speed: the plain way got nothing through");
    }

    #[test]
    fn reads_how_many_connections_were_open_and_nothing_from_another_form() {
        let measured = serde_json::json!({"measured": "2026-01-31 23:59", "points": [
            {"connections": 100_000, "user_bytes": 2048.0, "failed": 0, "lost": 0, "missing": 0},
            {"connections": 150_000, "user_bytes": 2048.0, "failed": 7, "lost": 0, "missing": 0},
        ]});
        let headline = Headline::of_realtime(&measured).expect("a point");
        assert_eq!(headline.text, "100,000 connections at once");
        assert_eq!(headline.ours.memory, Some(204_800_000.0));
        assert_eq!(Headline::of_realtime(&serde_json::json!({"other": 1})), None);
    }
}
