//! Who takes part in a case, and how each of them does it.

use std::path::Path;
use std::process::Command;

use super::case::{Case, Work};
use crate::catalog::{Entry, OURS, Version, cargo};
use crate::installation::{Installation, install};
use crate::machine;
use crate::progress::Progress;

/// A way to do what a case asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contestant {
    pub(super) entry: &'static Entry,
    /// With which the others are compared.
    pub(super) base: bool,
    /// What it does, in a few words.
    pub(super) how: &'static str,
}

const PLAIN: &str = "bench-scenarios-plain";

/// The threads of a classic server's pool, as Tomcat has them by default.
const THREADS: (&str, &str) = ("THREADS", "200");

const fn plain(name: &'static str, title: &'static str, environment: &'static [(&'static str, &'static str)]) -> Entry {
    Entry {
        environment,
        ..cargo(name, title, PLAIN, Version::Rust)
    }
}

static SEQUENTIAL: Entry = plain("plain-sequential", "threads", &[THREADS]);
static AT_ONCE: Entry = plain(
    "plain-at-once",
    "threads, sources at once",
    &[THREADS, ("SOURCES", "threads")],
);
static WHOLE: Entry = plain("plain-whole", "threads, whole in memory", &[THREADS]);
static PIECES: Entry = plain(
    "plain-pieces",
    "threads, piece by piece",
    &[THREADS, ("LARGE", "stream")],
);
static EACH: Entry = plain("plain-each", "threads, one for each", &[]);
static ROWS: Entry = plain("plain-rows", "threads, row by row", &[THREADS]);
static TRANSACTION: Entry = plain(
    "plain-transaction",
    "threads, one transaction",
    &[THREADS, ("BATCH", "transaction")],
);
static HYPERLANE: Entry = cargo("scenarios", "hyperlane", "bench-scenarios", OURS);
static SHARED: Entry = Entry {
    environment: &[("SOURCES", "shared")],
    ..cargo("scenarios-shared", "hyperlane, shared", "bench-scenarios", OURS)
};
static AXUM: Entry = cargo(
    "scenarios-axum",
    "axum, ServeDir",
    "bench-scenarios-axum",
    Version::Registry("tower-http"),
);
static ACTIX: Entry = cargo(
    "scenarios-actix-web",
    "actix-files",
    "bench-scenarios-actix-web",
    Version::Registry("actix-files"),
);
static NGINX: Entry = cargo("nginx", "nginx", "", Version::Rust);

const OURS_AGGREGATION: Contestant = ours("a pool of connections, sources at once, each with a time-out");
const OURS_PHOTOS: Contestant = ours("streamed to disk, converted in a bounded queue");
const OURS_LARGE: Contestant = ours("streamed to disk, two pieces in memory");
const OURS_FILES: Contestant = ours("`hyperlane-files`, the defaults");
const OURS_CHAT: Contestant = ours("`hyperlane-realtime`, one room");
const OURS_BATCH: Contestant = ours("`hyperlane-batch`, the defaults");

const fn ours(how: &'static str) -> Contestant {
    Contestant {
        entry: &HYPERLANE,
        base: false,
        how,
    }
}

const fn base(entry: &'static Entry, how: &'static str) -> Contestant {
    Contestant { entry, base: true, how }
}

const fn other(entry: &'static Entry, how: &'static str) -> Contestant {
    Contestant {
        entry,
        base: false,
        how,
    }
}

