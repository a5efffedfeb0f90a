//! Rocket with its `release` profile and no logging, a worker for each core, and without the headers that it adds beyond
//! those of the others.
#![forbid(unsafe_code)]

use contract::{Item, Receipt};
use rocket::config::{Config, Ident, LogLevel};
use rocket::data::{ByteUnit, Data};
use rocket::fairing::AdHoc;
use rocket::http::ContentType;
use rocket::response::stream::ByteStream;
use rocket::serde::json::Json;
use rocket::shield::Shield;
use rocket::tokio::io::{self, sink};
use rocket::{Build, Rocket, get, launch, post, routes};

static DOWNLOAD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(contract::download);

#[launch]
fn server() -> Rocket<Build> {
    let config = Config {
        port: contract::port(),
        log_level: LogLevel::Off,
        workers: contract::cores(),
        ident: Ident::none(),
        ..Config::release_default()
    };
    rocket::custom(config)
        .attach(Shield::new())
        .mount("/", routes![hello, receipt, download, count, pieces])
        .attach(AdHoc::on_liftoff("announcement", |rocket| {
            let port = rocket.config().port;
            Box::pin(async move { contract::announce(format_args!("127.0.0.1:{port}")) })
        }))
}

#[get("/")]
fn hello() -> &'static str {
    contract::HELLO
}

#[post("/items/<id>", data = "<item>")]
fn receipt(id: u64, item: Json<Item>) -> Json<Receipt> {
    Json(Receipt::new(id, item.into_inner()))
}

#[get("/download")]
fn download() -> &'static [u8] {
    &DOWNLOAD
}

#[post("/upload", data = "<body>")]
async fn count(body: Data<'_>) -> io::Result<String> {
    let bytes = io::copy(&mut body.open(ByteUnit::from(contract::UPLOAD_LIMIT)), &mut sink()).await?;
    Ok(bytes.to_string())
}

#[get("/stream")]
fn pieces() -> (ContentType, ByteStream![&'static [u8]]) {
    let pieces = ByteStream! {
        for _ in 0..contract::CHUNKS {
            yield contract::CHUNK.as_slice();
        }
    };
    (ContentType::Text, pieces)
}
