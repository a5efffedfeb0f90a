//! The error of a server that can't run.

use std::error::Error as StdError;
use std::fmt;

use hyperlane_core::BoxError;
use hyperlane_server::BindError;

/// Why a server could not run: the address could not be bound, or what was registered does not fit together.
///
/// All that is wrong with the registration is in one error: patterns that conflict or are malformed, methods that are
/// registered twice, states that no one gave, settings that no request could pass. Each names the route or setting.
///
/// ```
/// use hyperlane::Server;
///
/// let server = Server::new();
/// server.get("/user/{id}", async || "one").get("/user/{name}", async || "other");
/// let error = server.build().unwrap_err();
/// assert!(error.is_route());
/// assert!(error.to_string().contains("`/user/{name}` conflicts with `/user/{id}`"));
/// ```
#[derive(Debug)]
pub struct RunError {
    problems: Vec<Mistake>,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Mistake {
    kind: Kind,
    message: String,
    source: Option<BoxError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bind,
    Config,
    Route,
    State,
    AlreadyRun,
}

impl RunError {
    pub(crate) fn new(problems: Vec<Mistake>) -> Self {
        Self { problems }
    }

    /// Whether the address could not be bound; the message names host and port.
    pub fn is_bind(&self) -> bool {
        self.has(Kind::Bind)
    }

    /// Whether a route is malformed, conflicts with another one, or is registered twice.
    pub fn is_route(&self) -> bool {
        self.has(Kind::Route)
    }

    /// Whether a handler needs a [`State`](crate::State) that was not given with
    /// [`Server::state`](crate::Server::state).
    pub fn is_state(&self) -> bool {
        self.has(Kind::State)
    }

    /// Whether a setting makes no sense.
    pub fn is_config(&self) -> bool {
        self.has(Kind::Config)
    }

    /// Whether this server was run, or built, before.
    pub fn is_already_run(&self) -> bool {
        self.has(Kind::AlreadyRun)
    }

    fn has(&self, kind: Kind) -> bool {
        self.problems.iter().any(|problem| problem.kind == kind)
    }
}

impl Mistake {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            f.write_str(&problem.message)?;
        }
        Ok(())
    }
}

impl StdError for RunError {
    /// The cause of the first problem that has one.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.problems.iter().find_map(|problem| problem.source.as_deref())?;
        Some(source)
    }
}

impl From<BindError> for RunError {
    fn from(error: BindError) -> Self {
        Self::new(vec![Mistake::new(Kind::Bind, error.to_string()).with_source(error)])
    }
}
