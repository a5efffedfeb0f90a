//! The results as data: what `growth.json` holds.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::axis::{Axis, Case, Figure};
use crate::machine;
use crate::statistics::Spread;

/// The version of this form. A field is only ever added to a version.
const SCHEMA: u32 = 1;

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Growth {
    schema: u32,
    pub(super) machine: String,
    pub(super) axes: Vec<AxisResults>,
}

/// One axis, measured in one go.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct AxisResults {
    pub(super) name: String,
    pub(super) description: String,
    /// When it was over, in UTC.
    pub(super) measured: String,
    /// Short slices, which are no comparison.
    pub(super) quick: bool,
    pub(super) rounds: u32,
    pub(super) slice_seconds: u64,
    pub(super) lines: Vec<Line>,
    /// What could not be measured, and why.
    pub(super) omitted: Vec<String>,
}

/// One server with one kind of request.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Line {
    pub(super) server: String,
    pub(super) version: String,
    pub(super) case: String,
    pub(super) points: Vec<Point>,
}

/// One value of the axis. Times are in microseconds, sizes in bytes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(super) struct Point {
    pub(super) value: u64,
    /// CPU time of the server for one request, user and system.
    pub(super) cpu: Option<Spread>,
    /// The server's own, counted by callgrind.
    pub(super) instructions: Option<f64>,
    pub(super) requests_per_second: Option<Spread>,
    pub(super) bytes_per_second: Option<Spread>,
    pub(super) peak_memory: Option<Spread>,
}

impl Growth {
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
                axes: Vec::new(),
            })
    }

    /// Puts an axis in the place of what was measured of it before.
    pub(super) fn put(&mut self, measured: AxisResults) {
        self.axes.retain(|axis| axis.name != measured.name);
        self.axes.push(measured);
        let place = |results: &AxisResults| Axis::ALL.iter().position(|axis| axis.name() == results.name);
        self.axes.sort_by_key(place);
    }
}

impl AxisResults {
    /// `None` for one that this program does not know any more.
    pub(super) fn axis(&self) -> Option<Axis> {
        Axis::by_name(&self.name)
    }

    /// What is asked for, with those of its lines that have this figure.
    pub(super) fn lines_with(&self, case: Case, figure: Figure) -> Vec<&Line> {
        let lines = self.lines.iter().filter(|line| line.case == case.name());
        lines
            .filter(|line| line.points.iter().any(|point| point.figure(figure).is_some()))
            .collect()
    }
}

impl Point {
    /// The median, in the unit of the figure's title.
    pub(super) fn figure(&self, figure: Figure) -> Option<f64> {
        const MIB: f64 = 1024.0 * 1024.0;
        let median = |spread: Option<Spread>| spread.map(|spread| spread.median);
        match figure {
            Figure::Cpu => median(self.cpu),
            Figure::Instructions => self.instructions,
            Figure::Requests => median(self.requests_per_second),
            Figure::Mebibytes => median(self.bytes_per_second).map(|bytes| bytes / MIB),
            Figure::PeakMemory => median(self.peak_memory).map(|bytes| bytes / MIB),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn line(server: &str, case: Case, cpu: [f64; 3]) -> Line {
        let points = [10_u64, 100, 1_000].into_iter().zip(cpu).map(|(value, cpu)| Point {
            value,
            cpu: Spread::of([cpu]),
            ..Point::default()
        });
        Line {
            server: server.into(),
            version: "1.0".into(),
            case: case.name().into(),
            points: points.collect(),
        }
    }

    pub(in crate::growth) fn growth() -> Growth {
        let mut growth = Growth::open(Path::new("no such file"));
        growth.put(AxisResults {
            name: "connections".into(),
            description: "Open <connections>.".into(),
            measured: "2026-01-31 23:59".into(),
            quick: true,
            rounds: 1,
            slice_seconds: 1,
            lines: vec![
                line("hyperlane", Case::Hello, [10.0, 11.0, 12.0]),
                line("axum", Case::Hello, [10.0, 100.0, 1000.0]),
            ],
            omitted: vec!["raw tokio: it <broke>".into()],
        });
        growth
    }

    #[test]
    fn an_axis_replaces_its_own_earlier_part() {
        let mut growth = growth();
        let again = AxisResults {
            lines: Vec::new(),
            ..growth.axes.pop().expect("one")
        };
        growth.put(again);
        assert_eq!(growth.axes.len(), 1);
        assert!(growth.axes[0].lines.is_empty());
    }

    #[test]
    fn figures_are_in_the_units_of_their_titles() {
        let point = Point {
            cpu: Spread::of([2.0]),
            peak_memory: Spread::of([3.0 * 1024.0 * 1024.0]),
            ..Point::default()
        };
        assert_eq!(point.figure(Figure::Cpu), Some(2.0));
        assert_eq!(point.figure(Figure::PeakMemory), Some(3.0));
        assert_eq!(point.figure(Figure::Instructions), None);
    }
}
