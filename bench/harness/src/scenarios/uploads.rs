//! Clients that upload: fast ones that are counted, slow ones beside them, and one with a large body.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contract::scenarios::{Photo as Answer, Stored};

use super::measure::Sample;
use super::photo::Photo;
use super::verify::{head, read};
use crate::Failure;
use crate::http::Connection;
use crate::statistics::percentile;

/// A slow client sends so much at once, and then waits.
const PACE: (usize, Duration) = (16 * 1024, Duration::from_millis(250));
/// Until the slow ones are all being served.
const LEAD: Duration = Duration::from_millis(700);
/// A fast client waits at least so long for an answer.
const PATIENCE: Duration = Duration::from_secs(3);
const PIECE: usize = 1024 * 1024;
const LARGE_TIMEOUT: Duration = Duration::from_secs(120);
/// Slow clients are many and do little.
const STACK: usize = 128 * 1024;

/// Photos for a while, by `clients` fast clients beside `slow` ones.
pub(super) fn photos(
    port: u16,
    photos: &[Photo],
    clients: usize,
    slow: usize,
    time: Duration,
) -> Result<Sample, Failure> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..slow {
            let photo = photos.get(number % photos.len()).ok_or("there is no photo")?;
            let send = || trickle(port, photo, &stop);
            let spawned = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, send);
            spawned.map_err(|error| format!("a slow client can't be started: {error}"))?;
        }
        if slow > 0 {
            thread::sleep(LEAD);
        }
        let began = Instant::now();
        let fast: Vec<_> = (0..clients)
            .map(|number| scope.spawn(move || send_again(port, photos, number, began + time, time.max(PATIENCE))))
            .collect();
        let mut times = Vec::new();
        let mut errors = 0;
        let mut failure = None;
        for client in fast {
            match client.join() {
                Ok(Ok((seen, missed))) => {
                    times.extend(seen);
                    errors += missed;
                }
                Ok(Err(reason)) => failure = Some(reason),
                Err(_) => failure = Some("a client panicked".into()),
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        if let Some(failure) = failure {
            return Err(failure);
        }
        times.sort_by(f64::total_cmp);
        Ok(Sample {
            figure: times.len() as f64 / seconds,
            p50: (!times.is_empty()).then(|| percentile(&times, 0.5)),
            p99: (!times.is_empty()).then(|| percentile(&times, 0.99)),
            errors,
            ..Sample::default()
        })
    })
}

/// One photo after the other until the end: the milliseconds of each, and how many were not answered in time.
fn send_again(
    port: u16,
    photos: &[Photo],
    first: usize,
    end: Instant,
    patience: Duration,
) -> Result<(Vec<f64>, u64), Failure> {
    let open = || {
        let connection = Connection::open(port)?;
        connection.set_read_timeout(patience)?;
        // Nothing is read from who waits for a thread.
        connection.set_write_timeout(patience)?;
        Ok::<_, io::Error>(connection)
    };
    let mut connection = open().map_err(|error| format!("a connection can't be opened: {error}"))?;
    let (mut times, mut errors) = (Vec::new(), 0);
    for photo in photos.iter().cycle().skip(first) {
        if Instant::now() >= end {
            break;
        }
        let began = Instant::now();
        let sent = connection
            .send(&head("/photos", "image/jpeg", photo.bytes.len() as u64))
            .and_then(|()| connection.send(&photo.bytes));
        match sent.and_then(|()| connection.receive()) {
            // Refused because too much is to be done: heard, but not served.
            Ok(response) if response.status == 503 => errors += 1,
            Ok(response) => {
                let answer: Answer = read(&response)?;
                if answer.sha256 != photo.sha256 {
                    return Err("a photo was not stored as it was sent".into());
                }
                times.push(began.elapsed().as_secs_f64() * 1e3);
            }
            Err(_) => {
                errors += 1;
                connection = open().map_err(|error| format!("a connection can't be opened again: {error}"))?;
            }
        }
    }
    Ok((times, errors))
}

/// One photo piece by piece, as over a bad line. What becomes of it is of no interest.
fn trickle(port: u16, photo: &Photo, stop: &AtomicBool) {
    let Ok(mut connection) = Connection::open(port) else {
        return;
    };
    if connection
        .send(&head("/photos", "image/jpeg", photo.bytes.len() as u64))
        .is_err()
    {
        return;
    }
    let (piece, pause) = PACE;
    for piece in photo.bytes.chunks(piece) {
        if stop.load(Ordering::Relaxed) || connection.send(piece).is_err() {
            return;
        }
        thread::sleep(pause);
    }
}

/// One body of so many bytes.
pub(super) fn large(port: u16, length: u64) -> Result<Sample, Failure> {
    let failed = |error: io::Error| format!("the large upload failed: {error}");
    let mut connection = Connection::open(port).map_err(failed)?;
    connection.set_read_timeout(LARGE_TIMEOUT).map_err(failed)?;
    let piece = super::stage::content(PIECE);
    let began = Instant::now();
    connection
        .send(&head("/large", "application/octet-stream", length))
        .map_err(failed)?;
    let mut left = length;
    while left > 0 {
        let n = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        connection.send(piece.get(..n).unwrap_or_default()).map_err(failed)?;
        left -= n as u64;
    }
    let stored: Stored = read(&connection.receive().map_err(failed)?)?;
    if stored.bytes != length {
        return Err(format!("{} of {length} bytes were stored", stored.bytes));
    }
    Ok(Sample {
        figure: length as f64 / PIECE as f64 / began.elapsed().as_secs_f64(),
        ..Sample::default()
    })
}
