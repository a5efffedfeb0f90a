//! A session in the hands of a handler, and what becomes of it at the request's end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::store::{ErasedStore, SessionRecord};
use super::{SessionError, SessionId, Settings};

/// What the server remembers of this browser: an argument of handlers, where [`Sessions`](super::Sessions) stands around
/// their route.
///
/// It is a cheap handle: clones are the same session. Values are anything that `serde` can make JSON of.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{Session, SessionError};
///
/// async fn count(session: Session) -> Result<String, SessionError> {
///     let visits = session.get::<u32>("visits").await?.unwrap_or(0) + 1;
///     session.insert("visits", visits).await?;
///     Ok(format!("visit {visits}"))
/// }
///
/// async fn log_out(session: Session) -> Result<(), SessionError> {
///     session.destroy().await
/// }
/// ```
#[derive(Clone)]
pub struct Session(Arc<Shared>);

impl Session {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// A value; `None` where there is none of this key.
    ///
    /// # Errors
    ///
    /// The store failed, or the value is of another type.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let mut state = self.0.state.lock().await;
        self.0.load(&mut state).await?;
        let value = state.record.values.get(key);
        value
            .map(|value| T::deserialize(value).map_err(|error| SessionError::value(key, error)))
            .transpose()
    }

    /// Sets a value, instead of the one before. The first one begins the session.
    ///
    /// # Errors
    ///
    /// The store failed, the value can't be made JSON, all of them are too many bytes, or the response has begun;
    /// nothing is changed.
    pub async fn insert(&self, key: &str, value: impl Serialize + Send) -> Result<(), SessionError> {
        let value = serde_json::to_value(value).map_err(|error| SessionError::value(key, error))?;
        self.0
            .change(|state| {
                let before = state.record.values.insert(key.to_owned(), value);
                let size = serde_json::to_vec(&state.record.values).map_or(usize::MAX, |json| json.len());
                if size > self.0.settings.max_size {
                    match before {
                        Some(value) => state.record.values.insert(key.to_owned(), value),
                        None => state.record.values.remove(key),
                    };
                    return Err(SessionError::too_large(self.0.settings.max_size));
                }
                state.changed = true;
                Ok(())
            })
            .await
    }

    /// Takes a value out.
    ///
    /// # Errors
    ///
    /// The store failed, the value is of another type (it is gone all the same), or the response has begun.
    pub async fn remove<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, SessionError> {
        let value = self
            .0
            .change(|state| {
                let value = state.record.values.remove(key);
                state.changed |= value.is_some();
                Ok(value)
            })
            .await?;
        value
            .map(|value| serde_json::from_value(value).map_err(|error| SessionError::value(key, error)))
            .transpose()
    }

    /// Gives the session a new identifier; the one before is worth nothing from then on. To be called whenever a user
    /// gains rights, above all at the login.
    ///
    /// # Errors
    ///
    /// The store failed, or the response has begun.
    pub async fn renew(&self) -> Result<(), SessionError> {
        self.0
            .change(|state| {
                state.renew = true;
                Ok(())
            })
            .await
    }

    /// Ends the session: its values are forgotten here and in the store, and the browser drops its cookie. What is
    /// inserted afterwards begins a new one.
    ///
    /// # Errors
    ///
    /// The store failed, or the response has begun.
    pub async fn destroy(&self) -> Result<(), SessionError> {
        let mut state = self.0.state.lock().await;
        if state.closed {
            return Err(SessionError::closed());
        }
        self.0.load(&mut state).await?;
        // At once: the request may be given up before its end, and the user has logged out.
        self.0.forget_old(&state).await?;
        state.record = SessionRecord::default();
        state.known = false;
        state.destroyed = true;
        state.changed = false;
        Ok(())
    }

    /// Whether it has no values.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn is_empty(&self) -> Result<bool, SessionError> {
        let mut state = self.0.state.lock().await;
        self.0.load(&mut state).await?;
        Ok(state.record.values.is_empty())
    }
}

impl fmt::Debug for Session {
    /// Without its values, which are nothing for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// What all handles of a session have in common, and the middleware.
pub(super) struct Shared {
    store: Arc<dyn ErasedStore>,
    settings: Arc<Settings>,
    /// What the cookie said.
    id: Option<SessionId>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    loaded: bool,
    /// Whether the store knows it.
    known: bool,
    record: SessionRecord,
    changed: bool,
    renew: bool,
    destroyed: bool,
    /// Whether the response has begun.
    closed: bool,
}

/// What becomes of the cookie.
pub(super) enum Verdict {
    /// Nobody asked for the session.
    Untouched,
    /// It was only looked at.
    Read,
    Keep(SessionId, Duration),
    Forget,
}

impl Shared {
    pub(super) fn new(store: Arc<dyn ErasedStore>, settings: Arc<Settings>, id: Option<SessionId>) -> Self {
        Self {
            store,
            settings,
            id,
            state: Mutex::default(),
        }
    }

