//! The results as tables: what is written to `GROWTH.md`.

use super::axis::{Axis, Case, Figure};
use super::data::{AxisResults, Growth, Line};
use super::picture;
use crate::markdown::{NONE, line, row};
use crate::number::grouped;
use crate::summary::is_ours;

pub(super) fn render(growth: &Growth) -> String {
    let mut page = String::from("# How cost grows\n\n");
    line(
        &mut page,
        &format!(
            "Measured on {}. Made by `cargo xtask bench growth`; [README.md](README.md) says how to read it. Below \
             each part stands when it was measured. Figures are medians of the rounds. *Grows by* is the last value \
             divided by the first.",
            growth.machine
        ),
    );
    if growth.axes.iter().any(|axis| axis.quick) {
        line(
            &mut page,
            "**There are short slices among these (`--quick`): they show that everything works, not what it costs.**",
        );
    }
    for results in &growth.axes {
        if let Some(axis) = results.axis() {
            render_axis(&mut page, results, axis);
        }
    }
    page
}

fn render_axis(page: &mut String, results: &AxisResults, axis: Axis) {
    line(page, &format!("## {}", axis.unit()));
    line(page, &results.description);
    line(page, &format!("![cost by {}]({})", axis.unit(), picture::name(axis)));
    for case in axis.cases() {
        for figure in axis.figures() {
            render_figure(page, results, axis, *case, *figure);
        }
    }
    line(
        page,
        &format!(
            "{} of {} s for each point; measured on {} UTC.",
            counted(results.rounds),
            results.slice_seconds,
            results.measured
        ),
    );
    if !results.omitted.is_empty() {
        line(page, "Left out:");
        for reason in &results.omitted {
            page.push_str(&format!("- {}\n", reason.replace('<', "&lt;")));
        }
        page.push('\n');
    }
}

fn render_figure(page: &mut String, results: &AxisResults, axis: Axis, case: Case, figure: Figure) {
    let lines = results.lines_with(case, figure);
    if lines.is_empty() {
        return;
    }
    let title = case.title().map(|title| format!("{title}: ")).unwrap_or_default();
    let heads = axis.values().into_iter().map(|value| axis.label(value));
    let heads = [format!("{title}{}", figure.title())].into_iter().chain(heads);
    row(page, heads.chain(["grows by".to_owned()]));
    row(
        page,
        (0..axis.values().len() + 2).map(|number| if number == 0 { "---" } else { "--:" }.to_owned()),
    );
    for server in lines {
        let name = &server.server;
        let name = if is_ours(name) {
            format!("**{name}** {}", server.version)
        } else {
            format!("{name} {}", server.version)
        };
        let cells = axis.values().into_iter().map(|value| {
            let point = server.points.iter().find(|point| point.value == value);
            let figure_at = point.and_then(|point| point.figure(figure));
            figure_at.map_or_else(|| NONE.to_owned(), |value| grouped(value, figure.digits()))
        });
        let grows = growth_of(server, figure);
        let grows = grows.map_or_else(|| NONE.to_owned(), |factor| format!("× {}", grouped(factor, 2)));
        row(page, [name].into_iter().chain(cells).chain([grows]));
    }
    page.push('\n');
}

/// `1 round`, `3 rounds`.
fn counted(rounds: u32) -> String {
    let plural = if rounds == 1 { "" } else { "s" };
    format!("{rounds} round{plural}")
}

/// The last value divided by the first.
fn growth_of(line: &Line, figure: Figure) -> Option<f64> {
    let mut values = line.points.iter().filter_map(|point| point.figure(figure));
    let first = values.next()?;
    let last = values.next_back()?;
    (first > 0.0).then_some(last / first)
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::growth;
    use super::*;

    #[test]
    fn tells_by_how_much_each_server_s_cost_grows() {
        let page = render(&growth());
        assert!(
            page.contains("| **hyperlane** 1.0 | 10.00 | 11.00 | 12.00 | – | × 1.20 |"),
            "{page}"
        );
        assert!(
            page.contains("| axum 1.0 | 10.00 | 100.00 | 1,000.00 | – | × 100.00 |"),
            "{page}"
        );
        assert!(page.contains("](growth-connections.svg)"), "{page}");
        assert!(page.contains("- raw tokio: it &lt;broke>"), "{page}");
        assert!(page.contains("(`--quick`)"), "{page}");
    }
}
