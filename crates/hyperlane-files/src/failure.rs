//! What is answered where a file can't be had.

use std::io;

use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use hyperlane::{IntoResponse, Problem, Response};

/// Why there is no file. To clients a file that they may not have is one that is not there.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It is not there, may not be read, is no file, or lies outside of the root.
    NotFound,
    /// The process or the system is out of file descriptors or memory; it may work a little later.
    Busy(io::Error),
    /// The disk, the root, or the program is broken.
    Broken(io::Error),
}

impl Failure {
    /// The answer; it says nothing about paths, which only the log gets.
    pub(crate) fn response(&self, path: &str) -> Response {
        match self {
            Self::NotFound => Problem::new(StatusCode::NOT_FOUND).into_response(),
            Self::Busy(error) => {
                tracing::warn!(%error, path, "file can't be opened for want of resources: answering 503");
                let mut response = Problem::new(StatusCode::SERVICE_UNAVAILABLE).into_response();
                response.insert_header(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Self::Broken(error) => {
                tracing::error!(%error, path, "file can't be read: answering 500");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{
            InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound, OutOfMemory, PermissionDenied,
        };
        if is_out_of_descriptors(&error) || error.kind() == OutOfMemory {
            return Self::Busy(error);
        }
        let absent = matches!(
            error.kind(),
            NotFound | PermissionDenied | NotADirectory | IsADirectory | InvalidFilename | InvalidInput
        );
        if absent || is_refusal(&error) {
            Self::NotFound
        } else {
            Self::Broken(error)
        }
    }
}

#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let full = [Errno::MFILE, Errno::NFILE, Errno::NOMEM];
    full.iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// A link that leads out of the root or in circles; a socket; a device that is not there.
#[cfg(unix)]
fn is_refusal(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let refusals = [Errno::XDEV, Errno::LOOP, Errno::NXIO, Errno::NODEV];
    refusals
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(not(unix))]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    // ERROR_TOO_MANY_OPEN_FILES
    cfg!(windows) && error.raw_os_error() == Some(4)
}

#[cfg(not(unix))]
fn is_refusal(_: &io::Error) -> bool {
    false
}
