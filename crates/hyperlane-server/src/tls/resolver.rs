//! Which certificate a client is shown, by the name that it asks for (SNI, RFC 6066 §3).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Loaded;

/// All certificates of a listener, by the names for which they are shown.
#[derive(Debug)]
pub(super) struct Certificates {
    /// The first that was given: for clients that ask for no name, or for one that is unknown.
    default: Option<Arc<CertifiedKey>>,
    exact: HashMap<String, Kinds>,
    /// Without their `*.`.
    wildcards: HashMap<String, Kinds>,
    refuse_unknown: bool,
}

/// Certificates for one name with different kinds of keys: not every client can check all of them.
type Kinds = Vec<Arc<CertifiedKey>>;

impl Certificates {
    pub(super) fn new(loaded: Vec<Loaded>, refuse_unknown: bool) -> Self {
        let mut all = Self {
            default: loaded.first().map(|first| Arc::clone(&first.key)),
            exact: HashMap::new(),
            wildcards: HashMap::new(),
            refuse_unknown,
        };
        for Loaded { key, names } in loaded {
            for name in names {
                let kinds = match name.strip_prefix("*.") {
                    Some(parent) => all.wildcards.entry(parent.to_owned()).or_default(),
                    None => all.exact.entry(name).or_default(),
                };
                kinds.push(Arc::clone(&key));
            }
        }
        all
    }

    /// Whether a client that asks for this name is refused.
    pub(super) fn refuses(&self, name: &str) -> bool {
        self.refuse_unknown && self.find(name).is_none()
    }

    /// The exact name goes before the wildcard, which stands for one label (RFC 9525 §6.3).
    fn find(&self, name: &str) -> Option<&Kinds> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.exact.get(&name).or_else(|| {
            let (label, parent) = name.split_once('.')?;
            if label.is_empty() {
                return None;
            }
            self.wildcards.get(parent)
        })
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let Some(name) = hello.server_name() else {
            return self.default.clone();
        };
        match self.find(name) {
            Some(kinds) => {
                let fitting = kinds
                    .iter()
                    .find(|kind| kind.key.choose_scheme(hello.signature_schemes()).is_some());
                fitting.or(kinds.first()).cloned()
            }
            None if self.refuse_unknown => None,
            None => self.default.clone(),
        }
    }
}
