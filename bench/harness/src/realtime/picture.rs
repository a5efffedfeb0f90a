//! The results as a picture: `realtime.svg`, memory and time by the number of connections, from nothing on in both
//! directions, so that what is proportional is a straight line.

use super::data::{Point, Realtime};
use crate::number::grouped;
use crate::svg::Picture;

const PANEL: (f64, f64) = (410.0, 280.0);
const MARGIN: f64 = 16.0;
const HEADING: f64 = 56.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 46.0;
/// Lines across a panel, about.
const MARKS: f64 = 5.0;

/// A figure, its name in the legend, and its class.
type Series = (fn(&Point) -> f64, &'static str, &'static str);

const MEMORY: [Series; 2] = [
    (
        |point| point.user_bytes * point.connections as f64 / MIB,
        "servers",
        "s0",
    ),
    (
        |point| point.machine_bytes * point.connections as f64 / MIB,
        "whole machine, both ends",
        "s3",
    ),
];
const TIME: [Series; 2] = [
    (|point| point.broadcast_milliseconds, "one message", "s0"),
    (|point| point.ten_milliseconds, "ten in a row", "s1"),
];
const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn render(realtime: &Realtime) -> String {
    let width = MARGIN + 2.0 * (PANEL.0 + MARGIN);
    let title = "Very many WebSockets: hyperlane";
    let mut picture = Picture::new(width, HEADING + PANEL.1, title);
    picture.text(
        MARGIN,
        26.0,
        "class=\"ink\" font-size=\"16\" font-weight=\"bold\"",
        title,
    );
    picture.text(MARGIN, 44.0, "class=\"dim\" font-size=\"11\"", &realtime.machine);
    panel(&mut picture, MARGIN, "memory, MiB", &MEMORY, &realtime.points);
    let right = MARGIN + PANEL.0 + MARGIN;
    let title = "ms until the last one has it";
    panel(&mut picture, right, title, &TIME, &realtime.points);
    picture.finish()
}

fn panel(picture: &mut Picture, corner: f64, title: &str, series: &[Series], points: &[Point]) {
    let (left, top) = (corner + LEFT, HEADING + TOP);
    let (right, bottom) = (corner + PANEL.0 - RIGHT, HEADING + PANEL.1 - BOTTOM);
    let title_style = "class=\"ink\" font-size=\"12\" font-weight=\"bold\"";
    picture.text(corner, HEADING + 16.0, title_style, title);
    let mut legend = left;
    for (_, name, class) in series {
        picture.circle((legend + 5.0, HEADING + 32.0), 4.5, &format!("class=\"{class}\""));
        picture.text(legend + 15.0, HEADING + 36.0, "class=\"ink\" font-size=\"11\"", name);
        legend += 40.0 + 6.5 * name.len() as f64;
    }
    let most = points.iter().map(|point| point.connections as f64).fold(1.0, f64::max);
    let values = points
        .iter()
        .flat_map(|point| series.iter().map(|(figure, ..)| figure(point)));
    let greatest = values.fold(1.0, f64::max);
    let (across, upwards) = (step(most), step(greatest));
    let (most, greatest) = ((most / across).ceil() * across, (greatest / upwards).ceil() * upwards);
    let x = |value: f64| left + (right - left) * value / most;
    let y = |value: f64| bottom - (bottom - top) * value / greatest;
    for mark in marks(upwards, greatest) {
        picture.line((left, y(mark)), (right, y(mark)), "class=\"grid\"");
        let style = "class=\"dim\" font-size=\"11\" text-anchor=\"end\"";
        picture.text(left - 6.0, y(mark) + 4.0, style, &grouped(mark, 0));
    }
    let style = "class=\"dim\" font-size=\"11\" text-anchor=\"middle\"";
    for mark in marks(across, most) {
        picture.line((x(mark), bottom), (x(mark), bottom + 4.0), "class=\"axis\"");
        picture.text(x(mark), bottom + 17.0, style, &grouped(mark, 0));
    }
    picture.text(f64::midpoint(left, right), bottom + 33.0, style, "connections");
    picture.line((left, bottom), (right, bottom), "class=\"axis\"");
    for (figure, _, class) in series.iter().rev() {
        let places: Vec<_> = points
            .iter()
            .map(|point| (x(point.connections as f64), y(figure(point))))
            .collect();
        picture.path(&places, &format!("class=\"{class} line\" stroke-width=\"2\""));
        for place in places {
            picture.circle(place, 2.8, &format!("class=\"{class}\""));
        }
    }
}

/// A round number of which a value has about five.
fn step(greatest: f64) -> f64 {
    let power = 10_f64.powf((greatest / MARKS).max(1.0).log10().floor());
    match greatest / MARKS / power {
        ..1.5 => power,
        1.5..3.5 => power * 2.0,
        3.5..7.5 => power * 5.0,
        _ => power * 10.0,
    }
}

fn marks(step: f64, most: f64) -> impl Iterator<Item = f64> {
    let count = (most / step).round() as u32;
    (0..=count).map(move |number| f64::from(number) * step)
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::realtime;
    use super::*;

    #[test]
    fn draws_two_lines_in_each_panel() {
        let picture = render(&realtime());
        assert_eq!(picture.matches("<polyline").count(), 4);
        assert!(
            picture.contains(">10,000<") && picture.contains("ten in a row"),
            "{picture}"
        );
    }

    #[test]
    fn marks_are_round_numbers() {
        assert_eq!((step(100_000.0), step(7.0), step(420.0)), (20_000.0, 1.0, 100.0));
        assert_eq!(marks(2.0, 6.0).collect::<Vec<_>>(), [0.0, 2.0, 4.0, 6.0]);
    }
}
