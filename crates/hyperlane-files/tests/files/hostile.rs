//! Paths that try to get out of the root, and what lies in it that must not be opened.

use std::fs;

use hyperlane::Server;
use hyperlane::testing::TestClient;
use hyperlane_files::{Files, Symlinks};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::{Site, client};

/// It stands in every file outside of the root.
const SECRET: &str = "top secret";
/// It stands in those below the root whose names begin with a dot.
const HIDDEN: &str = "hidden text";

/// Paths as they are sent, none of which may lead to a file.
const HOSTILE: &[&str] = &[
    // Dot segments, in every writing that some decoder has fallen for.
    "../secret.txt",
    "../../secret.txt",
    "../../../../../../../../../../etc/passwd",
    "sub/../../secret.txt",
    "sub/../public.txt",
    "./public.txt",
    "sub/./in.txt",
    "sub/..",
    "sub/.",
    "..",
    "../",
    ".",
    "./",
    "%2e%2e/secret.txt",
    "%2E%2E/secret.txt",
    ".%2e/secret.txt",
    "%2e./secret.txt",
    "%2e%2e%2fsecret.txt",
    "%2e%2e%5csecret.txt",
    "..%2fsecret.txt",
    "..%2Fsecret.txt",
    "..%5csecret.txt",
    "..%5Csecret.txt",
    "sub%2f..%2f..%2fsecret.txt",
    "%252e%252e/secret.txt",
    "%252e%252e%252fsecret.txt",
    "..%252fsecret.txt",
    "..%25252fsecret.txt",
    "%c0%ae%c0%ae/secret.txt",
    "%c0%ae%c0%ae%c0%afsecret.txt",
    "..%c0%afsecret.txt",
    "..%c1%9csecret.txt",
    "%e0%80%ae%e0%80%ae/secret.txt",
    "%u002e%u002e/secret.txt",
    "%uff0e%uff0e/secret.txt",
    "\u{ff0e}\u{ff0e}/secret.txt",
    "%ef%bc%8e%ef%bc%8e%ef%bc%8fsecret.txt",
    "..;/secret.txt",
    "..;a=b/secret.txt",
    "sub/..;/..;/secret.txt",
    "....//secret.txt",
    "...//secret.txt",
    "..././secret.txt",
    "....\\\\secret.txt",
    "..//secret.txt",
    "sub//in.txt",
    "//secret.txt",
    "public.txt/../../secret.txt",
    "missing/../../secret.txt",
    "public.txt/",
    "public.txt/.",
    "public.txt/x",
    // Backslashes.
    "..\\secret.txt",
    "..\\..\\secret.txt",
    "sub\\in.txt",
    "sub%5cin.txt",
    "sub\\..\\..\\secret.txt",
    "\\secret.txt",
    "\\\\server\\share\\secret.txt",
    // Absolute paths and drives.
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "%2Fetc/passwd",
    "//etc/passwd",
    "C:/Windows/win.ini",
    "C:%5cWindows%5cwin.ini",
    "c:secret.txt",
    "file:///etc/passwd",
    // Ends that other systems cut off, and second names.
    "public.txt%00",
    "public.txt%00.html",
    "..%00/secret.txt",
    "public.txt%20",
    "public.txt.",
    "public.txt::$DATA",
    "public.txt:stream",
    "PUBLIC~1.TXT",
    "PUBLIC.TXT",
    "Sub/in.txt",
    "public.txt%0a",
    "public.txt%0d%0ax:%20y",
    "%09public.txt",
    "public.txt%7f",
    "CON",
    "sub/aux",
    "NUL.txt",
    "com1",
    // Encoded separators between names that are there.
    "sub%2fin.txt",
    "sub%2Fin.txt",
    "sub%252fin.txt",
    // Hidden files.
    ".env",
    ".git/config",
    "sub/.hidden",
    "%2eenv",
    ".%00env",
    "..env",
    // Links that lead out, by any way, and in circles.
    "link-out",
    "link-out-absolute",
    "link-dir/secret.txt",
    "link-dir-absolute/secret.txt",
    "link-dir",
    "link-dir/",
    "link-twice",
    "link-through/secret.txt",
    "loop",
    "loop/x",
    "broken",
    // The process itself, by a link.
    "proc/environ",
    "proc/self/environ",
    "proc/cwd/Cargo.toml",
    "proc/root/etc/passwd",
    // What is no file.
    "fifo",
    "socket",
    "null",
    "zero",
    "sub",
    "sub/",
    // Malformed.
    "%",
    "%2",
    "%zz",
    "%%",
    "%ff",
    "%80.txt",
    "~/secret.txt",
    "~root/secret.txt",
    "$HOME/secret.txt",
    "${HOME}",
    "*",
    "?",
    "public.tx?",
];

