//! The results as tables: what is written to `PROTOCOLS.md`.

use super::BASE;
use super::data::{CaseResults, Protocols, Row};
use crate::markdown::{NONE, line, row};
use crate::number::grouped;
use crate::statistics::Spread;

const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn render(protocols: &Protocols) -> String {
    let mut page = String::from("# HTTP/2, TLS and WebSocket\n\n");
    line(
        &mut page,
        &format!(
            "Measured on {}. Made by `cargo xtask bench protocols`; [README.md](README.md) says how to read it. Figures \
             are medians of the rounds; ratios are to {BASE} in the same round, least and greatest in brackets. Below \
             each table stands when it was measured.",
            protocols.machine
        ),
    );
    if protocols.cases.iter().any(|case| case.quick) {
        line(
            &mut page,
            "**There are short slices among these (`--quick`): they show that everything works, and compare nothing.**",
        );
    }
    line(&mut page, "![each case, compared](protocols.svg)");
    for results in &protocols.cases {
        render_case(&mut page, results);
    }
    page
}

fn render_case(page: &mut String, results: &CaseResults) {
    line(page, &format!("## {}", results.title));
    line(page, &results.description);
    let cells = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    row(
        page,
        cells(&[
            "",
            "server",
            "version",
            &results.unit,
            &format!("× {BASE}"),
            "CPU µs each",
            "peak MiB",
            "errors",
        ]),
    );
    row(page, cells(&["--:", "---", "---", "--:", "--:", "--:", "--:", "--:"]));
    let places = results.places();
    for (place, of) in &places {
        let shared = places.iter().filter(|(other, _)| other == place).count() > 1;
        let place = format!("{place}{}", if shared { "=" } else { "" });
        row(page, render_row(&place, of));
    }
    page.push('\n');
    for omitted in &results.omitted {
        line(page, &format!("Left out: {omitted}."));
    }
    line(
        page,
        &format!(
            "{} rounds of {} s for each server; measured on {} UTC.",
            results.rounds, results.slice_seconds, results.measured
        ),
    );
}

fn render_row(place: &str, of: &Row) -> Vec<String> {
    let median = |spread: Option<Spread>, unit: f64, digits: usize| {
        let spread = spread.filter(|spread| spread.median > 0.0);
        spread.map_or_else(|| NONE.to_owned(), |spread| grouped(spread.median / unit, digits))
    };
    let ratio = of.ratio.map_or_else(
        || NONE.to_owned(),
        |ratio| format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.min, ratio.max),
    );
    let name = if of.ours {
        format!("**{}**", of.name)
    } else {
        of.name.clone()
    };
    vec![
        place.to_owned(),
        name,
        of.version.clone(),
        grouped(of.figure.median, 0),
        ratio,
        median(of.cpu, 1.0, 2),
        median(of.peak_memory, MIB, 1),
        of.errors.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::protocols;
    use super::*;

    #[test]
    fn the_best_stands_first_and_what_was_left_out_below() {
        let page = render(&protocols());
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no `{text}` in\n{page}"));
        assert!(at("| 1 | **hyperlane** |") < at("| 2= | axum |"));
        assert!(at("| 2= | other |") < at("Left out: Go: it <broke>."));
        at("3 rounds of 1 s for each server");
    }
}
