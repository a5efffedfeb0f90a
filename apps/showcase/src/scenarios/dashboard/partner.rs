//! The services that the dashboard calls: a server of their own on a loopback port, with the behaviour that is asked for.

use std::time::Duration;

use hyperlane::{Path, Server, ServerConfig, ServerHandle, State, StatusCode};
use reqwest::{Client, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// No answer of these services is longer, in bytes.
const MAX_ANSWER: usize = 1024;
/// How long the service that comes and goes does each.
const HALF_TURN: Duration = Duration::from_secs(5);

/// How the delivery service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Behaviour {
    /// It answers soon.
    #[default]
    Well,
    /// It takes its time.
    Slow,
    /// It answers with an error.
    Failing,
    /// It does not answer at all.
    Hanging,
    /// It is down for five seconds out of ten.
    Flapping,
}

pub(super) const BEHAVIOURS: [Behaviour; 5] = [
    Behaviour::Well,
    Behaviour::Slow,
    Behaviour::Failing,
    Behaviour::Hanging,
    Behaviour::Flapping,
];

/// What another currency costs, for one euro.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Rates {
    usd: f64,
    gbp: f64,
    jpy: f64,
}

/// The services, and a client of theirs; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Partner {
    handle: ServerHandle,
    client: Client,
}

impl Partner {
    /// Starts the services; `scale` is on the time that they take.
    pub(super) async fn open(scale: f64) -> Result<Self, Cause> {
        let server = Server::new();
        server.config(ServerConfig::new().host("127.0.0.1").port(0));
        server
            .state(Clock {
                start: Instant::now(),
                scale,
            })
            .get("/rates", rates)
            .get("/delivery/{behaviour}", delivery);
        // A second showcase in the same process finds the provider installed; that is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).build()?;
        Ok(Self {
            handle: server.run().await?,
            client,
        })
    }

    pub(super) async fn rates(&self) -> Result<Rates, Cause> {
        Ok(serde_json::from_slice(&self.ask("/rates").await?)?)
    }

    pub(super) async fn delivery(&self, behaviour: Behaviour) -> Result<String, Cause> {
        let name = serde_json::to_value(behaviour)?;
        let answer = self
            .ask(&format!("/delivery/{}", name.as_str().unwrap_or_default()))
            .await?;
        Ok(String::from_utf8(answer)?)
    }

    pub(super) async fn close(&self) {
        self.handle.shutdown().await;
    }

    async fn ask(&self, path: &str) -> Result<Vec<u8>, Cause> {
        let url = Url::parse(&format!("http://{}{path}", self.handle.local_addr()))?;
        let mut response = self.client.get(url).send().await?.error_for_status()?;
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(format!("the partner's answer exceeds {MAX_ANSWER} bytes").into());
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

/// What the services share.
#[derive(Debug, Clone, Copy)]
struct Clock {
    start: Instant,
    scale: f64,
}

impl Clock {
    async fn take(self, millis: u64) {
        sleep(Duration::from_millis(millis).mul_f64(self.scale)).await;
    }

    fn is_up(self) -> bool {
        (self.start.elapsed().as_millis() / HALF_TURN.as_millis()).is_multiple_of(2)
    }
}

async fn rates(State(clock): State<Clock>) -> hyperlane::Json<Rates> {
    clock.take(250).await;
    hyperlane::Json(Rates {
        usd: 1.09,
        gbp: 0.85,
        jpy: 171.4,
    })
}

async fn delivery(Path(behaviour): Path<Behaviour>, State(clock): State<Clock>) -> Result<&'static str, StatusCode> {
    match behaviour {
        Behaviour::Well => clock.take(120).await,
        Behaviour::Slow => clock.take(600).await,
        Behaviour::Hanging => std::future::pending().await,
        Behaviour::Flapping if clock.is_up() => clock.take(120).await,
        Behaviour::Failing | Behaviour::Flapping => {
            clock.take(80).await;
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
    }
    Ok("Two days to the north")
}
