//! The article's workload as a picture: what is written to `results.svg`.
//!
//! A bar is the median of the ratios to raw tokio; the line over it goes from the least to the greatest.

use std::fmt::Write;

use crate::report::{Results, Row};
use crate::statistics::Spread;
use crate::workload::Workload;

const WIDTH: f64 = 800.0;
/// For the names, on the left.
const NAMES: f64 = 190.0;
/// For the figures, on the right.
const FIGURES: f64 = 150.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 24.0;
const ROW: f64 = 28.0;
const BAR: f64 = 18.0;

/// `None` if the workload was not measured.
pub(crate) fn render(results: &Results) -> Option<String> {
    let article = results
        .workloads
        .iter()
        .find(|workload| workload.workload == Workload::KeepAlive)?;
    let rows: Vec<(&Row, Spread)> = article.rows.iter().filter_map(|row| Some((row, row.ratio?))).collect();
    let greatest = rows.iter().map(|(_, ratio)| ratio.max).fold(1.0, f64::max);
    let scale = (WIDTH - NAMES - FIGURES) / greatest;
    let height = TOP + ROW * rows.len() as f64 + BOTTOM;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\" role=\"img\">\n\
         <title>Requests a second compared with raw tokio</title>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    text(
        &mut picture,
        16.0,
        26.0,
        "font-size=\"16\" font-weight=\"bold\" fill=\"#1c2128\"",
        "Requests a second, × raw tokio",
    );
    let subtitle = format!("{}; {}; {}", results.workload, results.machine, results.date);
    text(&mut picture, 16.0, 46.0, "font-size=\"11\" fill=\"#57606a\"", &subtitle);
    for (number, (row, ratio)) in rows.iter().enumerate() {
        bar(&mut picture, TOP + ROW * number as f64, scale, row, *ratio);
    }
    let (one, end) = (NAMES + scale, height - BOTTOM);
    element(
        &mut picture,
        format_args!(
            "<line x1=\"{one:.1}\" y1=\"{TOP}\" x2=\"{one:.1}\" y2=\"{end:.1}\" stroke=\"#8c959f\" \
             stroke-dasharray=\"4 3\"/>"
        ),
    );
    picture.push_str("</svg>\n");
    Some(picture)
}

fn bar(picture: &mut String, y: f64, scale: f64, row: &Row, ratio: Spread) {
    let ours = row.name == "hyperlane" || row.name.starts_with("hyperlane, ") && !row.name.ends_with("published");
    let color = if ours { "#0969da" } else { "#a8b3bf" };
    let middle = y + BAR / 2.0;
    let baseline = middle + 4.5;
    text(
        picture,
        NAMES - 10.0,
        baseline,
        "text-anchor=\"end\" fill=\"#1c2128\"",
        row.name,
    );
    let width = ratio.median * scale;
    element(
        picture,
        format_args!(
            "<rect x=\"{NAMES}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"{color}\"/>"
        ),
    );
    let (least, most) = (NAMES + ratio.min * scale, NAMES + ratio.max * scale);
    element(
        picture,
        format_args!(
            "<line x1=\"{least:.1}\" y1=\"{middle:.1}\" x2=\"{most:.1}\" y2=\"{middle:.1}\" stroke=\"#1c2128\" \
             stroke-width=\"1.5\"/>"
        ),
    );
    let requests = row.requests_per_second.map_or(0.0, |spread| spread.median);
    let figures = format!("{:.3} ({requests:.0}/s)", ratio.median);
    text(picture, WIDTH - FIGURES + 12.0, baseline, "fill=\"#1c2128\"", &figures);
}

fn text(picture: &mut String, x: f64, y: f64, attributes: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    element(
        picture,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>"),
    );
}

fn element(picture: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    writeln!(picture, "{element}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::results;

    #[test]
    fn draws_a_bar_for_each_measured_server() {
        let picture = render(&results()).expect("measured");
        assert_eq!(picture.matches("rx=\"2\"").count(), 2);
        assert!(picture.contains(">hyper</text>") && picture.contains("0.800 (600/s)"));
        assert!(!picture.contains("Node.js"));
    }

    #[test]
    fn is_left_out_without_the_article_s_workload() {
        let mut results = results();
        results.workloads.clear();
        assert_eq!(render(&results), None);
    }
}
