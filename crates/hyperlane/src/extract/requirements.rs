//! What handlers need of their server, and whether their arguments agree.

use std::any::{TypeId, type_name};

/// What the arguments of a handler need; collected at registration, checked by
/// [`Server::run`](crate::Server::run).
///
/// ```
/// use hyperlane::*;
///
/// #[derive(Clone)]
/// struct Sessions;
///
/// struct User;
///
/// impl FromContext for User {
///     type Rejection = Problem;
///
///     async fn from_context(ctx: &Context) -> Result<Self, Problem> {
///         let _sessions: Sessions = ctx.state();
///         Ok(Self)
///     }
///
///     fn check(needs: &mut Requirements) {
///         needs.state::<Sessions>();
///     }
/// }
///
/// let server = Server::new();
/// server.get("/", async |_user: User| "hello");
/// assert!(server.build().unwrap_err().is_state());
/// ```
#[derive(Debug, Default)]
pub struct Requirements {
    states: Vec<(TypeId, &'static str)>,
    /// While the arguments of one handler are looked at: the one that takes the body away, if any.
    body: Option<Option<&'static str>>,
    conflict: Option<String>,
    problems: Vec<String>,
}

impl Requirements {
    /// Needs a value of this type to be given to [`Server::state`](crate::Server::state).
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// Says that a setting makes no sense: it is an error of [`Server::run`](crate::Server::run), which names the
    /// middleware or the route before this message. Say what is wrong, and what to do.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// struct Sample {
    ///     percent: u8,
    /// }
    ///
    /// impl Middleware for Sample {
    ///     async fn call(&self, ctx: Context, next: Next) -> Response {
    ///         next.run(ctx).await
    ///     }
    ///
    ///     fn check(&self, needs: &mut Requirements) {
    ///         if self.percent > 100 {
    ///             needs.problem(format!("{} is over 100 percent: give at most 100", self.percent));
    ///         }
    ///     }
    /// }
    ///
    /// let server = Server::new();
    /// server.middleware(Sample { percent: 120 });
    /// let error = server.build().unwrap_err();
    /// assert!(error.is_config());
    /// assert_eq!(error.to_string(), "middleware `Sample`: 120 is over 100 percent: give at most 100");
    /// ```
    pub fn problem(&mut self, message: impl Into<String>) {
        self.problems.push(message.into());
    }

    /// Takes the body away as a stream: no argument behind this one, which is called `what`, can have it.
    pub fn takes_body(&mut self, what: &'static str) {
        self.reads_body(what);
        if let Some(taken) = &mut self.body {
            taken.get_or_insert(what);
        }
    }

    /// Reads the whole body and leaves it for others: no argument before this one, which is called `what`, may take it
    /// away.
    pub fn reads_body(&mut self, what: &'static str) {
        if let Some(Some(before)) = self.body {
            self.conflict.get_or_insert_with(|| {
                format!(
                    "takes the body twice: `{before}` takes it away as a stream before `{what}` can read it; put \
                     `{what}` first, or take only one of them"
                )
            });
        }
    }

    /// Looks at the arguments of one handler.
    pub(crate) fn of_handler(&mut self, check: impl FnOnce(&mut Self)) {
        self.body = Some(None);
        check(self);
        self.body = None;
    }

    /// What two arguments of a handler both want.
    pub(crate) fn take_conflict(&mut self) -> Option<String> {
        self.conflict.take()
    }

    /// What was said to make no sense.
    pub(crate) fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// The types of states that are needed, with their names.
    pub(crate) fn into_states(self) -> Vec<(TypeId, &'static str)> {
        self.states
    }
}
