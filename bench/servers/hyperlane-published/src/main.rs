//! The newest published `hyperlane`, as its examples have it: a middleware writes the response.
//!
//! It always sends a `Content-Length`, so that it has no chunked responses to be measured.
#![forbid(unsafe_code)]

use std::error::Error;
use std::sync::LazyLock;

use contract::{Item, Receipt};
use hyperlane_published::*;

static DOWNLOAD: LazyLock<Vec<u8>> = LazyLock::new(contract::download);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = format!("127.0.0.1:{}", contract::port());
    let mut config = ServerConfig::default();
    config.set_address(&address).set_nodelay(Some(true));
    let mut server = Server::default();
    server.server_config(config);
    server.response_middleware::<Write>();
    server.route::<Hello>("/");
    server.route::<MakeReceipt>("/items/{id}");
    server.route::<Download>("/download");
    server.route::<Count>("/upload");
    let control = Box::leak(Box::new(server))
        .run()
        .await
        .map_err(|error| format!("{error:?}"))?;
    contract::announce(address);
    control.wait().await;
    Ok(())
}

struct Hello;

impl ServerHook for Hello {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, _: &mut Stream, ctx: &mut Context) -> Status {
        ctx.get_mut_response()
            .set_header(CONTENT_TYPE, TEXT_PLAIN)
            .set_body(contract::HELLO);
        Status::Continue
    }
}

struct MakeReceipt;

impl ServerHook for MakeReceipt {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, _: &mut Stream, ctx: &mut Context) -> Status {
        let id = ctx.try_get_route_param("id").and_then(|id| id.parse().ok());
        let item = serde_json::from_slice::<Item>(ctx.get_request().get_body()).ok();
        let receipt = id
            .zip(item)
            .and_then(|(id, item)| serde_json::to_vec(&Receipt::new(id, item)).ok());
        let response = ctx.get_mut_response();
        match receipt {
            Some(receipt) => response.set_header(CONTENT_TYPE, APPLICATION_JSON).set_body(receipt),
            None => response.set_status_code(422),
        };
        Status::Continue
    }
}

struct Download;

impl ServerHook for Download {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, _: &mut Stream, ctx: &mut Context) -> Status {
        let response = ctx.get_mut_response();
        response
            .set_header(CONTENT_TYPE, APPLICATION_OCTET_STREAM)
            .set_body(DOWNLOAD.as_slice());
        Status::Continue
    }
}

/// The body was read into memory before.
struct Count;

impl ServerHook for Count {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, _: &mut Stream, ctx: &mut Context) -> Status {
        let bytes = ctx.get_request().get_body().len();
        ctx.get_mut_response()
            .set_header(CONTENT_TYPE, TEXT_PLAIN)
            .set_body(bytes.to_string());
        Status::Continue
    }
}

/// Writes what the route set: the framework sends nothing by itself.
struct Write;

impl ServerHook for Write {
    async fn new(_: &mut Stream, _: &mut Context) -> Self {
        Self
    }

    async fn handle(self, stream: &mut Stream, ctx: &mut Context) -> Status {
        let response = ctx.get_mut_response().build();
        if stream.try_send(response).await.is_err() {
            stream.set_closed(true);
            return Status::Reject;
        }
        Status::Continue
    }
}
