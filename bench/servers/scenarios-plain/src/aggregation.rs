//! The first scenario: a query, a call and a file, one after the other or each on a thread.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::thread;
use std::time::Duration;

use contract::scenarios::{CONFIGURATION, Dashboard, ORDERS_QUERY, ORDERS_SQL, SOURCE_TIMEOUT, Settings, Survivors};
use rusqlite::Connection;

use crate::App;
use crate::http::Answer;

/// Idle connections to the partner, as many as a server with many threads may need at once.
const IDLE: usize = 1024;
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

thread_local! {
    /// Opening a database costs more than asking it.
    static DATABASE: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

pub(crate) fn prepare(settings: &Settings) -> Result<(), Box<dyn std::error::Error>> {
    Connection::open(settings.orders())?.execute_batch(ORDERS_SQL)?;
    fs::write(settings.configuration(), CONFIGURATION)?;
    Ok(())
}

pub(crate) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .max_idle_connections(IDLE)
        .max_idle_connections_per_host(IDLE)
        .timeout_global(Some(CALL_TIMEOUT));
    config.build().into()
}

pub(crate) fn dashboard(app: &App) -> io::Result<Answer> {
    let [database, partner, file] = app.settings.service;
    let call = || call(app, &format!("/delivery?ms={}", partner.as_millis()), CALL_TIMEOUT);
    let dashboard = if app.sources_at_once {
        thread::scope(|scope| {
            let orders = scope.spawn(|| orders(app, database));
            let delivery = scope.spawn(call);
            let configuration = configuration(app, file)?;
            Ok::<_, io::Error>(Dashboard {
                orders: orders.join().map_err(|_| panicked())??,
                delivery: delivery.join().map_err(|_| panicked())??,
                configuration,
            })
        })?
    } else {
        Dashboard {
            orders: orders(app, database)?,
            delivery: call()?,
            configuration: configuration(app, file)?,
        }
    };
    Answer::json(&dashboard)
}

pub(crate) fn survivors(app: &App) -> io::Result<Answer> {
    const BROKEN: [&str; 3] = ["/hang", "/error", "/slow"];
    let [database, ..] = app.settings.service;
    let ask = |path: &&str| call(app, path, SOURCE_TIMEOUT).is_err();
    let survivors = if app.sources_at_once {
        thread::scope(|scope| {
            let calls = BROKEN.each_ref().map(|path| scope.spawn(move || ask(path)));
            let orders = orders(app, database)?;
            let failed = calls.into_iter().filter_map(|call| call.join().ok());
            Ok::<_, io::Error>(Survivors {
                orders,
                failed: failed.filter(|failed| *failed).count(),
            })
        })?
    } else {
        Survivors {
            orders: orders(app, database)?,
            failed: BROKEN.iter().filter(|path| ask(path)).count(),
        }
    };
    Answer::json(&survivors)
}

fn orders(app: &App, service: Duration) -> io::Result<i64> {
    thread::sleep(service);
    DATABASE.with_borrow_mut(|database| {
        if database.is_none() {
            *database = Some(Connection::open(app.settings.orders()).map_err(io::Error::other)?);
        }
        let database = database.as_ref().ok_or_else(panicked)?;
        let mut query = database.prepare_cached(ORDERS_QUERY).map_err(io::Error::other)?;
        query.query_row([], |row| row.get(0)).map_err(io::Error::other)
    })
}

fn call(app: &App, path: &str, timeout: Duration) -> io::Result<String> {
    let url = format!("http://127.0.0.1:{}{path}", app.settings.partner);
    let request = app.agent.get(url).config().timeout_global(Some(timeout)).build();
    let mut response = request.call().map_err(io::Error::other)?;
    response.body_mut().read_to_string().map_err(io::Error::other)
}

fn configuration(app: &App, service: Duration) -> io::Result<String> {
    thread::sleep(service);
    fs::read_to_string(app.settings.configuration())
}

fn panicked() -> io::Error {
    io::Error::other("a source panicked")
}
