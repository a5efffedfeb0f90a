//! What is asked of a listener: an address, and what holds for the connections that come there.

#[cfg(feature = "proxy-protocol")]
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::tcp::{self, TcpOptions};
use super::{Address, AddressError, BindError, Listener};
use crate::Config;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyProtocol;

/// How often another port is tried where one is not free in every way.
const PORT_ATTEMPTS: usize = 8;

/// A listener in the making: where it listens, and how.
///
/// A text stands for one with the default options; what is wrong in it is told when it is [bound](Self::bind).
///
/// ```
/// use hyperlane_server::{Config, Listen};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listen = Listen::tcp("127.0.0.1", 0).reuse_port(true);
/// let listeners = listen.bind(&Config::default()).await?;
/// assert_ne!(listeners[0].local_addr().port(), 0);
/// let error = Listen::from("nonsense").bind(&Config::default()).await.unwrap_err();
/// assert!(error.is_setting());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it listens where it is given to `ServerConfig::listen`, or bound"]
pub struct Listen {
    address: Result<Address, AddressError>,
    tcp: TcpOptions,
    mode: Option<u32>,
    #[cfg(feature = "proxy-protocol")]
    proxy_protocol: Option<ProxyProtocol>,
    /// The first that is wrong with the options.
    mistake: Option<String>,
    #[cfg(feature = "tls")]
    tls: Encryption,
    /// Whether HTTP/3 is spoken; `None`: nothing was said.
    #[cfg(feature = "http3")]
    http3: Option<bool>,
}

/// What was said about TLS.
#[cfg(feature = "tls")]
#[derive(Clone, Debug)]
enum Encryption {
    /// Nothing.
    Unset,
    None,
    Tls(Box<crate::Tls>),
}

impl Listen {
    /// At this address.
    pub fn at(address: Address) -> Self {
        Self::new(Ok(address))
    }

