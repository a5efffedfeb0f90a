//! Conversions of images that were uploaded.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

use std::io::Cursor;
use std::time::Duration;

use hyperlane::Body;
use hyperlane_uploads::{
    Conversion, ConversionSettings, Conversions, Progress, StoredFile, TargetFormat, UploadErrorKind, UploadStore,
};
use image::{DynamicImage, GenericImageView, ImageFormat, Rgba, RgbaImage};
use tempfile::TempDir;

async fn open() -> (TempDir, UploadStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = UploadStore::open(folder.path()).await.unwrap();
    (folder, store)
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut image = DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, |x, y| {
        Rgba([
            (x % 256) as u8,
            (y % 256) as u8,
            90,
            if x < width / 2 { 255 } else { 0 },
        ])
    }));
    if format == ImageFormat::Jpeg {
        image = DynamicImage::ImageRgb8(image.to_rgb8());
    }
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

async fn add(store: &UploadStore, bytes: Vec<u8>) -> StoredFile {
    store.receive_body(Body::from(bytes), Some("a")).await.unwrap()
}

#[tokio::test]
async fn thumbnails_are_made_of_all_three_formats_and_tell_how_far_they_are() {
    let (_folder, store) = open().await;
    let conversions = Conversions::start(store.clone()).unwrap();
    let mut events = conversions.log().subscribe(None);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let file = add(&store, picture(640, 320, format)).await;
        let job = conversions
            .submit(&file.id, Conversion::thumbnail("small", 64))
            .unwrap();
        let Progress::Done {
            content_type,
            bytes,
            width,
            height,
        } = job.ended().await
        else {
            panic!("{:?}", job.progress())
        };
        assert_eq!((content_type, width, height), ("image/jpeg", 64, 32));
        let path = store.derived_path(&file.id, "small").unwrap();
        let made = std::fs::read(&path).unwrap();
        assert_eq!(made.len() as u64, bytes);
        let made = image::load_from_memory(&made).unwrap();
        assert_eq!(made.dimensions(), (64, 32));
        if format == ImageFormat::Png {
            // What is transparent is white in a format without transparency.
            assert!(made.get_pixel(60, 16).0[..3].iter().all(|colour| *colour > 240));
        }
        loop {
            let event = events.next().await.unwrap();
            let Some(data) = event.data() else { continue };
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["file"], file.id.to_string());
            assert_eq!(data["name"], "small");
            if data["state"] == "done" {
                assert_eq!(data["width"], 64);
                break;
            }
        }
        assert!(store.remove(&file.id).await.unwrap());
        assert!(!path.exists());
    }
    conversions.close().await;
}

#[tokio::test]
async fn an_image_is_written_in_the_format_that_is_asked_for() {
    let (_folder, store) = open().await;
    let conversions = Conversions::start(store.clone()).unwrap();
    let file = add(&store, picture(30, 20, ImageFormat::Png)).await;
    for (format, wanted) in [
        (TargetFormat::Png, ImageFormat::Png),
        (TargetFormat::Jpeg, ImageFormat::Jpeg),
        (TargetFormat::WebP, ImageFormat::WebP),
    ] {
        let job = conversions.submit(&file.id, Conversion::to("whole", format)).unwrap();
        assert!(matches!(
            job.ended().await,
            Progress::Done {
                width: 30,
                height: 20,
                ..
            }
        ));
        let made = std::fs::read(store.derived_path(&file.id, "whole").unwrap()).unwrap();
        assert_eq!(image::guess_format(&made).unwrap(), wanted);
    }
}

