//! What strangers send: each mistake is told by its line, and the rest goes through.

#![expect(clippy::unwrap_used, reason = "how a test says what must hold")]

mod support;

use std::io::Write;

use async_compression::tokio::bufread::{GzipEncoder, ZstdEncoder};
use futures_util::stream;
use hyperlane::{Body, Bytes, Context, Error, NoContent, Route, Server, State, testing::TestClient};
use hyperlane_batch::imports::{
    Format, ImportState, ImportStatus, Importer, Imports, OnConflict, Rejected, TableImporter,
};
use support::{Person, Place, people, people_csv, report};
use tokio::io::AsyncReadExt;

/// Imports a body, whole and byte by byte, which must come to the same; returns the status and the report.
async fn import(
    importer: &TableImporter,
    format: Format,
    content: &[u8],
) -> (ImportStatus, Vec<(u64, String, String)>, Place) {
    let mut results = Vec::new();
    for size in [content.len().max(1), 1] {
        let place = Place::sqlite().await;
        let (_, imports) = place.imports(importer.clone()).await;
        let pieces: Vec<Bytes> = content.chunks(size).map(Bytes::copy_from_slice).collect();
        let body = Body::stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)));
        let status = imports.stream("people", "a file", format, body).await.unwrap();
        let lines = report(&imports, status.id).await;
        results.push((status, lines, place));
    }
    let (split, split_lines, _) = results.pop().unwrap();
    let (whole, lines, place) = results.pop().unwrap();
    assert_eq!(lines, split_lines);
    let key = |status: &ImportStatus| (status.state, status.read, status.written, status.reason.clone());
    assert_eq!(key(&whole), key(&split));
    (whole, lines, place)
}

async fn csv(content: impl AsRef<[u8]>) -> (ImportStatus, Vec<(u64, String, String)>, Place) {
    import(&people(), Format::CSV, content.as_ref()).await
}

fn at(line: u64, field: &str, reason: &str) -> (u64, String, String) {
    (line, field.to_owned(), reason.to_owned())
}

#[tokio::test]
async fn a_byte_order_mark_line_ends_of_all_kinds_and_empty_lines_are_read_over() {
    let text = "\u{feff}email,name,age\r\n\r\na@x,\"An \"\"A\"\"\r\nn, Jr.\",41\r\n\n\nb@x,Bob,\r\nc@x,Cid,old";
    let (status, lines, place) = csv(text).await;
    assert_eq!((status.state, status.read, status.written), (ImportState::Done, 3, 2));
    // Two lines went into the first record, three are empty.
    assert_eq!(lines, [at(8, "age", "invalid digit found in string")]);
    let names = place.texts("SELECT name FROM people ORDER BY email").await;
    assert_eq!(names, ["An \"A\"\r\nn, Jr.", "Bob"]);
}

#[tokio::test]
async fn records_with_mistakes_are_refused_and_the_others_go_through() {
    let mut text = b"email,name,age\na@x,Ann,41\nb@x,Bob\nc@x,Cid,1,2\nd@x,D\xffd,3\ne@x,Eve,300\n".to_vec();
    text.extend_from_slice(b"f@x,Fay,-1\na@x,Ann again,41\ng@x,Gus,7\n");
    let (status, lines, place) = csv(&text).await;
    assert_eq!((status.read, status.written, status.rejected), (8, 2, 6));
    assert_eq!(
        lines,
        [
            at(3, "", "has 2 fields where the header has 3"),
            at(4, "", "has 4 fields where the header has 3"),
            at(5, "name", "is no valid UTF-8"),
            at(6, "age", "number too large to fit in target type"),
            at(7, "age", "invalid digit found in string"),
            at(8, "email", "UNIQUE constraint failed: people.email"),
        ]
    );
    assert_eq!(
        place.texts("SELECT name FROM people ORDER BY email").await,
        ["Ann", "Gus"]
    );
}

#[tokio::test]
async fn a_quote_that_is_never_closed_is_told_by_its_line_after_all_before_it_was_written() {
    for end in ["\"Bob,2\nc@x,Cid,3\n", "\"Bob,2\nc@x,Cid,3"] {
        let (status, _, _) = csv(format!("email,name,age\na@x,Ann,1\nb@x,{end}")).await;
        assert_eq!((status.state, status.written), (ImportState::Failed, 1));
        assert_eq!(
            status.reason.as_deref(),
            Some("a quote in the record of line 3 is never closed")
        );
    }
}

