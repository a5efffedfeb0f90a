//! The servers that are measured.
//!
//! A further way to run the same program is one more entry, with its [`environment`](Entry::environment).

use std::time::Duration;

use crate::workload::Workload;

/// One row of the tables.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its name in the tables.
    pub(crate) title: &'static str,
    pub(crate) program: Program,
    /// Variables that choose how the program runs, beside `PORT`.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// What it can't do, and why.
    pub(crate) omits: &'static [(Workload, &'static str)],
    /// It answers with bytes made at the start, so that only the one example can be asked for.
    pub(crate) fixed: bool,
}

/// How it is built and started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    /// A package of the workspace; `binary` is the program's file.
    Cargo {
        package: &'static str,
        binary: &'static str,
        version: Version,
    },
    /// A folder below `servers/`; `library` is Debian's package and the import path of what it needs.
    Go {
        folder: &'static str,
        library: Option<(&'static str, &'static str)>,
    },
    /// A script below `servers/`.
    Node { script: &'static str },
}

/// Which version is shown beside a Rust server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Version {
    /// Of this crate from the registry.
    Registry(&'static str),
    /// Of this crate of ours.
    Ours(&'static str),
    /// Of the compiler and so the standard library.
    Rust,
}

/// The base of the ratios, measured in each round.
pub(crate) const BASE: &str = "raw-tokio";

/// Chooses what our server runs on: `portable`, which is the default, `per-core` or `io-uring`.
const DRIVER: &str = "DRIVER";
const IO_URING: &str = "io-uring";

pub(crate) const OURS: Version = Version::Ours("hyperlane");

/// For programs that are machine code from the start: buffers and pools grow to their size.
const WARM_UP: Duration = Duration::from_millis(400);
/// For Node.js, which compiles what has run often.
const WARM_UP_OF_COMPILERS: Duration = Duration::from_secs(2);

const NO_HTTP: &str = "it finds the ends of heads and nothing else";
const ONLY_SMALL: &[(Workload, &str)] = &[
    (Workload::Realistic, NO_HTTP),
    (Workload::Download, NO_HTTP),
    (Workload::Upload, NO_HTTP),
    (Workload::Stream, NO_HTTP),
];

/// All of them; the base first, then ours.
pub(crate) const ENTRIES: &[Entry] = &[
    Entry {
        fixed: true,
        ..cargo(BASE, "raw tokio", "bench-raw-tokio", Version::Registry("tokio"))
    },
    cargo("hyperlane", "hyperlane", "bench-hyperlane", OURS),
    Entry {
        program: Program::Cargo {
            package: "bench-hyperlane",
            binary: "bench-hyperlane-context",
            version: OURS,
        },
        ..cargo("hyperlane-context", "hyperlane, Context", "", Version::Rust)
    },
    Entry {
        environment: &[(DRIVER, "per-core")],
        ..cargo("hyperlane-per-core", "hyperlane, per core", "bench-hyperlane", OURS)
    },
    Entry {
        environment: &[(DRIVER, IO_URING)],
        ..cargo("hyperlane-io-uring", "hyperlane, io_uring", "bench-hyperlane", OURS)
    },
    Entry {
        fixed: true,
        omits: ONLY_SMALL,
        ..cargo("raw-std", "raw std threads", "bench-raw-std", Version::Rust)
    },
    Entry {
        fixed: true,
        omits: ONLY_SMALL,
        ..cargo("raw-epoll", "raw epoll", "bench-raw-epoll", Version::Rust)
    },
    cargo("hyper", "hyper", "bench-hyper", Version::Registry("hyper")),
    cargo("axum", "axum", "bench-axum", Version::Registry("axum")),
    cargo(
        "actix-web",
        "actix-web",
        "bench-actix-web",
        Version::Registry("actix-web"),
    ),
    cargo("ntex", "ntex", "bench-ntex", Version::Registry("ntex")),
    cargo(
        "xitca-web",
        "xitca-web",
        "bench-xitca-web",
        Version::Registry("xitca-web"),
    ),
    Entry {
        omits: &[
            (Workload::Close, "it does not close a connection that asks for it"),
            (Workload::Stream, "it has no streamed responses"),
        ],
        ..cargo(
            "may-minihttp",
            "may_minihttp",
            "bench-may-minihttp",
            Version::Registry("may_minihttp"),
        )
    },
    cargo("rocket", "Rocket", "bench-rocket", Version::Registry("rocket")),
    cargo("salvo", "Salvo", "bench-salvo", Version::Registry("salvo")),
    cargo("poem", "Poem", "bench-poem", Version::Registry("poem")),
    cargo("tako", "Tako, per thread", "bench-tako", Version::Registry("tako-rs")),
    Entry {
        omits: &[
            (Workload::Close, "its answer says keep-alive before it closes"),
            (Workload::Stream, "it has no chunked responses"),
        ],
        ..cargo(
            "hyperlane-published",
            "hyperlane, published",
            "bench-hyperlane-published",
            Version::Registry("hyperlane"),
        )
    },
    go("go-net", "Go net/http", None),
    go(
        "go-gin",
        "Gin",
        Some(("golang-github-gin-gonic-gin-dev", "github.com/gin-gonic/gin")),
    ),
    Entry {
        omits: &[(Workload::Stream, "it joins small pieces to larger chunks")],
        ..go(
            "go-fasthttp",
            "fasthttp",
            Some(("golang-github-valyala-fasthttp-dev", "github.com/valyala/fasthttp")),
        )
    },
    Entry {
        program: Program::Node {
            script: "node/server.js",
        },
        ..cargo("node", "Node.js cluster", "", Version::Rust)
    },
];

pub(crate) const fn cargo(name: &'static str, title: &'static str, package: &'static str, version: Version) -> Entry {
    Entry {
        name,
        title,
        program: Program::Cargo {
            package,
            binary: package,
            version,
        },
        environment: &[],
        omits: &[],
        fixed: false,
    }
}

pub(crate) const fn go(
    name: &'static str,
    title: &'static str,
    library: Option<(&'static str, &'static str)>,
) -> Entry {
    Entry {
        program: Program::Go { folder: name, library },
        ..cargo(name, title, "", Version::Rust)
    }
}

impl Entry {
    /// Why it does not do the workload, if it does not.
    pub(crate) fn omits(&self, workload: Workload) -> Option<&'static str> {
        let (_, reason) = self.omits.iter().find(|(omitted, _)| *omitted == workload)?;
        Some(reason)
    }

    pub(crate) fn by_name(name: &str) -> Option<&'static Self> {
        ENTRIES.iter().find(|entry| entry.name == name)
    }

    /// By its name in the tables.
    pub(crate) fn by_title(title: &str) -> Option<&'static Self> {
        ENTRIES.iter().find(|entry| entry.title == title)
    }

    /// Whether it is no HTTP server, but shows what one costs at least.
    pub(crate) fn is_floor(&self) -> bool {
        self.fixed
    }

    pub(crate) fn is_ours(&self) -> bool {
        let Program::Cargo { version, .. } = self.program else {
            return false;
        };
        matches!(version, Version::Ours(_))
    }

    /// Whether it was asked to run on io_uring, which is not everywhere.
    pub(crate) fn is_on_io_uring(&self) -> bool {
        self.environment.contains(&(DRIVER, IO_URING))
    }

    /// Load before each slice that is not counted.
    pub(crate) fn warm_up(&self) -> Duration {
        match self.program {
            Program::Node { .. } => WARM_UP_OF_COMPILERS,
            Program::Cargo { .. } | Program::Go { .. } => WARM_UP,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_used_once_and_the_base_is_among_them() {
        let names: HashSet<_> = ENTRIES.iter().map(|entry| entry.name).collect();
        let titles: HashSet<_> = ENTRIES.iter().map(|entry| entry.title).collect();
        assert_eq!((names.len(), titles.len()), (ENTRIES.len(), ENTRIES.len()));
        assert!(Entry::by_name(BASE).is_some_and(|base| base.omits.is_empty()));
    }

    #[test]
    fn ours_are_four_ways_to_run_and_the_published_crate_is_not_among_them() {
        let ours: Vec<_> = ENTRIES
            .iter()
            .filter(|entry| entry.is_ours())
            .map(|entry| entry.name)
            .collect();
        assert_eq!(
            ours,
            [
                "hyperlane",
                "hyperlane-context",
                "hyperlane-per-core",
                "hyperlane-io-uring"
            ]
        );
        let on_io_uring: Vec<_> = ENTRIES
            .iter()
            .filter(|entry| entry.is_on_io_uring())
            .map(|entry| entry.name)
            .collect();
        assert_eq!(on_io_uring, ["hyperlane-io-uring"]);
    }

    #[test]
    fn every_server_does_the_workload_of_the_article() {
        assert!(ENTRIES.iter().all(|entry| entry.omits(Workload::KeepAlive).is_none()));
    }
}
