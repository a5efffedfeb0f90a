//! A server could not listen where it was told to.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use super::Address;

/// A server could not listen where it was told to.
#[derive(Debug)]
pub struct BindError {
    /// `None`: it is not even an address.
    address: Option<Address>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// The system refused.
    Io(io::Error),
    /// It was asked for what makes no sense.
    Setting(String),
}

impl BindError {
    pub(crate) fn io(address: &Address, source: io::Error) -> Self {
        Self {
            address: Some(address.clone()),
            kind: Kind::Io(source),
        }
    }

    pub(crate) fn setting(address: Option<&Address>, message: impl Into<String>) -> Self {
        Self {
            address: address.cloned(),
            kind: Kind::Setting(message.into()),
        }
    }

    /// Whether what was asked for makes no sense, whatever the system says.
    pub fn is_setting(&self) -> bool {
        matches!(self.kind, Kind::Setting(_))
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match (&self.kind, &self.address) {
            (Kind::Setting(message), None) => return f.write_str(message),
            (Kind::Setting(message), Some(address)) => return write!(f, "can't listen on {address}: {message}"),
            (Kind::Io(source), Some(Address::Tcp { host, port })) => {
                write!(f, "can't listen on host {host}, port {port}: {source}")?;
                source
            }
            (Kind::Io(source), Some(address)) => {
                write!(f, "can't listen on {address}: {source}")?;
                source
            }
            (Kind::Io(source), None) => return write!(f, "can't listen: {source}"),
        };
        let tcp = matches!(self.address, Some(Address::Tcp { .. }));
        match source.kind() {
            io::ErrorKind::AddrInUse if tcp => {
                f.write_str("; stop the other program, or choose another port (0 takes a free one)")
            }
            io::ErrorKind::PermissionDenied if tcp => {
                f.write_str("; ports below 1024 need a privilege, choose a higher one")
            }
            io::ErrorKind::AddrNotAvailable if tcp => f.write_str("; this machine has no such address"),
            _ => Ok(()),
        }
    }
}

impl StdError for BindError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            Kind::Io(source) => Some(source),
            Kind::Setting(_) => None,
        }
    }
}
