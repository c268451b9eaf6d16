//! Makes small ones of a picture. What is no picture, or would take too much memory, is refused before it is unpacked.
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgba, RgbaImage,
};
use sha2::{Digest, Sha256};

const SMALL: u32 = 96;
const LARGE: u32 = 480;
/// Pixels of a side; no picture of Shopify's has more than 5000.
const LONGEST_SIDE: u32 = 8000;
/// Bytes that a picture may take unpacked.
const MOST_BYTES: u64 = 128 * 1024 * 1024;
/// Of a hundred.
const QUALITY: u8 = 82;
const WHITE: Rgba<u8> = Rgba([255, 255, 255, 255]);

/// A picture in the sizes in which it is kept, as JPEG.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// Of both together: the same address shows the same picture for ever.
    pub hash: String,
    pub small: Vec<u8>,
    pub large: Vec<u8>,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPicture {
    #[error("it is no JPEG, PNG, WebP or GIF")]
    Unknown,
    #[error("it is broken")]
    Broken,
    #[error("it is {0} × {1} pixels, which is too large")]
    TooLarge(u32, u32),
}

/// Reads a picture and makes it small: square, its middle, on white where it is transparent; never larger than it is.
///
/// # Errors
///
/// See [`NoPicture`].
pub fn scale(bytes: &[u8]) -> Result<Scaled, NoPicture> {
    let picture = read(bytes)?;
    let shortest = picture.width().min(picture.height()).max(1);
    let side = shortest.min(LARGE);
    let large = picture.resize_to_fill(side, side, FilterType::Triangle);
    drop(picture);
    let large = on_white(&large);
    let side = shortest.min(SMALL);
    let small = large.resize_to_fill(side, side, FilterType::CatmullRom);
    let (small, large) = (write(&small)?, write(&large)?);
    let mut hash = Sha256::new();
    hash.update(&small);
    hash.update(&large);
    let mut hash = hex::encode(hash.finalize());
    hash.truncate(32);
    Ok(Scaled { hash, small, large })
}

fn read(bytes: &[u8]) -> Result<DynamicImage, NoPicture> {
    let known = [
        ImageFormat::Jpeg,
        ImageFormat::Png,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ];
    let format = image::guess_format(bytes).ok();
    let format = format.filter(|format| known.contains(format));
    let format = format.ok_or(NoPicture::Unknown)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| broken(&error))?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > LONGEST_SIDE || decoder.total_bytes() > MOST_BYTES {
        return Err(NoPicture::TooLarge(width, height));
    }
    let turn = decoder.orientation().map_err(|error| broken(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| broken(&error))?;
    picture.apply_orientation(turn);
    Ok(picture)
}

// What a decoder says quotes the file.
fn broken(error: &ImageError) -> NoPicture {
    tracing::debug!(%error, "a picture could not be read");
    NoPicture::Broken
}

fn on_white(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let mut sheet = RgbaImage::from_pixel(picture.width(), picture.height(), WHITE);
    imageops::overlay(&mut sheet, &picture.to_rgba8(), 0, 0);
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(sheet).to_rgb8())
}

fn write(picture: &DynamicImage) -> Result<Vec<u8>, NoPicture> {
    let mut bytes = Vec::new();
    picture
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        .map_err(|error| broken(&error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32, colour: Rgba<u8>) -> Vec<u8> {
        let picture = RgbaImage::from_pixel(width, height, colour);
        let mut bytes = Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("a PNG");
        bytes.into_inner()
    }

    fn sides(bytes: &[u8]) -> (u32, u32) {
        let picture = image::load_from_memory_with_format(bytes, ImageFormat::Jpeg);
        let picture = picture.expect("a JPEG");
        (picture.width(), picture.height())
    }

    #[test]
    fn a_picture_becomes_two_squares_and_is_never_blown_up() {
        let scaled = scale(&png(900, 600, Rgba([200, 30, 30, 255]))).expect("a picture");
        assert_eq!(sides(&scaled.large), (480, 480));
        assert_eq!(sides(&scaled.small), (96, 96));
        assert_eq!(scaled.hash.len(), 32);
        let tiny = scale(&png(40, 70, WHITE)).expect("a picture");
        assert_eq!(
            (sides(&tiny.large), sides(&tiny.small)),
            ((40, 40), (40, 40))
        );
        assert_ne!(tiny.hash, scaled.hash);
    }

    #[test]
    fn what_is_transparent_becomes_white() {
        let scaled = scale(&png(96, 96, Rgba([0, 0, 0, 0]))).expect("a picture");
        let small = image::load_from_memory(&scaled.small).expect("a JPEG");
        assert_eq!(small.to_rgb8().get_pixel(48, 48).0, [255, 255, 255]);
    }

    #[test]
    fn what_is_no_picture_is_refused_before_it_is_unpacked() {
        assert_eq!(scale(b"<svg onload='x()'/>"), Err(NoPicture::Unknown));
        let whole = png(300, 300, WHITE);
        assert_eq!(scale(&whole[..60]), Err(NoPicture::Broken));
        // A few bytes that say of themselves that they are 60,000 pixels wide and high.
        let mut bomb = png(1, 1, WHITE);
        bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        let crc = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        let refused = scale(&bomb).expect_err("too large");
        assert!(matches!(
            refused,
            NoPicture::TooLarge(60_000, 60_000) | NoPicture::Broken
        ));
    }

    /// The checksum of a PNG's chunk.
    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }
}
