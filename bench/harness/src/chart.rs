//! The workloads as pictures: `results.svg` has the article's, `workloads.svg` all of them.
//!
//! A bar is the median of the rounds compared with raw tokio; the line over it goes from the lower to the upper
//! quartile. Where the lines of two servers overlap, they share a place.

use crate::catalog::Entry;
use crate::number::grouped;
use crate::ranking::{By, Place, places};
use crate::report::WorkloadResults;
use crate::results::Results;
use crate::svg::Picture;
use crate::workload::Workload;

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 16.0;
/// For the heading of a picture, and that of a part of it.
const HEADING: f64 = 62.0;
const BOTTOM: f64 = 20.0;

/// How a part of the picture is drawn, in pixels.
struct Layout {
    width: f64,
    /// For the names, on the left.
    names: f64,
    /// For the figures, on the right.
    figures: f64,
    row: f64,
    font: f64,
}

const LARGE: Layout = Layout {
    width: WIDTH - 2.0 * MARGIN,
    names: 180.0,
    figures: 150.0,
    row: 26.0,
    font: 13.0,
};
const SMALL: Layout = Layout {
    width: (WIDTH - 3.0 * MARGIN) / 2.0,
    names: 130.0,
    figures: 76.0,
    row: 16.0,
    font: 11.0,
};
const TITLE: f64 = 34.0;
/// Bars of costs, which may be a hundred times that of raw tokio, end here, so that the others can be told apart.
const COST_LIMIT: f64 = 6.0;

/// The article's workload; `None` if it was not measured.
pub(crate) fn render(results: &Results) -> Option<String> {
    let article = results.workload(Workload::KeepAlive)?;
    let places = places(article, By::Workload(Workload::KeepAlive));
    let height = HEADING + LARGE.row * places.len() as f64 + BOTTOM;
    let mut picture = Picture::new(WIDTH, height, "Requests a second compared with raw tokio");
    heading(
        &mut picture,
        "Requests a second, × raw tokio",
        &results.workload,
        results,
    );
    draw(&mut picture, (MARGIN, HEADING), &LARGE, &places, Workload::KeepAlive);
    Some(picture.finish())
}

