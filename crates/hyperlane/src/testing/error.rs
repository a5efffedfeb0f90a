//! Why a request of a test could not be answered.

use std::error::Error as StdError;
use std::fmt;

use hyperlane_core::BoxError;

/// Why there is no response, or not all of one: the server closed the connection, or sent what is no HTTP.
#[derive(Debug)]
pub struct TestError {
    message: String,
    source: Option<BoxError>,
}

impl TestError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for TestError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
