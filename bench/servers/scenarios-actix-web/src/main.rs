//! Files from disk by actix-files.
#![forbid(unsafe_code)]

use std::io;

use actix_files::Files;
use actix_web::{App, HttpServer};
use contract::scenarios::Settings;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let folder = Settings::from_environment().files();
    let server = HttpServer::new(move || App::new().service(Files::new("/static", &folder)));
    let server = server.tcp_nodelay(true);
    let server = server.bind(("127.0.0.1", contract::port()))?;
    for address in server.addrs() {
        contract::announce(address);
    }
    server.run().await
}
