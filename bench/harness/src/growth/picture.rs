//! The results as line charts: `growth-AXIS.svg`, a panel for each case and figure.
//!
//! The values of the axis stand at even distances, and most are about tenfold from one to the next: a cost that is
//! proportional to what grows shows as a bend upwards, and one that is not as a flat line.

use super::axis::{Axis, Case, Figure};
use super::data::{AxisResults, Growth, Line};
use crate::number::grouped;
use crate::svg::Picture;

const PANEL: (f64, f64) = (410.0, 270.0);
const MARGIN: f64 = 16.0;
const HEADING: f64 = 84.0;
/// Around the lines of a panel, for its title and labels.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;
/// Beyond this factor between the least and the greatest the axis upwards is logarithmic.
const LOGARITHMIC: f64 = 20.0;
const SERVERS: [&str; 4] = ["hyperlane", "axum", "actix-web", "raw tokio"];

/// The picture's file.
pub(super) fn name(axis: Axis) -> String {
    format!("growth-{}.svg", axis.name())
}

/// A picture for each axis, with its name.
pub(super) fn render(growth: &Growth) -> Vec<(String, String)> {
    let axes = growth
        .axes
        .iter()
        .filter_map(|results| Some((results, results.axis()?)));
    axes.map(|(results, axis)| (name(axis), render_axis(growth, results, axis)))
        .collect()
}

fn render_axis(growth: &Growth, results: &AxisResults, axis: Axis) -> String {
    let panels: Vec<_> = axis
        .cases()
        .iter()
        .flat_map(|case| axis.figures().iter().map(move |figure| (*case, *figure)))
        .map(|(case, figure)| (case, figure, results.lines_with(case, figure)))
        .filter(|(_, _, lines)| !lines.is_empty())
        .collect();
    let columns = panels.len().clamp(1, 2);
    let rows = panels.len().div_ceil(columns);
    let width = MARGIN + columns as f64 * (PANEL.0 + MARGIN);
    let height = HEADING + rows as f64 * PANEL.1;
    let title = format!("How cost grows: {}", axis.unit());
    let mut picture = Picture::new(width, height, &title);
    picture.text(
        MARGIN,
        26.0,
        "class=\"ink\" font-size=\"16\" font-weight=\"bold\"",
        &title,
    );
    picture.text(MARGIN, 44.0, "class=\"dim\" font-size=\"11\"", &growth.machine);
    legend(&mut picture, results);
    for (number, (case, figure, lines)) in panels.iter().enumerate() {
        let left = MARGIN + (number % columns) as f64 * (PANEL.0 + MARGIN);
        let top = HEADING + (number / columns) as f64 * PANEL.1;
        panel(&mut picture, (left, top), axis, (*case, *figure), lines);
    }
    picture.finish()
}

fn legend(picture: &mut Picture, results: &AxisResults) {
    let mut x = MARGIN;
    for (number, server) in SERVERS.iter().enumerate() {
        if !results.lines.iter().any(|line| line.server == *server) {
            continue;
        }
        picture.circle((x + 5.0, 62.0), 4.5, &format!("class=\"s{number}\""));
        picture.text(x + 15.0, 66.5, "class=\"ink\" font-size=\"12\"", server);
        x += 40.0 + 7.5 * server.len() as f64;
    }
}

