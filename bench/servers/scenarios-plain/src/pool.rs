//! A pool of threads: each takes a connection, answers one request, and puts it back behind the others.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use crate::http::Connection;
use crate::{App, serve_one};

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<VecDeque<Connection>>,
    filled: Condvar,
}

/// Accepts for ever.
pub(crate) fn run(listener: &TcpListener, threads: usize, app: &Arc<App>) {
    let queue = Arc::new(Queue::default());
    for _ in 0..threads {
        let (queue, app) = (Arc::clone(&queue), Arc::clone(app));
        thread::spawn(move || {
            loop {
                work(&queue, &app);
            }
        });
    }
    for stream in listener.incoming().map_while(Result::ok) {
        if let Ok(connection) = Connection::new(stream) {
            queue.put(connection);
        }
    }
}

/// Stays with a connection while no other one waits.
fn work(queue: &Queue, app: &App) {
    let mut connection = queue.take();
    while let Ok(true) = serve_one(&mut connection, app) {
        if queue.has_waiting() {
            queue.put(connection);
            return;
        }
    }
}

impl Queue {
    fn put(&self, connection: Connection) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push_back(connection);
        self.filled.notify_one();
    }

    fn take(&self) -> Connection {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = waiting.pop_front() {
                return connection;
            }
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn has_waiting(&self) -> bool {
        !self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}
