//! The aggregate: sources that are asked together, by name.

use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::counts::Counts;
use crate::deadline::Deadline;
use crate::part::AnyPart;
use crate::report::Report;
use crate::source::{Inner, Source};

/// Sources that are asked together, at once, so that their answer takes as long as the slowest, and none of them fails
/// the others.
///
/// It is made once, at the start of the program, and shared as a state. Its key is what a request asks all of them with.
///
/// ```
/// use hyperlane::*;
/// use hyperlane_aggregate::{Aggregate, Report, Source};
/// use std::time::Duration;
///
/// # #[derive(serde::Serialize)] struct Users { count: u64 }
/// # async fn count_users() -> Result<Users, std::io::Error> { Ok(Users { count: 3 }) }
/// # async fn load_motto() -> Result<String, std::io::Error> { Ok(String::new()) }
/// async fn dashboard(ctx: Context, State(sources): State<Aggregate>) -> Report {
///     sources.run(&ctx).await
/// }
///
/// let sources = Aggregate::new()
///     .source(Source::new("users", count_users).timeout(Duration::from_millis(300)))
///     .source(Source::new("motto", load_motto).fallback(|_| "carry on".to_owned()))
///     .required("users");
/// let server = Server::new();
/// server.state(sources).get("/dashboard", dashboard);
/// # assert!(server.build().is_ok());
/// ```
///
/// Where the sources' types shall be known to the compiler, ask them by [`together`](crate::together()).
pub struct Aggregate<K = ()> {
    members: Arc<Vec<Member<K>>>,
    within: Duration,
}

struct Member<K> {
    source: Arc<dyn AnySource<K>>,
    required: bool,
}

/// Below the 30 seconds after which a server ends a request by default, and longer than anybody waits for a page.
const WITHIN: Duration = Duration::from_secs(10);

impl Aggregate {
    /// Without sources yet, and without a key.
    pub fn new() -> Self {
        Self::keyed()
    }

    /// Asks all, until the deadline at the latest: the request's [`Context`](hyperlane::Context), a duration, an
    /// instant, or none but its own. Dropped before its end, all sources are cancelled that nobody else waits for.
    pub async fn run(&self, deadline: impl Into<Deadline>) -> Report {
        self.run_for((), deadline).await
    }

    /// The same, each part as soon as it is there.
    pub fn stream(&self, deadline: impl Into<Deadline>) -> Parts {
        self.stream_for((), deadline)
    }
}

impl<K: Clone + Hash + Eq + Send + Sync + 'static> Aggregate<K> {
    /// Without sources yet; asked with a key of this type.
    pub fn keyed() -> Self {
        Self {
            members: Arc::new(Vec::new()),
            within: WITHIN,
        }
    }

    /// Adds a source, which is asked with the same key.
    ///
    /// # Panics
    ///
    /// When it has one of this name.
    #[must_use]
    pub fn source<T: Serialize + Send + Sync + 'static>(self, source: Source<T, K>) -> Self {
        self.source_by(source, K::clone)
    }

    /// Adds a source that is asked with another key, such as a part of the aggregate's.
    ///
    /// ```
    /// use hyperlane_aggregate::{Aggregate, Source};
    ///
    /// # async fn load(_: u64) -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # async fn news() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// // Asked with a user and a language.
    /// let page = Aggregate::<(u64, String)>::keyed()
    ///     .source_by(Source::keyed("user", load), |(user, _)| *user)
    ///     .source_by(Source::new("news", news), |_| ());
    /// ```
    ///
    /// # Panics
    ///
    /// When it has one of this name.
    #[must_use]
    pub fn source_by<T, S>(mut self, source: Source<T, S>, key: impl Fn(&K) -> S + Send + Sync + 'static) -> Self
    where
        T: Serialize + Send + Sync + 'static,
        S: Clone + Hash + Eq + Send + Sync + 'static,
    {
        let name = source.name();
        assert!(
            self.members.iter().all(|member| member.source.name() != name),
            "an aggregate has two sources named {name:?}: name them apart"
        );
        let source = Arc::new(Keyed { source, key });
        Arc::make_mut(&mut self.members).push(Member {
            source,
            required: false,
        });
        self
    }

    /// Says that the answer is worth nothing without this source: where its part has failed, the [`Report`] becomes a 502.
    /// The others are waited for all the same.
    ///
    /// # Panics
    ///
    /// When there is no source of this name.
    #[must_use]
    pub fn required(mut self, name: &str) -> Self {
        let members = Arc::make_mut(&mut self.members);
        let member = members.iter_mut().find(|member| member.source.name() == name);
        match member {
            Some(member) => member.required = true,
            None => panic!("an aggregate requires {name:?}, which is none of its sources: add it first"),
        }
        self
    }

    /// How long all of it may take, where the request allows that much. Default: 10 seconds.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Asks all with this key: see [`run`](Aggregate::run).
    pub async fn run_for(&self, key: K, deadline: impl Into<Deadline>) -> Report {
        let deadline = deadline.into().at_most(self.within).0;
        let begun = Instant::now();
        let parts = join_all(self.members.iter().map(|member| member.source.ask(&key, deadline))).await;
        let required = self.members.iter().map(|member| member.required);
        Report::new(parts.into_iter().zip(required), begun.elapsed())
    }

    /// Asks all with this key, and gives each part as soon as it is there. Dropped before its end, all sources are
    /// cancelled that nobody else waits for.
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use hyperlane::sse::{Event, Sse};
    /// use hyperlane::*;
    /// use hyperlane_aggregate::Aggregate;
    ///
    /// async fn tiles(ctx: Context, State(sources): State<Aggregate>) -> Sse {
    ///     let tile = |part: hyperlane_aggregate::AnyPart| Event::json(&part).map(|event| event.with_name(part.name()));
    ///     Sse::new(sources.stream(&ctx).map(tile))
    /// }
    /// # Server::new().get("/tiles", tiles);
    /// ```
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a key is handed over as it is to `run_for`"
    )]
    pub fn stream_for(&self, key: K, deadline: impl Into<Deadline>) -> Parts {
        let deadline = deadline.into().at_most(self.within).0;
        Parts {
            waiting: self
                .members
                .iter()
                .map(|member| member.source.ask(&key, deadline))
                .collect(),
            running: JoinSet::new(),
        }
    }

    /// What has happened at each source so far, with its name.
    pub fn counts(&self) -> Vec<(String, Counts)> {
        let counts = |member: &Member<K>| (member.source.name().to_owned(), member.source.counts());
        self.members.iter().map(counts).collect()
    }

    /// The names of its sources, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.source.name())
    }
}

