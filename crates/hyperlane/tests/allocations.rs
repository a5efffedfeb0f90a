//! What a request costs in allocations, once a connection is warm. In a binary of its own: the allocator counts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use hyperlane::{Context, Path, Server, ServerConfig};

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

/// Serves until the process ends.
fn start() -> SocketAddr {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let server = Server::new();
            server.config(ServerConfig::new().port(0));
            server.get("/text", async || "Hello, World!");
            server.get("/context", async |ctx: Context| {
                ctx.set_response_status_code(200).set_response_body("Hello, World!");
            });
            server.get("/headers", async |ctx: Context| {
                ctx.set_response_header("content-type", "text/plain")
                    .set_response_header("cache-control", "no-store")
                    .set_response_body("Hello, World!");
            });
            server.get("/tuple", async || {
                (
                    [("content-type", "text/plain"), ("cache-control", "no-store")],
                    "Hello, World!",
                )
            });
            server.get("/users/{id}", async |Path(_id): Path<u64>| "Hello, World!");
            let handle = server.run().await.expect("a free port");
            tell.send(handle.local_addr()).expect("the test waits");
            handle.wait().await;
        });
    });
    told.recv().expect("the server starts")
}

/// Allocations for each of a thousand requests, after a hundred that warm everything up.
fn allocations(client: &mut TcpStream, request: &[u8]) -> f64 {
    let mut ask = |times: u64| {
        for _ in 0..times {
            client.write_all(request).expect("open");
            let mut buffer = [0; 512];
            let mut len = 0;
            while !buffer[..len].ends_with(b"Hello, World!") {
                let n = client.read(&mut buffer[len..]).expect("an answer");
                assert!(n > 0, "closed");
                len += n;
            }
        }
    };
    ask(100);
    let before = dhat::HeapStats::get().total_blocks;
    ask(1000);
    let after = dhat::HeapStats::get().total_blocks;
    (after - before) as f64 / 1000.0
}

#[test]
fn a_warm_connection_allocates_only_the_handlers_future_and_header_values() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let mut client = TcpStream::connect(start()).expect("listening");
    // A timer may be moved, or the date formatted, now and then: hence not exactly as many.
    for (path, expected) in [
        ("/text", 1.0),
        ("/context", 1.0),
        ("/users/7", 1.0),
        ("/headers", 3.0),
        ("/tuple", 3.0),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: a\r\naccept: */*\r\n\r\n");
        let each = allocations(&mut client, request.as_bytes());
        println!("{path}: {each} allocations a request");
        let range = expected - 0.01..expected + 0.01;
        assert!(range.contains(&each), "{path}: {each} allocations a request");
    }
}
