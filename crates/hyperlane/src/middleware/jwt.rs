//! Authentication by a JSON Web Token (RFC 7519).

use std::fmt;
use std::marker::PhantomData;

use hyperlane_core::Response;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;

use super::authenticated::{Authenticated, quoted};
use super::bearer_auth::{BearerError, Refusal, bearer_token};
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

/// The least length, in bytes, of a secret for HS256: that of its hash (RFC 7518 §3.2).
const MIN_SECRET: usize = 32;

/// Admits who sends a JSON Web Token in `Authorization: Bearer` that is signed with a key of yours, by `jsonwebtoken`.
///
/// The claims, as `T`, are the argument [`Authenticated<T>`](Authenticated) of handlers. Refusals are those of RFC 6750,
/// as with [`BearerAuth`](super::BearerAuth); why a token is not valid is logged at the level `DEBUG`, not told.
///
/// The algorithm is the server's choice: a token with another one in its head (`none`, or HS256 with a public key as its
/// secret) is refused (RFC 8725 §3.1). `exp` has to be there and to lie in the future, `nbf` in the past, both with a
/// [`leeway`](Self::leeway) for clocks that differ. `iss` and `aud` are required once they are set here; a token that
/// names an audience is refused where none is set (RFC 7519 §4.1.3).
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{Authenticated, Jwt};
///
/// #[derive(Clone, serde::Deserialize)]
/// struct Claims {
///     sub: String,
/// }
///
/// let secret = b"at least 32 bytes out of a random source";
/// let api = Router::new();
/// api.middleware(Jwt::<Claims>::hs256(secret).issuer("https://login.example").audience("shop"))
///     .get("/me", async |Authenticated(claims): Authenticated<Claims>| claims.sub);
/// # Server::new().nest("/api", api);
/// ```
///
/// A public key of another algorithm:
///
/// ```
/// use hyperlane::middleware::Jwt;
/// use hyperlane::middleware::jsonwebtoken::{Algorithm, DecodingKey};
///
/// # fn example(pem: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
/// # #[derive(Clone, serde::Deserialize)]
/// # struct Claims {}
/// let jwt = Jwt::<Claims>::new(Algorithm::ES256, DecodingKey::from_ec_pem(pem)?);
/// # Ok(()) }
/// ```
pub struct Jwt<T> {
    key: DecodingKey,
    validation: Validation,
    realm: String,
    /// What is wrong with the secret.
    problem: Option<String>,
    claims: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> Jwt<T> {
    /// Admits tokens that are signed by this algorithm and key.
    pub fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.validate_nbf = true;
        validation.leeway = 30;
        Self {
            key,
            validation,
            realm: quoted("api"),
            problem: None,
            claims: PhantomData,
        }
    }

    /// Admits tokens that are signed by HMAC with SHA-256 and this secret.
    ///
    /// A secret of less than 32 bytes, which could be guessed (RFC 7518 §3.2), is an error of
    /// [`Server::run`](crate::Server::run).
    pub fn hs256(secret: &[u8]) -> Self {
        let mut this = Self::new(Algorithm::HS256, DecodingKey::from_secret(secret));
        if secret.len() < MIN_SECRET {
            let length = secret.len();
            this.problem = Some(format!(
                "the secret of HS256 has {length} bytes, and needs {MIN_SECRET} out of a random source"
            ));
        }
        this
    }

    /// Requires the claim `iss`, and that it is this one.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.validation.set_issuer(&[issuer]);
        self.require("iss")
    }

    /// Requires the claim `aud`, and that this one is among it.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.validation.set_audience(&[audience]);
        self.require("aud")
    }

    /// By how many seconds clocks may differ. Default: 30.
    #[must_use]
    pub fn leeway(mut self, seconds: u64) -> Self {
        self.validation.leeway = seconds;
        self
    }

    /// The realm in refusals. Default: `api`.
    #[must_use]
    pub fn realm(mut self, realm: &str) -> Self {
        self.realm = quoted(realm);
        self
    }

    fn require(mut self, claim: &str) -> Self {
        self.validation.required_spec_claims.insert(claim.to_owned());
        self
    }

    fn claims(&self, ctx: &Context) -> Result<T, Refusal> {
        let token = bearer_token(ctx)?;
        match jsonwebtoken::decode::<T>(token, &self.key, &self.validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => {
                tracing::debug!(%error, "a json web token is not valid");
                Err(Refusal::Token(BearerError::InvalidToken))
            }
        }
    }
}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> Middleware for Jwt<T> {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        match self.claims(&ctx) {
            Ok(claims) => {
                ctx.set_extension(Authenticated(claims));
                next.run(ctx).await
            }
            Err(refusal) => refusal.answer(&self.realm),
        }
    }

    fn check(&self, needs: &mut Requirements) {
        self.problem.iter().for_each(|problem| needs.problem(problem));
    }
}

impl<T> fmt::Debug for Jwt<T> {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwt")
            .field("validation", &self.validation)
            .finish_non_exhaustive()
    }
}
