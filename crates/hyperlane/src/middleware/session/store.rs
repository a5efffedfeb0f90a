//! Where sessions are kept.

use std::time::Duration;

use futures_core::future::BoxFuture;
use hyperlane_core::BoxError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SessionKey;

/// What a store keeps of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionRecord {
    /// The values by their keys.
    pub values: Map<String, Value>,
    /// When it began, in seconds since 1970.
    pub created: u64,
    /// When it was last used, in seconds since 1970, give or take a tenth of the idle time.
    pub used: u64,
}

/// A place for sessions: implement it for one of your own.
///
/// A record may be forgotten once its time to live is over; whether it still counts is decided by
/// [`Sessions`](super::Sessions). Calls for different keys run at the same time.
///
/// ```
/// use hyperlane::BoxError;
/// use hyperlane::middleware::{SessionKey, SessionRecord, SessionStore};
/// use std::time::Duration;
///
/// /// Says how long sessions last when they end.
/// struct Timed<S>(S);
///
/// impl<S: SessionStore> SessionStore for Timed<S> {
///     async fn load(&self, key: &SessionKey) -> Result<Option<SessionRecord>, BoxError> {
///         self.0.load(key).await
///     }
///
///     async fn create(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<(), BoxError> {
///         self.0.create(key, record, lifetime).await
///     }
///
///     async fn update(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<bool, BoxError> {
///         self.0.update(key, record, lifetime).await
///     }
///
///     async fn delete(&self, key: &SessionKey) -> Result<bool, BoxError> {
///         if let Some(record) = self.0.load(key).await? {
///             println!("a session ends after {} s", record.used - record.created);
///         }
///         self.0.delete(key).await
///     }
/// }
/// ```
///
/// # Errors
///
/// Each method fails where the store can't be reached; the request is then answered 500.
pub trait SessionStore: Send + Sync + 'static {
    /// The session of this key.
    fn load(&self, key: &SessionKey) -> impl Future<Output = Result<Option<SessionRecord>, BoxError>> + Send;

    /// Keeps a new session for so long.
    fn create(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        lifetime: Duration,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Replaces a session, and keeps it for so long from now. Where it is not there (any more) nothing is written, and
    /// the answer is false: a request that began before the user logged out must not log in again.
    fn update(
        &self,
        key: &SessionKey,
        record: &SessionRecord,
        lifetime: Duration,
    ) -> impl Future<Output = Result<bool, BoxError>> + Send;

    /// Forgets a session; says whether it was there.
    fn delete(&self, key: &SessionKey) -> impl Future<Output = Result<bool, BoxError>> + Send;
}

/// A store whose type is forgotten, so that [`Session`](super::Session) has no parameter.
pub(super) trait ErasedStore: Send + Sync {
    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<SessionRecord>, BoxError>>;
    fn create<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a SessionRecord,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<(), BoxError>>;
    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a SessionRecord,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, BoxError>>;
    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<bool, BoxError>>;
}

impl<S: SessionStore> ErasedStore for S {
    fn load<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<SessionRecord>, BoxError>> {
        Box::pin(SessionStore::load(self, key))
    }

    fn create<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a SessionRecord,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(SessionStore::create(self, key, record, lifetime))
    }

    fn update<'a>(
        &'a self,
        key: &'a SessionKey,
        record: &'a SessionRecord,
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, BoxError>> {
        Box::pin(SessionStore::update(self, key, record, lifetime))
    }

    fn delete<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<bool, BoxError>> {
        Box::pin(SessionStore::delete(self, key))
    }
}
