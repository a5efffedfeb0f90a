//! HTTPS on one port, and on another one the way there for those who came without.
//!
//! Run it: `cargo run -p example-tls`, with a certificate that is made on the spot, then `curl -k https://localhost:8443`.
//! With certificates of yours: `TLS_CERTIFICATE=site.pem TLS_KEY=site.key cargo run -p example-tls`, and with
//! `TLS_CLIENT_CA=ca.pem` clients may show theirs. New files are taken while it runs.

use std::env;

use hyperlane::tls::{ClientCa, ClientCertificate, RedirectToHttps};
use hyperlane::{Context, Error, Listen, RunError, Server, ServerConfig, ServerHandle, Tls};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = |name, default| env::var(name).map_or(Ok(default), |port| port.parse());
    let handle = start(port("PORT", 8080)?, port("TLS_PORT", 8443)?).await?;
    for address in handle.local_addrs() {
        println!("listening on {address}");
    }
    handle.wait().await;
    Ok(())
}

async fn start(port: u16, tls_port: u16) -> Result<ServerHandle, RunError> {
    let server = app(tls_port);
    server.config(
        ServerConfig::new()
            .listen(Listen::tcp("127.0.0.1", tls_port).tls(tls()))
            .listen(Listen::tcp("127.0.0.1", port)),
    );
    server.run().await
}

fn tls() -> Tls {
    let tls = match (env::var_os("TLS_CERTIFICATE"), env::var_os("TLS_KEY")) {
        (Some(certificate), Some(key)) => Tls::pem_files(certificate, key),
        _ => Tls::self_signed(["localhost", "127.0.0.1"]),
    };
    match env::var_os("TLS_CLIENT_CA") {
        Some(authorities) => tls.client_ca(ClientCa::pem_file(authorities).optional()),
        None => tls,
    }
}

fn app(tls_port: u16) -> Server {
    let server = Server::new();
    server.middleware(RedirectToHttps::new().port(tls_port));
    server.get("/", session).get("/members", member);
    server
}

/// What the handshake agreed on.
async fn session(ctx: Context) -> String {
    match ctx.tls() {
        Some(tls) => format!("{} over {} with {}\n", ctx.version(), tls.version, tls.cipher_suite),
        None => "plain\n".to_owned(),
    }
}

/// For clients alone that an authority of ours knows; others are answered 403.
async fn member(client: ClientCertificate) -> String {
    format!(
        "welcome, {}\n",
        client.common_name().unwrap_or_else(|| client.subject())
    )
}
