//! Where a server listens, as a value: parsed from the text of a setting, and written back to it.

use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a server listens, as it is asked for. [`LocalAddr`](crate::LocalAddr) is what came of it.
///
/// ```
/// use hyperlane_server::Address;
///
/// assert!(matches!("[::]:8443".parse(), Ok(Address::Tcp { port: 8443, .. })));
/// assert_eq!("unix:/run/app.sock".parse(), Ok(Address::Unix("/run/app.sock".into())));
/// assert_eq!("fd:http".parse(), Ok(Address::Inherited("http".to_owned())));
/// let error = "8080".parse::<Address>().unwrap_err();
/// assert!(error.to_string().contains("`8080`"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// `host:port`: an IP address or a name, which is looked up. An IPv6 address stands in brackets. With port 0 the
    /// system chooses a free one.
    Tcp {
        /// Without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// `unix:/path`: a socket in the file system. `unix:@name` is one in the abstract namespace of Linux.
    Unix(PathBuf),
    /// `fd:name`: the sockets that this process was started with under that name, by systemd (`FileDescriptorName=`) or
    /// by its predecessor. `fd:3` is the descriptor of that number.
    Inherited(String),
}

impl Address {
    /// A TCP address. Brackets around the host are taken off.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        // `[::1]` is how an address with a port is written; a look-up wants it bare.
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        Self::Tcp {
            host: bare.map(str::to_owned).unwrap_or(host),
            port,
        }
    }

    /// What the sockets of this address are called where they are handed on: names in `LISTEN_FDNAMES` are separated by
    /// colons, so that those in an address are written as `%3A`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Inherited(name) => name.clone(),
            other => {
                let mut name = String::new();
                for character in other.to_string().chars() {
                    match character {
                        ':' | '%' | ' ' => name += &format!("%{:02X}", u32::from(character)),
                        character => name.push(character),
                    }
                }
                name
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Inherited(name) => write!(f, "fd:{name}"),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let wrong = |reason| {
            Err(AddressError {
                text: text.to_owned(),
                reason,
            })
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" | "@" => wrong("the path of the socket is missing behind `unix:`"),
                path if path.contains('\0') => wrong("a path can't contain a zero byte"),
                path => Ok(Self::Unix(path.into())),
            };
        }
        if let Some(name) = text.strip_prefix("fd:") {
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b':';
            return match name {
                "" => wrong("the name of the inherited socket is missing behind `fd:`"),
                name if name.bytes().all(plain) => Ok(Self::Inherited(name.to_owned())),
                _ => wrong("the name of an inherited socket is visible ascii without colons"),
            };
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return wrong("the port is missing: write `host:port`, `unix:/path` or `fd:name`");
        };
        if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return wrong("a port is a number from 0 to 65535");
        }
        let Ok(port) = port.parse() else {
            return wrong("a port is a number from 0 to 65535");
        };
        match host.strip_prefix('[').map(|host| host.strip_suffix(']')) {
            Some(Some(inner)) if inner.parse::<std::net::Ipv6Addr>().is_ok() || inner.contains('%') => {
                Ok(Self::tcp(inner, port))
            }
            Some(_) => wrong("no ipv6 address stands in the brackets"),
            None if host.is_empty() => wrong("the host is missing: write `[::]` or `0.0.0.0` for all"),
            None if host.contains(':') => wrong("an ipv6 address stands in brackets: write `[::1]:8080`"),
            None if host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') => {
                wrong("a host is a name or an ip address")
            }
            None => Ok(Self::tcp(host, port)),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::tcp(address.ip().to_string(), address.port())
    }
}

/// A text that is no [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no address to listen on: {}", self.text, self.reason)
    }
}

impl StdError for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_is_read() {
        for text in [
            "127.0.0.1:80",
            "localhost:0",
            "[::1]:443",
            "unix:/run/a b.sock",
            "unix:@abstract",
            "fd:http",
            "fd:3",
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_address_and_says_why() {
        for text in [
            "",
            ":",
            ":80",
            "80",
            "a",
            "a:",
            "a:b",
            "a:65536",
            "a:-1",
            "a:+1",
            "::1:80",
            "[::1]",
            "[a]:1",
            "[::1:80",
            "unix:",
            "unix:@",
            "fd:",
            "fd:a:b",
            "http://a:80",
            "a b:80",
        ] {
            let error = text.parse::<Address>().expect_err(text);
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn the_name_of_an_address_has_no_colons_and_is_its_own() {
        let name = |text: &str| text.parse::<Address>().expect(text).name();
        assert_eq!(name("[::1]:80"), "[%3A%3A1]%3A80");
        assert_eq!(name("fd:http"), "http");
        assert_ne!(name("unix:/a:b"), name("unix:/a%3Ab"));
    }
}
