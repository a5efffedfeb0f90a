//! A part of the answer: what one source gave, and what is to be known of it.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::failure::Failure;

/// What one source gave for one request.
///
/// As JSON it is an object with `state`, `value` (or `null`), `elapsed_ms` and `attempts`; with `age_ms` where the value
/// comes out of the cache, and `failure` and `why` where the source gave no answer.
///
/// ```
/// use hyperlane_aggregate::{Source, State};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let source = Source::new("shop", async || Err::<u32, _>("it burnt down")).fallback(|_| 0);
/// let part = source.ask((), Duration::from_secs(1)).await;
/// assert_eq!((part.value(), part.state()), (Some(&0), State::Fallback));
/// assert_eq!(part.failure().map(|failure| failure.code()), Some("error"));
/// # }
/// ```
pub struct Part<T: ?Sized> {
    pub(crate) facts: Facts,
    pub(crate) value: Option<Arc<T>>,
}

/// The same of any source, its type forgotten; [`Part::get`] finds it again.
pub type AnyPart = Part<dyn Value>;

/// What is to be known of a part beside its value.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) name: Cow<'static, str>,
    pub(crate) state: State,
    pub(crate) failure: Option<Failure>,
    pub(crate) elapsed: Duration,
    pub(crate) attempts: u32,
    pub(crate) age: Option<Duration>,
    pub(crate) joined: bool,
}

/// Where a part's value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// From the source, or from the cache while it is fresh there.
    Fresh,
    /// From the cache, older than it should be: the source is asked anew behind it, or it failed.
    Stale,
    /// From the fallback, since the source failed.
    Fallback,
    /// From nowhere: there is none.
    Failed,
}

impl<T: ?Sized> Part<T> {
    /// The source's name.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// Where the value comes from.
    pub fn state(&self) -> State {
        self.facts.state
    }

    /// The value, unless the part has [failed](State::Failed).
    pub fn value(&self) -> Option<&T> {
        self.value.as_deref()
    }

    /// The same, to be kept.
    pub fn into_value(self) -> Option<Arc<T>> {
        self.value
    }

    /// Why the source gave no answer of its own.
    pub fn failure(&self) -> Option<&Failure> {
        self.facts.failure.as_ref()
    }

    /// How long it took to get this part.
    pub fn elapsed(&self) -> Duration {
        self.facts.elapsed
    }

    /// How often the source was called for it; 0 where the value was in the cache, or the source was not asked.
    pub fn attempts(&self) -> u32 {
        self.facts.attempts
    }

    /// How old the value is, where it comes out of the cache.
    pub fn age(&self) -> Option<Duration> {
        self.facts.age
    }

    /// Whether somebody else had asked for the same already, so that one answer served both.
    pub fn is_joined(&self) -> bool {
        self.facts.joined
    }
}

impl<T: Serialize + Send + Sync + 'static> Part<T> {
    /// The same with its type forgotten.
    pub fn erase(self) -> AnyPart {
        Part {
            facts: self.facts,
            value: self.value.map(|value| value as Arc<dyn Value>),
        }
    }
}

impl AnyPart {
    /// The value, if there is one and it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        let value: &dyn Any = self.value.as_deref()?;
        value.downcast_ref()
    }
}

impl<T: ?Sized> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self {
            facts: self.facts.clone(),
            value: self.value.clone(),
        }
    }
}

impl<T: ?Sized> fmt::Debug for Part<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part")
            .field("facts", &self.facts)
            .field("has_value", &self.value.is_some())
            .finish()
    }
}

impl<T: Serialize + ?Sized> Serialize for Part<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut part = serializer.serialize_struct("Part", 7)?;
        part.serialize_field("state", &self.facts.state)?;
        part.serialize_field("value", &self.value())?;
        part.serialize_field("elapsed_ms", &millis(self.facts.elapsed))?;
        part.serialize_field("attempts", &self.facts.attempts)?;
        match self.facts.age {
            Some(age) => part.serialize_field("age_ms", &millis(age))?,
            None => part.skip_field("age_ms")?,
        }
        match &self.facts.failure {
            Some(failure) => {
                part.serialize_field("failure", failure.code())?;
                part.serialize_field("why", &failure.to_string())?;
            }
            None => {
                part.skip_field("failure")?;
                part.skip_field("why")?;
            }
        }
        part.end()
    }
}

/// To a hundredth: finer digits would be noise.
pub(crate) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}

/// What a source of an [`Aggregate`](crate::Aggregate) gives: anything that can be written as JSON and shared.
pub trait Value: erased_serde::Serialize + Any + Send + Sync {}

impl<T: Serialize + Send + Sync + 'static> Value for T {}

impl fmt::Debug for dyn Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Value")
    }
}

erased_serde::serialize_trait_object!(Value);
