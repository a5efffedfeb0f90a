//! ACME with a real authority: Pebble, the one that Let's Encrypt tests clients with. It proves names by handshakes with
//! the server, at an address that its companion `pebble-challtestsrv` gives it for every name.

#[path = "../authority/mod.rs"]
mod authority;

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use hyperlane_core::{IntoResponse, Request, Response, Service};
use hyperlane_server::tls::{Acme, Tls};
use hyperlane_server::{Config, Listen, ServerHandle, serve};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use authority::Authority;

const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "shop.example.org";

/// Stopped with its test, however that ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Word;

impl Service for Word {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, _: Request) -> Self::Future {
        Box::pin(async { "word".into_response() })
    }
}

/// The authority, its companion, and the one that vouches for its own server.
struct Pebble {
    _programs: [Program; 2],
    own: Authority,
    address: SocketAddr,
    management: SocketAddr,
    root: PathBuf,
}

impl Pebble {
    /// It will look for servers at `tls_port`.
    async fn start(folder: &Path, tls_port: u16) -> Option<Self> {
        let (pebble, companion) = (tool("pebble")?, tool("pebble-challtestsrv")?);
        let own = Authority::new();
        let issued = own.issue(&["localhost", "127.0.0.1"]);
        let (certificate, key, root) = (folder.join("own.pem"), folder.join("own.key"), folder.join("root.pem"));
        fs::write(&certificate, &issued.chain).expect("written");
        fs::write(&key, &issued.key).expect("written");
        fs::write(&root, &own.pem).expect("written");
        let (address, management, control) = (free_tcp(), free_tcp(), free_tcp());
        let names = free_udp();
        let config = format!(
            r#"{{"pebble": {{"listenAddress": "{address}", "managementListenAddress": "{management}",
            "certificate": {certificate:?}, "privateKey": {key:?}, "httpPort": 1, "tlsPort": {tls_port},
            "externalAccountBindingRequired": false, "certificateValidityPeriod": 86400}}}}"#
        );
        let settings = folder.join("pebble.json");
        fs::write(&settings, config).expect("written");
        let companion = Command::new(companion)
            .args([
                "-defaultIPv4",
                "127.0.0.1",
                "-defaultIPv6",
                "",
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
            ])
            .args(["-dns01", &names.to_string(), "-management", &control.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let companion = Program(companion.expect("it starts"));
        let pebble = Command::new(pebble)
            .args([
                "-config",
                settings.to_str().expect("utf-8"),
                "-dnsserver",
                &names.to_string(),
            ])
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "10")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let pebble = Program(pebble.expect("it starts"));
        within(async {
            while TcpStream::connect(address).await.is_err() || TcpStream::connect(management).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        Some(Self {
            _programs: [companion, pebble],
            own,
            address,
            management,
            root,
        })
    }

    fn acme(&self, cache: &Path) -> Acme {
        Acme::new([NAME])
            .contact("admin@example.org")
            .directory(format!("https://localhost:{}/dir", self.address.port()))
            .root_pem_file(&self.root)
            .cache_dir(cache)
    }

    /// A client that trusts what the authority issues.
    async fn client(&self) -> ClientConfig {
        let tcp = TcpStream::connect(self.management).await.expect("listening");
        let name = ServerName::try_from("localhost").expect("a name");
        let mut stream = TlsConnector::from(Arc::new(self.own.client()))
            .connect(name, tcp)
            .await
            .expect("trusted");
        stream
            .write_all(b"GET /roots/0 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            .await
            .expect("open");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let root = CertificateDer::from_pem_slice(&answer).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(root).expect("an authority");
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }
}

fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    if found.is_none() {
        let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(
            !must_run,
            "`{name}` is missing (Debian's package `pebble` has it), and nothing may be skipped"
        );
        eprintln!("SKIPPED: `{name}` is not installed: no certificate was asked for");
    }
    found
}

fn free_tcp() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("bound")
}

fn free_udp() -> SocketAddr {
    loop {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("bound");
        // Names are asked for over both.
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("in time")
}

async fn start(port: u16, tls: Tls) -> ServerHandle {
    let config = Config::default();
    let listeners = Listen::tcp("127.0.0.1", port)
        .tls(tls)
        .bind(&config)
        .await
        .expect("a free port");
    serve(listeners, Arc::new(Word), config).await.expect("it can start")
}

/// The certificate that is shown to a client that checks it, and the answer.
async fn ask(address: SocketAddr, client: &ClientConfig) -> std::io::Result<(CertificateDer<'static>, String)> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::try_from(NAME).expect("a name");
    let mut stream = TlsConnector::from(Arc::new(client.clone())).connect(name, tcp).await?;
    let shown = stream.get_ref().1.peer_certificates().expect("there is one")[0]
        .clone()
        .into_owned();
    let request = format!("GET / HTTP/1.1\r\nhost: {NAME}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok((shown, answer))
}

#[tokio::test]
async fn a_certificate_is_issued_cached_and_used() {
    // What went wrong at the authority is in the log, which is printed where the test fails.
    let _ = tracing_subscriber::fmt().with_test_writer().try_init();
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache");
    let port = free_tcp().port();
    let Some(pebble) = Pebble::start(folder.path(), port).await else {
        return;
    };
    let server = start(port, Tls::acme(pebble.acme(&cache))).await;
    let client = pebble.client().await;
    let (first, answer) = within(async {
        loop {
            match ask(server.local_addr(), &client).await {
                Ok(asked) => break asked,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    })
    .await;
    assert!(answer.ends_with("word"), "{answer}");
    within(server.shutdown()).await;
    // Keys are for the owner alone, and there is nothing half-written.
    #[cfg(unix)]
    for file in fs::read_dir(&cache).expect("made") {
        let file = file.expect("readable");
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().expect("there").permissions());
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
    }
    // After a restart it is there at once, and the same: the authority, which is gone, is not asked.
    let client = client.clone();
    let acme = pebble.acme(&cache);
    drop(pebble);
    let server = start(0, Tls::acme(acme)).await;
    let (second, _) = ask(server.local_addr(), &client).await.expect("from the cache");
    assert_eq!(first, second);
}

#[tokio::test]
async fn without_a_certificate_handshakes_fail_and_the_server_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let acme = Acme::new([NAME])
        .directory(format!("https://{}/dir", free_tcp()))
        .cache_dir(folder.path());
    let server = start(0, Tls::acme(acme)).await;
    let authority = Authority::new();
    ask(server.local_addr(), &authority.client())
        .await
        .expect_err("there is none yet");
    // Somebody who asks for a proof that is not due gets none.
    let mut prober = authority.client();
    prober.alpn_protocols = vec![b"acme-tls/1".to_vec()];
    ask(server.local_addr(), &prober).await.expect_err("none is due");
    within(server.shutdown()).await;
}

#[test]
fn settings_that_can_t_work_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for (acme, wanted) in [
        (Acme::new([NAME]), "cache_dir"),
        (Acme::new(Vec::<String>::new()).cache_dir(folder.path()), "needs a name"),
        (Acme::new(["*.example.org"]).cache_dir(folder.path()), "*.example.org"),
    ] {
        let error = Tls::acme(acme).load().expect_err("it can't work").to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
