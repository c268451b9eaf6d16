//! Photos of what was dropped off: checked for what they are, and without what a camera writes beside the
//! picture (where it was taken, when, with which device) before they are kept.
use super::queries::photos as queries;
use super::{DeliveryError, log};
use crate::erp::deliveries::log::{Kind, News};
use crate::erp::deliveries::queries::DeliveryRow;
use crate::erp::timeline::Actor;
use crate::platform::db::DbConnection;
use crate::types::{At, UserId};

/// The largest photo that is taken, in bytes.
pub const LARGEST: usize = 8 * 1024 * 1024;
/// Photos of one delivery.
pub const MOST: i64 = 3;
/// Width or height beyond this is no photo of a phone.
const LONGEST_SIDE: u32 = 20_000;

const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
const PNG_BEGINS: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Chunks of a PNG that its picture needs; everything else may tell of a person.
const PNG_CHUNKS: &[&[u8; 4]] = &[
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"pHYs",
];

/// A photo that may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Photo {
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Why a file is not kept, in a sentence for the person who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhotoError {
    #[error("The photo is larger than 8 MB. Take a smaller one.")]
    TooLarge,
    #[error("Send a photo as JPEG or PNG.")]
    NoPicture,
    #[error("The photo is damaged. Take it again.")]
    Broken,
}

/// Keeps a photo with a delivery. False where it has as many as it may: the first ones stay.
///
/// # Errors
///
/// The database's.
pub fn add(
    conn: &mut DbConnection,
    delivery: &DeliveryRow,
    photo: &Photo,
    user: Option<UserId>,
    now: At,
) -> Result<bool, DeliveryError> {
    if queries::count(conn, delivery.id)? >= MOST {
        return Ok(false);
    }
    queries::insert(conn, (delivery.id, delivery.order_id), photo, user, now)?;
    let news = News::of(Kind::Photo, serde_json::json!({}));
    log::record(conn, delivery, news, &Actor::user(user), now)?;
    Ok(true)
}

/// Reads a file by its own bytes, whatever its name says, and leaves the picture alone.
///
/// # Errors
///
/// What is wrong with it.
pub fn clean(file: &[u8]) -> Result<Photo, PhotoError> {
    if file.len() > LARGEST {
        return Err(PhotoError::TooLarge);
    }
    if file.starts_with(&[0xff, 0xd8, 0xff]) {
        let bytes = clean_jpeg(file).ok_or(PhotoError::Broken)?;
        return Ok(Photo {
            media_type: JPEG,
            bytes,
        });
    }
    if file.starts_with(PNG_BEGINS) {
        let bytes = clean_png(file).ok_or(PhotoError::Broken)?;
        return Ok(Photo {
            media_type: PNG,
            bytes,
        });
    }
    Err(PhotoError::NoPicture)
}

/// Segment by segment up to the picture itself. Of what the camera wrote the turn of the picture is kept, since
/// it would lie on its side without it.
fn clean_jpeg(file: &[u8]) -> Option<Vec<u8>> {
    let mut kept = vec![0xff, 0xd8];
    let mut turn = None;
    let mut rest = file.get(2..)?;
    let mut is_sized = false;
    let mut body = Vec::new();
    loop {
        let [0xff, marker, high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(..length + 2)?;
        let data = segment.get(4..)?;
        match marker {
            // The picture: up to its end nothing but coded rows, and further tables between them.
            0xda => {
                body.extend_from_slice(rows(rest)?);
                break;
            }
            0xe1 => turn = turn.or_else(|| turn_of(data)),
            // What says how the colours are coded; every other APPn and every comment goes.
            0xe0 | 0xee => body.extend_from_slice(segment),
            0xe2..=0xef | 0xfe => {}
            0xc0..=0xcf | 0xdb | 0xdd => {
                if matches!(marker, 0xc0..=0xc2) {
                    let side = |at: usize| {
                        Some(u32::from(u16::from_be_bytes([
                            *data.get(at)?,
                            *data.get(at + 1)?,
                        ])))
                    };
                    is_sized = is_side(side(1)?) && is_side(side(3)?);
                }
                body.extend_from_slice(segment);
            }
            _ => return None,
        }
        rest = rest.get(length + 2..)?;
    }
    if let Some(turn) = turn {
        kept.extend_from_slice(&turned(turn));
    }
    kept.extend_from_slice(&body);
    is_sized.then_some(kept)
}

/// From the first scan to the end of the picture; what some cameras hang behind it goes.
fn rows(rest: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        let [0xff, marker, tail @ ..] = rest.get(at..)? else {
            return None;
        };
        match marker {
            0xd9 => return rest.get(..at + 2),
            // Another scan, or tables before it. Whatever else could tell of a person.
            0xda | 0xc4 | 0xdb | 0xdd => {
                let [high, low, ..] = *tail else { return None };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
            }
            _ => return None,
        }
        if *marker == 0xda {
            at += rest.get(at..)?.windows(2).position(is_marker)?;
        }
    }
}

/// In coded rows 0xff is followed by 0, or by one of the marks that parts them.
fn is_marker(pair: &[u8]) -> bool {
    matches!(pair, [0xff, second] if !matches!(second, 0x00 | 0xd0..=0xd7 | 0xff))
}

fn is_side(pixels: u32) -> bool {
    (1..=LONGEST_SIDE).contains(&pixels)
}

