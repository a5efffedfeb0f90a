//! Answers made of several sources, none of which can fail the whole.
//!
//! A page wants numbers from a database, prices from another service and a text from a file. Asked one after another
//! they take the sum of their times, and one that hangs or fails takes the page with it. An [`Aggregate`] asks them at
//! once, gives each what it needs to be relied upon, and says of each part of the answer whether it is fresh, old, made
//! up or missing, and why.
//!
//! ```
//! use hyperlane::*;
//! use hyperlane_aggregate::{Aggregate, Breaker, Cache, Report, Retry, Source};
//! use std::time::Duration;
//!
//! # async fn count_users() -> Result<u64, std::io::Error> { Ok(3) }
//! # async fn ask_weather() -> Result<String, std::io::Error> { Ok("sunny".into()) }
//! fn sources() -> Aggregate {
//!     let users = Source::new("users", count_users)
//!         .timeout(Duration::from_millis(300))
//!         .retry(Retry::new())
//!         .breaker(Breaker::new())
//!         .cache(Cache::fresh_for(Duration::from_secs(5)).stale_if_error(Duration::from_secs(600)));
//!     let weather = Source::new("weather", ask_weather).fallback(|_| "unknown".to_owned());
//!     Aggregate::new().source(users).source(weather).required("users")
//! }
//!
//! async fn dashboard(ctx: Context, State(sources): State<Aggregate>) -> Report {
//!     sources.run(&ctx).await
//! }
//!
//! let server = Server::new();
//! server.state(sources()).get("/dashboard", dashboard);
//! # assert!(server.build().is_ok());
//! ```
//!
//! # The walk of a request to a source
//!
//! 1. The [`Cache`]: what is fresh there is the answer; what is a little older is the answer too, and the source is asked
//!    behind it.
//! 2. Whoever asks the same already is joined. All who wait drive the work; when the last one leaves, it is dropped.
//! 3. The bulkhead: a place at the source, waited for in order ([`Source::concurrency`], [`Source::waiting`]).
//! 4. The [`Breaker`]: a source that failed too often is left alone.
//! 5. The call, within its [time-out](Source::timeout); then, perhaps, the next attempt ([`Retry`]).
//! 6. Instead of an answer: an old one out of the cache, or the [fallback](Source::fallback), or nothing.
//!
//! The [`Deadline`] stands around all of it: when it comes, what is not there yet is given up, and named.
//!
//! # Limits
//!
//! | what | default | why |
//! |---|---|---|
//! | all of an aggregate | 10 s | less than a request may take, more than anybody waits ([`Aggregate::within`]) |
//! | kept of the request's time | 50 ms, or a tenth | the answer must still be written ([`Deadline::of`]) |
//! | one attempt | 2 s | an empty tile is worth no more ([`Source::timeout`]) |
//! | attempts | 1; with [`Retry::new`] 3 | what fails three times seldom succeeds the fourth time |
//! | retries of all requests | 20 % more attempts | an outage must not be multiplied ([`Retry::budget`]) |
//! | attempts at a time | 64 | few sources are faster for more ([`Source::concurrency`]) |
//! | waiting for a place | 64 | who stands further behind waits in vain ([`Source::waiting`]) |
//! | waiting for another's answer | 10,000 | each costs a place in a list ([`Source::followers`]) |
//! | the cache of a source | 16 MiB | [`Cache::max_bytes`] |
#![forbid(unsafe_code)]

mod aggregate;
mod asking;
mod attempt;
mod breaker;
mod bulkhead;
mod cache;
mod counts;
mod deadline;
mod failure;
mod flight;
#[cfg(feature = "openapi")]
mod openapi;
mod part;
mod report;
mod retry;
mod source;
mod together;

pub use aggregate::{Aggregate, Parts};
pub use breaker::{Breaker, CircuitState};
pub use cache::Cache;
pub use counts::{Counts, Observation};
pub use deadline::Deadline;
pub use failure::Failure;
pub use part::{AnyPart, Part, State, Value};
pub use report::Report;
pub use retry::Retry;
pub use source::{Ask, Source};
pub use together::{Together, together};

/// The programs of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/aggregation.md")]
struct Guide;
