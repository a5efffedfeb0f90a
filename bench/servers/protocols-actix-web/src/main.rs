//! actix-web over HTTP/2 with prior knowledge, TLS with rustls, and WebSocket with actix-ws.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

use actix_web::web::{self, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use actix_ws::{Message, MessageStream, Session};
use bytes::Bytes;
use contract::protocols::Secure;
use rustls::ServerConfig;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let body = web::Data::new(Bytes::from(contract::download()));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(body.clone())
            .route("/", web::get().to(hello))
            .route("/download", web::get().to(download))
            .route("/ws", web::get().to(echo))
    });
    let mut server = server
        .tcp_nodelay(true)
        .bind_auto_h2c(("127.0.0.1", contract::port()))?;
    if let Some(secure) = Secure::from_environment() {
        // It fails only where a provider was chosen before.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut certificate = BufReader::new(File::open(secure.certificate)?);
        let chain = rustls_pemfile::certs(&mut certificate).collect::<Result<_, _>>()?;
        let key = rustls_pemfile::private_key(&mut BufReader::new(File::open(secure.key)?))?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key.ok_or("the file has no key")?)?;
        server = server.bind_rustls_0_23(("127.0.0.1", secure.port), config)?;
    }
    let address = server.addrs().first().copied().ok_or("it is bound to nothing")?;
    contract::announce(address);
    server.run().await?;
    Ok(())
}

async fn hello() -> &'static str {
    contract::HELLO
}

async fn download(body: web::Data<Bytes>) -> Bytes {
    Bytes::clone(&body)
}

async fn echo(request: HttpRequest, body: Payload) -> actix_web::Result<HttpResponse> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(answer(session, messages));
    Ok(response)
}

async fn answer(mut session: Session, mut messages: MessageStream) {
    while let Some(Ok(message)) = messages.recv().await {
        let sent = match message {
            Message::Text(text) => session.text(text).await,
            Message::Binary(bytes) => session.binary(bytes).await,
            Message::Ping(bytes) => session.pong(&bytes).await,
            Message::Close(reason) => {
                // The client may be gone already.
                session.close(reason).await.ok();
                return;
            }
            _ => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
}
