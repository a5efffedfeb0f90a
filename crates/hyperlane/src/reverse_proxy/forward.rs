//! One request, passed on: prepared, sent, sent again where that is safe, and its response taken over.

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyperlane_core::{Body, ConnectProtocol, IntoResponse, Response};
use tokio::time::{Instant, sleep_until};

use super::balance::{Pool, Upstream};
use super::connector::Uses;
use super::failure::Failure;
use super::fields::{self, Client, Forwarded};
use super::proxy::Settings;
use super::request_body::RequestBody;
use super::response_body::ResponseBody;
use super::target::{has_dot_segment, strip_prefix};
use super::tunnel::tunnel;
use super::upgrade;
use crate::context::Context;
use crate::response::Problem;

/// A request as it goes to an upstream, whichever it is.
struct Outgoing<'a> {
    ctx: &'a Context,
    method: Method,
    path: &'a str,
    headers: HeaderMap,
    /// The protocols that it offers to switch to.
    upgrade: Option<HeaderValue>,
    body: RequestBody,
    /// Before anything of it was read.
    has_body: bool,
}

/// Answers the request with what an upstream answers.
pub(super) async fn forward(settings: &Settings, pool: &Pool, ctx: &Context) -> Response {
    let protocol = ctx
        .extension::<ConnectProtocol>()
        .filter(|_| *ctx.method() == Method::CONNECT);
    if ctx.method() == Method::CONNECT && protocol.is_none() {
        return refusal(StatusCode::NOT_IMPLEMENTED, "this server opens no tunnels");
    }
    // Who answers it sends the request back (RFC 9110 §9.3.8): with the fields that are no client's to see.
    if ctx.method() == Method::TRACE {
        return refusal(StatusCode::NOT_IMPLEMENTED, "this server passes no traces on");
    }
    if has_dot_segment(ctx.path()) {
        return refusal(StatusCode::BAD_REQUEST, "path has dot segments: send it without");
    }
    if fields::loops(ctx.headers()) {
        return refusal(StatusCode::LOOP_DETECTED, "request has come through too many proxies");
    }
    // A `Uri` leaves out what it has no room for, and is never shorter otherwise: what it encodes grows.
    let uri = ctx.uri();
    if uri.path().len() < ctx.path().len() || uri.query().is_some() != ctx.query_string().is_some() {
        return refusal(StatusCode::URI_TOO_LONG, "target is too long to be passed on");
    }
    let mut headers = ctx.headers().clone();
    if ctx.method() == Method::OPTIONS && !fields::count_hop(&mut headers) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let outgoing = Outgoing::new(settings, ctx, headers, protocol);
    let mut last = None;
    for upstream in pool.in_turn() {
        match outgoing.send(settings, upstream).await {
            Ok(response) => return outgoing.answer(settings, upstream, response),
            Err(failure) => {
                let again = failure.is_unreached() && !outgoing.body.is_read();
                if !matches!(failure, Failure::Client(_)) {
                    tracing::warn!(upstream = %upstream.address, error = %failure, "request can't be passed on");
                }
                if failure.is_unreached() {
                    upstream.leave_out(settings.cool_down);
                }
                last = Some(failure);
                if !again {
                    break;
                }
            }
        }
    }
    last.unwrap_or(Failure::Slow).answer()
}

