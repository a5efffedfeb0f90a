//! The results as data: what `scenarios.json` holds.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::case::{CASES, Scenario};
use super::headline::{Headline, headlines};
use crate::machine;
use crate::statistics::Spread;

/// The version of this form. A field is only ever added to a version.
const SCHEMA: u32 = 1;

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Scenarios {
    schema: u32,
    pub(super) machine: String,
    /// The article's four, with what stands beside its claims.
    pub(super) scenarios: Vec<Summary>,
    pub(super) cases: Vec<CaseResults>,
}

/// A scenario in short, for other programs to show.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Summary {
    pub(super) name: String,
    pub(super) title: String,
    /// The article's, as it stands there.
    pub(super) claim: String,
    /// What was measured for it; none where nothing was.
    pub(super) headlines: Vec<Headline>,
}

/// One case, measured in one go.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct CaseResults {
    pub(super) name: String,
    pub(super) scenario: String,
    pub(super) title: String,
    pub(super) description: String,
    /// Of the rows' figure.
    pub(super) unit: String,
    pub(super) prefers_less: bool,
    /// When it was over, in UTC.
    pub(super) measured: String,
    /// Short slices, which are no comparison.
    pub(super) quick: bool,
    pub(super) rounds: u32,
    pub(super) rows: Vec<Row>,
    /// What could not be measured, and why.
    pub(super) omitted: Vec<String>,
}

/// One contestant. Times are in milliseconds, sizes in bytes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) how: String,
    pub(super) version: String,
    pub(super) ours: bool,
    /// With which the others are compared.
    pub(super) base: bool,
    /// In the case's unit.
    pub(super) figure: Spread,
    /// Of the figure to that of the base in the same round.
    pub(super) ratio: Option<Spread>,
    pub(super) p50: Option<Spread>,
    pub(super) p99: Option<Spread>,
    pub(super) per_second: Option<Spread>,
    pub(super) peak_memory: Option<Spread>,
    pub(super) errors: u64,
}

impl Scenarios {
    /// What an earlier run left in the file, if that was on a machine like this one.
    pub(super) fn open(path: &Path) -> Self {
        let machine = machine::description();
        let old = fs::read_to_string(path)
            .ok()
            .and_then(|text| serde_json::from_str::<Self>(&text).ok());
        old.filter(|old| old.schema == SCHEMA && old.machine == machine)
            .unwrap_or(Self {
                schema: SCHEMA,
                machine,
                scenarios: Vec::new(),
                cases: Vec::new(),
            })
    }

    /// Puts a case in the place of what was measured of it before.
    pub(super) fn put(&mut self, measured: CaseResults) {
        self.cases.retain(|case| case.name != measured.name);
        self.cases.push(measured);
        self.cases
            .sort_by_key(|results| CASES.iter().position(|case| case.name == results.name));
        self.scenarios = Scenario::ALL.map(|scenario| self.summary(scenario)).into();
    }

    fn summary(&self, scenario: Scenario) -> Summary {
        Summary {
            name: scenario.name().into(),
            title: scenario.title().into(),
            claim: scenario.claim().into(),
            headlines: headlines(scenario, |name| self.cases.iter().find(|case| case.name == name)),
        }
    }

    /// The connections at once, which another part of the benchmark measures.
    pub(super) fn read_realtime(&mut self, path: &Path) {
        let text = fs::read_to_string(path).ok();
        let measured = text.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let name = Scenario::RealTime.name();
        let summary = self.scenarios.iter_mut().find(|summary| summary.name == name);
        if let (Some(measured), Some(summary)) = (measured, summary) {
            summary.headlines.extend(Headline::of_realtime(&measured));
        }
    }

    pub(super) fn of(&self, scenario: Scenario) -> impl Iterator<Item = &CaseResults> {
        self.cases.iter().filter(move |case| case.scenario == scenario.name())
    }
}

impl CaseResults {
    pub(super) fn ours(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.ours)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn row(name: &str, figures: [f64; 3], base: f64) -> Row {
        Row {
            name: name.into(),
            how: format!("{name} does it"),
            version: "1.0".into(),
            ours: name == "hyperlane",
            base: name == "threads",
            figure: Spread::of(figures).expect("figures"),
            ratio: Spread::of(figures.map(|figure| figure / base)),
            p50: Spread::of(figures),
            p99: None,
            per_second: None,
            peak_memory: Spread::of([3.0 * 1024.0 * 1024.0]),
            errors: 0,
        }
    }

    pub(in crate::scenarios) fn scenarios() -> Scenarios {
        let mut scenarios = Scenarios::open(Path::new("no such file"));
        let results = |name: &str, scenario: Scenario, unit: &str, prefers_less, ours| CaseResults {
            name: name.into(),
            scenario: scenario.name().into(),
            title: format!("case {name}"),
            description: "Some <work>.".into(),
            unit: unit.into(),
            prefers_less,
            measured: "2026-01-31 23:59".into(),
            quick: true,
            rounds: 3,
            rows: vec![row("threads", [600.0; 3], 600.0), row("hyperlane", ours, 600.0)],
            omitted: vec!["other: it <broke>".into()],
        };
        scenarios.put(results(
            "import",
            Scenario::Batch,
            "records/s",
            false,
            [1200.0, 1500.0, 1800.0],
        ));
        scenarios.put(results("far-32", Scenario::Aggregation, "ms (p50)", true, [300.0; 3]));
        scenarios
    }

    #[test]
    fn a_case_replaces_its_own_earlier_part_and_stands_in_the_order_of_the_cases() {
        let mut scenarios = scenarios();
        let names: Vec<_> = scenarios.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["far-32", "import"]);
        let again = CaseResults {
            rows: Vec::new(),
            ..scenarios.cases.pop().expect("one")
        };
        scenarios.put(again);
        assert_eq!(scenarios.cases.len(), 2);
        assert!(scenarios.cases[1].rows.is_empty());
    }

    #[test]
    fn the_summaries_have_the_fields_that_the_showcase_reads() {
        let json = serde_json::to_value(scenarios()).expect("plain data");
        let summary = &json["scenarios"][0];
        assert_eq!(
            (summary["name"].as_str(), summary["claim"].as_str()),
            (Some("aggregation"), Some("60% reduction in response time"))
        );
        let headline = &summary["headlines"][0];
        assert_eq!(headline["text"], "50% less response time");
        assert_eq!(
            (
                headline["plain"]["figure"].as_f64(),
                headline["ours"]["figure"].as_f64(),
                headline["unit"].as_str()
            ),
            (Some(600.0), Some(300.0), Some("ms (p50)"))
        );
        assert_eq!(json["scenarios"][3]["headlines"][0]["text"], "150% more speed");
    }
}
