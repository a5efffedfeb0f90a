//! The article's scenarios with threads and blocking calls: what a careful engineer writes without async.
//!
//! `THREADS` chooses how connections meet threads: a number is a pool of so many, which take turns with the connections
//! request by request; without it each connection has a thread of its own. `SOURCES=threads` asks the sources at once, each
//! on a thread; `LARGE=stream` copies a large upload to disk piece by piece; `BATCH=transaction` writes all records in one
//! transaction. Without these it does what comes first to mind.
#![forbid(unsafe_code)]

mod aggregation;
mod chat;
mod http;
mod import;
mod pool;
mod uploads;

use std::io;
use std::sync::Arc;
use std::thread;

use contract::scenarios::Settings;

use http::{Answer, Connection, Request};

/// What a request needs.
#[derive(Debug)]
pub(crate) struct App {
    settings: Settings,
    agent: ureq::Agent,
    members: chat::Members,
    sources_at_once: bool,
    stream_large: bool,
    one_transaction: bool,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chosen = |name: &str, value: &str| std::env::var(name).is_ok_and(|chosen| chosen == value);
    let settings = Settings::from_environment();
    aggregation::prepare(&settings)?;
    import::prepare(&settings)?;
    std::fs::create_dir_all(settings.uploads())?;
    let app = Arc::new(App {
        settings,
        agent: aggregation::agent(),
        members: chat::Members::default(),
        sources_at_once: chosen("SOURCES", "threads"),
        stream_large: chosen("LARGE", "stream"),
        one_transaction: chosen("BATCH", "transaction"),
    });
    let listener = contract::listen()?;
    listener.set_nonblocking(false)?;
    contract::announce(listener.local_addr()?);
    match std::env::var("THREADS").ok().and_then(|threads| threads.parse().ok()) {
        Some(threads) => pool::run(&listener, threads, &app),
        None => {
            for stream in listener.incoming() {
                let app = Arc::clone(&app);
                let connection = Connection::new(stream?)?;
                thread::spawn(move || serve_all(connection, &app));
            }
        }
    }
    Ok(())
}

fn serve_all(mut connection: Connection, app: &App) {
    while let Ok(true) = serve_one(&mut connection, app) {}
}

/// One request and its answer. Whether another one may follow.
fn serve_one(connection: &mut Connection, app: &App) -> io::Result<bool> {
    let Some(request) = connection.receive()? else {
        return Ok(false);
    };
    if request.path == "/chat" {
        chat::serve(connection, &request, &app.members)?;
        return Ok(false);
    }
    let answer = route(&request, connection, app).unwrap_or_else(|error| Answer::failure(&error));
    connection.send(&answer)?;
    Ok(request.keeps_open && connection.is_read())
}

fn route(request: &Request, connection: &mut Connection, app: &App) -> io::Result<Answer> {
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/aggregate") => aggregation::dashboard(app),
        ("GET", "/faults") => aggregation::survivors(app),
        ("POST", "/photos") => uploads::photo(connection, app),
        ("POST", "/large") => uploads::large(connection, app),
        ("POST", "/import") => import::import(connection, app),
        ("GET", "/sum") => import::sum(app),
        _ => Ok(Answer::not_found()),
    }
}
