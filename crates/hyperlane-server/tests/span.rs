//! The span of a connection: there for those who listen, and around all of its life.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hyperlane_core::{IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Logs within its handler.
struct Talker;

impl Service for Talker {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, _: Request) -> Self::Future {
        Box::pin(async {
            tracing::info!("in the handler");
            "word".into_response()
        })
    }
}

/// Keeps the fields of connections, and how deep in them the handler's event was.
#[derive(Default)]
struct Recorder {
    spans: Mutex<Vec<String>>,
    depth: AtomicU64,
    seen_at_depth: AtomicU64,
}

struct Listener(Arc<Recorder>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        *self.0 += &format!("{field}={value:?} ");
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().starts_with("hyperlane") || metadata.target() == "span"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut text = format!("{} ", attributes.metadata().name());
        attributes.record(&mut Fields(&mut text));
        let mut spans = self.0.spans.lock().expect("no panic under the lock");
        spans.push(text);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() == "span" {
            let depth = self.0.depth.load(Ordering::SeqCst);
            self.0.seen_at_depth.store(depth, Ordering::SeqCst);
        }
    }

    fn enter(&self, _: &Id) {
        self.0.depth.fetch_add(1, Ordering::SeqCst);
    }

    fn exit(&self, _: &Id) {
        self.0.depth.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_connection_has_a_span_with_its_addresses_around_its_handlers() {
    let recorder = Arc::new(Recorder::default());
    let _listening = tracing::subscriber::set_default(Listener(Arc::clone(&recorder)));
    let listener = bind("127.0.0.1", 0, &Config::default()).await.expect("a free port");
    let handle = serve(listener, Arc::new(Talker), Config::default())
        .await
        .expect("it can serve");
    let mut client = TcpStream::connect(handle.local_addr()).await.expect("listening");
    let peer = client.local_addr().expect("connected");
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    client.write_all(request).await.expect("open");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("an answer");
    let spans = recorder.spans.lock().expect("no panic under the lock").clone();
    let expected = format!(
        "connection peer={peer} local={} protocol=\"http\" ",
        handle.local_addr()
    );
    assert_eq!(spans, [expected]);
    assert_eq!(recorder.seen_at_depth.load(Ordering::SeqCst), 1);
    handle.shutdown().await;
}
