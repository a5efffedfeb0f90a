//! The second scenario: what was sent is read, written and converted on the thread of its connection.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use contract::scenarios::{Photo, Stored, THUMBNAIL};
use image::codecs::jpeg::JpegEncoder;
use sha2::{Digest, Sha256};

use crate::App;
use crate::http::{Answer, Connection};

const PIECE: usize = 256 * 1024;
const QUALITY: u8 = 80;

/// The whole of it in memory: simple, and fast while it fits.
pub(crate) fn photo(connection: &mut Connection, app: &App) -> io::Result<Answer> {
    let body = connection.body()?;
    let path = next(app);
    fs::write(&path, &body)?;
    let image = image::load_from_memory(&body).map_err(io::Error::other)?;
    let thumbnail = image.thumbnail(THUMBNAIL, THUMBNAIL);
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(&thumbnail)
        .map_err(io::Error::other)?;
    fs::write(path.with_extension("thumbnail"), bytes)?;
    Answer::json(&Photo {
        bytes: body.len() as u64,
        sha256: hexadecimal(Sha256::digest(&body).as_slice()),
        width: thumbnail.width(),
        height: thumbnail.height(),
    })
}

pub(crate) fn large(connection: &mut Connection, app: &App) -> io::Result<Answer> {
    let path = next(app);
    if !app.stream_large {
        let body = connection.body()?;
        fs::write(path, &body)?;
        return Answer::json(&Stored {
            bytes: body.len() as u64,
            sha256: hexadecimal(Sha256::digest(&body).as_slice()),
        });
    }
    let mut file = File::create(path)?;
    let (mut bytes, mut digest) = (0, Sha256::new());
    let mut piece = vec![0; PIECE];
    loop {
        let n = connection.read(&mut piece)?;
        let Some(read) = piece.get(..n).filter(|read| !read.is_empty()) else {
            break;
        };
        digest.update(read);
        file.write_all(read)?;
        bytes += n as u64;
    }
    Answer::json(&Stored {
        bytes,
        sha256: hexadecimal(digest.finalize().as_slice()),
    })
}

fn next(app: &App) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    app.settings.uploads().join(format!("{number}.upload"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
