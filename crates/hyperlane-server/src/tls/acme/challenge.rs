//! The proof that a name is the server's own: a handshake with a certificate that only who has the account's key could
//! make (RFC 8737).

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use hyperlane_core::BoxError;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::server::{Accepted, ClientHello};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::io::AsyncWriteExt;
use tokio_rustls::server::StartHandshake;

use super::Kept;
use crate::Transport;

/// The protocol by which the authority asks for a proof, and for nothing else (§6.2).
const PROTOCOL: &[u8] = b"acme-tls/1";

/// The proofs that are being asked for, by name.
#[derive(Default)]
pub(super) struct Challenges(Mutex<HashMap<String, Arc<ServerConfig>>>);

impl Challenges {
    /// Answers from now on for `name`, with the digest of its key authorization.
    pub(super) fn put(&self, name: &str, digest: &[u8]) -> Result<(), BoxError> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let key = KeyPair::generate()?;
        let chain = vec![params.self_signed(&key)?.der().clone()];
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(ring::default_provider());
        // Not checked against each other: the certificate says of itself that nobody but an authority understands it.
        let certified = CertifiedKey::new(chain, provider.key_provider.load_private_key(key.into())?);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        self.lock().insert(name.to_owned(), Arc::new(config));
        Ok(())
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn get(&self, name: &str) -> Option<Arc<ServerConfig>> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<ServerConfig>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a client comes for a proof: then it asks for this protocol alone (§3).
pub(in crate::tls) fn asks_for(hello: &ClientHello<'_>) -> bool {
    hello
        .alpn()
        .is_some_and(|mut protocols| protocols.next() == Some(PROTOCOL) && protocols.next().is_none())
}

/// Gives the proof, and ends the connection: nothing is spoken on it.
pub(in crate::tls) async fn answer<T: Transport>(
    hello: Accepted,
    io: T,
    kept: impl Iterator<Item = &Kept>,
) -> io::Result<()> {
    let name = hello
        .client_hello()
        .server_name()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut kept = kept;
    let Some(config) = kept.find_map(|kept| kept.challenges.get(&name)) else {
        let message = format!("an acme authority asks for a proof of {name:?}, for which none is due");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    };
    let mut stream = StartHandshake::from_parts(hello, io).into_stream(config).await?;
    stream.shutdown().await
}
