//! Forms with files (RFC 7578), well-formed and hostile.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hyperlane::{App, Body, BodyErrorKind, Bytes, Multipart, Rejection};

use crate::support::{Answer, app, call, post, problem, request};

const TYPE: &str = "multipart/form-data; boundary=XX";

/// Lists name, sanitised and sent file name, type and bytes of each field.
fn listing() -> App {
    app(|server| {
        server.post("/", async |mut form: Multipart| {
            let mut list = String::new();
            while let Some(field) = form.next_field().await? {
                let head = format!(
                    "{} {:?} {:?} {:?}",
                    field.name(),
                    field.file_name(),
                    field.raw_file_name(),
                    field.content_type()
                );
                list += &format!("{head} {}\n", field.text().await?);
            }
            Ok::<_, Rejection>(list)
        });
        server.post("/names", async |mut form: Multipart| {
            let mut names = Vec::new();
            while let Some(field) = form.next_field().await? {
                names.push(field.name().to_owned());
            }
            Ok::<_, Rejection>(names.join(","))
        });
        server.post("/small", async |form: Multipart| {
            let mut form = form.with_field_limit(10).with_max_fields(2);
            let mut fields = 0;
            while let Some(field) = form.next_field().await? {
                field.bytes().await?;
                fields += 1;
            }
            Ok::<_, Rejection>(fields.to_string())
        });
    })
}

fn part(head: &str, data: &str) -> String {
    format!("--XX\r\ncontent-disposition: form-data; {head}\r\n\r\n{data}\r\n")
}

async fn send(target: &str, body: impl Into<Body>) -> Answer {
    call(&listing(), post(target, TYPE, body)).await
}

/// The body in pieces of this many bytes.
fn pieces(body: &str, size: usize) -> Body {
    let pieces: Vec<_> = body
        .as_bytes()
        .chunks(size)
        .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
        .collect();
    Body::stream(futures::stream::iter(pieces))
}

#[tokio::test]
async fn fields_are_read_the_same_however_the_body_is_split() {
    let body = part("name=a", "one")
        + &part(
            "name=\"b c\"; filename=\"../x.txt\"\r\ncontent-type: text/plain",
            "two\r\n--X\r\n--XY\r\nlines",
        )
        + &part("filename*=utf-8''y; name=\"\"; filename=\"\"", "")
        + "--XX--\r\nbehind";
    let expected = "a None None None one\n\
        b c Some(\"x.txt\") Some(\"../x.txt\") Some(\"text/plain\") two\r\n--X\r\n--XY\r\nlines\n \
        None Some(\"\") None \n";
    assert_eq!(send("/", body.clone()).await.text, expected);
    for size in [1, 2, 3, 7, 64] {
        assert_eq!(send("/", pieces(&body, size)).await.text, expected, "{size}");
    }
    assert_eq!(
        send("/names", pieces(&body, 5)).await.text,
        "a,b c,",
        "unread fields are skipped"
    );
    assert_eq!(send("/", "before\r\n--XX--").await.text, "");
}

