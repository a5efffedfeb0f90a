//! The first scenario: a query, a call and a file at once, each with a time-out of its own.

use std::error::Error as StdError;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use contract::scenarios::{CONFIGURATION, Dashboard, ORDERS_QUERY, ORDERS_SQL, SOURCE_TIMEOUT, Settings, Survivors};
use hyperlane::{Context, Error, Json, State};
use hyperlane_aggregate::{Aggregate, Breaker, Source};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::time::sleep;

type BoxError = Box<dyn StdError + Send + Sync>;

/// As many as the load has clients, so that nothing but the sources is measured.
const PLACES: usize = 1024;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Sources {
    dashboard: Aggregate,
    faults: Aggregate,
}

impl Sources {
    pub(crate) async fn open(settings: &Settings, shared: bool) -> Result<Self, BoxError> {
        let options = SqliteConnectOptions::new()
            .filename(settings.orders())
            .create_if_missing(true);
        let database = SqlitePool::connect_with(options).await?;
        sqlx::raw_sql(ORDERS_SQL).execute(&database).await?;
        fs::write(settings.configuration(), CONFIGURATION)?;
        let client = reqwest::Client::builder().pool_max_idle_per_host(PLACES).build()?;
        let [first, second, third] = settings.service;

        let partner = settings.partner;
        let call = move |path: String, client: &reqwest::Client| {
            let request = client.get(format!("http://127.0.0.1:{partner}{path}"));
            async move {
                let response = request.send().await?.error_for_status()?;
                response.text().await
            }
        };
        let orders = source("orders", shared, {
            let database = database.clone();
            move || orders(database.clone(), first)
        });
        let delivery = source("delivery", shared, {
            let client = client.clone();
            move || call(format!("/delivery?ms={}", second.as_millis()), &client)
        });
        let path = settings.configuration();
        let configuration = source("configuration", shared, move || configuration(path.clone(), third));
        let dashboard = Aggregate::new()
            .source(orders.clone())
            .source(delivery)
            .source(configuration);
        let mut faults = Aggregate::new().source(orders);
        for name in ["hang", "error", "slow"] {
            let client = client.clone();
            let broken = source(name, shared, move || call(format!("/{name}"), &client));
            faults = faults.source(broken.timeout(SOURCE_TIMEOUT));
        }
        Ok(Self { dashboard, faults })
    }
}

fn source<T, E, F, R>(name: &'static str, shared: bool, call: F) -> Source<T>
where
    T: Send + Sync + 'static,
    E: Into<BoxError> + 'static,
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<T, E>> + Send + 'static,
{
    let source = Source::new(name, call)
        .concurrency(PLACES)
        .waiting(PLACES)
        .coalesce(shared);
    if shared { source.breaker(Breaker::new()) } else { source }
}

pub(crate) async fn dashboard(ctx: Context, State(sources): State<Sources>) -> Result<Json<Dashboard>, Error> {
    let report = sources.dashboard.run(&ctx).await;
    let text = |name| {
        let text = report.get::<String>(name).cloned();
        text.ok_or_else(|| Error::new(format!("{name} did not answer")))
    };
    Ok(Json(Dashboard {
        orders: *report.get::<i64>("orders").ok_or_else(|| Error::new("no orders"))?,
        delivery: text("delivery")?,
        configuration: text("configuration")?,
    }))
}

pub(crate) async fn survivors(ctx: Context, State(sources): State<Sources>) -> Result<Json<Survivors>, Error> {
    let report = sources.faults.run(&ctx).await;
    Ok(Json(Survivors {
        orders: *report.get::<i64>("orders").ok_or_else(|| Error::new("no orders"))?,
        failed: report.parts().filter(|part| part.failure().is_some()).count(),
    }))
}

async fn orders(database: SqlitePool, service: Duration) -> Result<i64, sqlx::Error> {
    sleep(service).await;
    sqlx::query_scalar(ORDERS_QUERY).fetch_one(&database).await
}

async fn configuration(path: PathBuf, service: Duration) -> Result<String, std::io::Error> {
    sleep(service).await;
    tokio::fs::read_to_string(path).await
}
