//! How an upstream is reached: TCP, a Unix socket, or TLS, within a time.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use hyperlane_core::BoxError;
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use super::proxy::Settings;
use super::upstream::Address;

/// Opens connections to one upstream, whatever a request's target says.
#[derive(Clone)]
pub(super) struct Connector {
    way: Way,
    limit: Duration,
}

#[derive(Clone)]
enum Way {
    Tcp(HttpConnector),
    Unix(PathBuf),
    #[cfg(feature = "reverse-proxy-tls")]
    Tls(Box<hyper_rustls::HttpsConnector<HttpConnector>>),
}

impl Connector {
    pub(super) fn new(address: &Address, settings: &Settings) -> Self {
        let way = match &address.socket {
            Some(path) => Way::Unix(path.clone()),
            None => Way::over_tcp(address, settings),
        };
        Self {
            way,
            limit: settings.connect_timeout,
        }
    }
}

impl Way {
    fn over_tcp(address: &Address, settings: &Settings) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(settings.connect_timeout));
        tcp.set_keepalive(Some(Duration::from_secs(60)));
        tcp.enforce_http(false);
        #[cfg(feature = "reverse-proxy-tls")]
        if address.scheme == http::uri::Scheme::HTTPS {
            return Self::Tls(Box::new(over_tls(tcp, settings)));
        }
        #[cfg(not(feature = "reverse-proxy-tls"))]
        let _ = address;
        Self::Tcp(tcp)
    }

    async fn open(self, uri: Uri) -> Result<Link, BoxError> {
        match self {
            Self::Tcp(mut tcp) => Ok(Link::new(tcp.call(uri).await?.into_inner())),
            #[cfg(unix)]
            Self::Unix(path) => Ok(Link::new(tokio::net::UnixStream::connect(path).await?)),
            #[cfg(not(unix))]
            Self::Unix(_) => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
            #[cfg(feature = "reverse-proxy-tls")]
            Self::Tls(mut tls) => Ok(Link::new(TokioIo::new(tls.call(uri).await?))),
        }
    }
}

#[cfg(feature = "reverse-proxy-tls")]
fn over_tls(tcp: HttpConnector, settings: &Settings) -> hyper_rustls::HttpsConnector<HttpConnector> {
    use hyper_rustls::{ConfigBuilderExt, HttpsConnectorBuilder};

    let config = match &settings.tls {
        Some(config) => {
            let mut config = rustls::ClientConfig::clone(config);
            // What is spoken is the proxy's to say; the builder below panics over anything that was said before.
            config.alpn_protocols.clear();
            config
        }
        None => {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.expect("the provider supports the versions that are enabled");
            match builder.clone().try_with_platform_verifier() {
                Ok(builder) => builder.with_no_client_auth(),
                Err(error) => {
                    tracing::error!(%error, "trusted certificates of the system can't be read: no upstream is trusted");
                    builder
                        .with_root_certificates(rustls::RootCertStore::empty())
                        .with_no_client_auth()
                }
            }
        }
    };
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_http1()
        .wrap_connector(tcp)
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Link, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let Self { way, limit } = self.clone();
        Box::pin(async move {
            match tokio::time::timeout(limit, way.open(uri)).await {
                Ok(opened) => opened,
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "connection took too long").into()),
            }
        })
    }
}

trait Io: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

/// A connection to an upstream.
pub(super) struct Link {
    io: TokioIo<Pin<Box<dyn Io>>>,
    uses: Uses,
}

/// How many requests a connection has answered. It is known of every response, and of most errors.
#[derive(Clone, Default)]
pub(super) struct Uses(Arc<AtomicU64>);

impl Uses {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_first(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Link {
    fn new(io: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        Self {
            io: TokioIo::new(Box::pin(io)),
            uses: Uses::default(),
        }
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new().extra(self.uses.clone())
    }
}

impl Read for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}
