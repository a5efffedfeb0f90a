//! The twelve programs of `docs/coming-from.md` as they are printed there, a file each.
//!
//! Run one: `cargo run -p example-coming-from json`, or on another port: `PORT=3000 cargo run -p example-coming-from
//! json`.
#![expect(
    unreachable_pub,
    reason = "the programs are printed as they would stand in a crate of their own"
)]

mod custom_error;
#[cfg(test)]
mod document;
mod file_upload;
mod form;
mod hello;
mod json;
mod middleware;
mod nested_routes;
mod path_parameter;
#[cfg(test)]
mod programs;
mod query;
mod shared_state;
mod streaming_response;
#[cfg(test)]
mod testing;

use hyperlane::{Error, Server, ServerConfig};

type App = fn() -> Server;

const PROGRAMS: [(&str, App); 11] = [
    ("hello", hello::app),
    ("path_parameter", path_parameter::app),
    ("query", query::app),
    ("json", json::app),
    ("form", form::app),
    ("shared_state", shared_state::app),
    ("custom_error", custom_error::app),
    ("middleware", middleware::app),
    ("nested_routes", nested_routes::app),
    ("streaming_response", streaming_response::app),
    ("file_upload", file_upload::app),
];

fn main() -> Result<(), Error> {
    let wanted = std::env::args().nth(1);
    let Some(wanted) = wanted.as_deref() else {
        return Ok(hello::main()?);
    };
    let Some((_, app)) = PROGRAMS.iter().find(|(name, _)| *name == wanted) else {
        let names = PROGRAMS.map(|(name, _)| name).join(", ");
        return Err(Error::new(format!(
            "there is no program `{wanted}`: name one of {names}"
        )));
    };
    run(&app())
}

#[tokio::main]
async fn run(server: &Server) -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}
