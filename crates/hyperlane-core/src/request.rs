//! A request: its head, its body, and what the framework attached to it.

use std::sync::Arc;

use http::Extensions;

use crate::{Body, ConnectionInfo, Head};

/// A request on its way to a service.
///
/// The head is read lazily: see [`Head`]. Turn it into the `http` crate's type with [`into_http`](Self::into_http)
/// where a tower service wants one.
#[derive(Debug)]
pub struct Request {
    head: Head,
    body: Body,
    connection: Arc<ConnectionInfo>,
    extensions: Extensions,
}

impl Request {
    /// A request from its parts.
    pub fn new(head: Head, body: Body, connection: Arc<ConnectionInfo>) -> Self {
        Self {
            head,
            body,
            connection,
            extensions: Extensions::new(),
        }
    }

    /// Method, target, version and headers.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The body, not read yet.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The body, to be read or replaced.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The connection that the request came on.
    pub fn connection(&self) -> &Arc<ConnectionInfo> {
        &self.connection
    }

    /// Values attached to this request, by type.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Values attached to this request, to be changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Takes the request apart.
    pub fn into_parts(self) -> (Head, Body, Arc<ConnectionInfo>, Extensions) {
        (self.head, self.body, self.connection, self.extensions)
    }

    /// The request as the `http` crate's type, for tower services. The connection's description is among the
    /// extensions, as `Arc<ConnectionInfo>`.
    pub fn into_http(self) -> http::Request<Body> {
        let Self {
            head,
            body,
            connection,
            mut extensions,
        } = self;
        let mut request = http::Request::new(body);
        *request.method_mut() = head.method().clone();
        *request.uri_mut() = head.uri().clone();
        *request.version_mut() = head.version();
        *request.headers_mut() = head.into_headers();
        extensions.insert(connection);
        *request.extensions_mut() = extensions;
        request
    }
}

impl<B: Into<Body>> From<http::Request<B>> for Request {
    fn from(request: http::Request<B>) -> Self {
        let (mut parts, body) = request.into_parts();
        let connection = parts.extensions.remove::<Arc<ConnectionInfo>>().unwrap_or_default();
        let extensions = std::mem::take(&mut parts.extensions);
        Self {
            head: Head::from(parts),
            body: body.into(),
            connection,
            extensions,
        }
    }
}
