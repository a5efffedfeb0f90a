//! Authentication by name and password (RFC 7617).

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_core::future::BoxFuture;
use http::StatusCode;
use hyperlane_core::Response;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::authenticated::{Authenticated, Credentials, challenge, credentials, quoted};
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

type Hash = [u8; 32];
type Verify = dyn Fn(String, String) -> BoxFuture<'static, bool> + Send + Sync;

/// Admits who knows a name and its password, and answers others 401 with `WWW-Authenticate` (RFC 7617 §2).
///
/// The handler gets the name as [`Authenticated<BasicUser>`](BasicUser). Name and password are compared in a time that
/// does not tell how much of them was right. They travel readable: use TLS.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{Authenticated, BasicAuth, BasicUser};
///
/// let auth = BasicAuth::new("back office").user("kim", "correct horse battery staple");
/// let admin = Router::new();
/// admin.middleware(auth).get("/", async |Authenticated(user): Authenticated<BasicUser>| user.0);
/// # Server::new().nest("/admin", admin);
/// ```
#[derive(Clone)]
pub struct BasicAuth {
    realm: String,
    /// Hashes of names and passwords: these are of one length, so that comparing them does not tell that of a password.
    users: Vec<(Hash, Hash)>,
    verify: Option<Arc<Verify>>,
}

/// The name of who was admitted by [`BasicAuth`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasicUser(pub String);

impl BasicAuth {
    /// Admits nobody yet. Browsers show the realm, or not.
    pub fn new(realm: &str) -> Self {
        Self {
            realm: quoted(realm),
            users: Vec::new(),
            verify: None,
        }
    }

    /// Admits a user with a password.
    #[must_use]
    pub fn user(mut self, name: impl AsRef<str>, password: impl AsRef<str>) -> Self {
        self.users.push((hash(name.as_ref()), hash(password.as_ref())));
        self
    }

    /// Asks a function about names and passwords that are not those of a [`user`](Self::user): a database with hashed
    /// passwords. Hash on a thread for blocking work, and against a fixed hash where the name is unknown, so that the
    /// time does not tell which names exist.
    #[must_use]
    pub fn verify<F, Fut>(mut self, verify: F) -> Self
    where
        F: Fn(String, String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = bool> + Send + 'static,
    {
        self.verify = Some(Arc::new(move |name, password| Box::pin(verify(name, password))));
        self
    }

    async fn admits(&self, name: &str, password: &str) -> bool {
        let given = (hash(name), hash(password));
        let mut known = Choice::from(0);
        for (user, secret) in &self.users {
            // Both, and all users: none of them is left out early.
            known |= user.ct_eq(&given.0) & secret.ct_eq(&given.1);
        }
        match &self.verify {
            _ if bool::from(known) => true,
            Some(verify) => verify(name.to_owned(), password.to_owned()).await,
            None => false,
        }
    }
}

impl Middleware for BasicAuth {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let given = match credentials(&ctx, "basic") {
            Credentials::Given(given) => decode(given),
            Credentials::None | Credentials::Malformed => None,
        };
        if let Some((name, password)) = given
            && self.admits(&name, &password).await
        {
            ctx.set_extension(Authenticated(BasicUser(name)));
            return next.run(ctx).await;
        }
        let how = format!("Basic realm={}, charset=\"UTF-8\"", self.realm);
        challenge(StatusCode::UNAUTHORIZED, "name and password are needed", how)
    }

    fn check(&self, needs: &mut Requirements) {
        if self.users.is_empty() && self.verify.is_none() {
            needs.problem("nobody is admitted: add a `user`, or give it a function to `verify` them");
        }
    }
}

fn hash(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}

/// Name and password; a name has no colon (RFC 7617 §2).
fn decode(credentials: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    let printable = !text.chars().any(char::is_control);
    printable.then(|| (name.to_owned(), password.to_owned()))
}

impl fmt::Debug for BasicAuth {
    /// Without the passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BasicAuth")
            .field("realm", &self.realm)
            .field("users", &self.users.len())
            .finish_non_exhaustive()
    }
}
