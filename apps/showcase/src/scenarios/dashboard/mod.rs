//! `/dashboard`: a dashboard whose tiles fill as their sources answer.
//!
//! Five sources stand behind it: two queries, two calls and a file. How the delivery service behaves is the visitor's
//! choice, so that one can see what becomes of a page when one of its sources is slow, fails, hangs, or comes and goes.
//! The sources of each behaviour are a board of their own: who tries a failing one opens nobody else's breaker.

mod boards;
mod ledger;
mod partner;

use futures::{StreamExt, stream};
use hyperlane::{
    Context, Query, Route, Router, State,
    sse::{Event, Sse},
};
use hyperlane_aggregate::Report;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use self::{
    boards::Boards,
    ledger::Ledger,
    partner::{Behaviour, Partner},
};
use crate::{args::Args, page, sources::SourceError};

/// What the page needs.
#[derive(Debug)]
pub(super) struct Dashboard {
    ledger: Ledger,
    partner: Partner,
    boards: Boards,
}

impl Dashboard {
    /// Opens its database, starts its partner and writes its notice.
    pub(super) async fn open(args: &Args) -> Result<Self, SourceError> {
        let name = "dashboard";
        let ledger = Ledger::open(&args.data_dir).await;
        let ledger = ledger.map_err(|cause| SourceError::new(name, cause))?;
        let partner = Partner::open(args.scale).await;
        let partner = partner.map_err(|cause| SourceError::new(name, cause))?;
        let boards = Boards::open(&args.data_dir, &ledger, &partner).await;
        Ok(Self {
            boards: boards.map_err(|cause| SourceError::new(name, cause))?,
            ledger,
            partner,
        })
    }

    /// Its page and what the page asks.
    pub(super) fn routes(&self) -> Router {
        let router = Router::new();
        router
            .state(self.boards.clone())
            .get("/dashboard", Route::new(page).undocumented())
            .get("/assets/scenarios/dashboard.js", Route::new(script).undocumented())
            .get("/assets/scenarios/dashboard.css", Route::new(style).undocumented())
            .get("/dashboard/tiles", Route::new(tiles).undocumented())
            .get(
                "/dashboard/report",
                Route::new(report).openapi(|operation| {
                    let summary = "Asks five sources at once, and says what became of each";
                    operation.summary(summary).tag("scenarios")
                }),
            );
        router
    }

    /// Ends the partner and closes the database, after the server has ended.
    pub(super) async fn close(&self) {
        self.partner.close().await;
        self.ledger.close().await;
    }
}

/// What a visitor asks with.
#[derive(Debug, Deserialize, JsonSchema)]
struct Asked {
    /// How the delivery service behaves.
    #[serde(default)]
    delivery: Behaviour,
}

/// `GET /dashboard/report`: all parts in one answer.
async fn report(ctx: Context, Query(asked): Query<Asked>, State(boards): State<Boards>) -> Report {
    boards.of(asked.delivery).run(&ctx).await
}

/// `GET /dashboard/tiles`: each part as soon as it is there, then what is known of the sources.
async fn tiles(ctx: Context, Query(asked): Query<Asked>, State(boards): State<Boards>) -> Sse {
    let parts = boards.of(asked.delivery).stream(&ctx);
    let tiles =
        parts.map(|part| Event::json(json!({ "name": part.name(), "part": part })).map(|it| it.with_name("tile")));
    let end = stream::once(async move { Event::json(boards.figures(asked.delivery)).map(|it| it.with_name("end")) });
    Sse::new(tiles.chain(end))
}

async fn page() -> impl hyperlane::IntoResponse {
    page::html(include_str!("../../assets/scenarios/dashboard.html"))
}

async fn script() -> impl hyperlane::IntoResponse {
    page::script(include_str!("../../assets/scenarios/dashboard.js"))
}

async fn style() -> impl hyperlane::IntoResponse {
    let headers = [
        ("content-type", "text/css; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-cache"),
    ];
    (headers, include_str!("../../assets/scenarios/dashboard.css"))
}