fn panel(picture: &mut Picture, corner: (f64, f64), axis: Axis, (case, figure): (Case, Figure), lines: &[&Line]) {
    let (left, top) = (corner.0 + LEFT, corner.1 + TOP);
    let (right, bottom) = (corner.0 + PANEL.0 - RIGHT, corner.1 + PANEL.1 - BOTTOM);
    let title = case.title().map(|title| format!("{title}: ")).unwrap_or_default();
    let values = axis.values();
    let all = lines.iter().flat_map(|line| &line.points);
    let scale = Scale::new(all.filter_map(|point| point.figure(figure)));
    let logarithmic = if scale.logarithmic { " (logarithmic)" } else { "" };
    picture.text(
        corner.0,
        corner.1 + 16.0,
        "class=\"ink\" font-size=\"12\" font-weight=\"bold\"",
        &format!("{title}{}{logarithmic}", figure.title()),
    );
    let y = |value: f64| bottom - (bottom - top) * scale.share(value);
    for mark in scale.marks() {
        picture.line((left, y(mark)), (right, y(mark)), "class=\"grid\"");
        let label = grouped(mark, scale.digits());
        picture.text(
            left - 6.0,
            y(mark) + 4.0,
            "class=\"dim\" font-size=\"11\" text-anchor=\"end\"",
            &label,
        );
    }
    let step = (right - left - 30.0) / values.len().saturating_sub(1).max(1) as f64;
    let x = |place: usize| left + 15.0 + step * place as f64;
    for (place, value) in values.iter().enumerate() {
        picture.line((x(place), bottom), (x(place), bottom + 4.0), "class=\"axis\"");
        picture.text(
            x(place),
            bottom + 17.0,
            "class=\"dim\" font-size=\"11\" text-anchor=\"middle\"",
            &axis.label(*value),
        );
    }
    picture.text(
        f64::midpoint(left, right),
        bottom + 33.0,
        "class=\"dim\" font-size=\"11\" text-anchor=\"middle\"",
        axis.unit(),
    );
    picture.line((left, bottom), (right, bottom), "class=\"axis\"");
    // Ours is drawn last, over the others.
    for (number, server) in SERVERS.iter().enumerate().rev() {
        let Some(line) = lines.iter().find(|line| line.server == *server) else {
            continue;
        };
        let places = values.iter().enumerate().filter_map(|(place, value)| {
            let point = line.points.iter().find(|point| point.value == *value)?;
            Some((x(place), y(point.figure(figure)?)))
        });
        let places: Vec<_> = places.collect();
        let width = if number == 0 { 2.5 } else { 1.5 };
        picture.path(&places, &format!("class=\"s{number} line\" stroke-width=\"{width}\""));
        for place in places {
            picture.circle(place, width + 0.8, &format!("class=\"s{number}\""));
        }
    }
}

/// The axis upwards.
#[derive(Clone, Copy, Debug)]
struct Scale {
    least: f64,
    greatest: f64,
    logarithmic: bool,
}

impl Scale {
    fn new(values: impl Iterator<Item = f64>) -> Self {
        let (least, greatest) = values.fold((f64::MAX, 0.0_f64), |(least, greatest), value| {
            (least.min(value), greatest.max(value))
        });
        if least > 0.0 && greatest > least * LOGARITHMIC {
            return Self {
                least: 10_f64.powf(least.log10().floor()),
                greatest: 10_f64.powf(greatest.log10().ceil()),
                logarithmic: true,
            };
        }
        let step = step(greatest);
        Self {
            least: 0.0,
            greatest: ((greatest / step).ceil() * step).max(step),
            logarithmic: false,
        }
    }

    /// How far up a value is, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value / self.least).log10() / (self.greatest / self.least).log10()
        } else {
            value / self.greatest
        }
    }

    /// Behind the point of a mark.
    fn digits(&self) -> usize {
        let least = if self.logarithmic {
            self.least
        } else {
            step(self.greatest)
        };
        (-least.log10().floor()).clamp(0.0, 3.0) as usize
    }

    fn marks(&self) -> Vec<f64> {
        if self.logarithmic {
            let powers = std::iter::successors(Some(self.least), |mark| Some(mark * 10.0));
            return powers.take_while(|mark| *mark <= self.greatest * 1.001).collect();
        }
        let step = step(self.greatest);
        let count = (self.greatest / step).round() as u32;
        (0..=count).map(|number| step * f64::from(number)).collect()
    }
}

/// A round number that a value has four to ten of.
fn step(greatest: f64) -> f64 {
    if greatest <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(greatest.log10().floor());
    match greatest / power {
        ..2.0 => power / 5.0,
        2.0..5.0 => power / 2.0,
        _ => power,
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::growth;
    use super::*;

    #[test]
    fn draws_a_line_for_each_server() {
        let pictures = render(&growth());
        let [(name, picture)] = pictures.as_slice() else {
            panic!("one axis");
        };
        assert_eq!(name, "growth-connections.svg");
        assert_eq!(picture.matches("<polyline").count(), 2);
        assert!(picture.contains("CPU µs a request (logarithmic)"));
        assert!(!picture.contains(">raw tokio<"));
    }

    #[test]
    fn the_axis_upwards_begins_at_nothing_or_is_logarithmic() {
        let linear = Scale::new([3.0, 9.2].into_iter());
        assert_eq!(linear.digits(), 0);
        assert_eq!(Scale::new([4.2].into_iter()).digits(), 1);
        assert_eq!((linear.share(0.0), linear.share(10.0)), (0.0, 1.0));
        assert_eq!(linear.marks(), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        let logarithmic = Scale::new([3.0, 900.0].into_iter());
        assert_eq!(logarithmic.marks(), [1.0, 10.0, 100.0, 1000.0]);
        assert!((logarithmic.share(10.0) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(Scale::new([0.0].into_iter()).share(0.0), 0.0);
    }
}
