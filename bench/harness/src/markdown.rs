//! The results as tables: what is written to `RESULTS.md`.

use std::fmt::Write;

use crate::number::grouped;
use crate::report::{Row, WorkloadResults};
use crate::results::{Counts, Results, Skipped};
use crate::statistics::Spread;
use crate::summary;
use crate::workload::Workload;

pub(crate) const NONE: &str = "–";

/// A column: its head, and what of a row stands in it.
type Column = (&'static str, fn(&Row) -> String);

const LOADED: &[Column] = &[
    ("requests/s", |row| spread(row.requests_per_second, 1.0, 0)),
    ("× raw tokio", |row| spread(row.ratio, 1.0, 3)),
    ("CPU µs/request: user", |row| median(row.cpu_user, 1.0, 2)),
    ("system", |row| median(row.cpu_system, 1.0, 2)),
    ("CPU × raw tokio", |row| spread(row.cpu_ratio, 1.0, 3)),
    ("p50 ms", |row| median(row.latency_p50, 1e-3, 2)),
    ("p99 ms", |row| median(row.latency_p99, 1e-3, 2)),
    ("p99.9 ms", |row| median(row.latency_p999, 1e-3, 2)),
    ("peak MiB", |row| median(row.peak_memory, 1.0 / (1024.0 * 1024.0), 1)),
    ("errors", |row| row.errors.to_string()),
];

const FIXED_RATE: &[Column] = &[
    ("p50 ms", |row| median(row.latency_p50, 1e-3, 3)),
    ("p99 ms", |row| spread(row.latency_p99, 1e-3, 3)),
    ("p99.9 ms", |row| spread(row.latency_p999, 1e-3, 3)),
    ("longest ms", |row| median(row.latency_max, 1e-3, 2)),
    ("CPU µs/request: user", |row| median(row.cpu_user, 1.0, 2)),
    ("system", |row| median(row.cpu_system, 1.0, 2)),
    ("CPU × raw tokio", |row| spread(row.cpu_ratio, 1.0, 3)),
    ("errors", |row| row.errors.to_string()),
];

const IDLE: &[Column] = &[
    ("bytes per connection", |row| spread(row.bytes_per_connection, 1.0, 0)),
    ("peak MiB", |row| median(row.peak_memory, 1.0 / (1024.0 * 1024.0), 1)),
];

pub(crate) fn render(results: &Results) -> String {
    let mut page = String::from("# Results of the benchmark\n\n");
    line(
        &mut page,
        &format!(
            "Measured on {}. Made by `cargo xtask bench`; [README.md](README.md) says how to read it. Below each table \
             stands when it was measured. Figures are medians of the rounds, in parentheses the least and the \
             greatest. A ratio compares a server with raw tokio in the same round.",
            results.machine
        ),
    );
    if results.quick {
        line(
            &mut page,
            "**There are short slices among these (`--quick`): they show that everything works, not who is faster.**",
        );
    }
    summary::render(&mut page, results);
    if !results.rows.is_empty() {
        line(&mut page, "![requests a second compared with raw tokio](results.svg)");
    }
    if !results.workloads.is_empty() {
        line(&mut page, "![all workloads compared with raw tokio](workloads.svg)");
    }
    for workload in &results.workloads {
        render_workload(&mut page, workload);
    }
    render_counts(&mut page, &results.counts, &results.uncounted);
    if !results.skipped.is_empty() {
        line(&mut page, "## Not measured");
        render_skipped(&mut page, &results.skipped);
    }
    page
}

fn render_workload(page: &mut String, results: &WorkloadResults) {
    line(page, &format!("## `{}`: {}", results.name, results.description));
    if results.rows.is_empty() {
        line(page, "No server was measured.");
    } else {
        let columns = match results.workload() {
            Some(Workload::Idle) => IDLE,
            Some(Workload::FixedRate) => FIXED_RATE,
            _ => LOADED,
        };
        let heads = ["server", "version"]
            .into_iter()
            .chain(columns.iter().map(|(head, _)| *head));
        row(page, heads.map(str::to_owned));
        row(
            page,
            ["---", "---"]
                .into_iter()
                .chain(columns.iter().map(|_| "--:"))
                .map(str::to_owned),
        );
        for server in &results.rows {
            let cells = columns.iter().map(|(_, cell)| cell(server));
            let ours = if summary::is_ours(&server.name) { "**" } else { "" };
            row(
                page,
                [format!("{ours}{}{ours}", server.name), server.version.clone()]
                    .into_iter()
                    .chain(cells),
            );
        }
        page.push('\n');
        let short = if results.quick {
            ", short slices that compare nothing"
        } else {
            ""
        };
        let (time, rounds) = (results.slice_seconds, results.rounds);
        let slices = match results.workload() {
            Some(Workload::Idle) => format!("{rounds} rounds"),
            _ => format!("{rounds} rounds of {time} s for each server"),
        };
        line(page, &format!("{slices}{short}; measured on {} UTC.", results.measured));
    }
    if !results.omitted.is_empty() {
        line(page, "Left out:");
        render_skipped(page, &results.omitted);
    }
}

fn render_counts(page: &mut String, counts: &[Counts], uncounted: &[Skipped]) {
    if counts.is_empty() {
        return;
    }
    line(page, "## Counts, which noise can't touch");
    line(
        page,
        "For one request on one connection: instructions of the server's own code (callgrind), for `GET /` and for \
         the realistic request, and system calls for `GET /` (`strace -c`).",
    );
    let heads = [
        "server",
        "version",
        "instructions",
        "realistic",
        "system calls",
        "of these",
    ];
    row(page, heads.map(str::to_owned));
    row(page, ["---", "---", "--:", "--:", "--:", "---"].map(str::to_owned));
    for count in counts {
        let number = |value: Option<f64>, digits| value.map_or_else(|| NONE.to_owned(), |value| grouped(value, digits));
        let calls = count.system_calls.as_ref();
        let names = calls.map(|calls| calls.calls.iter().map(|(name, each)| format!("{name} {each:.2}")));
        let names = names.map(|names| names.collect::<Vec<_>>().join(", "));
        row(
            page,
            [
                count.name.clone(),
                count.version.clone(),
                number(count.instructions, 0),
                number(count.instructions_realistic, 0),
                number(calls.map(|calls| calls.total), 2),
                names.unwrap_or_default(),
            ],
        );
    }
    page.push('\n');
    if !uncounted.is_empty() {
        line(page, "Not counted:");
        render_skipped(page, uncounted);
    }
}

fn render_skipped(page: &mut String, skipped: &[Skipped]) {
    for Skipped { name, reason } in skipped {
        // Writing to a string can't fail.
        writeln!(page, "- {name}: {}", escaped(reason)).ok();
    }
    page.push('\n');
}

pub(crate) fn line(page: &mut String, text: &str) {
    page.push_str(text);
    page.push_str("\n\n");
}

pub(crate) fn row(page: &mut String, cells: impl IntoIterator<Item = String>) {
    for cell in cells {
        page.push_str("| ");
        page.push_str(&escaped(&cell));
        page.push(' ');
    }
    page.push_str("|\n");
}

/// What a failing program said must not become markup.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}

fn median(spread: Option<Spread>, scale: f64, digits: usize) -> String {
    spread.map_or_else(|| NONE.to_owned(), |spread| grouped(spread.median * scale, digits))
}

fn spread(spread: Option<Spread>, scale: f64, digits: usize) -> String {
    let Some(Spread { median, min, max, .. }) = spread else {
        return NONE.to_owned();
    };
    let [median, min, max] = [median, min, max].map(|value| grouped(value * scale, digits));
    format!("{median} ({min}–{max})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::results;

    #[test]
    fn writes_a_row_for_each_server_and_says_what_is_left_out() {
        let page = render(&results());
        assert!(
            page.contains("| hyper | 1.0 | 600 (400–800) | 0.800 (0.800–0.800) |"),
            "{page}"
        );
        assert!(page.contains("- Node.js cluster: it &lt;broke>"), "{page}");
        assert!(page.contains("- hyper: a\\|b"), "{page}");
        assert!(
            page.contains("| hyper | 1.0 | 4,321 | – | 2.00 | read 1.00, write 1.00 |"),
            "{page}"
        );
        assert!(page.contains("short slices"), "{page}");
    }

    #[test]
    fn every_row_of_a_table_has_as_many_cells_as_its_head() {
        let page = render(&results());
        for table in page.split("\n\n").filter(|part| part.starts_with('|')) {
            let cells: Vec<_> = table
                .lines()
                .map(|line| line.replace("\\|", "").matches('|').count())
                .collect();
            assert!(cells.windows(2).all(|pair| pair[0] == pair[1]), "{table}");
        }
    }
}