#[tokio::test]
async fn a_name_inside_of_a_quoted_file_name_is_none() {
    let body = part(r#"filename="x; name=evil; y\"; name=worse"; name="good""#, "") + "--XX--";
    assert!(send("/", body).await.text.starts_with("good "));
}

#[tokio::test]
async fn what_is_cut_short_or_malformed_is_a_400() {
    let whole = part("name=a", "one") + &part("name=b", "two") + "--XX--";
    // Two hyphens end the last boundary.
    for end in 0..whole.len() {
        let answer = send("/", whole[..end].to_owned()).await;
        assert_eq!(problem(&answer)["code"], "malformed", "{:?}", &whole[..end]);
    }
    for body in [
        "--XX\r\n\r\ndata\r\n--XX--",
        "--XX\r\ncontent-disposition: form-data\r\n\r\n\r\n--XX--",
        "--XX\r\ncontent-disposition: form-data; name=\"a\r\n\r\n\r\n--XX--",
        "--XX\r\ncontent-disposition form-data; name=a\r\n\r\n\r\n--XX--",
        "--XXX\r\n\r\n--XX--",
        "--YY\r\ncontent-disposition: form-data; name=a\r\n\r\n\r\n--YY--",
        "--XX\ncontent-disposition: form-data; name=a\n\n\n--XX--",
    ] {
        let answer = send("/", body).await;
        assert_eq!(problem(&answer)["status"], 400, "{body:?}");
    }
    let mut body = part("name=a", "").into_bytes();
    body.extend_from_slice(b"--XX\r\ncontent-disposition: form-data; name=\"\xff\"\r\n\r\n\r\n--XX--");
    assert_eq!(send("/", body).await.status(), 400);
    let mut body = b"--XX\r\ncontent-disposition: form-data; name=n\r\n\r\n".to_vec();
    body.extend_from_slice(b"ab\xff\r\n--XX--");
    let document = problem(&send("/", body).await);
    assert_eq!(
        (document["status"].as_u64(), &document["errors"][0]["field"]),
        (Some(422), &"n".into())
    );
}

#[tokio::test]
async fn bad_types_and_boundaries_are_refused_before_the_body_is_read() {
    let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
    for (content_type, status) in [
        ("application/json", 415),
        ("multipart/mixed; boundary=XX", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary=\"\"", 400),
        ("multipart/form-data; boundary", 400),
        (&long, 400),
    ] {
        let answer = call(&listing(), post("/", content_type, "--XX--")).await;
        assert_eq!(problem(&answer)["status"], status, "{content_type}");
    }
    let answer = call(&listing(), request(hyperlane::Method::POST, "/", "")).await;
    assert_eq!(problem(&answer)["code"], "missing");
    let quoted = call(
        &listing(),
        post("/", "multipart/form-data; charset=x; boundary=\"X X\"", "--X X--"),
    )
    .await;
    assert_eq!(quoted.status(), 200);
}

#[tokio::test]
async fn size_and_number_of_fields_are_limited() {
    let document = problem(&send("/small", part("name=big", "12345678901") + "--XX--").await);
    assert_eq!(
        (document["status"].as_u64(), &document["code"]),
        (Some(413), &"too-large".into())
    );
    assert_eq!(
        (&document["errors"][0]["in"], &document["errors"][0]["field"]),
        (&"form".into(), &"big".into())
    );
    assert_eq!(
        send("/small", part("name=a", "1234567890").repeat(2) + "--XX--")
            .await
            .text,
        "2"
    );
    let answer = send("/small", part("name=a", "").repeat(3) + "--XX--").await;
    assert!(
        problem(&answer)["detail"]
            .as_str()
            .unwrap()
            .contains("more than 2 fields")
    );
    assert_eq!(
        problem(&send("/names", part("name=a", "").repeat(1001) + "--XX--").await)["status"],
        413
    );
    // Also a field that nobody reads counts.
    let big = part("name=a", &"x".repeat(9 * 1024 * 1024));
    assert_eq!(
        problem(&send("/names", pieces(&(big + "--XX--"), 65536)).await)["status"],
        413
    );
}

#[tokio::test]
async fn what_stands_before_the_data_is_limited() {
    let head = format!("name=a\r\nx-long: {}", "x".repeat(40 * 1024));
    for body in [
        part(&head, ""),
        "x".repeat(100 * 1024),
        format!("--XX{}", " ".repeat(100 * 1024)),
    ] {
        let document = problem(&send("/", pieces(&body, 1024)).await);
        assert_eq!(document["status"], 413, "{document}");
    }
    let many: String = (0..100).map(|i| format!("\r\nx-{i}: y")).collect();
    assert_eq!(
        send("/", part(&format!("name=a{many}"), "") + "--XX--").await.status(),
        400
    );
}

#[tokio::test]
async fn failures_of_the_body_keep_their_status() {
    for (kind, status) in [
        (BodyErrorKind::TooLarge { limit: 7 }, 413),
        (BodyErrorKind::Timeout, 408),
    ] {
        let start = Ok(Bytes::from(part("name=a", "data")));
        let body = Body::stream(futures::stream::iter([start, Err(hyperlane::BodyError::new(kind))]));
        assert_eq!(problem(&send("/", body).await)["status"], status);
    }
}

/// The parser by itself would take all that is ready.
#[tokio::test]
async fn only_a_piece_at_a_time_is_taken_from_the_body() {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let start = "--XX\r\ncontent-disposition: form-data; name=a\r\n\r\n".to_owned();
    let data = std::iter::repeat_n("x".repeat(1000), 100);
    let all = std::iter::once(start)
        .chain(data)
        .chain(std::iter::once("\r\n--XX--".to_owned()));
    let body = Body::stream(futures::stream::iter(all.map(move |piece| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, std::io::Error>(piece)
    })));
    let app = app(|server| {
        let taken = Arc::clone(&taken);
        server.post("/", move |mut form: Multipart| {
            let taken = Arc::clone(&taken);
            async move {
                let mut field = form.next_field().await.unwrap().unwrap();
                let mut read = 0;
                while let Some(chunk) = field.chunk().await.unwrap() {
                    read += chunk.len();
                    let ahead = taken.load(Ordering::Relaxed) * 1000 - read;
                    assert!(ahead <= 3000, "{ahead} bytes ahead");
                }
                read.to_string()
            }
        });
    });
    assert_eq!(call(&app, post("/", TYPE, body)).await.text, "100000");
}

#[tokio::test]
async fn a_reader_that_is_cancelled_loses_nothing() {
    let (mut sender, receiver) = futures::channel::mpsc::unbounded::<Result<String, std::io::Error>>();
    let app = app(|server| {
        server.post("/", async |mut form: Multipart| {
            let _ = futures::poll!(std::pin::pin!(form.next_field()));
            tokio::task::yield_now().await;
            let mut field = form.next_field().await.unwrap().unwrap();
            let _ = futures::poll!(std::pin::pin!(field.chunk()));
            tokio::task::yield_now().await;
            field.text().await
        });
    });
    let call = call(&app, post("/", TYPE, Body::stream(receiver)));
    let feed = async {
        for piece in (part("name=a", "some text") + "--XX--").as_bytes().chunks(4) {
            let piece = String::from_utf8(piece.to_vec()).unwrap();
            // Nobody reads what stands behind the last boundary.
            let _ = futures::SinkExt::send(&mut sender, Ok(piece)).await;
            tokio::task::yield_now().await;
        }
        drop(sender);
    };
    let (answer, ()) = tokio::join!(call, feed);
    assert_eq!(answer.text, "some text");
}
