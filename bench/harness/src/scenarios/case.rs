//! The cases: what is asked of the servers, in each scenario.

use std::time::Duration;

/// One of the article's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scenario {
    Aggregation,
    Uploads,
    RealTime,
    Batch,
}

/// One table.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) scenario: Scenario,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// Of the figure.
    pub(super) unit: &'static str,
    pub(super) prefers_less: bool,
    pub(super) work: Work,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// `GET /aggregate`; service times in milliseconds.
    Ask { service: [u64; 3], clients: usize },
    /// `GET /faults`.
    Faults { clients: usize },
    /// `POST /photos`, by so many clients, beside so many slow ones.
    Photos { clients: usize, slow: usize },
    /// `POST /large`.
    Large,
    /// `GET /static/…`.
    File(Download),
    /// `GET /chat`.
    Chat { members: usize },
    /// `POST /import`.
    Import,
}

/// A file that is asked for, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Download {
    pub(super) name: &'static str,
    pub(super) length: usize,
    pub(super) how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    Whole,
    /// The first bytes of it.
    Range(usize),
    /// What the client has already.
    Unchanged,
}

/// As in the showcase: a database, a partner and a file far away.
const FAR: [u64; 3] = [200, 300, 100];
/// In the same house.
const NEAR: [u64; 3] = [2, 3, 1];
const SMALL: &str = "small.bin";
const MEDIUM: &str = "medium.bin";
const LARGE: &str = "large.bin";
pub(super) const FILES: [(&str, usize); 3] = [(SMALL, 1024), (MEDIUM, 64 * 1024), (LARGE, 10 * 1024 * 1024)];

const fn ask(name: &'static str, title: &'static str, service: [u64; 3], clients: usize) -> Case {
    Case {
        name,
        scenario: Scenario::Aggregation,
        title,
        description: "`GET /aggregate`: a query of SQLite, a call of another server and a file, each behind its service \
                      time. The figure is the median of the response times that clients see who ask again at once.",
        unit: "ms (p50)",
        prefers_less: true,
        work: Work::Ask { service, clients },
    }
}