impl Default for Aggregate {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Clone for Aggregate<K> {
    fn clone(&self) -> Self {
        Self {
            members: self.members.clone(),
            within: self.within,
        }
    }
}

impl<K> Clone for Member<K> {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            required: self.required,
        }
    }
}

impl<K> fmt::Debug for Aggregate<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.members.iter().map(|member| member.source.name()).collect();
        f.debug_struct("Aggregate")
            .field("sources", &names)
            .field("within", &self.within)
            .finish()
    }
}

/// The parts of an [`Aggregate`], each as soon as it is there: see [`stream`](Aggregate::stream). Nothing is asked before
/// it is polled. After that each source is asked in a task of its own: time-outs and deadlines hold, and places are given
/// back, also while nobody polls it, such as for a client that does not read.
#[must_use = "nothing is asked before it is polled"]
pub struct Parts {
    waiting: Vec<BoxFuture<'static, AnyPart>>,
    running: JoinSet<AnyPart>,
}

impl Stream for Parts {
    type Item = AnyPart;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<AnyPart>> {
        let this = &mut *self;
        for part in this.waiting.drain(..) {
            this.running.spawn(part);
        }
        loop {
            match ready!(this.running.poll_join_next(cx)) {
                None => return Poll::Ready(None),
                Some(Ok(part)) => return Poll::Ready(Some(part)),
                Some(Err(error)) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The runtime ends.
                    Err(_cancelled) => {}
                },
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let pending = self.waiting.len() + self.running.len();
        (0, Some(pending))
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("pending", &(self.waiting.len() + self.running.len()))
            .finish()
    }
}

/// A source of any type, asked with the aggregate's key.
trait AnySource<K>: Send + Sync {
    fn name(&self) -> &str;
    fn ask(&self, key: &K, deadline: Option<Instant>) -> BoxFuture<'static, AnyPart>;
    fn counts(&self) -> Counts;
}

struct Keyed<T, S, F> {
    source: Source<T, S>,
    key: F,
}

impl<K, T, S, F> AnySource<K> for Keyed<T, S, F>
where
    T: Serialize + Send + Sync + 'static,
    S: Clone + Hash + Eq + Send + Sync + 'static,
    F: Fn(&K) -> S + Send + Sync,
{
    fn name(&self) -> &str {
        self.source.name()
    }

    fn ask(&self, key: &K, deadline: Option<Instant>) -> BoxFuture<'static, AnyPart> {
        let part = Inner::ask(self.source.inner.clone(), (self.key)(key), deadline);
        part.map(|part| part.erase()).boxed()
    }

    fn counts(&self) -> Counts {
        self.source.counts()
    }
}
