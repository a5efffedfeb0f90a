//! The stores of sessions that outlive the process: each is asked the same.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use hyperlane::App;
use hyperlane::middleware::{MemoryStore, RedisStore, Session, SessionError, SessionStore, Sessions, SqliteStore};

use crate::support::{app, get, header, text};

fn remembering(store: impl SessionStore) -> App {
    app(|server| {
        server
            .middleware(Sessions::new(store))
            .get("/count", async |session: Session| -> Result<String, SessionError> {
                let n = session.get::<u32>("n").await?.unwrap_or(0) + 1;
                session.insert("n", n).await?;
                Ok(n.to_string())
            })
            .get("/look", async |session: Session| -> Result<String, SessionError> {
                Ok(format!("{:?}", session.get::<u32>("n").await?))
            })
            .get("/log-in", async |session: Session| session.renew().await)
            .get("/log-out", async |session: Session| session.destroy().await);
    })
}

async fn with_cookie(app: &App, path: &str, cookie: &str) -> (String, String) {
    let response = get(app, path, &[("cookie", cookie)]).await;
    assert_eq!(response.status(), 200, "{path}");
    let cookie = header(&response, "set-cookie")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    (text(response).await, cookie)
}

/// A session's whole life, over two servers that share a store.
async fn lives(store: impl SessionStore + Clone) {
    let (one, other) = (remembering(store.clone()), remembering(store));
    let (n, cookie) = with_cookie(&one, "/count", "a=b").await;
    assert_eq!(n, "1");
    assert_eq!(with_cookie(&other, "/count", &cookie).await.0, "2");
    let (_, renewed) = with_cookie(&one, "/log-in", &cookie).await;
    assert_ne!(renewed, cookie);
    assert_eq!(with_cookie(&other, "/look", &cookie).await.0, "None");
    assert_eq!(with_cookie(&other, "/look", &renewed).await.0, "Some(2)");
    with_cookie(&other, "/log-out", &renewed).await;
    assert_eq!(with_cookie(&one, "/look", &renewed).await.0, "None");
}

#[tokio::test]
async fn a_session_lives_in_memory() {
    lives(MemoryStore::new()).await;
}

#[tokio::test]
async fn a_session_lives_in_sqlite_and_outlives_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    lives(SqliteStore::open(&path).await.unwrap()).await;
    let (_, cookie) = with_cookie(&remembering(SqliteStore::open(&path).await.unwrap()), "/count", "a=b").await;
    let again = remembering(SqliteStore::open(&path).await.unwrap());
    assert_eq!(with_cookie(&again, "/look", &cookie).await.0, "Some(1)");
    let bytes = std::fs::read(&path).unwrap();
    let wal = std::fs::read(folder.path().join("sessions.db-wal")).unwrap_or_default();
    let id = cookie.split_once('=').unwrap().1.as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(id.len()).any(|window| window == id);
    assert!(
        !holds(&bytes) && !holds(&wal),
        "who reads the database can't use what is in it"
    );
}

/// A Redis of this test's own, on a socket in a folder that goes away with it; it is stopped at the end.
struct Redis {
    process: Child,
    url: String,
    /// Kept open, so that it can go on writing there.
    _log: BufReader<ChildStdout>,
    _folder: tempfile::TempDir,
}

impl Redis {
    /// `None` where it is not installed.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut log = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        while !line.to_ascii_lowercase().contains("ready to accept") {
            line.clear();
            let read = log.read_line(&mut line).unwrap();
            assert!(read > 0, "redis-server ended before it was ready");
        }
        Some(Self {
            process,
            url: format!("unix://{}", socket.display()),
            _log: log,
            _folder: folder,
        })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_session_lives_in_redis_and_a_redis_that_is_gone_is_a_500() {
    let Some(mut redis) = Redis::start() else {
        let why = "no `redis-server` on this machine: install Debian's package of this name";
        let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{why}");
        eprintln!("SKIPPED: {why}");
        return;
    };
    let store = RedisStore::connect(&redis.url).await.unwrap().prefix("test:");
    lives(store.clone()).await;
    let app = remembering(store);
    let (_, cookie) = with_cookie(&app, "/count", "a=b").await;
    redis.process.kill().unwrap();
    redis.process.wait().unwrap();
    let response = get(&app, "/look", &[("cookie", &cookie)]).await;
    assert_eq!(response.status(), 500);
    assert_eq!(
        header(&response, "set-cookie"),
        "",
        "the cookie may be good again later"
    );
    assert_eq!(
        get(&app, "/nowhere", &[("cookie", &cookie)]).await.status(),
        404,
        "others go on"
    );
}
