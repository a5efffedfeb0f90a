//! A line of the access log, and its formats.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::SystemTime;

use super::AccessFormat;

/// What is told of a request.
pub(super) struct Line<'a> {
    pub(super) peer: IpAddr,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) version: &'static str,
    pub(super) pattern: Option<&'a str>,
    pub(super) status: u16,
    pub(super) bytes: u64,
    pub(super) bytes_in: u64,
    pub(super) ms: f64,
    pub(super) id: Option<&'a str>,
    pub(super) referer: Option<&'a str>,
    pub(super) user_agent: Option<&'a str>,
    pub(super) aborted: bool,
}

impl Line<'_> {
    pub(super) fn event(&self) {
        tracing::info!(
            target: "hyperlane::access",
            peer = %self.peer,
            method = self.method,
            path = self.path,
            version = self.version,
            pattern = self.pattern,
            status = self.status,
            bytes = self.bytes,
            bytes_in = self.bytes_in,
            ms = self.ms,
            id = self.id,
            referer = self.referer,
            user_agent = self.user_agent,
            aborted = self.aborted,
            "request"
        );
    }

    pub(super) fn format(&self, format: AccessFormat, time: SystemTime) -> String {
        match format {
            AccessFormat::Common => self.common(time),
            AccessFormat::Combined => {
                let mut line = self.common(time);
                for value in [self.referer, self.user_agent] {
                    line.push(' ');
                    quote(&mut line, value.unwrap_or("-"));
                }
                line
            }
            #[cfg(feature = "json")]
            AccessFormat::Json => self.json(time),
        }
    }

    fn common(&self, time: SystemTime) -> String {
        let time = Time::of(time);
        let Time {
            day,
            month_name,
            year,
            clock,
            ..
        } = &time;
        let mut line = format!("{} - - [{day}/{month_name}/{year}:{clock} +0000] ", self.peer);
        quote(&mut line, &format!("{} {} {}", self.method, self.path, self.version));
        // A line is complete in memory: writing to it can't fail.
        let _ = match self.bytes {
            0 => write!(line, " {} -", self.status),
            bytes => write!(line, " {} {bytes}", self.status),
        };
        line
    }

    #[cfg(feature = "json")]
    fn json(&self, time: SystemTime) -> String {
        serde_json::to_string(&Timed { time, line: self }).unwrap_or_default()
    }
}

/// A line of JSON, which has the time among its members.
#[cfg(feature = "json")]
struct Timed<'a> {
    time: SystemTime,
    line: &'a Line<'a>,
}

// By hand: a macro for one struct would cost each program that is built with this crate more than the struct itself.
#[cfg(feature = "json")]
impl serde::Serialize for Timed<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;

        let Self { time, line } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &Time::of(*time).rfc3339())?;
        map.serialize_entry("peer", &line.peer)?;
        map.serialize_entry("method", line.method)?;
        map.serialize_entry("path", line.path)?;
        map.serialize_entry("version", line.version)?;
        map.serialize_entry("pattern", &line.pattern)?;
        map.serialize_entry("status", &line.status)?;
        map.serialize_entry("bytes", &line.bytes)?;
        map.serialize_entry("bytes_in", &line.bytes_in)?;
        map.serialize_entry("ms", &line.ms)?;
        map.serialize_entry("id", &line.id)?;
        map.serialize_entry("referer", &line.referer)?;
        map.serialize_entry("user_agent", &line.user_agent)?;
        map.serialize_entry("aborted", &line.aborted)?;
        map.end()
    }
}

/// A time in UTC, in the parts that the formats are made of.
struct Time {
    year: String,
    month_name: String,
    day: String,
    /// `08:49:37`.
    clock: String,
    #[cfg(feature = "json")]
    millisecond: u32,
}

impl Time {
    /// Times before 1970 are its first second.
    fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // `Sun, 06 Nov 1994 08:49:37 GMT`
        let date = hyperlane_server::format_http_date(since.as_secs());
        let text = std::str::from_utf8(&date).unwrap_or_default();
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
        Self {
            year: part(12..16),
            month_name: part(8..11),
            day: part(5..7),
            clock: part(17..25),
            #[cfg(feature = "json")]
            millisecond: since.subsec_millis(),
        }
    }

    #[cfg(feature = "json")]
    fn rfc3339(&self) -> String {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let month = MONTHS.iter().position(|name| *name == self.month_name);
        let month = month.map_or(1, |position| position + 1);
        let Self {
            year,
            day,
            clock,
            millisecond,
            ..
        } = self;
        format!("{year}-{month:02}-{day}T{clock}.{millisecond:03}Z")
    }
}

/// A version as it stands in a request line.
pub(super) fn version(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_10 => "HTTP/1.0",
        http::Version::HTTP_2 => "HTTP/2",
        http::Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}

/// Quotes text so that nothing in it can end the quotation or the line, or move a terminal's cursor.
fn quote(line: &mut String, text: &str) {
    line.push('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => line.extend(['\\', char::from(byte)]),
            b' '..=b'~' => line.push(char::from(byte)),
            _ => {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time in the example of RFC 9110 §5.6.7.
    #[test]
    fn a_time_is_written_in_the_parts_of_both_formats() {
        let time = Time::of(SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(784_111_777_042));
        assert_eq!(
            (&*time.day, &*time.month_name, &*time.year, &*time.clock),
            ("06", "Nov", "1994", "08:49:37")
        );
        #[cfg(feature = "json")]
        assert_eq!(time.rfc3339(), "1994-11-06T08:49:37.042Z");
    }

    #[test]
    fn nothing_in_a_quotation_can_end_it_or_the_line() {
        let mut line = String::new();
        quote(&mut line, "a\"b\\c\r\n\u{1b}[2J\u{e9}");
        assert_eq!(line, r#""a\"b\\c\x0d\x0a\x1b[2J\xc3\xa9""#);
    }
}