const fn download(name: &'static str, title: &'static str, file: (&'static str, usize), how: How) -> Case {
    Case {
        name,
        scenario: Scenario::Uploads,
        title,
        description: "Files from disk, 64 connections that stay open; what has not changed is told by its entity tag, by its \
                      date where a server sends no tag. Beside threads there is no fair single peer here, so \
                      ours stands beside those who do this for a living.",
        unit: "requests/s",
        prefers_less: false,
        work: Work::File(Download {
            name: file.0,
            length: file.1,
            how,
        }),
    }
}

const fn photos(name: &'static str, title: &'static str, description: &'static str, slow: usize) -> Case {
    Case {
        name,
        scenario: Scenario::Uploads,
        title,
        description,
        unit: "photos/s",
        prefers_less: false,
        work: Work::Photos { clients: 8, slow },
    }
}

pub(super) static CASES: [Case; 17] = [
    ask("far-1", "Sources of 200, 300 and 100 ms, 1 client", FAR, 1),
    ask("far-32", "Sources of 200, 300 and 100 ms, 32 clients", FAR, 32),
    ask("far-256", "Sources of 200, 300 and 100 ms, 256 clients", FAR, 256),
    ask("near-1", "Sources of 2, 3 and 1 ms, 1 client", NEAR, 1),
    ask("near-32", "Sources of 2, 3 and 1 ms, 32 clients", NEAR, 32),
    ask("near-256", "Sources of 2, 3 and 1 ms, 256 clients", NEAR, 256),
    Case {
        name: "faults",
        scenario: Scenario::Aggregation,
        title: "One source hangs, one fails, one is slow",
        description: "`GET /faults`: a healthy query, and three calls that bring nothing, each given up after 250 ms. 32 \
                      clients. The figure is what 99 of 100 answers keep to; the deadline is 300 ms.",
        unit: "ms (p99)",
        prefers_less: true,
        work: Work::Faults { clients: 32 },
    },
    photos(
        "photos",
        "Photos with thumbnails",
        "`POST /photos`: 8 clients send JPEGs of 2 to 4 MB; each is stored, its SHA-256 is taken and a thumbnail of 256 \
         pixels is made before the answer. Both sides do the same work with the same crates, and it is work of the \
         processor: no way of waiting makes a core decode faster.",
        0,
    ),
    photos(
        "photos-slow",
        "Photos with thumbnails, beside 256 slow clients",
        "The same, while 256 clients on bad lines send theirs with 64 KB/s. Who does not get an answer within the slice \
         counts as an error.",
        256,
    ),
    Case {
        name: "large",
        scenario: Scenario::Uploads,
        title: "A large upload",
        description: "`POST /large`: one body as fast as it is taken, stored, its SHA-256 taken. See the memory.",
        unit: "MiB/s",
        prefers_less: false,
        work: Work::Large,
    },
    download("file-1k", "A file of 1 KiB", FILES[0], How::Whole),
    download("file-64k", "A file of 64 KiB", FILES[1], How::Whole),
    download("file-10m", "A file of 10 MiB", FILES[2], How::Whole),
    download(
        "range",
        "The first 16 KiB of a file of 10 MiB (206)",
        FILES[2],
        How::Range(16 * 1024),
    ),
    download(
        "unchanged",
        "A file of 64 KiB that has not changed (304)",
        FILES[1],
        How::Unchanged,
    ),
    Case {
        name: "chat",
        scenario: Scenario::RealTime,
        title: "A room with 1,000 members",
        description: "`GET /chat`: one member says something of 128 bytes, all others hear it; 16 messages are on their way \
                      at once. Counted is what arrived.",
        unit: "messages delivered/s",
        prefers_less: false,
        work: Work::Chat { members: 1_000 },
    },
    Case {
        name: "import",
        scenario: Scenario::Batch,
        title: "CSV into SQLite",
        description: "`POST /import`: records of four columns are read, checked and written to SQLite with a write-ahead \
                      log; the answer comes when all of them are in. The sum of the table is compared.",
        unit: "records/s",
        prefers_less: false,
        work: Work::Import,
    },
];

impl Case {
    /// By its own name or that of its scenario.
    pub(super) fn is_named(&self, name: &str) -> bool {
        self.name == name || self.scenario.name() == name
    }

    /// What the sources take where they are asked.
    pub(super) fn service(&self) -> [u64; 3] {
        match self.work {
            Work::Ask { service, .. } => service,
            _ => NEAR,
        }
    }
}

impl Scenario {
    pub(super) const ALL: [Self; 4] = [Self::Aggregation, Self::Uploads, Self::RealTime, Self::Batch];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Aggregation => "aggregation",
            Self::Uploads => "uploads",
            Self::RealTime => "real-time",
            Self::Batch => "batch",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Aggregation => "Data aggregation",
            Self::Uploads => "File upload and conversion",
            Self::RealTime => "Real-time communication",
            Self::Batch => "Batch processing",
        }
    }

    /// What the article says.
    pub(super) fn claim(self) -> &'static str {
        match self {
            Self::Aggregation => "60% reduction in response time",
            Self::Uploads => "200% increase in throughput",
            Self::RealTime => "Support for 100k concurrent connections",
            Self::Batch => "150% increase in processing speed",
        }
    }

    /// How the other side is written, and why the figures are as they are.
    pub(super) fn explanation(self) -> &'static str {
        match self {
            Self::Aggregation => {
                "The plain way is a pool of 200 threads (the default of a classic server) in which each request asks its \
                 sources one after the other, with a blocking client that keeps its connections and a database connection \
                 for each thread. Its response time is the sum of the service times; at once it is the longest of them, \
                 which for 200, 300 and 100 ms is half of the sum: more than that no concurrency can save here, and the \
                 article's 60% would need four equal sources or more. The kinder variant asks each source on a thread of \
                 its own, made for the request: it is as fast while threads are cheap, and shows what they cost when there \
                 are many. With more clients than threads the pool makes the rest wait."
            }
            Self::Uploads => {
                "The plain way reads a photo whole into memory, writes it, and converts it on the same thread, in a pool of \
                 200 threads; the kinder variant gives each connection a thread, and so is not starved by slow clients but \
                 pays with memory. Ours streams to disk and converts in a bounded queue. Where the processor decodes all \
                 the time, the throughput of both is that of the processor; where clients are slow, threads are what runs \
                 out. For the large upload the kinder variant copies piece by piece with blocking calls, which is as frugal."
            }
            Self::RealTime => {
                "The plain way is a thread for each member, which reads and writes to all others, one after the other, with a \
                 frame that is made once. The 100,000 connections are measured by `cargo xtask bench realtime`."
            }
            Self::Batch => {
                "The plain way reads the body whole, parses it and writes one record after the other, each in a transaction \
                 of its own, as an insert in a loop does. The kinder variant is the same in one transaction with a prepared \
                 statement, which is as fast as SQLite can be fed by one thread, at the price of memory for the whole body \
                 and of a database that nobody else can write to meanwhile. Ours reads, checks and writes side by side in \
                 transactions of bounded size, in bounded memory."
            }
        }
    }
}

impl Work {
    /// How long one slice takes, about.
    pub(super) fn time(self, slice: Duration, records: u64) -> Duration {
        match self {
            Self::Chat { .. } => slice + Duration::from_secs(1),
            Self::Photos { .. } => slice + Duration::from_secs(2),
            Self::Large => Duration::from_secs(2),
            Self::File(_) => slice / 2,
            Self::Import => Duration::from_micros(10 * records),
            Self::Ask { .. } | Self::Faults { .. } => slice,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_used_once_and_no_case_has_that_of_a_scenario() {
        let cases = CASES.iter().map(|case| case.name);
        let names: HashSet<_> = cases.chain(Scenario::ALL.map(Scenario::name)).collect();
        assert_eq!(names.len(), CASES.len() + 4);
    }
}
