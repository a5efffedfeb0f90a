//! The report of an import: what was refused, as a file that is written while it is sent.

use futures_util::stream;
use hyperlane::{Body, IntoResponse, Response};

use super::{
    Imports,
    listing::{self, FaultRow},
    status::ImportId,
};
use crate::error::Error;

/// Lines that are read from the database at a time; no transaction is open in between.
const PAGE: i64 = 500;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportFormat {
    /// Comma-separated values with a header (RFC 4180). A value that a spreadsheet would take for a formula has a `'`
    /// before it.
    Csv,
    /// One JSON object on each line.
    Ndjson,
}

/// The refused records of an import: number, line, field, reason. As a response it is a download.
#[derive(Debug)]
pub struct Report {
    imports: Imports,
    id: ImportId,
    format: ReportFormat,
}

impl Report {
    pub(super) fn new(imports: Imports, id: ImportId, format: ReportFormat) -> Self {
        Self { imports, id, format }
    }

    /// The report as a body, in pieces of some hundred lines.
    #[must_use]
    pub fn into_body(self) -> Body {
        let start = match self.format {
            ReportFormat::Csv => "record,line,field,reason\r\n",
            ReportFormat::Ndjson => "",
        };
        let pages = stream::try_unfold(Some((self, (0, -1), start)), async |state| {
            let Some((report, behind, mut text)) =
                state.map(|(report, behind, start)| (report, behind, start.to_owned()))
            else {
                return Ok::<_, Error>(None);
            };
            let page = report.page(behind).await?;
            for line in &page {
                report.write(line, &mut text);
            }
            let last = page.last().map(|line| (line.0, line.1));
            let next = last.map(|last| (report, last, ""));
            Ok(Some((text, next)))
        });
        Body::stream(pages)
    }

    async fn page(&self, behind: (i64, i64)) -> Result<Vec<FaultRow>, Error> {
        let mut held = self.imports.database().acquire().await?;
        listing::faults(&mut held.link(), self.id, behind, PAGE).await
    }

    fn write(&self, (record, _, line, field, reason): &FaultRow, text: &mut String) {
        match self.format {
            ReportFormat::Csv => {
                text.push_str(&format!("{record},{line},{},{}\r\n", cell(field), cell(reason)));
            }
            ReportFormat::Ndjson => {
                let line = serde_json::json!({ "record": record, "line": line, "field": field, "reason": reason });
                text.push_str(&line.to_string());
                text.push('\n');
            }
        }
    }
}

impl IntoResponse for Report {
    fn into_response(self) -> Response {
        let (kind, end) = match self.format {
            ReportFormat::Csv => ("text/csv; charset=utf-8", "csv"),
            ReportFormat::Ndjson => ("application/x-ndjson", "ndjson"),
        };
        let name = format!("attachment; filename=\"import-{}-report.{end}\"", self.id);
        (
            [("content-type", kind), ("content-disposition", &name)],
            self.into_body(),
        )
            .into_response()
    }
}

/// A quoted field. What a spreadsheet would run as a formula becomes text: reasons quote what strangers sent.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_is_neither_a_formula_nor_two_cells() {
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("a\",\"b"), "\"a\"\",\"\"b\"");
    }
}
