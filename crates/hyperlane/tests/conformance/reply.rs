//! One response as the strict reader of the suite understands it.
//!
//! A client that forgives hides the server's mistakes, so this reader forgives nothing: a response
//! that is not exactly what RFC 9110 and RFC 9112 let a server *send* is a fault, also where a
//! *recipient* would be allowed to be lenient. It is handed the bytes received so far and tells
//! whether they hold a whole response, the beginning of one, or something no server may write.

use crate::http_date;

/// How a response says where its body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No framing header: the status has no body, or the reader was told it answers `HEAD`.
    Bodiless,
    /// `Content-Length`.
    Length,
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Neither: the body ends with the connection.
    UntilClose,
}

/// A complete response.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// The minor version: 1 for `HTTP/1.1`.
    pub(crate) minor: u8,
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    pub(crate) framing: Framing,
    pub(crate) body: Vec<u8>,
    /// Chunks with data, without the last one of size 0.
    pub(crate) chunks: usize,
    pub(crate) trailers: Fields,
}

/// Header or trailer fields in their order, names in lower case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The value of the first field line called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// The values of every field line called `name`, in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0
            .iter()
            .filter(move |(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether a comma separated field holds `member`, without regard to case.
    pub(crate) fn lists(&self, name: &str, member: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|candidate| candidate.trim().eq_ignore_ascii_case(member))
    }
}

impl Reply {
    /// Whether the response announces that the connection ends with it (RFC 9112 §9.6).
    pub(crate) fn announces_close(&self) -> bool {
        self.fields.lists("connection", "close")
    }

    /// Reads the response at the start of `bytes`.
    ///
    /// `to_head` tells that it answers a `HEAD`, `at_end` that the server has closed its side and
    /// no byte will follow. Returns the response and the number of bytes it took, or `None` while
    /// it is incomplete.
    ///
    /// # Errors
    /// The rule the bytes break.
    pub(crate) fn parse(bytes: &[u8], to_head: bool, at_end: bool) -> Result<Option<(Self, usize)>, String> {
        let mut cursor = Cursor { bytes, at: 0 };
        let Some(line) = cursor.line()? else { return Ok(None) };
        let (minor, status) = status_line(line)?;
        let Some(fields) = cursor.fields()? else {
            return Ok(None);
        };
        let framing = framing(minor, status, &fields, to_head)?;
        if status >= 200 {
            check_date(&fields)?;
        }
        let mut reply = Self {
            minor,
            status,
            fields,
            framing,
            body: Vec::new(),
            chunks: 0,
            trailers: Fields::default(),
        };
        if to_head || bodiless(status) {
            return Ok(Some((reply, cursor.at)));
        }
        let complete = match framing {
            Framing::Bodiless => true,
            Framing::Length => cursor.sized_body(&mut reply)?,
            Framing::Chunked => cursor.chunked_body(&mut reply)?,
            Framing::UntilClose => {
                reply.body = cursor.rest().to_vec();
                cursor.at = bytes.len();
                at_end
            }
        };
        Ok(complete.then_some((reply, cursor.at)))
    }
}

/// RFC 9110 §6.4.1: informational responses, 204 and 304 never have content.
fn bodiless(status: u16) -> bool {
    status < 200 || matches!(status, 204 | 304)
}

/// RFC 9112 §4: `HTTP-version SP status-code SP [ reason-phrase ]`.
fn status_line(line: &[u8]) -> Result<(u8, u16), String> {
    let bad = || format!("malformed status line {:?}", line.escape_ascii().to_string());
    let rest = line.strip_prefix(b"HTTP/1.").ok_or_else(bad)?;
    let [minor @ b'0'..=b'1', b' ', code @ ..] = rest else {
        return Err(bad());
    };
    let [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', reason @ ..] = code else {
        return Err(bad());
    };
    if !reason.iter().all(|&byte| is_field_byte(byte)) {
        return Err(bad());
    }
    let digit = |byte: &u8| u16::from(byte - b'0');
    Ok((minor - b'0', digit(a) * 100 + digit(b) * 10 + digit(c)))
}