#[tokio::test]
async fn what_can_not_be_converted_says_why() {
    let (_folder, store) = open().await;
    let settings = ConversionSettings::new().max_pixels(10_000);
    let conversions = Conversions::start_with(store.clone(), settings).unwrap();
    let whole = picture(90, 90, ImageFormat::Png);
    // A head that promises gigabytes (PNG §11.2.1): width and height, and the checksum over them.
    let mut bomb = whole.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    let sum = crc32(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&sum);
    for (bytes, said) in [
        (b"no image at all".to_vec(), "no png, jpeg or webp"),
        (whole[..whole.len() / 2].to_vec(), "broken"),
        (picture(101, 100, ImageFormat::Png), "too large"),
        (bomb, "too large"),
    ] {
        let file = add(&store, bytes).await;
        let job = conversions
            .submit(&file.id, Conversion::thumbnail("small", 10))
            .unwrap();
        let Progress::Failed { reason } = job.ended().await else {
            panic!("{said}: {:?}", job.progress())
        };
        assert!(reason.contains(said), "{reason}");
        assert!(!store.derived_path(&file.id, "small").unwrap().exists());
    }
    let file = add(&store, whole).await;
    let job = conversions
        .submit(&file.id, Conversion::thumbnail("small", 10))
        .unwrap();
    assert!(
        matches!(job.ended().await, Progress::Done { .. }),
        "the worker lives on"
    );
    assert!(conversions.submit(&file.id, Conversion::thumbnail("../x", 10)).is_err());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

#[tokio::test]
async fn a_full_queue_refuses_and_a_job_that_waits_is_cancelled_at_once() {
    let (_folder, store) = open().await;
    let settings = ConversionSettings::new().workers(1).queue(1);
    let conversions = Conversions::start_with(store.clone(), settings).unwrap();
    let slow = add(&store, picture(1500, 1500, ImageFormat::Png)).await;
    let first = conversions
        .submit(&slow.id, Conversion::to("first", TargetFormat::Png))
        .unwrap();
    while first.progress() == Progress::Queued {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let second = conversions
        .submit(&slow.id, Conversion::thumbnail("second", 10))
        .unwrap();
    let again = conversions
        .submit(&slow.id, Conversion::thumbnail("second", 10))
        .unwrap();
    assert_eq!(again.progress(), Progress::Queued);
    let third = conversions
        .submit(&slow.id, Conversion::thumbnail("third", 10))
        .unwrap_err();
    assert_eq!((third.kind(), third.status().as_u16()), (&UploadErrorKind::Busy, 503));
    second.cancel();
    assert_eq!(second.progress(), Progress::Cancelled);
    assert_eq!(again.ended().await, Progress::Cancelled);
    first.cancel();
    assert_eq!(first.ended().await, Progress::Cancelled);
    assert!(!store.derived_path(&slow.id, "first").unwrap().exists());
    conversions.close().await;
    assert!(conversions.submit(&slow.id, Conversion::thumbnail("late", 10)).is_err());
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_ended() {
    let (_folder, store) = open().await;
    let settings = ConversionSettings::new().time_limit(Duration::ZERO);
    let conversions = Conversions::start_with(store.clone(), settings).unwrap();
    let file = add(&store, picture(10, 10, ImageFormat::Png)).await;
    let job = conversions.submit(&file.id, Conversion::thumbnail("small", 5)).unwrap();
    let Progress::Failed { reason } = job.ended().await else {
        panic!("{:?}", job.progress())
    };
    assert!(reason.contains("too long"), "{reason}");
}

#[tokio::test]
async fn a_file_is_not_read_into_memory_beyond_the_limit() {
    let (_folder, store) = open().await;
    let settings = ConversionSettings::new().max_memory(1024 * 1024);
    let conversions = Conversions::start_with(store.clone(), settings).unwrap();
    // What stands behind the end of a JPEG image is read as well.
    let mut long = picture(90, 90, ImageFormat::Jpeg);
    long.resize(600_000, 0);
    // A chunk of EXIF that claims 4 GiB (RFC 9649 §2.7): no room is made for it.
    let plain = picture(20, 20, ImageFormat::WebP);
    let mut webp = b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x18\0\0\0\x13\0\0\x13\0\0".to_vec();
    webp.extend_from_slice(&plain[12..]);
    webp.extend_from_slice(b"EXIF\xfe\xff\xff\xff");
    let convert = async |bytes| {
        let file = add(&store, bytes).await;
        let job = conversions.submit(&file.id, Conversion::thumbnail("small", 10));
        job.unwrap().ended().await
    };
    let end = convert(long).await;
    assert!(
        matches!(&end, Progress::Failed { reason } if reason.contains("too large")),
        "{end:?}"
    );
    let end = convert(webp).await;
    assert!(matches!(end, Progress::Done { .. }), "{end:?}");
}
