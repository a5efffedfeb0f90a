//! The results as bars: a picture for each scenario, a panel for each case.

use super::case::Scenario;
use super::data::{CaseResults, Scenarios};
use crate::number::grouped;
use crate::svg::Picture;

const PANEL: f64 = 430.0;
const MARGIN: f64 = 16.0;
const HEADING: f64 = 62.0;
const TITLE: f64 = 40.0;
const ROW: f64 = 20.0;
const BELOW: f64 = 20.0;
/// For the names on the left and the figures on the right.
const NAMES: f64 = 160.0;
const FIGURES: f64 = 120.0;

/// With the names of their files.
pub(super) fn render(scenarios: &Scenarios) -> Vec<(String, String)> {
    let measured = Scenario::ALL.into_iter().filter_map(|scenario| {
        let cases: Vec<_> = scenarios.of(scenario).filter(|case| !case.rows.is_empty()).collect();
        let picture = (!cases.is_empty()).then(|| draw(scenario, &cases, &scenarios.machine))?;
        Some((format!("scenarios-{}.svg", scenario.name()), picture))
    });
    measured.collect()
}

fn draw(scenario: Scenario, cases: &[&CaseResults], machine: &str) -> String {
    let heights: Vec<f64> = cases
        .chunks(2)
        .map(|pair| pair.iter().map(|case| height(case)).fold(0.0, f64::max))
        .collect();
    let columns = cases.len().min(2) as f64;
    let width = (columns * (PANEL + MARGIN) + MARGIN).max(PANEL * 1.5);
    let mut picture = Picture::new(width, HEADING + heights.iter().sum::<f64>() + MARGIN, scenario.title());
    picture.text(
        MARGIN,
        26.0,
        "class=\"ink\" font-size=\"16\" font-weight=\"bold\"",
        scenario.title(),
    );
    let subtitle = format!("the article: {}; here: {machine}", scenario.claim());
    picture.text(MARGIN, 45.0, "class=\"dim\" font-size=\"11\"", &subtitle);
    let mut top = HEADING;
    for (pair, height) in cases.chunks(2).zip(heights) {
        for (column, case) in pair.iter().enumerate() {
            panel(&mut picture, (MARGIN + column as f64 * (PANEL + MARGIN), top), case);
        }
        top += height;
    }
    picture.finish()
}

fn height(case: &CaseResults) -> f64 {
    TITLE + ROW * case.rows.len() as f64 + BELOW
}

fn panel(picture: &mut Picture, (left, top): (f64, f64), case: &CaseResults) {
    picture.text(
        left,
        top + 14.0,
        "class=\"ink\" font-size=\"12\" font-weight=\"bold\"",
        &case.title,
    );
    let less = if case.prefers_less { "less" } else { "more" };
    let unit = format!("{}, {less} is better", case.unit);
    picture.text(left, top + 29.0, "class=\"dim\" font-size=\"11\"", &unit);
    let greatest = case
        .rows
        .iter()
        .map(|row| row.figure.max)
        .fold(f64::MIN_POSITIVE, f64::max);
    let space = PANEL - NAMES - FIGURES;
    for (number, row) in case.rows.iter().enumerate() {
        let y = top + TITLE + ROW * number as f64;
        let base = y + ROW - 7.0;
        picture.text(left, base, "class=\"ink\" font-size=\"11\"", &row.name);
        let class = if row.ours { "class=\"ours\"" } else { "class=\"peer\"" };
        let at = |figure: f64| left + NAMES + space * figure / greatest;
        let length = (at(row.figure.median) - left - NAMES).max(1.0);
        picture.rect((left + NAMES, y + 2.0), length, ROW - 6.0, class);
        let middle = y + ROW / 2.0 - 1.0;
        picture.line(
            (at(row.figure.min), middle),
            (at(row.figure.max), middle),
            "class=\"range\" stroke-width=\"1\"",
        );
        let ratio = row.ratio.filter(|_| !row.base);
        let ratio = ratio.map_or_else(String::new, |ratio| format!(" · {:.2} ×", ratio.median));
        let digits = usize::from(row.figure.median < 100.0);
        let figure = format!("{}{ratio}", grouped(row.figure.median, digits));
        picture.text(
            at(row.figure.max).max(left + NAMES + length) + 6.0,
            base,
            "class=\"ink\" font-size=\"11\"",
            &figure,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::scenarios;
    use super::*;

    #[test]
    fn each_scenario_that_was_measured_has_a_picture_with_a_bar_for_each_row() {
        let pictures = render(&scenarios());
        let names: Vec<_> = pictures.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["scenarios-aggregation.svg", "scenarios-batch.svg"]);
        for (_, picture) in &pictures {
            assert_eq!(
                (
                    picture.matches("class=\"ours\"").count(),
                    picture.matches("class=\"peer\"").count()
                ),
                (1, 1)
            );
        }
        assert!(pictures[0].1.contains("ms (p50), less is better") && pictures[0].1.contains("300 · 0.50 ×"));
    }
}
