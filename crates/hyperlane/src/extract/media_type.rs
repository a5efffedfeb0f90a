//! The type of a request's body, checked before the body is read.
//!
//! A browser sends JSON to another site only after it has asked there, so that the check keeps forged forms out.

use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::{Rejection, RejectionKind};
use crate::context::Context;
use crate::response::{FieldError, FieldLocation};

/// A type of body that an extractor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    #[cfg(feature = "json")]
    Json,
    Form,
    #[cfg(feature = "multipart")]
    Multipart,
}

impl MediaType {
    /// Checks that the request's body says it is of this type. A request without body and type lacks it.
    pub(crate) fn check(self, ctx: &Context) -> Result<(), Rejection> {
        let content_type = ctx.header(CONTENT_TYPE.as_str());
        if content_type.is_some_and(|content_type| self.takes(essence(content_type))) {
            return Ok(());
        }
        let (name, wanted) = self.names();
        let missing = !ctx.headers_have(CONTENT_TYPE.as_str()) && ctx.has_no_body();
        let (status, kind, message) = if missing {
            let message = format!("request has no body: send {name} with `content-type: {wanted}`");
            (StatusCode::BAD_REQUEST, RejectionKind::Missing, message)
        } else {
            let message = format!("request body must be {name}: send it with `content-type: {wanted}`");
            (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                RejectionKind::UnsupportedMediaType,
                message,
            )
        };
        let field = FieldError::new(
            FieldLocation::Header,
            CONTENT_TYPE.as_str(),
            format!("must be `{wanted}`"),
        );
        Err(Rejection::new(status, message).with_kind(kind).with_field(field))
    }

    fn takes(self, essence: &str) -> bool {
        match self {
            #[cfg(feature = "json")]
            Self::Json => {
                essence.eq_ignore_ascii_case("application/json")
                    || essence.rsplit_once('+').is_some_and(|(before, suffix)| {
                        suffix.eq_ignore_ascii_case("json")
                            && before.split_once('/').is_some_and(|(_, name)| !name.is_empty())
                    })
            }
            Self::Form => essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"),
            #[cfg(feature = "multipart")]
            Self::Multipart => essence.eq_ignore_ascii_case("multipart/form-data"),
        }
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            #[cfg(feature = "json")]
            Self::Json => ("json", "application/json"),
            Self::Form => ("a form", "application/x-www-form-urlencoded"),
            #[cfg(feature = "multipart")]
            Self::Multipart => ("a multipart form", "multipart/form-data"),
        }
    }
}

/// The type without its parameters (RFC 9110 §8.3.1).
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;

    #[test]
    fn json_types_are_told_from_others() {
        for good in [
            "application/json",
            "APPLICATION/JSON",
            "application/vnd.api+json",
            "image/svg+xml+JSON",
        ] {
            assert!(
                MediaType::Json.takes(essence(&format!(" {good} ; charset=utf-8"))),
                "{good}"
            );
        }
        for bad in [
            "",
            "text/json",
            "+json",
            "/+json",
            "application+json",
            "application/jsonp",
            "application/json+",
        ] {
            assert!(!MediaType::Json.takes(essence(bad)), "{bad}");
        }
    }
}
