//! `GET /stream`: a body sent chunk by chunk while it is made, in the article's `Context` style.

use std::time::Duration;

use hyperlane::{Context, HttpVersion};
use schemars::JsonSchema;
use tokio::time::sleep;

/// `?chunks=`, as the API's document describes it.
#[derive(JsonSchema)]
pub(crate) struct Chunks(
    #[expect(dead_code, reason = "it is only described")]
    #[schemars(range(min = 1, max = 10_000))]
    u64,
);

/// `?delay_ms=`, as the API's document describes it.
#[derive(JsonSchema)]
pub(crate) struct DelayMs(
    #[expect(dead_code, reason = "it is only described")]
    #[schemars(range(min = 0, max = 1000))]
    u64,
);

const DEFAULT_CHUNKS: u64 = 1000;
const MAX_CHUNKS: u64 = 10_000;
const DEFAULT_DELAY_MS: u64 = 1;
const MAX_DELAY_MS: u64 = 1000;

/// Streams `?chunks=` chunks (1 to 10,000, by default 1,000) with `?delay_ms=` between two of them
/// (0 to 1,000, by default 1); 400 for a value outside of its range.
pub(crate) async fn stream(ctx: Context) {
    ctx.set_response_version(HttpVersion::HTTP1_1)
        .set_response_header("Content-Type", "text/plain; charset=utf-8")
        .set_response_header("Cache-Control", "no-store");
    let (chunks, delay) = match parameters(&ctx) {
        Ok(parameters) => parameters,
        Err(mistake) => {
            ctx.set_response_status_code(400).set_response_body(mistake);
            return;
        }
    };

    ctx.set_response_status_code(200);
    for index in 0..chunks {
        let data = process_data_chunk(index).await;
        let chunk = format!("Chunk {index}: {data}\n");
        // An error means that the client left: nothing is made for nobody.
        if ctx.set_response_body(chunk).send_body().await.is_err() {
            return;
        }
        if !delay.is_zero() {
            sleep(delay).await;
        }
    }
    // The client may leave before the last byte; there is nobody left to tell.
    let _ = ctx.closed().await;
}

async fn process_data_chunk(index: u64) -> String {
    format!("processed_data_{index}")
}

fn parameters(ctx: &Context) -> Result<(u64, Duration), String> {
    let chunks = bounded("chunks", ctx.query("chunks"), 1..=MAX_CHUNKS, DEFAULT_CHUNKS)?;
    let delay = bounded("delay_ms", ctx.query("delay_ms"), 0..=MAX_DELAY_MS, DEFAULT_DELAY_MS)?;
    Ok((chunks, Duration::from_millis(delay)))
}

fn bounded(
    name: &str,
    value: Option<String>,
    range: std::ops::RangeInclusive<u64>,
    default: u64,
) -> Result<u64, String> {
    let Some(value) = value else { return Ok(default) };
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!(
            "{name} must be a number from {} to {}\n",
            range.start(),
            range.end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_default_without_a_value_and_refuses_what_is_out_of_range() {
        let chunks = |value: Option<&str>| bounded("chunks", value.map(str::to_owned), 1..=10, 5);
        assert_eq!(chunks(None), Ok(5));
        assert_eq!(chunks(Some("10")), Ok(10));
        for value in ["", "0", "11", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(
                chunks(Some(value)),
                Err("chunks must be a number from 1 to 10\n".to_owned()),
                "{value:?}"
            );
        }
    }
}
