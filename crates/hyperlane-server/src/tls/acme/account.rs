//! The account at the authority, and the client that speaks with it.

use std::fs;
use std::sync::Arc;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyperlane_core::BoxError;
use instant_acme::{Account, AccountBuilder, AccountCredentials, ExternalAccountKey, NewAccount};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::Acme;
use super::store::Store;

impl Acme {
    /// The account that was used before, or a new one.
    pub(super) async fn account(&self, store: &Store) -> Result<Account, BoxError> {
        if let Some(cached) = store.account() {
            let credentials: AccountCredentials = serde_json::from_slice(&cached)?;
            return Ok(self.client()?.from_credentials(credentials).await?);
        }
        let contact: Vec<&str> = self.contact.iter().map(String::as_str).collect();
        let wanted = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let external = self.external_account.as_ref();
        let external = external.map(|(identifier, key)| ExternalAccountKey::new(identifier.clone(), key));
        let (account, credentials) = self
            .client()?
            .create(&wanted, self.directory.clone(), external.as_ref())
            .await?;
        store.put_account(&serde_json::to_vec(&credentials)?)?;
        Ok(account)
    }

    /// It asks for no default of the process: which there may not be, or another one.
    fn client(&self) -> Result<AccountBuilder, BoxError> {
        let provider = Arc::new(ring::default_provider());
        let builder = HttpsConnectorBuilder::new();
        let builder = match &self.root {
            None => builder.with_provider_and_platform_verifier(provider)?,
            Some(path) => {
                let text = fs::read(path).map_err(|error| format!("can't read `{}`: {error}", path.display()))?;
                let mut roots = RootCertStore::empty();
                for root in CertificateDer::pem_slice_iter(&text) {
                    roots.add(root?)?;
                }
                let config = ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                builder.with_tls_config(config)
            }
        };
        let connector = builder.https_only().enable_http1().enable_http2().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Account::builder_with_http(Box::new(client)))
    }
}
