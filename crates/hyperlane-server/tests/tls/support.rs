//! A server that tells what it knows of a connection, and clients.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyperlane_core::{Body, IntoResponse, Request, Response, Service};
use hyperlane_server::tls::Tls;
use hyperlane_server::{Config, Listen, ServerHandle, serve};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) use crate::authority::{Authority, Issued};

/// Answers with what it knows of the connection; `/echo` with the body, `/large` with 8 MiB, `/length` with the length
/// of the body or its error.
pub(crate) struct App;

pub(crate) const LARGE: usize = 8 * 1024 * 1024;

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, mut request: Request) -> Self::Future {
        Box::pin(async move {
            match request.head().path() {
                "/echo" => match request.body_mut().bytes().await {
                    Ok(bytes) => bytes.into_response(),
                    Err(error) => error.status().into_response(),
                },
                "/length" => match request.body_mut().bytes().await {
                    Ok(bytes) => bytes.len().to_string().into_response(),
                    Err(error) => format!("{:?}", error.kind()).into_response(),
                },
                "/large" => Response::new(Body::from(large())),
                _ => match &request.connection().tls {
                    Some(tls) => format!(
                        "{} {} alpn={} name={} certificates={}",
                        tls.version,
                        tls.cipher_suite,
                        tls.alpn.as_deref().unwrap_or("-"),
                        tls.server_name.as_deref().unwrap_or("-"),
                        tls.client_certificates.len(),
                    )
                    .into_response(),
                    None => "plain".into_response(),
                },
            }
        })
    }

    fn body_limit(&self, _: &hyperlane_core::Head) -> Option<u64> {
        Some(64 * 1024 * 1024)
    }
}

/// Bytes of which no two places look alike.
pub(crate) fn large() -> Vec<u8> {
    (0..LARGE as u32 / 4).flat_map(u32::to_be_bytes).collect()
}

pub(crate) async fn start(tls: Tls) -> ServerHandle {
    start_with(tls, Config::default()).await
}

pub(crate) async fn start_with(tls: Tls, config: Config) -> ServerHandle {
    let listeners = Listen::tcp("127.0.0.1", 0)
        .tls(tls)
        .bind(&config)
        .await
        .expect("a free port");
    serve(listeners, Arc::new(App), config).await.expect("it can start")
}

pub(crate) async fn connect(address: SocketAddr, name: &str, client: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    TlsConnector::from(Arc::new(client)).connect(name, tcp).await
}

/// The body of the answer to a `GET` on a connection of its own.
pub(crate) async fn get(address: SocketAddr, name: &str, client: ClientConfig) -> io::Result<String> {
    let mut stream = connect(address, name, client).await?;
    ask(
        &mut stream,
        &format!("GET / HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n"),
    )
    .await
}

/// Sends `request`, and reads to the end in order.
pub(crate) async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await?;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    Ok(body.to_owned())
}

/// The first certificate that the server shows.
pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let chain = stream.get_ref().1.peer_certificates().expect("there is always one");
    chain[0].clone().into_owned()
}

/// Nothing here takes long; what hangs is a failure.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("in time")
}

/// What is logged by this thread while it is captured.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn capture(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a tool is, if it is there. Its lack is told, and a failure where nothing may be skipped.
pub(crate) fn tool(name: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        assert!(
            std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_none_or(|value| value != "1"),
            "`{name}` is missing, and nothing may be skipped"
        );
        eprintln!("SKIPPED: `{name}` is not installed");
    }
    found
}