/// RFC 9112 §6.3, as a rule for the sender: exactly one framing, and none where there is no body.
fn framing(minor: u8, status: u16, fields: &Fields, to_head: bool) -> Result<Framing, String> {
    let lengths: Vec<_> = fields.all("content-length").collect();
    let codings: Vec<_> = fields.all("transfer-encoding").collect();
    if !lengths.is_empty() && !codings.is_empty() {
        return Err("both content-length and transfer-encoding (RFC 9112 §6.2)".into());
    }
    if (status < 200 || status == 204) && (!lengths.is_empty() || !codings.is_empty()) {
        return Err(format!("a framing header in a {status} (RFC 9110 §8.6, RFC 9112 §6.1)"));
    }
    match (&lengths[..], &codings[..]) {
        ([], []) if bodiless(status) || to_head => Ok(Framing::Bodiless),
        ([], []) => Ok(Framing::UntilClose),
        ([length], []) => {
            decimal(length.as_bytes())?;
            Ok(Framing::Length)
        }
        ([], ["chunked"]) if minor == 1 => Ok(Framing::Chunked),
        ([], ["chunked"]) => Err("chunked in an HTTP/1.0 response (RFC 9112 §6.1)".into()),
        _ => Err(format!("framing headers {lengths:?} {codings:?} (RFC 9112 §6.3)")),
    }
}

/// RFC 9110 §6.6.1: an origin server with a clock sends exactly one `Date`.
fn check_date(fields: &Fields) -> Result<(), String> {
    let dates: Vec<_> = fields.all("date").collect();
    let [date] = dates[..] else {
        return Err(format!("{} date headers instead of one (RFC 9110 §6.6.1)", dates.len()));
    };
    match http_date::seconds(date) {
        Some(_) => Ok(()),
        None => Err(format!("date {date:?} is no IMF-fixdate (RFC 9110 §5.6.7)")),
    }
}

fn decimal(digits: &[u8]) -> Result<usize, String> {
    let bad = || format!("content-length {:?} is no number", digits.escape_ascii().to_string());
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(bad());
    }
    std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(bad)
}