/// All workloads, beside and below each other; `None` without one.
pub(crate) fn render_all(results: &Results) -> Option<String> {
    let parts: Vec<_> = results
        .workloads
        .iter()
        .filter_map(|part| Some((part, part.workload()?)))
        .map(|(part, workload)| (part, workload, places(part, By::Workload(workload))))
        .filter(|(_, _, places)| !places.is_empty())
        .collect();
    let height_of = |places: &[Place<'_>]| TITLE + SMALL.row * places.len() as f64 + BOTTOM;
    let rows: Vec<f64> = parts
        .chunks(2)
        .map(|pair| pair.iter().map(|(_, _, places)| height_of(places)).fold(0.0, f64::max))
        .collect();
    if rows.is_empty() {
        return None;
    }
    let height = HEADING + rows.iter().sum::<f64>();
    let mut picture = Picture::new(WIDTH, height, "All workloads compared with raw tokio");
    let subtitle = "place, and ratio of requests a second, or of what is named, to raw tokio";
    heading(&mut picture, "All workloads, × raw tokio", subtitle, results);
    let mut top = HEADING;
    for (pair, height) in parts.chunks(2).zip(rows) {
        for (column, (part, workload, places)) in pair.iter().enumerate() {
            let left = MARGIN + column as f64 * (SMALL.width + MARGIN);
            let title = part_title(part, *workload);
            picture.text(
                left,
                top + 16.0,
                "class=\"ink\" font-weight=\"bold\" font-size=\"12\"",
                &title,
            );
            draw(&mut picture, (left, top + TITLE - 8.0), &SMALL, places, *workload);
        }
        top += height;
    }
    Some(picture.finish())
}

fn part_title(part: &WorkloadResults, workload: Workload) -> String {
    let figure = match workload {
        Workload::Idle => ": memory for a connection, less is better",
        Workload::FixedRate => ": 99th percentile of latency, less is better",
        _ => "",
    };
    format!("{}{figure}", part.name)
}

fn heading(picture: &mut Picture, title: &str, subtitle: &str, results: &Results) {
    picture.text(
        MARGIN,
        26.0,
        "class=\"ink\" font-size=\"16\" font-weight=\"bold\"",
        title,
    );
    let subtitle = format!("{subtitle}; {}; {}", results.machine, results.date);
    picture.text(MARGIN, 45.0, "class=\"dim\" font-size=\"11\"", &subtitle);
}

fn draw(picture: &mut Picture, corner: (f64, f64), layout: &Layout, places: &[Place<'_>], workload: Workload) {
    let (left, top) = corner;
    let zero = left + layout.names;
    let space = layout.width - layout.names - layout.figures;
    let greatest = places.iter().map(|place| range(place, workload).1).fold(1.0, f64::max);
    let limit = if workload.prefers_less() { COST_LIMIT } else { f64::MAX };
    let scale = space / greatest.min(limit);
    let length = |ratio: f64| (ratio * scale).min(space);
    let font = layout.font;
    for (number, place) in places.iter().enumerate() {
        let y = top + layout.row * number as f64;
        let bar = layout.row * 0.68;
        let (middle, baseline) = (y + bar / 2.0, y + bar / 2.0 + font * 0.35);
        let entry = Entry::by_title(&place.row.name);
        let (class, weight) = match entry {
            Some(entry) if entry.is_ours() => ("ours", " font-weight=\"bold\""),
            Some(entry) if entry.is_floor() => ("floor", " font-style=\"italic\""),
            _ => ("peer", ""),
        };
        let name = format!("class=\"ink\" text-anchor=\"end\" font-size=\"{font}\"{weight}");
        picture.text(zero - 8.0, baseline, &name, &place.row.name);
        let attributes = format!("rx=\"2\" class=\"{class}\"");
        picture.rect((zero, y), length(place.ratio), bar, &attributes);
        let (lower, upper) = range(place, workload);
        picture.line(
            (zero + length(lower), middle),
            (zero + length(upper), middle),
            "class=\"range\" stroke-width=\"1.5\"",
        );
        let figures = format!("class=\"ink\" font-size=\"{font}\"{weight}");
        picture.text(
            left + layout.width - layout.figures + 8.0,
            baseline,
            &figures,
            &label(place, layout),
        );
    }
    let end = top + layout.row * places.len() as f64;
    let one = zero + scale;
    picture.line((one, top - 2.0), (one, end), "class=\"axis\" stroke-dasharray=\"4 3\"");
}

/// The quartiles, compared with raw tokio.
fn range(place: &Place<'_>, workload: Workload) -> (f64, f64) {
    place.row.figure(workload).map_or((place.ratio, place.ratio), |figure| {
        let scale = place.ratio / figure.median;
        (figure.lower * scale, figure.upper * scale)
    })
}

fn label(place: &Place<'_>, layout: &Layout) -> String {
    let shared = if place.shared { "=" } else { "" };
    let number = place
        .place
        .map_or_else(String::new, |number| format!("{number}{shared}"));
    if layout.row < LARGE.row {
        return format!("{:.2}  {number}", place.ratio);
    }
    let requests = place.row.requests_per_second.map_or(0.0, |spread| spread.median);
    let requests = grouped(requests, 0);
    format!("{:.3} ({requests}/s) {number}", place.ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn draws_a_bar_for_each_measured_server() {
        let picture = render(&results()).expect("measured");
        assert_eq!(picture.matches("rx=\"2\"").count(), 2);
        assert!(picture.contains(">hyper</text>") && picture.contains("0.800 (600/s) 1"));
        assert!(!picture.contains("Node.js"));
    }

    #[test]
    fn draws_every_workload() {
        let mut results = results();
        let mut other = results.workloads[0].clone();
        other.name = "close".into();
        results.put(other);
        let picture = render_all(&results).expect("measured");
        assert!(picture.contains(">keep-alive</text>") && picture.contains(">close</text>"));
        assert_eq!(picture.matches("rx=\"2\"").count(), 4);
    }

    #[test]
    fn is_left_out_without_the_article_s_workload() {
        let mut results = results();
        results.workloads.clear();
        assert!(render(&results).is_none() && render_all(&results).is_none());
    }
}
