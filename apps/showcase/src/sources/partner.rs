//! The partner source: one HTTP call to another service.
//!
//! The showcase starts that service itself, on a loopback port and with hyperlane, so that the demo
//! needs no network. `PARTNER_URL` names another service to call; the local one stays up for the
//! demos that need a slow or a failing partner.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyperlane::{Query, Server, ServerConfig, ServerHandle, State, StatusCode};
use reqwest::{Client, ClientBuilder, Response, Url};
use serde::Deserialize;
use tokio::time::sleep;

use super::Cause;

/// Idle connections kept for the next call; a thousand calls at once find theirs again.
const IDLE_CONNECTIONS: usize = 1024;

/// Below the idle time-out of the partner's server, so that no call meets a connection about to close.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of an answer that are kept.
const MAX_ANSWER: usize = 2 * 1024;

/// How long the slow page of the local partner takes.
pub(crate) const SLOW_ANSWER: Duration = Duration::from_millis(200);

/// A client of the partner service, and the local partner.
#[derive(Debug)]
pub(crate) struct Partner {
    client: Client,
    url: Url,
    local: LocalPartner,
}

impl Partner {
    /// Starts the local partner and prepares the calls, to `url` when it is given.
    pub(super) async fn open(url: Option<&str>) -> Result<Self, Cause> {
        let local = LocalPartner::start().await?;
        let (client, url) = match url {
            None => {
                let url = format!("http://{}/delivery?region=north", local.handle.local_addr());
                (local.client.clone(), Url::parse(&url)?)
            }
            Some(text) => {
                let url = Url::parse(text)
                    .ok()
                    .filter(|url| matches!(url.scheme(), "http" | "https"))
                    .ok_or("PARTNER_URL must be an http:// or https:// address")?;
                (client().build()?, url)
            }
        };
        Ok(Self { client, url, local })
    }

    /// Asks the partner and returns the text of its answer.
    pub(super) async fn ask(&self) -> Result<String, Cause> {
        // The URL may hold a secret of the partner's; the error goes on without it.
        let sent = self.client.get(self.url.clone()).send().await;
        let response = sent
            .and_then(Response::error_for_status)
            .map_err(reqwest::Error::without_url)?;
        Ok(read_text(response).await?)
    }

    /// Asks the local partner for the page that takes [`SLOW_ANSWER`].
    pub(crate) async fn ask_slow(&self) -> Result<String, reqwest::Error> {
        self.call_local(self.local.handle.local_addr(), "/slow", CALL_TIMEOUT)
            .await
    }

    /// Asks the local partner for the page that always fails.
    pub(crate) async fn ask_failing(&self) -> Result<String, reqwest::Error> {
        self.call_local(self.local.handle.local_addr(), "/failing", CALL_TIMEOUT)
            .await
    }

    /// Calls an address on this machine, with its own time-out.
    pub(crate) async fn call_local(
        &self,
        address: SocketAddr,
        path: &str,
        timeout: Duration,
    ) -> Result<String, reqwest::Error> {
        let url = format!("http://{address}{path}");
        let response = self.local.client.get(url).timeout(timeout).send().await?;
        read_text(response.error_for_status()?).await
    }

    /// Ends the local partner.
    pub(super) async fn close(&self) {
        self.local.handle.shutdown().await;
    }
}

/// The service that stands in for a partner, and a client that only ever calls this machine.
#[derive(Debug)]
struct LocalPartner {
    handle: ServerHandle,
    client: Client,
}

impl LocalPartner {
    async fn start() -> Result<Self, Cause> {
        let server = Server::new();
        server.config(ServerConfig::new().host("127.0.0.1").port(0));
        server.state(Arc::new(AtomicU64::new(0)));
        server
            .get("/delivery", delivery)
            .get("/slow", slow)
            .get("/failing", failing);
        let handle = server.run().await?;
        // On loopback neither a proxy nor the system's certificates have anything to say.
        let client = client().no_proxy().tls_certs_only([]).build()?;
        Ok(Self { handle, client })
    }
}

#[derive(Debug, Deserialize)]
struct DeliveryQuery {
    region: String,
}

async fn delivery(
    State(answered): State<Arc<AtomicU64>>,
    Query(query): Query<DeliveryQuery>,
) -> Result<String, StatusCode> {
    let days = match query.region.as_str() {
        "north" => 2,
        "east" | "west" => 3,
        "south" => 4,
        _ => return Err(StatusCode::NOT_FOUND),
    };
    let answer = answered.fetch_add(1, Ordering::Relaxed) + 1;
    Ok(format!(
        "Delivery to the {} takes {days} days (answer {answer} of the partner)",
        query.region
    ))
}

async fn slow() -> &'static str {
    sleep(SLOW_ANSWER).await;
    "the slow answer"
}

async fn failing() -> StatusCode {
    StatusCode::SERVICE_UNAVAILABLE
}

fn client() -> ClientBuilder {
    // A second showcase in the same process finds the provider installed; that is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("hyperlane-showcase/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .pool_idle_timeout(IDLE_TIMEOUT)
}

/// Reads an answer up to [`MAX_ANSWER`]; a partner that sends more is cut off, not believed.
async fn read_text(mut response: Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_ANSWER - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if bytes.len() == MAX_ANSWER {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}
