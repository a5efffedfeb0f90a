//! `GET /async-data`: the three sources at once, in the article's `Context` style.

use hyperlane::{Context, HttpVersion, Problem, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::Showcase,
    sources::{Answers, SourceError, Span},
};

/// Answers with what the three sources said and how long it took; 502 when one failed.
pub(crate) async fn async_data(ctx: Context) -> Result<(), Problem> {
    let showcase: Showcase = ctx.state();
    let answers = showcase.sources.concurrently().await;
    respond(&ctx, answers, "concurrent")
}

/// The answer of `/async-data` and `/sync-data`.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AsyncResponse {
    database_data: String,
    api_data: String,
    file_data: String,
    total_time_ms: u64,
    execution_mode: &'static str,
    timeline: [Span; 3],
}

/// Sets the response for what the sources answered.
///
/// # Errors
///
/// A source's failure as the client sees it: which one, but not why; the log has the cause.
pub(super) fn respond(
    ctx: &Context,
    answers: Result<Answers, SourceError>,
    execution_mode: &'static str,
) -> Result<(), Problem> {
    let answers = answers.map_err(|error| {
        tracing::error!(%error, "a source did not answer");
        Problem::new(StatusCode::BAD_GATEWAY)
            .with_detail("the source did not answer; the server's log says why")
            .with_member("source", error.source_name())
    })?;
    let total = answers.total.as_millis();
    let response = AsyncResponse {
        timeline: [answers.database.span, answers.partner.span, answers.file.span],
        database_data: answers.database.data,
        api_data: answers.partner.data,
        file_data: answers.file.data,
        total_time_ms: u64::try_from(total).unwrap_or(u64::MAX),
        execution_mode,
    };
    let body = serde_json::to_vec(&response).expect("strings and numbers always serialize");
    ctx.set_response_version(HttpVersion::HTTP1_1)
        .set_response_status_code(200)
        .set_response_header("Content-Type", "application/json")
        .set_response_header("X-Execution-Time", format!("{total}ms"))
        .set_response_body(body);
    Ok(())
}