/// RFC 9110 §5.5: `HTAB`, `SP`, visible characters and `obs-text`.
fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next line without its CRLF; `None` while its end has not arrived.
    fn line(&mut self) -> Result<Option<&'a [u8]>, String> {
        let rest = self.rest();
        let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
            return Ok(None);
        };
        let (line, _) = rest.split_at(end);
        self.at += end + 1;
        match line.strip_suffix(b"\r") {
            Some(line) if !line.contains(&b'\r') => Ok(Some(line)),
            _ => Err(format!(
                "a bare CR or LF near {:?} (RFC 9112 §2.2)",
                line.escape_ascii().to_string()
            )),
        }
    }

    /// Field lines up to and with the empty line (RFC 9112 §5).
    fn fields(&mut self) -> Result<Option<Fields>, String> {
        let mut fields = Fields::default();
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            if line.is_empty() {
                return Ok(Some(fields));
            }
            let bad = || format!("malformed field line {:?}", line.escape_ascii().to_string());
            let colon = line.iter().position(|&byte| byte == b':').ok_or_else(bad)?;
            let (name, value) = line.split_at(colon);
            if name.is_empty() || !name.iter().all(|&byte| is_token_byte(byte)) {
                return Err(bad());
            }
            let value = value[1..].trim_ascii();
            if !value.iter().all(|&byte| is_field_byte(byte)) {
                return Err(bad());
            }
            fields.0.push((
                String::from_utf8_lossy(name).to_ascii_lowercase(),
                String::from_utf8_lossy(value).into_owned(),
            ));
        }
    }

    fn sized_body(&mut self, reply: &mut Reply) -> Result<bool, String> {
        let length = decimal(reply.fields.get("content-length").unwrap_or_default().as_bytes())?;
        match self.rest().get(..length) {
            Some(body) => {
                reply.body = body.to_vec();
                self.at += length;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// RFC 9112 §7.1. Chunk extensions are legal, but this server has no reason to send one.
    fn chunked_body(&mut self, reply: &mut Reply) -> Result<bool, String> {
        loop {
            let Some(line) = self.line()? else { return Ok(false) };
            let size = Some(line)
                .filter(|line| !line.is_empty() && line.iter().all(u8::is_ascii_hexdigit))
                .and_then(|line| std::str::from_utf8(line).ok())
                .and_then(|line| usize::from_str_radix(line, 16).ok())
                .ok_or_else(|| format!("chunk size {:?}", line.escape_ascii().to_string()))?;
            if size == 0 {
                let Some(trailers) = self.fields()? else {
                    return Ok(false);
                };
                reply.trailers = trailers;
                return Ok(true);
            }
            let Some(data) = self.rest().get(..size) else {
                return Ok(false);
            };
            self.at += size;
            reply.body.extend_from_slice(data);
            reply.chunks += 1;
            match self.rest() {
                [b'\r', b'\n', ..] => self.at += 2,
                [] | [b'\r'] => return Ok(false),
                _ => return Err(format!("no CRLF after a chunk of {size} bytes")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Framing, Reply};

    const DATE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

    fn parse(text: &str) -> Result<Option<(Reply, usize)>, String> {
        Reply::parse(text.as_bytes(), false, false)
    }

    #[test]
    fn reads_a_sized_response_and_leaves_the_rest() {
        let text = format!("HTTP/1.1 200 OK\r\n{DATE}content-length: 2\r\n\r\nhiHTTP");
        let (reply, used) = parse(&text).unwrap().unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &b"hi"[..]));
        assert_eq!(used, text.len() - 4);
    }

    #[test]
    fn reads_chunks_and_trailers() {
        let text = format!("HTTP/1.1 200 OK\r\n{DATE}transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\na: b\r\n\r\n");
        let (reply, used) = parse(&text).unwrap().unwrap();
        assert_eq!(used, text.len());
        assert_eq!((reply.framing, reply.chunks), (Framing::Chunked, 1));
        assert_eq!(reply.trailers.get("a"), Some("b"));
        assert!(parse(&text[..text.len() - 1]).unwrap().is_none());
    }

    #[test]
    fn refuses_what_no_server_may_send() {
        for (text, why) in [
            (
                format!("HTTP/1.1 200\r\n{DATE}content-length: 0\r\n\r\n"),
                "status line",
            ),
            (format!("HTTP/1.1 000 X\r\n{DATE}\r\n"), "status line"),
            (format!("HTTP/2.0 200 OK\r\n{DATE}\r\n"), "status line"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned(), "date"),
            (
                format!("HTTP/1.1 200 OK\r\n{DATE}{DATE}content-length: 0\r\n\r\n"),
                "date",
            ),
            (
                format!("HTTP/1.1 204 No Content\r\n{DATE}content-length: 0\r\n\r\n"),
                "204",
            ),
            (
                format!("HTTP/1.1 200 OK\r\n{DATE}content-length: 0\r\ncontent-length: 0\r\n\r\n"),
                "framing headers",
            ),
            (
                format!(
                    "HTTP/1.1 200 OK\r\n{DATE}content-length: 0\r\n\
                     transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
                ),
                "both",
            ),
            (format!("HTTP/1.1 200 OK\r\n{DATE}a : b\r\n\r\n"), "field line"),
            (format!("HTTP/1.1 200 OK\r\n{DATE}a: b\n\r\n"), "bare CR or LF"),
            (
                format!("HTTP/1.1 200 OK\r\n{DATE}transfer-encoding: chunked\r\n\r\n2 \r\nhi\r\n"),
                "chunk size",
            ),
            (
                format!("HTTP/1.1 200 OK\r\n{DATE}transfer-encoding: chunked\r\n\r\n2\r\nhi!\r\n"),
                "no CRLF",
            ),
        ] {
            let fault = parse(&text).expect_err(&text);
            assert!(fault.contains(why), "{text:?}: {fault}");
        }
    }

    #[test]
    fn a_head_response_ends_with_its_header() {
        let text = format!("HTTP/1.1 200 OK\r\n{DATE}content-length: 5\r\n\r\n");
        let (reply, used) = Reply::parse(text.as_bytes(), true, false).unwrap().unwrap();
        assert_eq!((used, reply.framing), (text.len(), Framing::Length));
    }

    #[test]
    fn a_response_without_framing_lasts_until_the_close() {
        let text = format!("HTTP/1.1 200 OK\r\n{DATE}\r\nbody");
        assert!(parse(&text).unwrap().is_none());
        let (reply, _) = Reply::parse(text.as_bytes(), false, true).unwrap().unwrap();
        assert_eq!((reply.framing, &reply.body[..]), (Framing::UntilClose, &b"body"[..]));
    }
}