#[tokio::test]
async fn a_record_that_is_too_long_is_read_past() {
    let importer = people().max_record(1000);
    let long = "x".repeat(200_000);
    let text = format!("email,name,age\na@x,{long},1\nb@x,\"{long}\n\",1\nc@x,Cid,3\n");
    let (status, lines, _) = import(&importer, Format::CSV, text.as_bytes()).await;
    assert_eq!((status.state, status.written), (ImportState::Done, 1));
    assert_eq!(
        lines,
        [
            at(2, "", "is longer than 1000 bytes"),
            at(3, "", "is longer than 1000 bytes")
        ]
    );
    let text = format!("{{\"email\":\"{long}\"}}\n{{\"email\":\"c@x\",\"name\":\"Cid\",\"age\":3}}");
    let (status, lines, _) = import(&importer, Format::Ndjson, text.as_bytes()).await;
    assert_eq!((status.state, status.written), (ImportState::Done, 1));
    assert_eq!(lines, [at(1, "", "is longer than 1000 bytes")]);
}

#[tokio::test]
async fn a_record_of_endless_fields_is_refused() {
    let text = format!("email,name,age\n{}\nc@x,Cid,3\n", ",".repeat(300_000));
    let (status, lines, _) = csv(text).await;
    assert_eq!((status.state, status.written), (ImportState::Done, 1));
    assert_eq!(lines, [at(2, "", "has more than 2000 fields")]);
}

#[tokio::test]
async fn what_is_no_table_at_all_fails_at_its_header() {
    for (text, reason) in [
        (&b""[..], "the header can't be read: the source is empty"),
        (b"\r\n\n", "the header can't be read: the source is empty"),
        (b"a,b,a\n1,2,3\n", "the header can't be read: it names \"a\" twice"),
        (b"a\xff\n", "the header can't be read: it is no valid UTF-8"),
        (b"\xff\xfea\0,\0b\0", "the source is UTF-16; save it as UTF-8"),
    ] {
        let (status, _, _) = csv(text).await;
        assert_eq!(status.state, ImportState::Failed);
        assert_eq!(status.reason.as_deref(), Some(reason));
    }
}

#[tokio::test]
async fn json_lines_are_told_apart_and_their_mistakes_by_their_paths() {
    let text = b"{\"email\":\"a@x\",\"name\":\"Ann\",\"age\":41}\r\n\n  \n{\"email\":\"b@x\",\"name\":7}\n{\"email\":\n{} {}\n\"\xff\"\n{\"email\":\"c@x\",\"name\":\"Cid\",\"age\":null}";
    let (status, lines, _) = import(&people(), Format::Ndjson, text).await;
    assert_eq!((status.state, status.read, status.written), (ImportState::Done, 6, 2));
    assert_eq!(lines.iter().map(|line| line.0).collect::<Vec<_>>(), [4, 5, 6, 7]);
    assert_eq!(lines[0].1, "name");
    assert!(
        lines[0].2.starts_with("invalid type: integer `7`, expected a string"),
        "{lines:?}"
    );
    assert!(lines[1].2.starts_with("EOF while parsing a value"), "{lines:?}");
    assert_eq!(lines[3].2, "is no valid UTF-8");
}

#[tokio::test]
async fn gzip_and_zstd_are_known_by_their_first_bytes_and_may_have_several_members() {
    let text = people_csv(300);
    let (first, second) = text.split_at(4000);
    for member in [gzip as fn(Vec<u8>) -> _, zstd] {
        let mut bytes = member(first.as_bytes().to_vec()).await;
        bytes.extend(member(second.as_bytes().to_vec()).await);
        let (status, _, place) = csv(&bytes).await;
        assert_eq!((status.state, status.written), (ImportState::Done, 300));
        place.assert_people(300).await;
    }
}

#[tokio::test]
async fn a_compressed_source_that_is_cut_off_or_broken_is_told_so_after_what_came_before_it() {
    let whole = gzip(people_csv(20_000).into_bytes()).await;
    let (status, _, _) = csv_once(&people(), &whole[..whole.len() / 2]).await;
    assert_eq!(status.state, ImportState::Failed);
    assert!(
        status
            .reason
            .as_deref()
            .unwrap()
            .starts_with("the compressed source is cut off after line ")
    );
    assert!(status.written > 5000, "{status:?}");

    let mut broken = whole;
    let middle = broken.len() / 2;
    broken[middle..middle + 8].fill(0xff);
    let (status, _, _) = csv_once(&people(), &broken).await;
    assert_eq!(status.state, ImportState::Failed);
}

