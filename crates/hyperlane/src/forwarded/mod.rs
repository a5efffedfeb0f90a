//! Who asks, where proxies stand between: from the headers that they write, as far as they are trusted.
//!
//! Whether a proxy may be believed is decided by its address: see
//! [`ServerConfig::trusted_proxies`](crate::ServerConfig::trusted_proxies). Nothing here costs a request that does not
//! ask.

mod header;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;

use self::header::{Hop, forwarded_hops, legacy_hops};
use crate::context::Context;
use crate::extract::FromContext;

/// The address of the client: the same as [`Context::client_ip`].
///
/// ```
/// # use hyperlane::*;
/// async fn whoami(ClientIp(address): ClientIp) -> String {
///     address.to_string()
/// }
/// # Server::new().get("/", whoami);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientIp(pub IpAddr);

impl FromContext for ClientIp {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(Self(ctx.client_ip()))
    }
}

#[cfg(feature = "openapi")]
impl crate::openapi::Describe for ClientIp {}

/// Which headers trusted proxies write about the client. A proxy passes those on that it does not write, as the client
/// sent them: a header that no proxy writes must not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// Those that are there. Where both kinds are, and do not say the same, one of them may be the client's own: then
    /// neither counts.
    ///
    /// The default. To say which it is is better: a client that sends the other kind can hide behind its proxy's
    /// address.
    #[default]
    Either,
    /// `Forwarded` (RFC 7239) alone.
    Forwarded,
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host` alone.
    XForwarded,
}

/// The proxies that are believed. It is kept among the server's states.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies(Arc<Trust>);

#[derive(Debug, Default)]
struct Trust {
    networks: Vec<IpNet>,
    /// Whoever connects over a transport without addresses.
    unix: bool,
    header: ForwardedHeader,
}

impl TrustedProxies {
    /// The error says which is none.
    pub(crate) fn parse(proxies: &[String], header: ForwardedHeader) -> Result<Self, String> {
        let mut trust = Trust {
            header,
            ..Trust::default()
        };
        for proxy in proxies {
            if proxy == "unix:" {
                trust.unix = true;
                continue;
            }
            let network = proxy.parse::<IpNet>();
            let network = network.or_else(|_| proxy.parse::<IpAddr>().map(IpNet::from));
            trust.networks.push(network.map_err(|_| {
                format!("`{proxy}` is neither an ip address, nor a network like `10.0.0.0/8`, nor `unix:`")
            })?);
        }
        Ok(Self(Arc::new(trust)))
    }
}

impl Trust {
    fn includes(&self, address: Option<IpAddr>) -> bool {
        match address {
            Some(address) => self.networks.iter().any(|network| network.contains(&address)),
            None => self.unix,
        }
    }

    /// Goes from `peer`, which is trusted, back to the first that is not.
    fn walk<'a>(&self, peer: Option<IpAddr>, hops: &[Hop<'a>]) -> Origin<'a> {
        let mut origin = Origin {
            address: peer,
            ..Origin::default()
        };
        for hop in hops.iter().rev() {
            // What a trusted proxy says about how it was asked counts also where it hides by whom.
            (origin.scheme, origin.host) = (hop.scheme, hop.host);
            let Some(address) = hop.address else {
                break;
            };
            origin.address = Some(address);
            if !self.includes(origin.address) {
                break;
            }
        }
        origin
    }
}

/// What is known of the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Origin<'a> {
    /// `None`: its transport has no addresses.
    address: Option<IpAddr>,
    scheme: Option<&'static str>,
    host: Option<&'a str>,
}

impl Context {
    /// The address of the client: of the peer; or, where that is a
    /// [trusted proxy](crate::ServerConfig::trusted_proxies), of whom it and the proxies before it ask for. It is
    /// `0.0.0.0` where the transport has no addresses.
    ///
    /// Each proxy adds to the header whom it was asked by. So it is read from its end: the first address that is no
    /// trusted proxy's is the client's, and what stands before it was up to that client. An entry that is no address
    /// (`unknown`, `_hidden`, a mistake) ends the search at the proxy that wrote it.
    ///
    /// ```
    /// # use hyperlane::*;
    /// let server = Server::new();
    /// server.config(ServerConfig::new().trusted_proxies(["10.0.0.0/8"]));
    /// server.get("/", async |ctx: Context| format!("{} over {}", ctx.client_ip(), ctx.scheme()));
    /// ```
    pub fn client_ip(&self) -> IpAddr {
        self.origin().address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// `https` or `http`: what the client speaks, to the [trusted proxy](crate::ServerConfig::trusted_proxies) that it
    /// has asked, or to this server.
    pub fn scheme(&self) -> &'static str {
        self.origin().scheme.unwrap_or(match self.connection().tls {
            Some(_) => "https",
            None => "http",
        })
    }

    /// The host, with its port if it was written, that the client has asked for: as a
    /// [trusted proxy](crate::ServerConfig::trusted_proxies) tells it, or else [`host`](Self::host). It is up to the
    /// client, as that is.
    ///
    /// For links to this server; routes for hosts compare what this server was asked for.
    pub fn forwarded_host(&self) -> Option<&str> {
        self.origin().host.or_else(|| self.host())
    }

    fn origin(&self) -> Origin<'_> {
        let peer = self.connection().peer_addr.map(|peer| peer.ip().to_canonical());
        let direct = Origin {
            address: peer,
            ..Origin::default()
        };
        let Some(TrustedProxies(trust)) = self.try_state() else {
            return direct;
        };
        if !trust.includes(peer) {
            return direct;
        }
        let head = self.request_head();
        let standard = || forwarded_hops(head).map(|hops| trust.walk(peer, &hops));
        let legacy = || legacy_hops(head).map(|hops| trust.walk(peer, &hops));
        let told = match trust.header {
            ForwardedHeader::Forwarded => standard(),
            ForwardedHeader::XForwarded => legacy(),
            ForwardedHeader::Either => match (standard(), legacy()) {
                (Some(one), Some(other)) if one != other => None,
                (one, other) => one.or(other),
            },
        };
        told.unwrap_or(direct)
    }
}
