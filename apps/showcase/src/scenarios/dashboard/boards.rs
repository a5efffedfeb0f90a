//! The sources, and how each is asked: one board for each behaviour of the delivery service.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyperlane_aggregate::{Aggregate, Breaker, Cache, CircuitState, Counts, Retry, Source};
use serde::Serialize;

use super::{
    ledger::Ledger,
    partner::{BEHAVIOURS, Behaviour, Partner, Rates},
};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Nobody looks at a tile that is still empty after two seconds.
const WITHIN: Duration = Duration::from_secs(2);
/// Longer than the delivery service takes when it is well, and shorter than when it is slow twice.
const DELIVERY_TIMEOUT: Duration = Duration::from_millis(700);
/// The notice is for people; whoever edits the file may have made it anything.
const MAX_NOTICE: u64 = 280;

/// A board for each behaviour.
#[derive(Debug, Clone)]
pub(super) struct Boards(Arc<BTreeMap<Behaviour, Board>>);

#[derive(Debug)]
struct Board {
    sources: Aggregate,
    delivery: Source<String>,
}

/// What is known of a board's sources, as the page shows it.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// Of the delivery service's breaker.
    circuit: Option<CircuitState>,
    sources: BTreeMap<String, Counts>,
}

impl Boards {
    pub(super) async fn open(data_dir: &Path, ledger: &Ledger, partner: &Partner) -> Result<Self, Cause> {
        let notice = notice(data_dir.join("dashboard-notice.txt"))?;
        let (orders, regions) = (orders(ledger), regions(ledger));
        let rates = rates(partner);
        let board = |behaviour| {
            let delivery = delivery(partner, behaviour);
            let sources = Aggregate::new()
                .source(orders.clone())
                .source(regions.clone())
                .source(delivery.clone())
                .source(rates.clone())
                .source(notice.clone())
                .within(WITHIN)
                .required("orders");
            (behaviour, Board { sources, delivery })
        };
        Ok(Self(Arc::new(BEHAVIOURS.map(board).into())))
    }

    pub(super) fn of(&self, behaviour: Behaviour) -> &Aggregate {
        &self.0[&behaviour].sources
    }

    pub(super) fn figures(&self, behaviour: Behaviour) -> Figures {
        let board = &self.0[&behaviour];
        Figures {
            circuit: board.delivery.circuit(),
            sources: board.sources.counts().into_iter().collect(),
        }
    }
}

/// A query that is quick, and without which the page is worth nothing.
fn orders(ledger: &Ledger) -> Source<super::ledger::Orders> {
    let ledger = ledger.clone();
    let asked = move || {
        let ledger = ledger.clone();
        async move { ledger.orders().await }
    };
    Source::new("orders", asked)
        .retry(Retry::new())
        .cache(Cache::fresh_for(Duration::from_millis(200)).stale_if_error(Duration::from_secs(3600)))
}

/// A query over all orders; what it gives may be some seconds old.
fn regions(ledger: &Ledger) -> Source<Vec<super::ledger::Region>> {
    let ledger = ledger.clone();
    let asked = move || {
        let ledger = ledger.clone();
        async move { ledger.regions().await }
    };
    let cache = Cache::fresh_for(Duration::from_secs(3)).stale_while_revalidate(Duration::from_secs(60));
    Source::new("regions", asked).cache(cache)
}

/// A call to another service, which changes seldom.
fn rates(partner: &Partner) -> Source<Rates> {
    let partner = partner.clone();
    let asked = move || {
        let partner = partner.clone();
        async move { partner.rates().await }
    };
    Source::new("rates", asked)
        .timeout(Duration::from_secs(1))
        .retry(Retry::new().attempts(2))
        .cache(Cache::fresh_for(Duration::from_secs(10)).stale_if_error(Duration::from_secs(3600)))
}

/// A call to the service that behaves as the visitor likes.
fn delivery(partner: &Partner, behaviour: Behaviour) -> Source<String> {
    let partner = partner.clone();
    let asked = move || {
        let partner = partner.clone();
        async move { partner.delivery(behaviour).await }
    };
    let source = Source::new("delivery", asked)
        .timeout(DELIVERY_TIMEOUT)
        .retry(Retry::new().attempts(2).delay(Duration::from_millis(100)))
        .breaker(Breaker::new().min_calls(4).open_for(Duration::from_secs(4)).probes(1));
    match behaviour {
        // What it said a moment ago is better than nothing.
        Behaviour::Flapping => {
            let cache = Cache::fresh_for(Duration::ZERO).stale_if_error(Duration::from_secs(60));
            source.cache(cache)
        }
        Behaviour::Failing => source.fallback(|_| "Three days, as a rule".to_owned()),
        Behaviour::Well | Behaviour::Slow | Behaviour::Hanging => source,
    }
}

/// A file that its owner edits; what is in it at first is written here.
fn notice(path: PathBuf) -> Result<Source<String>, Cause> {
    if !path.exists() {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let text = "The warehouse is closed on Sunday. Write what you like into this file.\n";
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    Ok(Source::new("notice", move || {
        let path = path.clone();
        async move {
            let read = tokio::task::spawn_blocking(move || read_start(&path));
            read.await.map_err(io::Error::other)?
        }
    }))
}

fn read_start(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, MAX_NOTICE), &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}