#[tokio::test]
async fn decompression_bombs_end_at_the_ratio_and_at_the_size() {
    // 64 MiB of one letter become 64 KiB of gzip.
    let bomb = gzip(vec![b'x'; 64 * 1024 * 1024]).await;
    let (status, _, _) = csv_once(&people(), &bomb).await;
    let reason = "the source grows to more than 200 times its size when decompressed";
    assert!(status.reason.as_deref().unwrap().starts_with(reason), "{status:?}");
    let (status, _, _) = csv_once(&people().max_ratio(100_000).max_bytes(1_000_000), &bomb).await;
    let reason = "the source is more than 1000000 bytes when decompressed";
    assert!(status.reason.as_deref().unwrap().starts_with(reason), "{status:?}");
}

#[tokio::test]
async fn too_many_mistakes_end_an_import() {
    let mut text = people_csv(10);
    for _ in 0..500 {
        text.push_str("nobody\n");
    }
    let (status, lines, _) = import(&people().batch(10).max_errors(20), Format::CSV, text.as_bytes()).await;
    assert_eq!((status.state, status.written), (ImportState::Failed, 10));
    assert_eq!(
        status.reason.as_deref(),
        Some("more than 20 records were refused; the report tells why")
    );
    assert_eq!(lines.len(), 30);
}

#[tokio::test]
async fn what_is_mapped_at_once_stays_in_order_and_may_be_refused() {
    let importer = Importer::<Person>::new("people")
        .check(|person| match person.age {
            Some(age) if age > 80 => Err(Rejected::field("age", "is over 80").and("name", "is too old")),
            _ => Ok(()),
        })
        .map(16, async |person| {
            // Later ones are ready sooner.
            let age = u64::from(person.age.unwrap_or(0));
            tokio::time::sleep(std::time::Duration::from_millis(20 - age % 20)).await;
            match age {
                13 => Err(Rejected::new("is unlucky")),
                _ => Ok(person),
            }
        })
        .into_table("people", ["email", "name", "age"], |person| {
            [
                person.email.into(),
                person.name.to_uppercase().into(),
                person.age.into(),
            ]
        })
        .batch(7);
    let (status, lines, place) = csv_once(&importer, people_csv(90).as_bytes()).await;
    assert_eq!((status.state, status.written), (ImportState::Done, 80));
    assert_eq!(lines[0], at(15, "", "is unlucky"));
    assert_eq!(
        (lines[1].clone(), lines[2].clone()),
        (at(83, "age", "is over 80"), at(83, "name", "is too old"))
    );
    let names = place.texts("SELECT name FROM people ORDER BY rowid").await;
    let expected = (0..=80).filter(|n| *n != 13).map(|n| format!("PERSON, NUMBER {n}"));
    assert!(names.into_iter().eq(expected));
}

#[tokio::test]
async fn rules_of_garde_are_told_field_by_field() {
    #[derive(serde::Deserialize, garde::Validate)]
    struct Ruled {
        #[garde(contains("@"))]
        email: String,
        #[garde(length(min = 2))]
        name: String,
    }
    let importer = Importer::<Ruled>::new("people")
        .garde()
        .into_table("people", ["email", "name"], |ruled| {
            [ruled.email.into(), ruled.name.into()]
        });
    let (status, lines, _) = csv_once(&importer, b"email,name\na,A\nb@x,Bob\n").await;
    assert_eq!(status.written, 1);
    assert_eq!(
        lines.iter().map(|line| line.1.as_str()).collect::<Vec<_>>(),
        ["email", "name"]
    );
}

#[tokio::test]
async fn a_row_that_is_there_is_kept_or_updated_on_both_databases() {
    let test = "a_row_that_is_there_is_kept_or_updated_on_both_databases";
    let mut places = vec![Place::sqlite().await];
    places.extend(Place::postgres(test).await);
    for place in places {
        let text = "email,name,age\na@x,New,1\nb@x,Bob,2\nb@x,Bob again,3\nc@x,Tab\\\tand \\N,4\n";
        place.run("INSERT INTO people VALUES ('a@x', 'Old', 0)").await;
        let (_, imports) = place.imports(people().on_conflict(OnConflict::Keep)).await;
        let status = imports
            .stream("people", "", Format::CSV, Body::from(text))
            .await
            .unwrap();
        assert_eq!((status.state, status.written), (ImportState::Done, 4), "{status:?}");
        let names = place.texts("SELECT name FROM people ORDER BY email").await;
        assert_eq!(names, ["Old", "Bob", "Tab\\\tand \\N"]);

        let update = OnConflict::Update(vec!["email".to_owned()]);
        let (_, imports) = place.imports(people().on_conflict(update)).await;
        let status = imports
            .stream("people", "", Format::CSV, Body::from(text))
            .await
            .unwrap();
        assert_eq!((status.state, status.written), (ImportState::Done, 4), "{status:?}");
        let names = place.texts("SELECT name FROM people ORDER BY email").await;
        assert_eq!(names, ["New", "Bob again", "Tab\\\tand \\N"]);
    }
}