    /// Over TCP, on a host (an address or a name) and a port. Port 0 lets the system choose.
    ///
    /// `::` serves IPv4 too, unless [`only_v6`](Self::only_v6) says otherwise.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::at(Address::tcp(host, port))
    }

    /// On a Unix socket. Its file is removed when the server ends. One that a crashed server left behind is replaced;
    /// one on which another server answers is an error, and so is a file that is no socket.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::at(Address::Unix(path.into()))
    }

    /// On the sockets that the process was started with under `name`: see [`Address::Inherited`].
    pub fn inherited(name: impl Into<String>) -> Self {
        Self::at(Address::Inherited(name.into()))
    }

    /// Whether other sockets, of this process or of another one of the same user, may listen on the same port at the
    /// same time (`SO_REUSEPORT`). Default: false, since two servers on one port are usually a mistake. TCP only.
    ///
    /// The kernel spreads connections over all of them. For a restart that loses nothing it is not enough: connections
    /// that wait in a socket that is closed are lost. [`ServerHandle::hand_over`](crate::ServerHandle) loses none.
    pub fn reuse_port(mut self, reuse: bool) -> Self {
        self.tcp.reuse_port = reuse;
        self
    }

    /// Whether an IPv6 address serves IPv6 alone. Default: false: `[::]` is reached over IPv4 as well, and those clients
    /// are seen with their IPv4 addresses. TCP only.
    pub fn only_v6(mut self, only: bool) -> Self {
        self.tcp.only_v6 = only;
        self
    }

    /// The rights of a Unix socket's file, as `0o660`. Who may write may connect. Default: what the process's umask
    /// leaves, which usually means its own user. They hold before the first connection.
    pub fn mode(mut self, mode: u32) -> Self {
        if mode > 0o777 {
            self.complain(format!("mode {mode:#o} is no set of rights: write one like 0o660"));
        }
        self.mode = Some(mode);
        self
    }

    /// Expects the PROXY protocol, version 1 or 2, in front of each connection, by which a proxy tells for whom it
    /// connects. Default: off.
    ///
    /// `proxies` are the addresses and networks (as `10.0.0.0/8`) that may say so; connections from elsewhere are
    /// closed, since they could claim any address, and so are those without the header. Whoever may connect to a Unix
    /// socket may say so.
    ///
    /// The address that was told is then [`ConnectionInfo::peer_addr`](hyperlane_core::ConnectionInfo::peer_addr), and
    /// that of the proxy [`proxy_addr`](hyperlane_core::ConnectionInfo::proxy_addr). The header has to be there within
    /// [`Config::handshake_timeout`], and may have [`Config::proxy_header_limit`] bytes.
    #[cfg(feature = "proxy-protocol")]
    pub fn proxy_protocol<I>(mut self, proxies: I) -> Self
    where
        I: IntoIterator,
        I::Item: Display,
    {
        match ProxyProtocol::from_trusted(proxies) {
            Ok(protocol) => self.proxy_protocol = Some(protocol),
            Err(mistake) => self.complain(mistake),
        }
        self
    }

    /// Speaks TLS with this certificate.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::Tls) -> Self {
        self.tls = Encryption::Tls(Box::new(tls));
        self
    }

    /// Speaks no TLS here, although the server has a certificate for its other listeners.
    #[cfg(feature = "tls")]
    pub fn without_tls(mut self) -> Self {
        self.tls = Encryption::None;
        self
    }

    /// Speaks TLS with this certificate, if nothing else was said.
    #[cfg(feature = "tls")]
    pub fn tls_by_default(self, tls: &crate::Tls) -> Self {
        match self.tls {
            Encryption::Unset => self.tls(tls.clone()),
            _ => self,
        }
    }

    /// Whether HTTP/3 is spoken too, on the same port over UDP. Default: false. It needs TLS, and an address of TCP.
    ///
    /// Responses over the other versions tell clients of it, by `Alt-Svc`.
    #[cfg(feature = "http3")]
    pub fn http3(mut self, spoken: bool) -> Self {
        self.http3 = Some(spoken);
        self
    }

    /// Speaks HTTP/3 too, if it has TLS, can have it, and nothing else was said. A listener for proxies alone can't: what
    /// comes over UDP has no header of theirs.
    #[cfg(feature = "http3")]
    pub fn http3_by_default(self) -> Self {
        let fits = matches!(self.tls, Encryption::Tls(_));
        #[cfg(feature = "proxy-protocol")]
        let fits = fits && self.proxy_protocol.is_none();
        match (self.http3, &self.address) {
            (None, Ok(Address::Tcp { .. })) if fits => self.http3(true),
            _ => self,
        }
    }

    /// Says what is wrong with it, before anything is bound.
    ///
    /// # Errors
    ///
    /// [`BindError::is_setting`]: the address is none, or an option makes no sense.
    pub fn check(&self) -> Result<(), BindError> {
        let address = self
            .address
            .as_ref()
            .map_err(|error| BindError::setting(None, error.to_string()))?;
        let wrong = |message: &str| Err(BindError::setting(Some(address), message));
        if let Some(mistake) = &self.mistake {
            return wrong(mistake);
        }
        let tcp = matches!(address, Address::Tcp { .. });
        if !tcp && (self.tcp.reuse_port || self.tcp.only_v6) {
            return wrong("`reuse_port` and `only_v6` are for addresses of tcp");
        }
        if self.mode.is_some() && !matches!(address, Address::Unix(path) if !is_abstract(path)) {
            return wrong("`mode` is for unix sockets that have a file");
        }
        #[cfg(feature = "http3")]
        if self.http3 == Some(true) && !(tcp && matches!(self.tls, Encryption::Tls(_))) {
            return wrong("`http3` is for addresses of tcp that have a certificate (`tls`)");
        }
        #[cfg(all(feature = "http3", feature = "proxy-protocol"))]
        if self.http3 == Some(true) && self.proxy_protocol.is_some() {
            return wrong("`http3` comes past the proxies of `proxy_protocol`, from anybody: leave one of them out");
        }
        if cfg!(not(unix)) && !tcp {
            return wrong("this system has no such sockets: listen on `host:port`");
        }
        if cfg!(not(feature = "hand-over")) && matches!(address, Address::Inherited(_)) {
            return wrong("sockets are inherited by programs with the cargo feature `hand-over`: switch it on");
        }
        Ok(())
    }

    /// Listens. It gives one listener; several where several sockets were inherited under one name.
    ///
    /// Sockets that a predecessor has handed over for the same address are taken, instead of new ones.
    ///
    /// # Errors
    ///
    /// [`BindError`], which names the address: it is none, taken, not allowed or unknown, or nothing was inherited.
    pub async fn bind(&self, config: &Config) -> Result<Vec<Listener>, BindError> {
        self.check()?;
        let address = match &self.address {
            Ok(address) => address,
            Err(error) => return Err(BindError::setting(None, error.to_string())),
        };
        #[cfg(all(unix, feature = "processes", feature = "acme"))]
        if let (Encryption::Tls(tls), Some(_)) = (&self.tls, &config.processes) {
            tls.refuse_acme()
                .map_err(|why| BindError::setting(Some(address), why))?;
        }
        #[cfg(feature = "tls")]
        if let Encryption::Tls(tls) = &self.tls {
            tls.load()
                .map_err(|error| BindError::io(address, io::Error::other(error)))?;
        }
        let mut bound = self.bind_once(address, config).await;
        // Where the system chooses the port, it may choose one that is taken over UDP.
        let chosen_by_system = matches!(address, Address::Tcp { port: 0, .. });
        for _ in 0..PORT_ATTEMPTS {
            match &bound {
                Err(error) if chosen_by_system && error.kind() == io::ErrorKind::AddrInUse => {
                    bound = self.bind_once(address, config).await;
                }
                _ => break,
            }
        }
        bound.map_err(|error| BindError::io(address, error))
    }

    async fn bind_once(&self, address: &Address, config: &Config) -> io::Result<Vec<Listener>> {
        let (sockets, inherited) = self.sockets(address, config).await?;
        // Several queues of one address have one way in over UDP.
        #[cfg(feature = "http3")]
        let mut doors = std::collections::HashSet::new();
        #[cfg_attr(
            not(any(feature = "proxy-protocol", feature = "tls")),
            expect(unused_mut, reason = "what was asked for is added")
        )]
        let listeners = sockets.into_iter().map(|(socket, mut gate)| {
            #[cfg(feature = "proxy-protocol")]
            gate.proxy_protocol.clone_from(&self.proxy_protocol);
            #[cfg(feature = "tls")]
            if let Encryption::Tls(tls) = &self.tls {
                gate.tls = Some((**tls).clone());
            }
            #[cfg(feature = "http3")]
            if doors.insert(gate.local.clone()) {
                self.add_door(&mut gate, inherited, config)?;
            }
            let _ = inherited;
            Ok(Listener::new(socket, gate, address))
        });
        listeners.collect()
    }

    /// The second way in, over UDP, where one is wanted.
    #[cfg(feature = "http3")]
    fn add_door(&self, gate: &mut super::Gate, inherited: bool, config: &Config) -> io::Result<()> {
        if let (Some(true), Some(tls), Some(local)) = (self.http3, &gate.tls, gate.local.tcp()) {
            let door = crate::h3::Door::bind(local, self.tcp.only_v6, tls.clone(), inherited, config)?;
            gate.door = Some(std::sync::Arc::new(door));
        }
        Ok(())
    }

    /// The sockets, and whether the process was started with them.
    async fn sockets(
        &self,
        address: &Address,
        config: &Config,
    ) -> io::Result<(Vec<(super::ListeningSocket, super::Gate)>, bool)> {
        #[cfg(all(unix, feature = "hand-over"))]
        {
            #[cfg_attr(not(feature = "processes"), expect(unused_mut, reason = "queues are added"))]
            let mut inherited = super::inherited::take(address, config)?;
            if !inherited.is_empty() {
                #[cfg(feature = "processes")]
                if let Some(count) = super::queues::wanted(address, config) {
                    super::queues::add(&mut inherited, self.tcp, count, config)?;
                }
                return Ok((inherited, true));
            }
        }
        #[cfg(all(unix, feature = "processes"))]
        if let (Address::Tcp { host, port }, Some(count)) = (address, super::queues::wanted(address, config)) {
            let queues = super::queues::bind(host, *port, self.tcp, count, config).await?;
            return Ok((queues, false));
        }
        let own = match address {
            Address::Tcp { host, port } => tcp::bind(host, *port, self.tcp, config).await.map(|one| vec![one]),
            #[cfg(unix)]
            Address::Unix(path) => super::unix::bind(path, self.mode, config).map(|one| vec![one]),
            _ => Err(io::Error::new(
                io::ErrorKind::NotFound,
                "the process was started with no such socket: is it named in `LISTEN_FDNAMES`, and is `LISTEN_PID` \
                 this process?",
            )),
        };
        own.map(|sockets| (sockets, false))
    }

    fn new(address: Result<Address, AddressError>) -> Self {
        Self {
            address,
            tcp: TcpOptions::default(),
            mode: None,
            #[cfg(feature = "proxy-protocol")]
            proxy_protocol: None,
            mistake: None,
            #[cfg(feature = "tls")]
            tls: Encryption::Unset,
            #[cfg(feature = "http3")]
            http3: None,
        }
    }

    fn complain(&mut self, mistake: String) {
        self.mistake.get_or_insert(mistake);
    }
}

