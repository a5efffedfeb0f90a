//! The summary that leads `RESULTS.md`: the article's ratios, and each server's place in each workload.

use crate::catalog::{ENTRIES, Entry};
use crate::markdown::{NONE, line, row};
use crate::number::grouped;
use crate::ranking::{By, CLAIMS, Place, places};
use crate::report::WorkloadResults;
use crate::results::{Counts, Results};
use crate::workload::Workload;

pub(crate) fn render(page: &mut String, results: &Results) {
    render_claims(page, results);
    render_places(page, results);
}

fn render_claims(page: &mut String, results: &Results) {
    let Some(article) = results.workload(Workload::KeepAlive) else {
        return;
    };
    let ours = article.rows.iter().filter(|row| is_ours(&row.name));
    let ours: Vec<_> = ours.collect();
    if ours.is_empty() {
        return;
    }
    line(page, "## The article's three ratios");
    line(
        page,
        "Requests a second of ours divided by the peer's in the same round: the median of the rounds, in parentheses \
         the quartiles. *Within the noise*: the limit lies between these.",
    );
    let heads = CLAIMS.map(|claim| {
        let title = Entry::by_name(claim.peer).map_or(claim.peer, |entry| entry.title);
        format!("≥ {} × {title}", claim.at_least)
    });
    row(page, ["server".to_owned()].into_iter().chain(heads));
    row(page, ["---", "---", "---", "---"].map(str::to_owned));
    for server in ours {
        let cells = CLAIMS.map(|claim| match claim.measured(article, server) {
            None => NONE.to_owned(),
            Some(ratio) => format!(
                "{:.3} ({:.3}–{:.3}): **{}**",
                ratio.median,
                ratio.lower,
                ratio.upper,
                claim.verdict(ratio)
            ),
        });
        row(page, [server.name.clone()].into_iter().chain(cells));
    }
    page.push('\n');
}

/// A column: its head, and who has which place in it.
type Column<'a> = (String, Vec<Place<'a>>);

fn render_places(page: &mut String, results: &Results) {
    let parts = || {
        results
            .workloads
            .iter()
            .filter_map(|part| Some((part, part.workload()?)))
    };
    let columns: Vec<Column<'_>> = parts()
        .map(|(part, workload)| (format!("`{}`", part.name), places(part, By::Workload(workload))))
        .collect();
    if columns.is_empty() {
        return;
    }
    line(page, "## Who is first");
    line(
        page,
        "Place and ratio to raw tokio: of requests a second; in `idle` of the memory for a connection and in \
         `fixed-rate` of the 99th percentile of the latency, where less is better. `=`: the place is shared, since the \
         middle halves of the rounds overlap. Ours are in bold. What is in italics is no HTTP server and has no place.",
    );
    render_table(page, &columns, &order(results), None);
    let columns: Vec<Column<'_>> = parts()
        .map(|(part, _)| (format!("`{}`", part.name), places(part, By::Cpu)))
        .filter(|(_, places)| !places.is_empty())
        .collect();
    if columns.is_empty() {
        return;
    }
    line(
        page,
        "The same of the CPU time that the server uses for a request, user and system, where less is better: a figure \
         that the client and other programs disturb less. Behind it the instructions for `GET /`.",
    );
    render_table(page, &columns, &order(results), Some(&results.counts));
}

fn render_table(page: &mut String, columns: &[Column<'_>], order: &[&'static Entry], counts: Option<&[Counts]>) {
    let heads = ["server".to_owned()]
        .into_iter()
        .chain(columns.iter().map(|(head, _)| head.clone()));
    row(page, heads.chain(counts.map(|_| "instructions".to_owned())));
    let further = columns.len() + usize::from(counts.is_some());
    row(
        page,
        ["---"]
            .into_iter()
            .chain(std::iter::repeat_n("--:", further))
            .map(str::to_owned),
    );
    for entry in order {
        let cells = columns.iter().map(|(_, places)| {
            let Some(place) = places.iter().find(|place| place.row.name == entry.title) else {
                return NONE.to_owned();
            };
            let shared = if place.shared { "=" } else { "" };
            let number = place.place.map(|number| format!("{number}{shared} · "));
            emphasized(entry, &format!("{}{:.2}", number.unwrap_or_default(), place.ratio))
        });
        let instructions = counts.map(|counts| {
            let counted = counts.iter().find(|counts| counts.name == entry.title);
            let count = counted.and_then(|counts| counts.instructions);
            count.map_or_else(|| NONE.to_owned(), |count| grouped(count, 0))
        });
        let name = emphasized(entry, entry.title);
        row(page, [name].into_iter().chain(cells).chain(instructions));
    }
    page.push('\n');
}

/// By the article's workload, or the first that was measured; those that it has not, in the catalog's order.
fn order(results: &Results) -> Vec<&'static Entry> {
    let rows = results
        .workloads
        .first()
        .map(|part| part.rows.as_slice())
        .unwrap_or_default();
    let mut order: Vec<_> = rows.iter().filter_map(|row| Entry::by_title(&row.name)).collect();
    let rest = ENTRIES.iter().filter(|entry| {
        let measured = |part: &WorkloadResults| part.rows.iter().any(|row| row.name == entry.title);
        results.workloads.iter().any(measured)
    });
    for entry in rest {
        if !order.iter().any(|known| known.name == entry.name) {
            order.push(entry);
        }
    }
    order
}

fn emphasized(entry: &Entry, text: &str) -> String {
    if entry.is_ours() {
        format!("**{text}**")
    } else if entry.is_floor() {
        format!("*{text}*")
    } else {
        text.to_owned()
    }
}

/// By the name in the tables.
pub(crate) fn is_ours(title: &str) -> bool {
    Entry::by_title(title).is_some_and(Entry::is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::report::tests::workload_results;

    #[test]
    fn tells_whether_the_article_s_ratios_hold_and_who_is_first() {
        let options = Options::parse(["--quick".to_owned()]).expect("valid");
        let mut results = Results::new();
        results.put(workload_results(
            &options,
            &[
                ("hyperlane", [0.96, 0.96]),
                ("go-net", [0.6, 0.6]),
                ("axum", [0.6, 0.6]),
            ],
        ));
        let mut page = String::new();
        render(&mut page, &results);
        assert!(
            page.contains("| server | ≥ 2.32 × Node.js cluster | ≥ 1.38 × Go net/http |"),
            "{page}"
        );
        assert!(
            page.contains("| hyperlane | – | 1.600 (1.600–1.600): **holds** | 0.960"),
            "{page}"
        );
        assert!(page.contains("| **hyperlane** | **1 · 0.96** |\n"), "{page}");
        assert!(page.contains("| Go net/http | 2= · 0.60 |\n"), "{page}");
        assert!(page.contains("| *raw tokio* | *1.00* |\n"), "{page}");
        assert!(page.contains("| **hyperlane** | **1 · 1.04** | – |\n"), "{page}");
    }
}