#[tokio::test]
async fn postgresql_refuses_single_rows_of_a_copy() {
    let Some(place) = Place::postgres("postgresql_refuses_single_rows_of_a_copy").await else {
        return;
    };
    let mut text = people_csv(500);
    text.push_str("p7@example.org,Twice,1\nzero@example.org,\"ze\0ro\",1\nlast@example.org,Last,0\n");
    let (_, imports) = place.imports(people()).await;
    let status = imports
        .stream("people", "", Format::CSV, Body::from(text))
        .await
        .unwrap();
    assert_eq!(
        (status.state, status.written, status.rejected),
        (ImportState::Done, 501, 2),
        "{status:?}"
    );
    let lines = report(&imports, status.id).await;
    assert_eq!((lines[0].0, lines[1].0), (502, 503));
    assert!(
        lines[0].2.contains("Key (email)=(p7@example.org) already exists."),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_table_that_is_not_there_is_told_and_not_waited_for() {
    let importer = Importer::<Person>::new("people").into_table("persons", ["email"], |person| [person.email.into()]);
    let (status, _, _) = csv_once(&importer, people_csv(3).as_bytes()).await;
    assert_eq!(status.state, ImportState::Failed);
    assert!(
        status.reason.as_deref().unwrap().contains("no such table: persons"),
        "{status:?}"
    );
}

#[tokio::test]
async fn a_body_that_is_larger_than_its_route_allows_is_answered_413_and_leaves_nothing() {
    let place = Place::sqlite().await;
    let (_, imports) = place.imports(people()).await;
    let server = Server::new();
    let store = async |ctx: Context, State(imports): State<Imports>| -> Result<NoContent, Error> {
        imports.store("people", "", Format::CSV, ctx.body_stream()).await?;
        Ok(NoContent)
    };
    server
        .state(imports.clone())
        .post("/", Route::new(store).body_limit(1000));
    let text = people_csv(1000);
    let pieces = text
        .as_bytes()
        .chunks(100)
        .map(Bytes::copy_from_slice)
        .collect::<Vec<_>>();
    let body = Body::stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)));
    TestClient::new(server).post("/").body(body).await.assert_status(413);
    assert!(imports.list(10).await.unwrap().is_empty());
    assert_eq!(place.sources().read_dir().unwrap().count(), 0);
}

async fn csv_once(importer: &TableImporter, content: &[u8]) -> (ImportStatus, Vec<(u64, String, String)>, Place) {
    let place = Place::sqlite().await;
    let (_, imports) = place.imports(importer.clone()).await;
    let body = Body::from(content.to_vec());
    let status = imports.stream("people", "a file", Format::CSV, body).await.unwrap();
    let lines = report(&imports, status.id).await;
    (status, lines, place)
}

type Compressed = std::pin::Pin<Box<dyn Future<Output = Vec<u8>>>>;

fn gzip(bytes: Vec<u8>) -> Compressed {
    Box::pin(async move {
        let mut out = Vec::new();
        GzipEncoder::new(&bytes[..]).read_to_end(&mut out).await.unwrap();
        out.flush().unwrap();
        out
    })
}

fn zstd(bytes: Vec<u8>) -> Compressed {
    Box::pin(async move {
        let mut out = Vec::new();
        ZstdEncoder::new(&bytes[..]).read_to_end(&mut out).await.unwrap();
        out
    })
}

#[tokio::test]
async fn what_is_told_of_a_source_is_short_however_long_its_names_are() {
    let place = Place::sqlite().await;
    let (_, imports) = place.imports(people()).await;
    let name = "\u{1}".repeat(100_000);
    let body = Body::from(format!("{name},{name}\n"));
    let status = imports.stream("people", "", Format::CSV, body).await.unwrap();
    assert_eq!(status.state, ImportState::Failed);
    assert!(status.reason.unwrap().len() <= 1000);
}
