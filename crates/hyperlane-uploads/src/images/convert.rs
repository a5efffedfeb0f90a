//! The conversion of one image, on a thread that may take its time.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, Rgb, RgbImage};

use crate::id::UploadId;
use crate::store::UploadStore;

use super::job::Progress;

/// The quality of JPEG images that are made, of 100: no difference is seen at usual sizes.
const JPEG_QUALITY: u8 = 82;
/// Shares of the steps, in percent, as they are in time: reading, changing the size; the rest is writing.
const READ: u8 = 60;
const SIZED: u8 = 80;

/// So many bytes of the data of a camera are looked at: what tells the orientation stands at its beginning.
const MAX_EXIF: u64 = 64 * 1024;

/// What is to be made of an image.
///
/// ```
/// use hyperlane_uploads::{Conversion, TargetFormat};
///
/// let small = Conversion::thumbnail("small", 320);
/// let whole = Conversion::to("whole", TargetFormat::Png);
/// # let _ = (small, whole);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    name: String,
    side: Option<u32>,
    format: TargetFormat,
}

/// The format that an image is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TargetFormat {
    /// JPEG, the smallest for photos. What is transparent becomes white.
    #[default]
    Jpeg,
    /// PNG, without loss.
    Png,
    /// WebP without loss, smaller than PNG.
    WebP,
}

impl TargetFormat {
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

impl Conversion {
    /// A small copy as JPEG, whose longer side has at most so many pixels. A small image stays as large as it is. The
    /// name is made of letters, digits and `-`, and finds the result: [`UploadStore::derived_path`].
    pub fn thumbnail(name: &str, side: u32) -> Self {
        Self {
            name: name.to_owned(),
            side: Some(side.max(1)),
            format: TargetFormat::Jpeg,
        }
    }

    /// The same image in another format.
    pub fn to(name: &str, format: TargetFormat) -> Self {
        Self {
            name: name.to_owned(),
            side: None,
            format,
        }
    }

    /// The same in another format.
    #[must_use]
    pub fn format(mut self, format: TargetFormat) -> Self {
        self.format = format;
        self
    }

    /// The name of what is made.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Why nothing was made.
#[derive(Debug)]
pub(super) enum Failure {
    Cancelled,
    Reason(String),
}

/// Looks whether a job shall go on, wherever it reads or writes, and tells how far it is.
pub(super) struct Watch<'a> {
    cancelled: &'a AtomicBool,
    deadline: Option<Instant>,
    progress: RefCell<&'a mut dyn FnMut(u8)>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(cancelled: &'a AtomicBool, deadline: Option<Instant>, progress: &'a mut dyn FnMut(u8)) -> Self {
        Self {
            cancelled,
            deadline,
            progress: RefCell::new(progress),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn check(&self) -> Result<(), Failure> {
        if self.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Failure::Reason("the conversion took too long".to_owned()));
        }
        Ok(())
    }

    fn tell(&self, percent: u8) {
        (self.progress.borrow_mut())(percent);
    }
}

pub(super) fn convert(
    store: &UploadStore,
    id: &UploadId,
    conversion: &Conversion,
    (max_pixels, max_memory): (u64, u64),
    watch: &Watch<'_>,
) -> Result<Progress, Failure> {
    let target: PathBuf = store
        .derived_path(id, &conversion.name)
        .ok_or_else(|| Failure::Reason("the conversion has no valid name".to_owned()))?;
    let image = read(store, id, (max_pixels, max_memory), watch)?;
    let image = match conversion.side {
        Some(side) if image.width() > side || image.height() > side => image.thumbnail(side, side),
        _ => image,
    };
    watch.tell(SIZED);
    watch.check()?;
    let written = store.0.folder.write_whole(&target, |file| {
        let mut out = BufWriter::new(Watched {
            file,
            watch,
            length: None,
        });
        write(&image, conversion.format, &mut out).map_err(io::Error::other)?;
        out.flush()
    });
    if let Err(error) = written {
        watch.check()?;
        tracing::error!(%error, file = %id, "a converted image could not be stored");
        return Err(Failure::Reason("the result could not be stored".to_owned()));
    }
    // The file may have been removed meanwhile, with what was made of it.
    if !store.0.folder.record(id).exists() {
        let _ = crate::folder::remove(&target);
        return Err(Failure::Reason("the file was removed".to_owned()));
    }
    let bytes = crate::folder::length(&target).ok().flatten().unwrap_or_default();
    Ok(Progress::Done {
        content_type: conversion.format.content_type(),
        bytes,
        width: image.width(),
        height: image.height(),
    })
}

