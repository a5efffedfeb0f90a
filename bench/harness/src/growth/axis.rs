//! What grows, by which steps, and what is asked for meanwhile.

use contract::growth;

/// Connections where these are not what grows.
const CONNECTIONS: usize = 64;
/// What a client sends without being asked to: the least number of headers.
const LEAST_HEADERS: usize = 2;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Routes,
    Headers,
    Connections,
    Cores,
    Body,
}

/// What is asked for: one line of the charts for each server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// `GET /`.
    Hello,
    FirstRoute,
    LastRoute,
    MissingRoute,
    Upload,
    Download,
}

/// A figure of a point: one panel of the charts for each case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Cpu,
    Instructions,
    Requests,
    Mebibytes,
    PeakMemory,
}

impl Axis {
    pub(super) const ALL: [Self; 5] = [Self::Routes, Self::Headers, Self::Connections, Self::Cores, Self::Body];

    /// On the command line, in the JSON and in the picture's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Routes => "routes",
            Self::Headers => "headers",
            Self::Connections => "connections",
            Self::Cores => "cores",
            Self::Body => "body",
        }
    }

    pub(super) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.name() == name)
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Routes => {
                "Registered routes: fixed paths and paths with one and two parameters, as an interface of that size has \
                 them. Asked for are the first, the last, and a path that begins as the last one does and is none of \
                 them (404); 64 connections."
            }
            Self::Headers => "Headers of a request for `GET /`, of 39 bytes each; 64 connections.",
            Self::Connections => "Open connections, each of which asks for `GET /` again as soon as it has the answer.",
            Self::Cores => {
                "Cores that the server may use (`taskset`); 64 connections ask for `GET /`. The client runs on the \
                 same cores, so requests a second grow by less than the server alone would."
            }
            Self::Body => {
                "Bytes of one body, sent by the client or streamed by the server in pieces of 64 KiB, one after the \
                 other on one connection. The memory is the most that a server started for this size had resident: \
                 flat means that no body is held as a whole."
            }
        }
    }

    /// The values, from the least to the greatest.
    pub(super) fn values(self) -> Vec<u64> {
        match self {
            Self::Routes => vec![1, 10, 100, 1_000, 10_000],
            Self::Headers => vec![2, 4, 8, 15, 30, 60],
            Self::Connections => vec![10, 100, 1_000, 10_000],
            Self::Cores => {
                let cores = contract::cores() as u64;
                (0..)
                    .map(|power| 1 << power)
                    .take_while(|count| *count <= cores)
                    .collect()
            }
            Self::Body => vec![0, KIB, 32 * KIB, MIB, 10 * MIB, 100 * MIB],
        }
    }

    pub(super) fn cases(self) -> &'static [Case] {
        match self {
            Self::Routes => &[Case::LastRoute, Case::FirstRoute, Case::MissingRoute],
            Self::Headers | Self::Connections | Self::Cores => &[Case::Hello],
            Self::Body => &[Case::Upload, Case::Download],
        }
    }

    pub(super) fn figures(self) -> &'static [Figure] {
        match self {
            Self::Routes | Self::Headers => &[Figure::Cpu, Figure::Instructions],
            Self::Connections => &[Figure::Cpu, Figure::Requests, Figure::PeakMemory],
            Self::Cores => &[Figure::Cpu, Figure::Requests],
            Self::Body => &[Figure::Mebibytes, Figure::PeakMemory],
        }
    }

    /// Below the axis of a chart.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Routes => "routes",
            Self::Headers => "headers of a request",
            Self::Connections => "connections",
            Self::Cores => "cores",
            Self::Body => "bytes of the body",
        }
    }

    /// A value as it is written below the axis.
    pub(super) fn label(self, value: u64) -> String {
        match (self, value) {
            (Self::Body, MIB..) => format!("{} MiB", value / MIB),
            (Self::Body, KIB..) => format!("{} KiB", value / KIB),
            _ => crate::number::grouped(value as f64, 0),
        }
    }

    pub(super) fn connections(self, value: u64) -> usize {
        match self {
            Self::Connections => usize::try_from(value).unwrap_or(usize::MAX),
            _ => CONNECTIONS,
        }
    }

    /// The request for a case. Bodies have a client of their own.
    pub(super) fn request(self, case: Case, value: u64) -> Vec<u8> {
        let (mut headers, mut routes) = (LEAST_HEADERS, 1);
        let value = usize::try_from(value).unwrap_or(usize::MAX);
        match self {
            Self::Headers => headers = value,
            Self::Routes => routes = value,
            _ => {}
        }
        let path = match case {
            Case::FirstRoute => growth::example(1),
            Case::LastRoute => growth::example(routes),
            Case::MissingRoute => growth::missing(routes),
            Case::Hello | Case::Upload | Case::Download => "/".to_owned(),
        };
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
        for number in 1..headers {
            request += &format!("X-Header-{number:02}: a value as most of them\r\n");
        }
        (request + "\r\n").into_bytes()
    }
}

impl Case {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::FirstRoute => "first",
            Self::LastRoute => "last",
            Self::MissingRoute => "missing",
            Self::Upload => "upload",
            Self::Download => "download",
        }
    }

    /// In headings; nothing where there is only one case.
    pub(super) fn title(self) -> Option<&'static str> {
        match self {
            Self::Hello => None,
            Self::FirstRoute => Some("first route"),
            Self::LastRoute => Some("last route"),
            Self::MissingRoute => Some("none of the routes"),
            Self::Upload => Some("upload"),
            Self::Download => Some("download"),
        }
    }

    /// Raw tokio knows neither routes nor bodies of any length.
    pub(super) fn is_for_base(self) -> bool {
        matches!(self, Self::Hello | Self::Upload)
    }
}

impl Figure {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU µs a request",
            Self::Instructions => "instructions a request",
            Self::Requests => "requests a second",
            Self::Mebibytes => "MiB a second",
            Self::PeakMemory => "peak memory, MiB",
        }
    }

    /// Digits behind the point.
    pub(super) fn digits(self) -> usize {
        match self {
            Self::Cpu => 2,
            Self::Instructions | Self::Requests => 0,
            Self::Mebibytes | Self::PeakMemory => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_as_many_headers_as_it_should() {
        for count in Axis::Headers.values() {
            let request = String::from_utf8(Axis::Headers.request(Case::Hello, count)).expect("text");
            let lines = request.trim_end().lines().skip(1).count();
            assert_eq!(lines as u64, count);
            assert!(request.ends_with("\r\n\r\n"));
        }
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(Axis::Body.label(0), "0");
        assert_eq!(Axis::Body.label(32 * KIB), "32 KiB");
        assert_eq!(Axis::Body.label(100 * MIB), "100 MiB");
        assert_eq!(Axis::Routes.label(10_000), "10,000");
    }

    #[test]
    fn names_lead_back_to_their_axis() {
        assert!(
            Axis::ALL
                .into_iter()
                .all(|axis| Axis::by_name(axis.name()) == Some(axis))
        );
    }
}
