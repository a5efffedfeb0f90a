//! The results as bars: `protocols.svg`, a panel for each case.

use super::BASE;
use super::data::{CaseResults, Protocols};
use crate::number::grouped;
use crate::svg::Picture;

const PANEL: f64 = 410.0;
const MARGIN: f64 = 16.0;
const HEADING: f64 = 62.0;
const TITLE: f64 = 26.0;
const ROW: f64 = 18.0;
const BELOW: f64 = 22.0;
/// For the names on the left and the figures on the right.
const NAMES: f64 = 130.0;
const FIGURES: f64 = 120.0;

pub(super) fn render(protocols: &Protocols) -> String {
    let panels: Vec<_> = protocols.cases.iter().filter(|case| !case.rows.is_empty()).collect();
    let heights: Vec<f64> = panels
        .chunks(2)
        .map(|pair| pair.iter().map(|case| height(case)).fold(0.0, f64::max))
        .collect();
    let width = 2.0 * PANEL + 3.0 * MARGIN;
    let title = "HTTP/2, TLS and WebSocket";
    let mut picture = Picture::new(width, HEADING + heights.iter().sum::<f64>() + MARGIN, title);
    picture.text(
        MARGIN,
        26.0,
        "class=\"ink\" font-size=\"16\" font-weight=\"bold\"",
        title,
    );
    let subtitle = format!("figure, and its ratio to {BASE}; {}", protocols.machine);
    picture.text(MARGIN, 45.0, "class=\"dim\" font-size=\"11\"", &subtitle);
    let mut top = HEADING;
    for (pair, height) in panels.chunks(2).zip(heights) {
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
    let less = if case.prefers_less { ", less is better" } else { "" };
    let title = format!("{}: {}{less}", case.title, case.unit);
    picture.text(
        left,
        top + 14.0,
        "class=\"ink\" font-size=\"12\" font-weight=\"bold\"",
        &title,
    );
    let greatest = case.rows.iter().map(|row| row.figure.median).fold(1.0, f64::max);
    let space = PANEL - NAMES - FIGURES;
    for (number, (_, row)) in case.places().into_iter().enumerate() {
        let y = top + TITLE + ROW * number as f64;
        let base = y + ROW - 6.0;
        picture.text(left, base, "class=\"ink\" font-size=\"11\"", &row.name);
        let class = if row.ours { "class=\"ours\"" } else { "class=\"peer\"" };
        let length = (space * row.figure.median / greatest).max(1.0);
        picture.rect((left + NAMES, y + 2.0), length, ROW - 5.0, class);
        let ratio = row
            .ratio
            .map_or_else(String::new, |ratio| format!(" · {:.2} ×", ratio.median));
        let figure = format!("{}{ratio}", grouped(row.figure.median, 0));
        picture.text(
            left + NAMES + length + 6.0,
            base,
            "class=\"ink\" font-size=\"11\"",
            &figure,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::protocols;
    use super::*;

    #[test]
    fn each_server_has_a_bar() {
        let picture = render(&protocols());
        assert_eq!(picture.matches("class=\"ours\"").count(), 1);
        assert_eq!(picture.matches("class=\"peer\"").count(), 2);
        assert!(picture.contains("WebSocket echo: messages/s"));
    }
}
