//! The results as tables: what is written to `SCENARIOS.md`.

use super::case::Scenario;
use super::data::{CaseResults, Row, Scenarios, Summary};
use crate::markdown::{NONE, line, row};
use crate::number::grouped;
use crate::statistics::Spread;

const MIB: f64 = 1024.0 * 1024.0;

pub(super) fn render(scenarios: &Scenarios) -> String {
    let mut page = String::from("# The article's four scenarios\n\n");
    line(
        &mut page,
        &format!(
            "Measured on {}. Made by `cargo xtask bench scenarios`; [README.md](README.md) says how to read it. Figures are \
             medians of the rounds, least and greatest in brackets; ratios are to the first row in the same round. Below each \
             table stands when it was measured.",
            scenarios.machine
        ),
    );
    if scenarios.cases.iter().any(|case| case.quick) {
        line(
            &mut page,
            "**There are short slices among these (`--quick`): they show that everything works, and compare nothing.**",
        );
    }
    claims(&mut page, &scenarios.scenarios);
    for scenario in Scenario::ALL {
        let mut cases = scenarios.of(scenario).peekable();
        if cases.peek().is_none() {
            continue;
        }
        line(&mut page, &format!("## {}", scenario.title()));
        line(&mut page, scenario.explanation());
        line(
            &mut page,
            &format!("![{}, compared](scenarios-{}.svg)", scenario.title(), scenario.name()),
        );
        for results in cases {
            render_case(&mut page, results);
        }
    }
    page
}

/// What the article says, and what was measured for it.
fn claims(page: &mut String, summaries: &[Summary]) {
    line(page, "## The claims");
    row(
        page,
        cells(&["scenario", "the article's claim", "measured", "doing what", "against"]),
    );
    row(page, cells(&["---", "---", "---", "---", "---"]));
    for summary in summaries {
        let first = [summary.title.clone(), summary.claim.clone()];
        if summary.headlines.is_empty() {
            let rest = ["not measured".to_owned(), NONE.to_owned(), NONE.to_owned()];
            row(page, first.clone().into_iter().chain(rest));
        }
        for headline in &summary.headlines {
            let against = headline.plain.as_ref().map_or(NONE, |plain| &plain.how);
            let rest = [headline.text.clone(), headline.what.clone(), against.to_owned()];
            row(page, first.clone().into_iter().chain(rest));
        }
    }
    page.push('\n');
}

fn render_case(page: &mut String, results: &CaseResults) {
    line(page, &format!("### {}", results.title));
    line(page, &results.description);
    row(
        page,
        cells(&[
            "",
            "how",
            &results.unit,
            "× the first",
            "p50 ms",
            "p99 ms",
            "requests/s",
            "peak MiB",
            "errors",
        ]),
    );
    row(
        page,
        cells(&["---", "---", "--:", "--:", "--:", "--:", "--:", "--:", "--:"]),
    );
    for of in &results.rows {
        row(page, render_row(of));
    }
    page.push('\n');
    for omitted in &results.omitted {
        line(page, &format!("Left out: {omitted}."));
    }
    let rounds = results.rounds;
    let plural = if rounds == 1 { "" } else { "s" };
    line(
        page,
        &format!("{rounds} round{plural}; measured on {} UTC.", results.measured),
    );
}

fn render_row(of: &Row) -> Vec<String> {
    let median = |spread: Option<Spread>, unit: f64| {
        spread.map_or_else(|| NONE.to_owned(), |spread| short(spread.median / unit))
    };
    let Spread {
        median: middle,
        min,
        max,
        ..
    } = of.figure;
    let ratio = of.ratio.map_or_else(
        || NONE.to_owned(),
        |ratio| format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.min, ratio.max),
    );
    let name = if of.ours {
        format!("**{}**", of.name)
    } else {
        of.name.clone()
    };
    // The compiler's version says little of what stands beside it.
    let name = if of.version.starts_with("Rust ") || of.ours {
        name
    } else {
        format!("{name} {}", of.version)
    };
    vec![
        name,
        of.how.clone(),
        format!("{} ({}–{})", short(middle), short(min), short(max)),
        ratio,
        median(of.p50, 1.0),
        median(of.p99, 1.0),
        median(of.per_second, 1.0),
        median(of.peak_memory, MIB),
        of.errors.to_string(),
    ]
}

/// Three digits, or as many as the number has.
fn short(value: f64) -> String {
    let digits = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    grouped(value, digits)
}

fn cells(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::scenarios;
    use super::*;

    #[test]
    fn the_claims_stand_first_with_what_was_measured_or_that_nothing_was() {
        let page = render(&scenarios());
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no `{text}` in\n{page}"));
        assert!(at("| 50% less response time | case far-32 | threads does it |") < at("| 150% more speed |"));
        at("| Real-time communication | Support for 100k concurrent connections | not measured | – | – |");
        assert!(
            at("| **hyperlane** | hyperlane does it | 300 (300–300) | 0.50 (0.50–0.50) |")
                < at("Left out: other: it <broke>.")
        );
        at("3 rounds; measured on 2026-01-31 23:59 UTC.");
    }

    #[test]
    fn numbers_have_three_digits_at_least() {
        assert_eq!([1.234, 12.34, 1234.5].map(short), ["1.23", "12.3", "1,234"]);
    }
}
