//! Which of the variants of a file a client gets: `Accept-Encoding` (RFC 9110 §12.5.3).

use http::header::ACCEPT_ENCODING;
use http::{HeaderMap, HeaderValue};

/// A coding of which a variant may lie beside a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Coding {
    Br,
    Zstd,
    Gzip,
}

impl Coding {
    pub(crate) const ALL: [Self; 3] = [Self::Br, Self::Zstd, Self::Gzip];

    /// What is added to the name of the file.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Br => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }

    /// Its name in HTTP.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    pub(crate) fn value(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }
}

/// How much a client wants each coding, in thousandths; 0 is not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    identity: u16,
    codings: [u16; 3],
}

impl Accepted {
    /// Reads the header. Without one, only the file itself is given: clients that want more say so.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut named = [None; 3];
        let mut identity = None;
        let mut any = None;
        for line in headers.get_all(ACCEPT_ENCODING) {
            for member in line.to_str().unwrap_or_default().split(',') {
                let (name, quality) = parse_member(member);
                let places = named.iter_mut().zip(Coding::ALL);
                let place = match name.to_ascii_lowercase().as_str() {
                    "identity" => Some(&mut identity),
                    "*" => Some(&mut any),
                    "x-gzip" => named.get_mut(Coding::Gzip as usize),
                    name => places
                        .filter(|(_, coding)| coding.name() == name)
                        .map(|(place, _)| place)
                        .next(),
                };
                if let Some(place) = place {
                    *place = Some(quality);
                }
            }
        }
        Self {
            // Not mentioned, it is acceptable, but less wanted than whatever was.
            identity: identity.or(any.filter(|quality| *quality == 0)).unwrap_or(1),
            codings: named.map(|quality| quality.or(any).unwrap_or(0)),
        }
    }

    /// How much a coding, or none, is wanted.
    pub(crate) fn quality(self, coding: Option<Coding>) -> u16 {
        match coding {
            None => self.identity,
            Some(coding) => self.codings.get(coding as usize).copied().unwrap_or(0),
        }
    }
}

/// `name;q=0.5` (RFC 9110 §12.4.2); a weight that is none counts as 1.
fn parse_member(member: &str) -> (&str, u16) {
    let mut parts = member.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let quality = weight.and_then(|weight| weight.parse::<f32>().ok());
    let quality = quality.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(1.0);
    // At most 1000, which a `u16` holds.
    (name, (quality * 1000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(lines: &[&'static str]) -> Accepted {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(line));
        }
        Accepted::of(&headers)
    }

    /// `[identity, br, zstd, gzip]`
    fn qualities(lines: &[&'static str]) -> [u16; 4] {
        let accepted = accepted(lines);
        let [br, zstd, gzip] = Coding::ALL.map(|coding| accepted.quality(Some(coding)));
        [accepted.quality(None), br, zstd, gzip]
    }

    #[test]
    fn weights_are_read_as_rfc_9110_12_5_3_says() {
        for (lines, expected) in [
            (&[][..], [1, 0, 0, 0]),
            (&[""], [1, 0, 0, 0]),
            (&["gzip"], [1, 0, 0, 1000]),
            (&["x-gzip"], [1, 0, 0, 1000]),
            (&["GZip, BR"], [1, 1000, 0, 1000]),
            (&["gzip", "br"], [1, 1000, 0, 1000]),
            (&["gzip, deflate, br, zstd"], [1, 1000, 1000, 1000]),
            (&["br;q=0.5, gzip;q=0.8, identity;q=1"], [1000, 500, 0, 800]),
            (&["*"], [1, 1000, 1000, 1000]),
            (&["*;q=0"], [0, 0, 0, 0]),
            (&["*;q=0.2, br;q=0"], [1, 0, 200, 200]),
            (&["identity;q=0, gzip"], [0, 0, 0, 1000]),
            (&["gzip;q=0"], [1, 0, 0, 0]),
            (&["gzip ; Q=0.25"], [1, 0, 0, 250]),
            (&["gzip;q=nonsense"], [1, 0, 0, 1000]),
            (&["gzip;q=2"], [1, 0, 0, 1000]),
            (&["gzip;q=-1"], [1, 0, 0, 1000]),
            (&[",,;q=1,gzip;;q=0.001,"], [1, 0, 0, 1]),
            (&["brotli, gzipped"], [1, 0, 0, 0]),
        ] {
            assert_eq!(qualities(lines), expected, "{lines:?}");
        }
    }
}
