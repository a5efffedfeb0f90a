//! Why a response was not sent to its end, over any protocol with streams.

use std::any::Any;
use std::fmt;

use hyperlane_core::HandlerPanic;

/// Why a response was not sent to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client wants no more of it, or is gone.
    ClientGone,
    /// The client has taken nothing for too long.
    Stalled,
    /// The body could not be made.
    Body(String),
}

impl Failure {
    /// The making of a body panicked, which ends the response like any other error.
    #[cold]
    pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Self {
        let panic = HandlerPanic::from_payload(payload);
        tracing::error!(%panic, "body of a response panicked");
        Self::Body(panic.message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientGone => f.write_str("client has left"),
            Self::Stalled => f.write_str("client takes nothing"),
            Self::Body(why) => f.write_str(why),
        }
    }
}

/// What is left of a body whose length was announced.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Announced(pub(crate) Option<u64>);

impl Announced {
    /// Takes a piece off.
    ///
    /// # Errors
    ///
    /// The piece is longer than what is left.
    pub(crate) fn take(&mut self, length: usize) -> Result<(), Failure> {
        if let Some(left) = &mut self.0 {
            *left = left.checked_sub(length as u64).ok_or_else(|| wrong_length("more"))?;
        }
        Ok(())
    }

    /// At the end of the body.
    ///
    /// # Errors
    ///
    /// Something is left.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.0 {
            Some(left) if left > 0 => Err(wrong_length("fewer")),
            _ => Ok(()),
        }
    }
}

fn wrong_length(which: &str) -> Failure {
    Failure::Body(format!("body of the response has {which} bytes than it announced"))
}