impl<'a> Outgoing<'a> {
    /// A `CONNECT` to a protocol (RFC 8441) becomes the `Upgrade` that says the same in HTTP/1.1.
    fn new(settings: &Settings, ctx: &'a Context, mut headers: HeaderMap, protocol: Option<ConnectProtocol>) -> Self {
        let version = ctx.request_head().version();
        let (method, body, upgrade) = match protocol {
            Some(protocol) => (Method::GET, Body::empty(), upgrade::upgrade_to(protocol.as_str())),
            // Behind a request with a body the other protocol would have no clear beginning.
            None => {
                let body = ctx.body_stream();
                let upgrade = upgrade::upgrade(&headers, version).filter(|_| body.is_empty());
                (ctx.method().clone(), body, upgrade)
            }
        };
        let body = RequestBody::new(body);
        let has_body = !body.is_empty();
        let had_length = headers.contains_key(CONTENT_LENGTH);
        let appends = settings.forwarded == Forwarded::Append;
        let peer = ctx.connection().peer_addr.map(|peer| peer.ip());
        let client = Client {
            // Whom trusted proxies name stands in the list already to which the peer is added.
            address: peer.map(|peer| if appends { peer } else { ctx.client_ip() }),
            scheme: ctx.scheme(),
            host: ctx.forwarded_host(),
            version,
        };
        fields::prepare_request(
            &mut headers,
            &client,
            settings.forwarded,
            &settings.via,
            upgrade.clone(),
        );
        if upgrade.is_some() && method != *ctx.method() {
            upgrade::complete_websocket(&mut headers);
        }
        for (name, value) in &settings.headers {
            fields::remove_alike(&mut headers, name);
            headers.insert(name, value.clone());
        }
        // The framing is said explicitly: without, a body of unknown length would be left out of a GET.
        if has_body {
            match body.length() {
                Some(length) => headers.insert(CONTENT_LENGTH, HeaderValue::from(length)),
                None => headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
            };
        } else if had_length {
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let path = ctx.uri().path();
        let path = match &settings.strip_prefix {
            Some(prefix) => strip_prefix(path, prefix),
            None => path,
        };
        Self {
            ctx,
            method,
            path,
            headers,
            upgrade,
            body,
            has_body,
        }
    }

    /// Sends it; once more where a kept connection was found closed, and the request is safe and has no body.
    async fn send(&self, settings: &Settings, upstream: &Upstream) -> Result<http::Response<Incoming>, Failure> {
        match self.send_once(settings, upstream).await {
            Err(failure) if failure.is_stale() && self.method.is_safe() && !self.has_body => {
                self.send_once(settings, upstream).await
            }
            sent => sent,
        }
    }

    async fn send_once(&self, settings: &Settings, upstream: &Upstream) -> Result<http::Response<Incoming>, Failure> {
        let request = self.request(settings, upstream)?;
        self.body.restart();
        let response = tokio::select! {
            response = upstream.client.request(request) => response,
            () = self.silence(settings) => return Err(Failure::Slow),
        };
        let response = response.map_err(|error| match self.body.failure() {
            Some(kind) => Failure::Client(kind),
            None => Failure::Exchange(error),
        })?;
        if let Some(uses) = response.extensions().get::<Uses>() {
            uses.count();
        }
        self.check(&response)?;
        Ok(response)
    }

    /// Waits until the upstream has kept silent for too long. What the client takes does not count.
    async fn silence(&self, settings: &Settings) {
        loop {
            let since = self.body.waiting_since().unwrap_or_else(Instant::now);
            let Some(end) = since.checked_add(settings.response_timeout) else {
                return std::future::pending().await;
            };
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }

    fn request(&self, settings: &Settings, upstream: &Upstream) -> Result<http::Request<RequestBody>, Failure> {
        let target = upstream.address.target(self.path, self.ctx.uri().query());
        let mut request = http::Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = target.ok_or(Failure::Response("target can't be passed on: it is too long"))?;
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = self.headers.clone();
        let own = || upstream.address.host();
        let client = || HeaderValue::try_from(self.ctx.host()?).ok();
        let host = if settings.preserve_host {
            client().or_else(own)
        } else {
            own()
        };
        if let Some(host) = host {
            request.headers_mut().entry(HOST).or_insert(host);
        }
        Ok(request)
    }

    /// Refuses what is framed in a way that another server might read differently (RFC 9112 §6.3), and switches that
    /// nobody asked for.
    fn check(&self, response: &http::Response<Incoming>) -> Result<(), Failure> {
        let headers = response.headers();
        if headers.contains_key(TRANSFER_ENCODING) {
            if headers.contains_key(CONTENT_LENGTH) {
                return Err(Failure::Response(
                    "response has both transfer-encoding and content-length",
                ));
            }
            let mut codings = fields::elements(headers, &TRANSFER_ENCODING);
            let chunked = codings
                .next()
                .is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
            if !chunked || codings.next().is_some() {
                return Err(Failure::Response("response has a transfer coding other than chunked"));
            }
        }
        if *self.ctx.method() == Method::CONNECT && response.status().is_success() {
            return Err(Failure::Response(
                "response does not switch protocols, which a 2xx would mean to the client",
            ));
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let offered = self.upgrade.as_ref().map(HeaderValue::as_bytes).unwrap_or_default();
            let mut offered = offered.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            let chosen = headers
                .get(UPGRADE)
                .map(HeaderValue::as_bytes)
                .unwrap_or_default()
                .trim_ascii();
            if chosen.is_empty() || !offered.any(|protocol| protocol.eq_ignore_ascii_case(chosen)) {
                return Err(Failure::Response(
                    "response switches to a protocol that was not offered",
                ));
            }
        }
        Ok(())
    }

    /// The upstream's response as ours.
    fn answer(&self, settings: &Settings, upstream: &Upstream, mut response: http::Response<Incoming>) -> Response {
        let status = response.status();
        let protocol = response.headers().get(UPGRADE).cloned();
        let length = response.headers().get(CONTENT_LENGTH).cloned();
        let head = self.ctx.method() == Method::HEAD;
        fields::strip_connection(response.headers_mut());
        response.headers_mut().remove(CONTENT_LENGTH);
        let draining = || self.ctx.connection().draining();
        if status == StatusCode::SWITCHING_PROTOCOLS
            && let Some(protocol) = protocol
        {
            let upgraded = hyper::upgrade::on(&mut response);
            let (idle, draining) = (settings.tunnel_idle_timeout, draining());
            let mut answer = Response::upgrade(protocol, move |client| async move {
                match upgraded.await {
                    Ok(upstream) => tunnel(client, TokioIo::new(upstream), idle, draining).await,
                    Err(error) => tracing::warn!(%error, "upstream left in the middle of a switch of protocols"),
                }
            });
            answer.headers_mut().extend(response.headers().clone());
            return answer;
        }
        let (mut parts, incoming) = response.into_parts();
        if status == StatusCode::UPGRADE_REQUIRED
            && let Some(protocol) = protocol
        {
            parts.headers.insert(UPGRADE, protocol);
            parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        // Of these the length is that of a body which is not there.
        let is_events = is_event_stream(&parts.headers);
        let tells_length = (head || status == StatusCode::NOT_MODIFIED) && length.is_some();
        if let Some(length) = length.filter(|_| tells_length) {
            parts.headers.insert(CONTENT_LENGTH, length);
        }
        let body = ResponseBody::new(incoming, settings.idle_timeout, upstream.address.to_string());
        let body = if head && !tells_length {
            body.of_unknown_length()
        } else {
            body
        };
        let body = if is_events { body.until(draining()) } else { body };
        let mut answer = Response::new(Body::wrap(body)).with_status(status);
        *answer.headers_mut() = parts.headers;
        answer
    }
}

fn refusal(status: StatusCode, why: &'static str) -> Response {
    Problem::new(status).with_detail(why).into_response()
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
}