    async fn load(&self, state: &mut State) -> Result<(), SessionError> {
        if state.loaded {
            return Ok(());
        }
        if let Some(id) = &self.id {
            let key = id.key();
            match self.store.load(&key).await.map_err(SessionError::store)? {
                Some(record) if self.lifetime(&record).is_zero() => {
                    self.store.delete(&key).await.map_err(SessionError::store)?;
                }
                Some(record) => {
                    state.record = record;
                    state.known = true;
                }
                None => {}
            }
        }
        state.loaded = true;
        Ok(())
    }

    async fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, SessionError>) -> Result<T, SessionError> {
        let mut state = self.state.lock().await;
        if state.closed {
            return Err(SessionError::closed());
        }
        self.load(&mut state).await?;
        change(&mut state)
    }

    /// How long it has to live.
    fn lifetime(&self, record: &SessionRecord) -> Duration {
        let idle = record.used.saturating_add(self.settings.idle.as_secs());
        let absolute = record.created.saturating_add(self.settings.absolute.as_secs());
        Duration::from_secs(idle.min(absolute).saturating_sub(self.settings.now()))
    }

    /// Writes what was changed. Nothing can be changed afterwards.
    pub(super) async fn close(&self) -> Result<Verdict, SessionError> {
        let mut state = self.state.lock().await;
        state.closed = true;
        if !state.loaded {
            return Ok(Verdict::Untouched);
        }
        if state.destroyed {
            self.forget_old(&state).await?;
            state.known = false;
            return self.begin(&mut state).await;
        }
        if !state.known {
            return self.begin(&mut state).await;
        }
        if state.renew {
            // Ended by another request in the meantime: then it stays so.
            if !self.forget_old(&state).await? {
                return Ok(Verdict::Read);
            }
            return self.create(&mut state).await;
        }
        self.update(&mut state).await
    }

    /// A session that the store does not know begins with its first value.
    async fn begin(&self, state: &mut State) -> Result<Verdict, SessionError> {
        if state.changed && !state.record.values.is_empty() {
            state.record.created = self.settings.now();
            return self.create(state).await;
        }
        // Only who ends a session takes the cookie away. The browser may have a newer one than came with this request:
        // another answer renewed it meanwhile.
        Ok(match self.id {
            Some(_) if state.destroyed => Verdict::Forget,
            _ => Verdict::Read,
        })
    }

    async fn create(&self, state: &mut State) -> Result<Verdict, SessionError> {
        state.record.used = self.settings.now();
        let id = SessionId::random().map_err(SessionError::random)?;
        let lifetime = self.lifetime(&state.record);
        let created = self.store.create(&id.key(), &state.record, lifetime).await;
        created.map_err(SessionError::store)?;
        Ok(Verdict::Keep(id, lifetime))
    }

    async fn update(&self, state: &mut State) -> Result<Verdict, SessionError> {
        let Some(id) = &self.id else {
            return Ok(Verdict::Read);
        };
        let now = self.settings.now();
        // That it was used is written now and then, not each time.
        let stale = now.saturating_sub(state.record.used) >= self.settings.idle.as_secs() / 10;
        if !state.changed && !stale {
            return Ok(Verdict::Read);
        }
        if !state.changed {
            // Only the time is to be written: what another request changed meanwhile stays.
            match self.store.load(&id.key()).await.map_err(SessionError::store)? {
                Some(record) => state.record = record,
                None => return Ok(Verdict::Read),
            }
        }
        state.record.used = now;
        let lifetime = self.lifetime(&state.record);
        let updated = self.store.update(&id.key(), &state.record, lifetime).await;
        Ok(match updated.map_err(SessionError::store)? {
            true => Verdict::Keep(id.clone(), lifetime),
            false => Verdict::Read,
        })
    }

    async fn forget_old(&self, state: &State) -> Result<bool, SessionError> {
        match &self.id {
            Some(id) if state.known => self.store.delete(&id.key()).await.map_err(SessionError::store),
            _ => Ok(false),
        }
    }
}
