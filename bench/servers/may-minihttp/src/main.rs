//! may_minihttp, as its examples have it: coroutines on one thread for each core.
//!
//! It has no router, no streamed responses, and does not close a connection that asks for it.
#![forbid(unsafe_code)]

use std::io::{self, Read};
use std::sync::LazyLock;

use contract::{Item, Receipt};
use may_minihttp::{HttpServer, HttpService, Request, Response};

static DOWNLOAD: LazyLock<&'static str> =
    LazyLock::new(|| String::leak(String::from_utf8(contract::download()).expect("the alphabet is UTF-8")));

fn main() -> io::Result<()> {
    let address = format!("127.0.0.1:{}", contract::port());
    let server = HttpServer(Benchmark).start(&address)?;
    contract::announce(address);
    server
        .join()
        .map_err(|_| io::Error::other("the accepting coroutine panicked"))
}

#[derive(Clone)]
struct Benchmark;

impl HttpService for Benchmark {
    fn call(&mut self, request: Request<'_, '_, '_>, response: &mut Response<'_>) -> io::Result<()> {
        match (request.method(), request.path()) {
            ("GET", "/") => {
                response.header("Content-Type: text/plain").body(contract::HELLO);
            }
            ("GET", "/download") => {
                response
                    .header("Content-Type: application/octet-stream")
                    .body(*DOWNLOAD);
            }
            ("POST", "/upload") => {
                let bytes = io::copy(&mut request.body(), &mut io::sink())?;
                response
                    .header("Content-Type: text/plain")
                    .body_vec(bytes.to_string().into());
            }
            ("POST", path) => {
                let Some(Ok(id)) = path.strip_prefix("/items/").map(str::parse) else {
                    response.status_code(404, "Not Found");
                    return Ok(());
                };
                let mut body = Vec::new();
                request.body().read_to_end(&mut body)?;
                let item: Item = serde_json::from_slice(&body)?;
                let receipt = serde_json::to_vec(&Receipt::new(id, item))?;
                response.header("Content-Type: application/json").body_vec(receipt);
            }
            _ => {
                response.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}
