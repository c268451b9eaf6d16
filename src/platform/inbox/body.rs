//! How a stored body lies in its row: as it came, compressed once its event is finished, or dropped. Whoever reads
//! a stored body reads it through [`open`].
use std::io::{self, Read};

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};

/// Bytes of a body at most. Intake refuses more, and so nothing that was stored unpacks to more.
pub const LARGEST: usize = 5 * 1024 * 1024;

/// What a reader gets of a body that was damaged in the database.
const DAMAGED: &[u8] = b"the stored body is damaged and cannot be unpacked";

/// The way a body is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it came.
    Plain,
    Deflate,
    /// It is gone; its row stays.
    Dropped,
}

impl Encoding {
    /// The number in the database.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Encoding::Plain => 0,
            Encoding::Deflate => 1,
            Encoding::Dropped => 2,
        }
    }

    /// The encoding behind a number; a CHECK keeps others out.
    #[must_use]
    pub const fn from_code(code: i16) -> Encoding {
        match code {
            1 => Encoding::Deflate,
            2 => Encoding::Dropped,
            _ => Encoding::Plain,
        }
    }
}

/// The body as it came; empty once it is dropped.
#[must_use]
pub fn open(encoding: i16, stored: Vec<u8>) -> Vec<u8> {
    match Encoding::from_code(encoding) {
        Encoding::Plain => stored,
        Encoding::Dropped => Vec::new(),
        // One spoilt row must stop neither the batch it is in nor an erasure: it is found unreadable by itself.
        Encoding::Deflate => unpack(&stored).unwrap_or_else(|error| {
            tracing::error!(%error, "a stored body is damaged");
            DAMAGED.to_vec()
        }),
    }
}

/// The body compressed.
///
/// # Errors
///
/// None that is known: it is written into memory.
pub fn pack(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    DeflateEncoder::new(plain, Compression::default()).read_to_end(&mut packed)?;
    Ok(packed)
}

fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    let bound = u64::try_from(LARGEST + 1).unwrap_or(u64::MAX);
    DeflateDecoder::new(packed)
        .take(bound)
        .read_to_end(&mut plain)?;
    if plain.len() > LARGEST {
        return Err(io::Error::other("it is larger than what intake lets in"));
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFLATE: i16 = Encoding::Deflate.code();

    #[test]
    fn what_was_packed_opens_byte_by_byte() {
        let order = br#"{"id":820982911946154508,"price":"10.10","name":"Zo\u00eb"}"#.repeat(200);
        for body in [b"".as_slice(), b"{}", b"\x00\xff{ not JSON", &order] {
            let packed = pack(body).expect("memory");
            assert_eq!(open(DEFLATE, packed), body);
        }
        assert!(pack(&order).expect("memory").len() * 4 < order.len());
        assert_eq!(open(Encoding::Plain.code(), order.clone()), order);
        assert_eq!(open(Encoding::Dropped.code(), Vec::new()), b"");
    }

    #[test]
    fn the_largest_body_opens_and_a_bomb_does_not() {
        let largest = vec![b' '; LARGEST];
        assert_eq!(open(DEFLATE, pack(&largest).expect("memory")), largest);
        let bomb = pack(&[largest.as_slice(), b" "].concat()).expect("memory");
        assert!(bomb.len() < 10_000);
        assert_eq!(open(DEFLATE, bomb), DAMAGED);
    }

    #[test]
    fn a_damaged_body_says_so() {
        let packed = pack(&br#"{"id":1}"#.repeat(50)).expect("memory");
        assert_eq!(open(DEFLATE, packed[..packed.len() / 2].to_vec()), DAMAGED);
        assert_eq!(open(DEFLATE, b"{\"id\":1}".to_vec()), DAMAGED);
    }

    #[test]
    fn every_encoding_survives_its_number() {
        for code in 0..=2 {
            assert_eq!(Encoding::from_code(code).code(), code);
        }
    }
}
