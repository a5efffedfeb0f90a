//! One application over all versions of HTTP, on one port: HTTP/1.1 and HTTP/2 over TCP, HTTP/3 over UDP.
//!
//! Run it: `cargo run -p example-http3`, then `curl -k --http3 https://localhost:8443` with a curl that speaks it.
//! Browsers begin with HTTP/2, and come back with HTTP/3 once a response has told them of it; they want a certificate
//! that they trust for that: `TLS_CERTIFICATE=site.pem TLS_KEY=site.key cargo run -p example-http3`.

use std::env;

use hyperlane::{Body, Context, Error, RunError, Server, ServerConfig, ServerHandle, Tls};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = env::var("PORT").map_or(Ok(8443), |port| port.parse())?;
    let tls = match (env::var_os("TLS_CERTIFICATE"), env::var_os("TLS_KEY")) {
        (Some(certificate), Some(key)) => Tls::pem_files(certificate, key),
        _ => Tls::self_signed(["localhost", "127.0.0.1"]),
    };
    let handle = start(port, tls).await?;
    println!("listening on {}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

async fn start(port: u16, tls: Tls) -> Result<ServerHandle, RunError> {
    let server = app();
    server.config(ServerConfig::new().port(port).tls(tls).http3(true));
    server.run().await
}

fn app() -> Server {
    let server = Server::new();
    server.get("/", version).post("/echo", echo);
    server
}

/// By which version the client asks.
async fn version(ctx: Context) -> String {
    format!("{}\n", ctx.version())
}

/// Sends back what comes, while it comes.
async fn echo(body: Body) -> Body {
    body
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::{Buf, Bytes};
    use quinn::crypto::rustls::QuicClientConfig;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::RootCertStore;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_application_answers_over_http_3() {
        let key = KeyPair::generate().expect("random numbers");
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let certificate = certificate.self_signed(&key).expect("valid");
        let handle = start(0, Tls::pem(certificate.pem(), key.serialize_pem()))
            .await
            .expect("a free port");
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("valid");
        let mut tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("the provider has it")
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"h3".to_vec()];
        let config = quinn::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).expect("tls 1.3")));
        let endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).expect("a free port");
        let exchange = async {
            let connecting = endpoint
                .connect_with(config, handle.local_addr(), "localhost")
                .expect("a name");
            let connection = h3_quinn::Connection::new(connecting.await.expect("a handshake"));
            let (mut driver, mut client) = h3::client::new(connection).await.expect("begun");
            tokio::spawn(async move { poll_fn(|cx| driver.poll_close(cx)).await });
            let request = http::Request::get("https://localhost/").body(()).expect("valid");
            let mut stream = client.send_request(request).await.expect("open");
            stream.finish().await.expect("open");
            assert_eq!(stream.recv_response().await.expect("answered").status(), 200);
            let mut piece = stream.recv_data().await.expect("whole").expect("not empty");
            assert_eq!(piece.copy_to_bytes(piece.remaining()), "HTTP/3.0\n");
            let request = http::Request::post("https://localhost/echo").body(()).expect("valid");
            let mut stream = client.send_request(request).await.expect("open");
            stream.send_data(Bytes::from_static(b"hello")).await.expect("open");
            stream.finish().await.expect("open");
            assert_eq!(stream.recv_response().await.expect("answered").status(), 200);
            let mut piece = stream.recv_data().await.expect("whole").expect("not empty");
            assert_eq!(piece.copy_to_bytes(piece.remaining()), "hello");
        };
        timeout(Duration::from_secs(20), exchange).await.expect("in time");
        handle.shutdown().await;
    }
}
