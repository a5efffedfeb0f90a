//! Photos as cameras make them, but the same on every machine.

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use sha2::{Digest, Sha256};

use crate::Failure;

const WIDTH: u32 = 2_400;
const HEIGHT: u32 = 1_800;
const QUALITY: u8 = 90;
/// How much grain each has: more of it is a larger file.
const GRAIN: [u32; 4] = [32, 40, 48, 54];

/// A JPEG.
#[derive(Clone, Debug)]
pub(super) struct Photo {
    pub(super) bytes: Vec<u8>,
    /// In hexadecimal.
    pub(super) sha256: String,
}

/// Four of them, of 2 to 4 MB.
pub(super) fn photos() -> Result<Vec<Photo>, Failure> {
    GRAIN.into_iter().map(|grain| photo(grain, (WIDTH, HEIGHT))).collect()
}

/// Slow changes with grain over them.
fn photo(grain: u32, (width, height): (u32, u32)) -> Result<Photo, Failure> {
    let mut noise = 0x2545_f491_u32 ^ grain;
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in 0..width {
            for slope in [x / 12, y / 9, (x + y) / 21] {
                // xorshift, by Marsaglia.
                noise ^= noise << 13;
                noise ^= noise >> 17;
                noise ^= noise << 5;
                pixels.push(u8::try_from((slope + noise % grain) % 256).unwrap_or(u8::MAX));
            }
        }
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| format!("a photo can't be made: {error}"))?;
    Ok(Photo {
        sha256: sha256(&bytes),
        bytes,
    })
}

/// In hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_have_the_size_of_photos() {
        // Of small ones, since they are made slowly without optimization.
        for grain in GRAIN {
            let photo = photo(grain, (WIDTH / 8, HEIGHT / 8)).expect("a photo");
            let size = photo.bytes.len() as f64 * 64.0 / 1e6;
            assert!((2.0..=4.0).contains(&size), "{size} MB");
        }
    }
}