/// The turn of a picture (1 to 8) in the camera's notes, if they say one.
fn turn_of(data: &[u8]) -> Option<u8> {
    let tiff = data.strip_prefix(b"Exif\0\0")?;
    let is_little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let pair = [*tiff.get(at)?, *tiff.get(at.checked_add(1)?)?];
        Some(if is_little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        })
    };
    let long = |at: usize| -> Option<usize> {
        let (one, two) = (
            usize::from(short(at)?),
            usize::from(short(at.checked_add(2)?)?),
        );
        Some(if is_little {
            (two << 16) | one
        } else {
            (one << 16) | two
        })
    };
    let table = long(4)?;
    let entries = usize::from(short(table)?);
    (0..entries.min(100)).find_map(|nth| {
        let entry = table.checked_add(2)?.checked_add(nth * 12)?;
        let turn = u8::try_from(short(entry.checked_add(8)?)?).ok()?;
        (short(entry)? == 0x0112 && (2..=8).contains(&turn)).then_some(turn)
    })
}

/// A camera's note that says the turn and nothing else.
fn turned(turn: u8) -> Vec<u8> {
    let mut note = vec![0xff, 0xe1, 0x00, 0x22];
    note.extend_from_slice(b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
    note.extend_from_slice(&[turn, 0, 0, 0, 0, 0, 0]);
    note
}

fn clean_png(file: &[u8]) -> Option<Vec<u8>> {
    let mut kept = PNG_BEGINS.to_vec();
    let mut rest = file.get(PNG_BEGINS.len()..)?;
    let mut is_sized = false;
    loop {
        let long = |at: usize| -> Option<u32> {
            let bytes = rest.get(at..at.checked_add(4)?)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let length = usize::try_from(long(0)?).ok()?;
        let name = rest.get(4..8)?;
        let chunk = rest.get(..length.checked_add(12)?)?;
        if name == b"IHDR" {
            is_sized = is_side(long(8)?) && is_side(long(12)?);
        }
        if PNG_CHUNKS.iter().any(|known| known.as_slice() == name) {
            kept.extend_from_slice(chunk);
        }
        if name == b"IEND" {
            return is_sized.then_some(kept);
        }
        rest = rest.get(chunk.len()..)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len() + 2).expect("short").to_be_bytes();
        [&[0xff, marker][..], &length, data].concat()
    }

    /// The bones of a photo as a phone writes it, with a place and a name in it.
    fn photo(turn: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend_from_slice(&[turn, 0, 0, 0, 0, 0, 0, 0]);
        exif.extend_from_slice(b"GPS 52.5163 13.3777 Ada");
        [
            vec![0xff, 0xd8],
            segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xe1, &exif),
            segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<Ada/>"),
            segment(0xed, b"Photoshop 3.0\0Ada"),
            segment(0xfe, b"by Ada"),
            segment(0xdb, &[0; 65]),
            segment(0xc0, &[8, 0, 2, 0, 3, 1, 1, 0x11, 0]),
            segment(0xc4, &[0; 20]),
            segment(0xda, &[1, 1, 0, 0, 63, 0]),
            vec![1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xd9],
            b"behind it: Ada".to_vec(),
        ]
        .concat()
    }

    fn holds(bytes: &[u8], word: &[u8]) -> bool {
        bytes.windows(word.len()).any(|part| part == word)
    }

    #[test]
    fn a_photo_keeps_its_picture_and_its_turn_and_tells_of_nobody() {
        let kept = clean(&photo(6)).expect("a photo");
        assert_eq!(kept.media_type, JPEG);
        for word in [&b"Ada"[..], b"GPS", b"Photoshop", b"adobe"] {
            assert!(!holds(&kept.bytes, word));
        }
        assert!(holds(
            &kept.bytes,
            &[1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xd9]
        ));
        assert!(kept.bytes.ends_with(&[0xff, 0xd9]));
        let note = kept.bytes.get(6..).expect("a note");
        assert_eq!(turn_of(note), Some(6));
        assert_eq!(
            clean(&kept.bytes),
            Ok(kept.clone()),
            "cleaning again changes nothing"
        );
        let plain = clean(&photo(1)).expect("a photo");
        assert!(!holds(&plain.bytes, b"Exif"));
    }

    #[test]
    fn a_png_keeps_its_picture_alone() {
        let chunk = |name: &[u8], data: &[u8]| {
            let length = u32::try_from(data.len()).expect("short").to_be_bytes();
            [&length[..], name, data, &[0; 4]].concat()
        };
        let file = [
            PNG_BEGINS.to_vec(),
            chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]),
            chunk(b"tEXt", b"Author\0Ada"),
            chunk(b"eXIf", b"MM GPS"),
            chunk(b"IDAT", &[1, 2, 3]),
            chunk(b"IEND", &[]),
            b"Ada".to_vec(),
        ]
        .concat();
        let kept = clean(&file).expect("a picture");
        assert_eq!(kept.media_type, PNG);
        assert!(!holds(&kept.bytes, b"Ada") && !holds(&kept.bytes, b"GPS"));
        assert!(holds(&kept.bytes, b"IDAT\x01\x02\x03"));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        assert_eq!(clean(b"<svg onload=alert(1)>"), Err(PhotoError::NoPicture));
        assert_eq!(clean(b""), Err(PhotoError::NoPicture));
        assert_eq!(clean(&photo(1)[..60]), Err(PhotoError::Broken));
        let large = [photo(1), vec![0; LARGEST]].concat();
        assert_eq!(clean(&large), Err(PhotoError::TooLarge));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_stumble(
            cut in 0..200_usize,
            at in 0..200_usize,
            byte in any::<u8>(),
        ) {
            let mut file = photo(3);
            let (cut, at) = (cut.min(file.len()), at.min(file.len() - 1));
            file[at] = byte;
            let _photo = clean(&file[..cut]);
        }
    }
}
