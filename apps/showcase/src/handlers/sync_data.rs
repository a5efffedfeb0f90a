//! `GET /sync-data`: the same three sources, one after another.

use hyperlane::{Context, Problem};

use super::async_data::respond;
use crate::app::Showcase;

/// Answers as `/async-data` does, after as long as the three sources take together.
pub(crate) async fn sync_data(ctx: Context) -> Result<(), Problem> {
    let showcase: Showcase = ctx.state();
    let answers = showcase.sources.one_after_another().await;
    respond(&ctx, answers, "sequential")
}
