//! The way between a response and the `http` crate's type, which is what tower services know.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Headers, Response};
use crate::{Body, InvalidHeader, Upgrade};

/// An upgrade among the extensions of the `http` crate's type, which must be [`Clone`]: the first to take it has it.
#[derive(Clone, Debug)]
struct CarriedUpgrade(Arc<Mutex<Option<Upgrade>>>);

/// A defect among the extensions of the `http` crate's type.
#[derive(Clone, Debug)]
struct CarriedDefect(String);

impl Response {
    /// The response as the `http` crate's type, for tower services. An [`upgrade`](Self::upgrade), and the mark that it
    /// must not be sent ([`reject`](Self::reject)), travel among its extensions, and are there again when it is made a
    /// [`Response`].
    pub fn into_http(mut self) -> http::Response<Body> {
        let headers = std::mem::take(self.headers_mut());
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        if let Some(rare) = self.rare {
            *response.extensions_mut() = rare.extensions;
            if let Some(defect) = rare.defect {
                response.extensions_mut().insert(CarriedDefect(defect.to_string()));
            }
            if let Some(upgrade) = rare.upgrade {
                response
                    .extensions_mut()
                    .insert(CarriedUpgrade(Arc::new(Mutex::new(Some(upgrade)))));
            }
        }
        response
    }
}

impl<B: Into<Body>> From<http::Response<B>> for Response {
    fn from(response: http::Response<B>) -> Self {
        let (mut parts, body) = response.into_parts();
        let carried = parts.extensions.remove::<CarriedUpgrade>();
        let defect = parts.extensions.remove::<CarriedDefect>();
        let mut ours = Self::new(body.into()).with_status(parts.status);
        ours.headers = OnceCell::from(Headers::from(parts.headers));
        if !parts.extensions.is_empty() {
            ours.rare_mut().extensions = parts.extensions;
        }
        if let Some(CarriedDefect(why)) = defect {
            ours.reject(InvalidHeader::other(why));
        }
        if let Some(CarriedUpgrade(slot)) = carried {
            ours.rare_mut().upgrade = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        ours
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_upgrade_and_a_defect_come_through_the_http_crates_type() {
        let spoiled = Response::new("").with_header("x", "a\nb");
        assert!(Response::from(spoiled.into_http()).defect().is_some());
        let response = Response::upgrade(HeaderValue::from_static("echo"), |_| async {});
        let mut back = Response::from(response.into_http());
        assert!(back.take_upgrade().is_some() && back.take_upgrade().is_none());
    }
}