impl Case {
    /// The base first.
    pub(super) fn contestants(&self) -> &'static [Contestant] {
        match self.work {
            Work::Ask { .. } | Work::Faults { .. } => {
                const {
                    &[
                        base(&SEQUENTIAL, "a pool of 200 threads, one source after the other"),
                        other(&AT_ONCE, "a pool of 200 threads, and a new thread for each source"),
                        OURS_AGGREGATION,
                        other(
                            &SHARED,
                            "the same; who asks what is being asked waits for that answer; with breakers",
                        ),
                    ]
                }
            }
            Work::Photos { .. } => {
                const {
                    &[
                        base(&WHOLE, "a pool of 200 threads; read, written and converted on one"),
                        other(&EACH, "the same with a thread for each connection"),
                        OURS_PHOTOS,
                    ]
                }
            }
            Work::Large => {
                const {
                    &[
                        base(&WHOLE, "read whole into memory, then written"),
                        other(&PIECES, "copied piece by piece"),
                        OURS_LARGE,
                    ]
                }
            }
            Work::File(_) => {
                const {
                    &[
                        base(&AXUM, "axum with tower-http's `ServeDir`, the defaults"),
                        other(&ACTIX, "actix-web with `actix-files`, etag and last-modified on"),
                        other(&NGINX, "a worker for each core, sendfile on, no log"),
                        OURS_FILES,
                    ]
                }
            }
            Work::Chat { .. } => {
                const {
                    &[
                        base(&EACH, "a thread for each member, which writes to all others"),
                        OURS_CHAT,
                    ]
                }
            }
            Work::Import => {
                const {
                    &[
                        base(&ROWS, "body in memory, each record a transaction"),
                        other(&TRANSACTION, "body in memory, all records in one transaction"),
                        OURS_BATCH,
                    ]
                }
            }
        }
    }
}

/// What is ready to be started, and why the rest is not.
#[derive(Debug, Default)]
pub(super) struct Installations {
    ready: Vec<Installation>,
    failed: Vec<(&'static str, String)>,
}

impl Installations {
    pub(super) fn of(&self, entry: &Entry) -> Result<&Installation, String> {
        let found = self
            .ready
            .iter()
            .find(|installation| installation.entry.name == entry.name);
        found.ok_or_else(|| {
            let reason = self.failed.iter().find(|(name, _)| *name == entry.name);
            reason.map_or_else(|| "it was not built".to_owned(), |(_, reason)| reason.clone())
        })
    }
}

/// Builds whoever takes part in one of the cases.
pub(super) fn install_all(cases: &[&'static Case]) -> Installations {
    let mut installations = Installations::default();
    for contestant in cases.iter().flat_map(|case| case.contestants()) {
        let entry = contestant.entry;
        let known = installations.of(entry).is_ok() || installations.failed.iter().any(|(name, _)| *name == entry.name);
        if known {
            continue;
        }
        Progress::building(entry.title);
        let installation = if entry.name == NGINX.name {
            nginx(entry)
        } else {
            install(entry)
        };
        match installation {
            Ok(installation) => installations.ready.push(installation),
            Err(reason) => {
                let reason = machine::without_paths(&reason);
                Progress::skipped(entry.title, &reason);
                installations.failed.push((entry.name, reason));
            }
        }
    }
    installations
}

/// Writes its own configuration, says that it listens as the others do, and becomes nginx.
const NGINX_SCRIPT: &str = r#"
cat > "$FOLDER/nginx.conf" <<END
worker_processes auto;
pid $FOLDER/nginx.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 1000000000; open_file_cache max=100;
  client_body_temp_path $FOLDER/body; proxy_temp_path $FOLDER/proxy; fastcgi_temp_path $FOLDER/fastcgi;
  uwsgi_temp_path $FOLDER/uwsgi; scgi_temp_path $FOLDER/scgi;
  server { listen 127.0.0.1:$PORT backlog=1024; location /static/ { alias $FOLDER/files/; } }
}
END
echo "listening on http://127.0.0.1:$PORT"
exec nginx -e stderr -c "$FOLDER/nginx.conf" -g 'daemon off;'
"#;

fn nginx(entry: &'static Entry) -> Result<Installation, String> {
    let output = Command::new("nginx").arg("-v").output();
    let output = output.map_err(|_| "not installed: nginx".to_owned())?;
    // `nginx version: nginx/1.22.1`, on standard error.
    let text = String::from_utf8_lossy(&output.stderr);
    let version = text.trim().rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Installation {
        entry,
        program: Path::new("/bin/sh").to_owned(),
        arguments: vec!["-c".into(), NGINX_SCRIPT.into()],
        version,
    })
}

#[cfg(test)]
mod tests {
    use super::super::case::CASES;

    #[test]
    fn each_case_has_one_base_which_stands_first_and_ours_last() {
        for case in &CASES {
            let contestants = case.contestants();
            let bases: Vec<_> = contestants.iter().map(|contestant| contestant.base).collect();
            assert!(
                bases[0] && bases.iter().filter(|base| **base).count() == 1,
                "{}",
                case.name
            );
            assert!(
                contestants.last().is_some_and(|last| last.entry.is_ours()),
                "{}",
                case.name
            );
        }
    }
}
