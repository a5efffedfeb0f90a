//! The results as data: what `protocols.json` holds.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::case::Case;
use crate::machine;
use crate::statistics::Spread;

/// The version of this form. A field is only ever added to a version.
const SCHEMA: u32 = 1;

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Protocols {
    schema: u32,
    pub(super) machine: String,
    pub(super) cases: Vec<CaseResults>,
}

/// One case, measured in one go.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct CaseResults {
    pub(super) name: String,
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
    pub(super) slice_seconds: u64,
    pub(super) rows: Vec<Row>,
    /// What could not be measured, and why.
    pub(super) omitted: Vec<String>,
}

/// One server. Times are in microseconds, sizes in bytes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) ours: bool,
    /// In the case's unit.
    pub(super) figure: Spread,
    /// Of the figure to that of the base in the same round.
    pub(super) ratio: Option<Spread>,
    /// CPU time of the server for one request or message, user and system.
    pub(super) cpu: Option<Spread>,
    pub(super) peak_memory: Option<Spread>,
    pub(super) errors: u64,
}

impl Protocols {
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
                cases: Vec::new(),
            })
    }

    /// Puts a case in the place of what was measured of it before.
    pub(super) fn put(&mut self, measured: CaseResults) {
        self.cases.retain(|case| case.name != measured.name);
        self.cases.push(measured);
        let place = |results: &CaseResults| Case::ALL.iter().position(|case| case.name() == results.name);
        self.cases.sort_by_key(place);
    }
}

impl CaseResults {
    /// The rows with their places, the best first. Whose middle half of the rounds overlaps with that of the first of a
    /// place shares it.
    pub(super) fn places(&self) -> Vec<(usize, &Row)> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by(|one, other| {
            let order = other.figure.median.total_cmp(&one.figure.median);
            if self.prefers_less { order.reverse() } else { order }
        });
        let mut places: Vec<(usize, &Row)> = Vec::new();
        for (number, row) in rows.into_iter().enumerate() {
            let place = match places.last() {
                Some((place, _)) => match places.iter().find(|(first, _)| first == place) {
                    Some((_, first)) if first.figure.overlaps(&row.figure) => *place,
                    _ => number + 1,
                },
                None => 1,
            };
            places.push((place, row));
        }
        places
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn row(name: &str, figures: [f64; 3]) -> Row {
        Row {
            name: name.into(),
            version: "1.0".into(),
            ours: name == "hyperlane",
            figure: Spread::of(figures).expect("figures"),
            ratio: Spread::of([figures[0] / 100.0]),
            cpu: Spread::of([2.0]),
            peak_memory: Spread::of([3.0 * 1024.0 * 1024.0]),
            errors: 0,
        }
    }

    pub(in crate::protocols) fn protocols() -> Protocols {
        let mut protocols = Protocols::open(Path::new("no such file"));
        protocols.put(CaseResults {
            name: "echo".into(),
            title: "WebSocket echo".into(),
            description: "Some <messages>.".into(),
            unit: "messages/s".into(),
            prefers_less: false,
            measured: "2026-01-31 23:59".into(),
            quick: true,
            rounds: 3,
            slice_seconds: 1,
            rows: vec![
                row("axum", [100.0, 100.0, 100.0]),
                row("hyperlane", [200.0, 201.0, 202.0]),
                row("other", [99.0, 100.0, 101.0]),
            ],
            omitted: vec!["Go: it <broke>".into()],
        });
        protocols
    }

    #[test]
    fn who_can_not_be_told_apart_shares_a_place() {
        let protocols = protocols();
        let places: Vec<_> = protocols.cases[0]
            .places()
            .into_iter()
            .map(|(place, row)| (place, row.name.as_str()))
            .collect();
        assert_eq!(places, [(1, "hyperlane"), (2, "axum"), (2, "other")]);
    }

    #[test]
    fn a_case_replaces_its_own_earlier_part() {
        let mut protocols = protocols();
        let again = CaseResults {
            rows: Vec::new(),
            ..protocols.cases.pop().expect("one")
        };
        protocols.put(again);
        assert_eq!(protocols.cases.len(), 1);
        assert!(protocols.cases[0].rows.is_empty());
    }
}