fn site() -> Site {
    use std::os::unix::fs::symlink;
    let site = Site::new(&[
        ("public.txt", "public"),
        ("sub/in.txt", "public"),
        (".env", HIDDEN),
        (".git/config", HIDDEN),
        ("sub/.hidden", HIDDEN),
    ]);
    let (root, outside) = (site.root(), site.outside());
    fs::write(outside.join("secret.txt"), SECRET).expect("can be written");
    fs::create_dir(outside.join("public-too")).expect("is new");
    fs::write(outside.join("public-too/secret.txt"), SECRET).expect("can be written");
    for (link, target) in [
        ("link-out", "../secret.txt".into()),
        ("link-out-absolute", outside.join("secret.txt")),
        ("link-dir", "..".into()),
        ("link-dir-absolute", outside.to_owned()),
        ("link-twice", "link-out".into()),
        ("link-through", "sub/../../public-too".into()),
        ("loop", "loop".into()),
        ("broken", "nowhere".into()),
        ("proc", "/proc/self".into()),
        ("null", "/dev/null".into()),
        ("zero", "/dev/zero".into()),
        ("link-in", "sub/in.txt".into()),
        ("link-in-absolute", root.join("sub/in.txt")),
        ("link-sub", "sub".into()),
        ("link-up-and-down", "sub/../public.txt".into()),
    ] {
        symlink(target, root.join(link)).expect("can be made");
    }
    rustix::fs::mkfifoat(rustix::fs::CWD, root.join("fifo"), rustix::fs::Mode::RUSR).expect("can be made");
    drop(std::os::unix::net::UnixListener::bind(root.join("socket")).expect("can be bound"));
    site
}

/// Status and the rest of the answer to a path that is sent as it stands.
async fn ask(client: &TestClient, path: &str) -> (u16, String) {
    let mut connection = client.connect();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.expect("is read");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("is answered");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (
        status.unwrap_or_else(|| panic!("{path}: no answer: {answer:?}")),
        answer,
    )
}

#[tokio::test]
async fn no_path_leads_out_of_the_root() {
    assert!(HOSTILE.len() >= 100);
    let site = site();
    for (client, shows_hidden) in [
        (client(site.files()), false),
        (fallback(site.files()), false),
        (client(site.files().precompressed(true).listing(false)), false),
        (client(site.files().dot_files(true).symlinks(Symlinks::Refuse)), true),
    ] {
        for path in HOSTILE {
            let (status, answer) = ask(&client, &format!("/{path}")).await;
            let is_hidden = shows_hidden && status == 200 && answer.ends_with(HIDDEN);
            // A directory is sent to its path with a slash, behind which there is no index.
            let is_directory = *path == "sub" && status == 308;
            let is_refused = matches!(status, 400 | 404) && !answer.contains(HIDDEN);
            assert!(is_refused || is_hidden || is_directory, "{path}: {answer}");
            assert!(
                !answer.contains(SECRET) && !answer.contains("root:x:0"),
                "{path}: {answer}"
            );
        }
        assert_eq!(ask(&client, "/public.txt").await.0, 200, "what is public stays there");
    }
}