impl From<Address> for Listen {
    fn from(address: Address) -> Self {
        Self::at(address)
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self::at(address.into())
    }
}

impl From<&str> for Listen {
    fn from(text: &str) -> Self {
        Self::new(text.parse())
    }
}

impl From<String> for Listen {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

fn is_abstract(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with('@'))
}

/// Listens on `host` and `port`. A name is looked up, and the first of its addresses that can be bound is taken; port
/// 0 lets the system choose.
///
/// # Errors
///
/// [`BindError`], which names host and port: the name is unknown, the port is taken or not allowed.
pub async fn bind(host: &str, port: u16, config: &Config) -> Result<Listener, BindError> {
    let listen = Listen::tcp(host, port);
    let mut listeners = listen.bind(config).await?;
    listeners
        .pop()
        .ok_or_else(|| BindError::io(&Address::tcp(host, port), io::ErrorKind::NotFound.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_host_and_port() {
        let first = bind("127.0.0.1", 0, &Config::default()).await.expect("a free port");
        let port = first.local_addr().port();
        let error = bind("127.0.0.1", port, &Config::default())
            .await
            .expect_err("it is taken");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1") && text.contains(&port.to_string()), "{text}");
    }

    #[tokio::test]
    async fn a_bracketed_address_is_understood() {
        match bind("[::1]", 0, &Config::default()).await {
            Ok(listener) => assert!(listener.local_addr().is_ipv6()),
            // A machine without IPv6 has no such address; the name must still have been read as one.
            Err(error) => assert!(error.to_string().contains("host ::1"), "{error}"),
        }
    }

    #[test]
    fn options_that_make_no_sense_for_the_address_are_refused_before_anything_is_bound() {
        for (listen, named) in [
            (Listen::unix("/tmp/a").reuse_port(true), "reuse_port"),
            (Listen::inherited("a").only_v6(true), "only_v6"),
            (Listen::tcp("localhost", 0).mode(0o600), "mode"),
            (Listen::unix("@a").mode(0o600), "mode"),
            (Listen::unix("/tmp/a").mode(660), "mode"),
            (
                Listen::tcp("localhost", 0).proxy_protocol(["10.0.0.0/33"]),
                "10.0.0.0/33",
            ),
            (Listen::tcp("localhost", 0).proxy_protocol([""; 0]), "proxy_protocol"),
        ] {
            let error = listen.check().expect_err("it makes no sense");
            assert!(error.is_setting() && error.to_string().contains(named), "{error}");
        }
    }
}
