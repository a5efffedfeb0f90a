//! How cost grows, read from the file that the benchmark's `growth` writes beside the other results.
//!
//! One chart for each thing that grows and each kind of request, with the first figure that was measured of it. A file
//! that is missing or broken gives no charts: nothing is shown that nobody measured.

use std::{fs::File, io::Read, path::Path};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The only layout of the file that is understood.
const SCHEMA: u64 = 1;

/// A file of figures; what is larger is something else.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

const MIB: f64 = 1024.0 * 1024.0;

/// One chart: what grows, and what is counted meanwhile.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GrowthChart {
    /// What grows, and the kind of request.
    pub title: String,
    /// What was done.
    pub description: String,
    /// What is counted.
    pub unit: String,
    /// When, in UTC.
    pub measured: String,
    /// Measured in short slices, which are no comparison.
    pub quick: bool,
    /// One line for each server.
    pub lines: Vec<GrowthLine>,
}

/// The figures of one server.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GrowthLine {
    /// The server's name.
    pub server: String,
    /// In the order of growth.
    pub points: Vec<GrowthPoint>,
}

/// One figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct GrowthPoint {
    /// How much there is of what grows.
    pub value: u64,
    /// What was counted then.
    pub figure: f64,
}

/// Reads the charts of a file; none if it is missing or can't be used.
#[must_use]
pub fn read_blocking(path: &Path) -> Vec<GrowthChart> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => parse(&bytes),
        Err(_) => Vec::new(),
    }
}

fn parse(bytes: &[u8]) -> Vec<GrowthChart> {
    let growth: Growth = match serde_json::from_slice(bytes) {
        Ok(growth) => growth,
        Err(error) => {
            tracing::warn!(%error, "the benchmark's file of growth can't be used");
            return Vec::new();
        }
    };
    if growth.schema != SCHEMA {
        return Vec::new();
    }
    growth.axes.iter().flat_map(Axis::charts).collect()
}

#[derive(Deserialize)]
struct Growth {
    schema: u64,
    axes: Vec<Axis>,
}

#[derive(Deserialize)]
struct Axis {
    name: String,
    description: String,
    measured: String,
    quick: bool,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    server: String,
    case: String,
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    value: u64,
    cpu: Option<Spread>,
    instructions: Option<f64>,
    requests_per_second: Option<Spread>,
    bytes_per_second: Option<Spread>,
}

#[derive(Deserialize)]
struct Spread {
    median: f64,
}

/// A figure of a point, and its unit.
type Figure = (&'static str, fn(&Point) -> Option<f64>);

/// The first that was measured is shown.
const FIGURES: [Figure; 4] = [
    ("µs of CPU for a request", |point| {
        point.cpu.as_ref().map(|spread| spread.median)
    }),
    ("instructions for a request", |point| point.instructions),
    ("MiB a second", |point| {
        point.bytes_per_second.as_ref().map(|spread| spread.median / MIB)
    }),
    ("requests a second", |point| {
        point.requests_per_second.as_ref().map(|spread| spread.median)
    }),
];

impl Axis {
    fn charts(&self) -> Vec<GrowthChart> {
        let mut cases: Vec<&str> = Vec::new();
        for line in &self.lines {
            if !cases.contains(&line.case.as_str()) {
                cases.push(&line.case);
            }
        }
        cases.into_iter().filter_map(|case| self.chart(case)).collect()
    }

    fn chart(&self, case: &str) -> Option<GrowthChart> {
        let lines = || self.lines.iter().filter(|line| line.case == case);
        let measured =
            |(_, figure): &&Figure| lines().any(|line| line.points.iter().any(|point| figure(point).is_some()));
        let (unit, figure) = FIGURES.iter().find(measured)?;
        let lines = lines().map(|line| GrowthLine {
            server: line.server.clone(),
            points: line.figures(*figure),
        });
        Some(GrowthChart {
            title: format!("{}{}", grows(&self.name), of_case(case)),
            description: self.description.clone(),
            unit: (*unit).to_owned(),
            measured: self.measured.clone(),
            quick: self.quick,
            lines: lines.filter(|line| !line.points.is_empty()).collect(),
        })
    }
}

impl Line {
    fn figures(&self, figure: fn(&Point) -> Option<f64>) -> Vec<GrowthPoint> {
        let points = self.points.iter().filter_map(|point| {
            let figure = figure(point).filter(|figure| figure.is_finite())?;
            Some(GrowthPoint {
                value: point.value,
                figure,
            })
        });
        let mut points: Vec<_> = points.collect();
        points.sort_by_key(|point| point.value);
        points
    }
}

fn grows(axis: &str) -> String {
    match axis {
        "body" => "Longer bodies".to_owned(),
        other => format!("More {other}"),
    }
}

fn of_case(case: &str) -> &'static str {
    match case {
        "first" => ", the first asked for",
        "last" => ", the last asked for",
        "missing" => ", none of them asked for",
        "upload" => ", sent",
        "download" => ", received",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_request_has_a_chart_of_what_was_measured() {
        let charts = parse(
            br#"{"schema":1,"machine":"m","axes":[
                {"name":"routes","description":"d","measured":"2026-01-31 23:59","quick":false,"rounds":3,"lines":[
                    {"server":"hyperlane","case":"first","points":[
                        {"value":100,"cpu":{"median":3.5}},{"value":10,"cpu":{"median":3.25}},{"value":1}]},
                    {"server":"axum","case":"last","points":[{"value":10,"instructions":1000.0}]}]},
                {"name":"body","description":"d","measured":"","quick":true,"lines":[
                    {"server":"a","case":"upload","points":[{"value":1,"bytes_per_second":{"median":2097152.0}}]},
                    {"server":"b","case":"upload","points":[]},
                    {"server":"a","case":"download","points":[]}]}]}"#,
        );
        let titles: Vec<_> = charts
            .iter()
            .map(|chart| (chart.title.as_str(), chart.unit.as_str()))
            .collect();
        assert_eq!(
            titles,
            [
                ("More routes, the first asked for", "µs of CPU for a request"),
                ("More routes, the last asked for", "instructions for a request"),
                ("Longer bodies, sent", "MiB a second"),
            ]
        );
        let figures: Vec<_> = charts[0].lines[0]
            .points
            .iter()
            .map(|point| (point.value, point.figure))
            .collect();
        assert_eq!(figures, [(10, 3.25), (100, 3.5)]);
        assert_eq!((charts[2].lines.len(), charts[2].lines[0].points[0].figure), (1, 2.0));
    }

    #[test]
    fn what_is_missing_or_broken_has_no_charts() {
        for text in ["", "{", r#"{"schema":2,"axes":[]}"#, r#"{"schema":1,"axes":[]}"#] {
            assert_eq!(parse(text.as_bytes()), [], "{text}");
        }
        assert_eq!(read_blocking(Path::new("no such file")), []);
    }
}
