//! `GET /async-data`: the three sources at once, in the article's `Context` style.

use hyperlane::{Context, HttpVersion};
use serde::Serialize;

use crate::{
    app::Showcase,
    sources::{Answers, SourceError, Span},
};

/// Answers with what the three sources said and how long it took; 502 when one failed.
pub(crate) async fn async_data(ctx: Context) {
    let showcase: Showcase = ctx.state();
    let answers = showcase.sources.concurrently().await;
    respond(&ctx, answers, "concurrent");
}

/// The answer of `/async-data` and `/sync-data`.
#[derive(Debug, Serialize)]
struct AsyncResponse {
    database_data: String,
    api_data: String,
    file_data: String,
    total_time_ms: u64,
    execution_mode: &'static str,
    timeline: [Span; 3],
}

/// A source's failure as the client sees it: which one, but not why; the log has the cause.
#[derive(Debug, Serialize)]
struct FailureResponse {
    error: &'static str,
    source: &'static str,
}

/// Sets the response for what the sources answered.
pub(super) fn respond(ctx: &Context, answers: Result<Answers, SourceError>, execution_mode: &'static str) {
    let (status, body) = match answers {
        Ok(answers) => {
            let total = answers.total.as_millis();
            ctx.set_response_header("X-Execution-Time", format!("{total}ms"));
            let response = AsyncResponse {
                timeline: [answers.database.span, answers.partner.span, answers.file.span],
                database_data: answers.database.data,
                api_data: answers.partner.data,
                file_data: answers.file.data,
                total_time_ms: u64::try_from(total).unwrap_or(u64::MAX),
                execution_mode,
            };
            (200, serde_json::to_vec(&response))
        }
        Err(error) => {
            tracing::error!(%error, "a source did not answer");
            let source = error.source_name();
            (
                502,
                serde_json::to_vec(&FailureResponse {
                    error: "the source did not answer; the server's log says why",
                    source,
                }),
            )
        }
    };
    ctx.set_response_version(HttpVersion::HTTP1_1)
        .set_response_status_code(status)
        .set_response_header("Content-Type", "application/json")
        .set_response_body(body.expect("strings and numbers always serialize"));
}
