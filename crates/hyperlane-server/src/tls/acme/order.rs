//! One certificate, from the order to the chain.

use std::time::Duration;

use hyperlane_core::BoxError;
use instant_acme::{AuthorizationStatus, ChallengeType, Identifier, NewOrder, OrderStatus, RetryPolicy};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use super::{Issued, Kept};

/// How long the authority may take for its checks, and for signing.
const PATIENCE: Duration = Duration::from_secs(120);

impl Kept {
    /// Orders a certificate (RFC 8555 §7.4), gives the proofs, and caches what was issued.
    pub(super) async fn order(&self) -> Result<Issued, BoxError> {
        let issued = self.try_order().await;
        self.challenges.clear();
        issued
    }

    async fn try_order(&self) -> Result<Issued, BoxError> {
        let store = self.store()?;
        let account = self.acme.account(&store).await?;
        let identifiers: Vec<_> = self.acme.names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Pending => {}
                AuthorizationStatus::Valid => continue,
                status => return Err(format!("the authority has the name as {status:?}").into()),
            }
            let mut challenge = authorization
                .challenge(ChallengeType::TlsAlpn01)
                .ok_or("the authority offers no proof by tls-alpn-01 (RFC 8737) for this name")?;
            let Identifier::Dns(name) = challenge.identifier().identifier else {
                return Err("the authority asks for a proof of something that is no name".into());
            };
            let digest = challenge.key_authorization().digest();
            self.challenges.put(name, digest.as_ref())?;
            challenge.set_ready().await?;
        }
        let retries = RetryPolicy::default().timeout(PATIENCE);
        match order.poll_ready(&retries).await? {
            OrderStatus::Ready => {}
            _ => return Err(refusal(&mut order).await),
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(self.acme.names.clone())?;
        params.distinguished_name = DistinguishedName::new();
        order.finalize_csr(params.serialize_request(&key)?.der()).await?;
        let chain = order.poll_certificate(&retries).await?;
        let both = format!("{chain}\n{}", key.serialize_pem());
        if let Err(error) = store.put_certificate(both.as_bytes()) {
            tracing::error!(%error, "can't write the new certificate to the cache folder: it is lost with a restart");
        }
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        Ok((chain, PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }
}

/// What the authority says of a name that it did not find to be ours.
async fn refusal(order: &mut instant_acme::Order) -> BoxError {
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        for challenge in &authorization.challenges {
            if let Some(problem) = &challenge.error {
                return format!("the authority could not check the name: {problem}").into();
            }
        }
    }
    "the authority refused the order without a reason".into()
}