fn read(
    store: &UploadStore,
    id: &UploadId,
    (max_pixels, max_memory): (u64, u64),
    watch: &Watch<'_>,
) -> Result<DynamicImage, Failure> {
    let gone = |_| Failure::Reason("the file was removed".to_owned());
    let mut file = File::open(store.path(id)).map_err(gone)?;
    let length = file.metadata().map_err(gone)?.len();
    // The decoder of JPEG reads the whole file into memory before it heeds a limit, by doubling its room.
    if length > max_memory / 2 {
        return Err(Failure::Reason("the file is too large".to_owned()));
    }
    let broken = |error: &ImageError| {
        watch.check().err().unwrap_or_else(|| {
            Failure::Reason(match error {
                ImageError::Limits(_) => "the image is too large".to_owned(),
                ImageError::Unsupported(_) => "this kind of image can't be read".to_owned(),
                _ => "the image is broken".to_owned(),
            })
        })
    };
    let orientation = webp_orientation(&mut file, length, watch);
    let orientation = orientation.map_err(|error| broken(&ImageError::IoError(error)))?;
    file.rewind().map_err(gone)?;
    let source = BufReader::new(Watched {
        file: &mut file,
        watch,
        length: Some(length.max(1)),
    });
    let mut reader = ImageReader::new(source)
        .with_guessed_format()
        .map_err(|error| broken(&ImageError::IoError(error)))?;
    if reader.format().is_none() {
        return Err(Failure::Reason("the file is no png, jpeg or webp image".to_owned()));
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(max_memory);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels || decoder.total_bytes() > max_memory {
        let reason = format!("the image has {width} × {height} pixels, which is too large");
        return Err(Failure::Reason(reason));
    }
    let orientation = match orientation {
        Some(orientation) => orientation,
        None => decoder.orientation().map_err(|error| broken(&error))?,
    };
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| broken(&error))?;
    watch.tell(READ);
    watch.check()?;
    image.apply_orientation(orientation);
    Ok(image)
}

/// The orientation that a WebP file tells (RFC 9649 §2.7); `None` for other files. Its decoder is not asked: it makes room
/// for what a chunk claims, up to 4 GiB, and a process that gets no memory is aborted.
fn webp_orientation(file: &mut File, length: u64, watch: &Watch<'_>) -> io::Result<Option<Orientation>> {
    let mut source = BufReader::new(Watched {
        file,
        watch,
        length: None,
    });
    let mut head = [0; 12];
    let Some(mut left) = length.checked_sub(12) else {
        return Ok(None);
    };
    source.read_exact(&mut head)?;
    if !head.starts_with(b"RIFF") || !head.ends_with(b"WEBP") {
        return Ok(None);
    }
    while left >= 8 {
        let mut chunk = [0; 8];
        source.read_exact(&mut chunk)?;
        left -= 8;
        let [name @ .., a, b, c, d] = chunk;
        let size = u64::from(u32::from_le_bytes([a, b, c, d]));
        if name == *b"EXIF" {
            let mut exif = Vec::new();
            source.take(size.min(MAX_EXIF)).read_to_end(&mut exif)?;
            return Ok(Some(
                Orientation::from_exif_chunk(&exif).unwrap_or(Orientation::NoTransforms),
            ));
        }
        let padded = (size + size % 2).min(left);
        source.seek_relative(i64::try_from(padded).map_err(io::Error::other)?)?;
        left -= padded;
    }
    Ok(Some(Orientation::NoTransforms))
}

fn write(image: &DynamicImage, format: TargetFormat, out: impl Write) -> Result<(), ImageError> {
    match format {
        TargetFormat::Jpeg => opaque(image).write_with_encoder(JpegEncoder::new_with_quality(out, JPEG_QUALITY)),
        TargetFormat::Png => image.write_with_encoder(PngEncoder::new(out)),
        // It knows eight bits a channel.
        TargetFormat::WebP if image.color().has_alpha() => {
            DynamicImage::ImageRgba8(image.to_rgba8()).write_with_encoder(WebPEncoder::new_lossless(out))
        }
        TargetFormat::WebP => {
            DynamicImage::ImageRgb8(image.to_rgb8()).write_with_encoder(WebPEncoder::new_lossless(out))
        }
    }
}

/// On white where it is transparent: the format has no transparency.
fn opaque(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return DynamicImage::ImageRgb8(image.to_rgb8());
    }
    let pixels = image.to_rgba8();
    let mut whole = RgbImage::new(pixels.width(), pixels.height());
    for (to, from) in whole.pixels_mut().zip(pixels.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        let over = |colour: u32| u8::try_from((colour * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX);
        *to = Rgb([over(red), over(green), over(blue)]);
    }
    DynamicImage::ImageRgb8(whole)
}

/// A file whose reading and writing ends when the job shall not go on.
struct Watched<'a, 'b> {
    file: &'a mut File,
    watch: &'a Watch<'b>,
    /// Its length, where it is read.
    length: Option<u64>,
}

impl Watched<'_, '_> {
    fn check(&self) -> io::Result<()> {
        self.watch
            .check()
            .map_err(|_| io::Error::other("the conversion was ended"))
    }
}

impl Read for Watched<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        let read = self.file.read(buffer)?;
        if let (Some(length), Ok(at)) = (self.length, self.file.stream_position()) {
            let share = at.min(length) * u64::from(READ) / length;
            self.watch.tell(u8::try_from(share).unwrap_or(READ));
        }
        Ok(read)
    }
}

impl Seek for Watched<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Write for Watched<'_, '_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.check()?;
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