#[tokio::test]
async fn links_are_followed_as_the_policy_says() {
    let site = site();
    let inside = ["/link-in", "/link-in-absolute", "/link-sub/in.txt", "/link-up-and-down"];
    let outside = [
        "/link-out",
        "/link-out-absolute",
        "/link-dir/secret.txt",
        "/link-through/secret.txt",
    ];
    for (policy, follows_inside, follows_outside) in [
        (Symlinks::Inside, true, false),
        (Symlinks::Refuse, false, false),
        (Symlinks::Follow, true, true),
    ] {
        let client = client(site.files().symlinks(policy));
        for (paths, follows) in [(inside, follows_inside), (outside, follows_outside)] {
            for path in paths {
                let status = if follows { 200 } else { 404 };
                client.get(path).await.assert_status(status);
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_may_not_be_read_is_not_there() {
    use std::os::unix::fs::PermissionsExt;
    let site = site();
    let path = site.root().join("public.txt");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("is ours");
    if fs::File::open(&path).is_ok() {
        // The superuser may read everything: nothing can be shown then.
        return;
    }
    site.client().get("/public.txt").await.assert_status(404);
}

/// A directory is turned into a link that leads out, and back, while its file is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_made_at_the_wrong_moment_opens_no_way_out() {
    use std::os::unix::fs::symlink;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let site = site();
    let (root, outside) = (site.root(), site.outside().to_owned());
    fs::create_dir(root.join("real")).expect("is new");
    fs::write(root.join("real/secret.txt"), "public").expect("can be written");
    let over = Arc::new(AtomicBool::new(false));
    let flips = {
        let (root, over) = (root.clone(), Arc::clone(&over));
        std::thread::spawn(move || {
            let mut flips = 0_u32;
            while !over.load(Ordering::Relaxed) {
                for target in [outside.clone(), "real".into()] {
                    symlink(target, root.join("next")).expect("can be made");
                    fs::rename(root.join("next"), root.join("flip")).expect("takes its place");
                    flips += 1;
                }
            }
            flips
        })
    };
    let client = client(site.files().cache_size(0));
    let mut seen = 0;
    for _ in 0..2000 {
        let (status, answer) = ask(&client, "/flip/secret.txt").await;
        assert!(!answer.contains(SECRET), "{answer}");
        seen += u32::from(status == 200);
    }
    over.store(true, Ordering::Relaxed);
    assert!(
        flips.join().expect("does not panic") > 0 && seen > 0,
        "seen {seen} times"
    );
}

/// Names and separators that a path of the property test is put together from.
fn pieces() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "..",
        ".",
        "/",
        "//",
        "\\",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "%252e",
        "%00",
        "%20",
        ";",
        ":",
        "~",
        "sub",
        "in.txt",
        "public.txt",
        "secret.txt",
        "link-out",
        "link-dir",
        "link-dir-absolute",
        "link-through",
        "link-sub",
        "link-in",
        "link-up-and-down",
        "proc",
        "root",
        "etc/passwd",
        "public-too",
        ".env",
        "fifo",
        "null",
        "%c0%ae",
        "\u{ff0e}",
        "C:",
    ]);
    let path = prop::collection::vec(
        prop_oneof![8 => known.prop_map(str::to_owned), 1 => "[!-~]{1,3}"],
        1..12,
    );
    (path, any::<bool>()).prop_map(|(pieces, joined)| pieces.join(if joined { "/" } else { "" }))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    /// Whatever is opened is one of the files below the root that are not hidden.
    #[test]
    fn no_text_at_all_leads_out_of_the_root(path in pieces(), as_fallback: bool) {
        thread_local! {
            static SITE: Site = site();
        }
        let files = SITE.with(Site::files).index("in.txt");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("can be made");
        let path: String = path.chars().filter(|character| !character.is_whitespace()).collect();
        let (status, answer) = runtime.block_on(async {
            let client = if as_fallback { fallback(files) } else { client(files) };
            ask(&client, &format!("/{path}")).await
        });
        prop_assert!(!answer.contains(SECRET) && !answer.contains(HIDDEN) && !answer.contains("root:x:0"), "{path}: {answer}");
        prop_assert!(matches!(status, 200 | 308 | 400 | 404), "{path}: {answer}");
        prop_assert!(status != 200 || answer.ends_with("public"), "{path}: {answer}");
    }
}

fn fallback(files: Files) -> TestClient {
    let server = Server::new();
    server.fallback(files);
    TestClient::new(server)
}
