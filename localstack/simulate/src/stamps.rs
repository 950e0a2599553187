//! Cutouts: 63 × 63 pixels of 32-bit floats, FITS, gzip.

use crate::chance::Chance;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;

/// Images are drawn from a pool: each costs a millisecond to compress.
const VARIANTS: u64 = 24;
const SIDE: usize = 63;
/// FITS files come in blocks of this size.
const BLOCK: usize = 2880;

/// The three images of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Image {
    /// As observed.
    Science,
    /// What was there before.
    Template,
    /// What is new.
    Difference,
}

/// Ready-made images.
pub struct Stamps(Vec<[Bytes; 3]>);

impl Stamps {
    /// Draws the pool.
    pub fn new(seed: Chance) -> std::io::Result<Self> {
        let draw = |variant| {
            let chance = seed.of("stamps").at(variant);
            let image = |kind| compress(&fits(chance, kind));
            Ok([image(Image::Science)?, image(Image::Template)?, image(Image::Difference)?])
        };
        Ok(Self((0..VARIANTS).map(draw).collect::<std::io::Result<_>>()?))
    }

    /// The image of an alert.
    pub fn of(&self, chance: Chance, image: Image) -> Bytes {
        let variant = chance.of("stamp").one_of(&self.0);
        variant.map(|images| images[image as usize].clone()).unwrap_or_default()
    }
}

fn fits(chance: Chance, image: Image) -> Vec<u8> {
    let mut file = Vec::with_capacity(BLOCK * 8);
    for card in [
        "SIMPLE  =                    T / conforms to FITS standard".to_owned(),
        "BITPIX  =                  -32 / IEEE single precision".to_owned(),
        "NAXIS   =                    2".to_owned(),
        format!("NAXIS1  = {SIDE:>20}"),
        format!("NAXIS2  = {SIDE:>20}"),
        "END".to_owned(),
    ] {
        file.extend_from_slice(format!("{card:<80}").as_bytes());
    }
    file.resize(file.len().next_multiple_of(BLOCK), b' ');
    for row in 0..SIDE {
        for column in 0..SIDE {
            file.extend_from_slice(&pixel(chance, image, row, column).to_be_bytes());
        }
    }
    file.resize(file.len().next_multiple_of(BLOCK), 0);
    file
}

/// A host galaxy that stays, a source that is new, and noise.
fn pixel(chance: Chance, image: Image, row: usize, column: usize) -> f32 {
    let spot = |width: f64, dx: f64, dy: f64| {
        let (x, y) = (column as f64 - 31.0 - dx, row as f64 - 31.0 - dy);
        (-(x * x + y * y) / (2.0 * width * width)).exp()
    };
    let noise = chance.at(image as u64).at((row * SIDE + column) as u64).normal();
    let host = 60.0
        * chance.of("host").unit()
        * spot(5.0, chance.of("dx").between(-6.0, 6.0), chance.of("dy").between(-6.0, 6.0));
    let source = chance.of("flux").between(40.0, 400.0) * spot(1.6, 0.0, 0.0);
    let value = match image {
        Image::Science => 180.0 + host + source + 6.0 * noise,
        Image::Template => 150.0 + host + 3.0 * noise,
        Image::Difference => source + 7.0 * noise,
    };
    value as f32
}

fn compress(file: &[u8]) -> std::io::Result<Bytes> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(file)?;
    Ok(gzip.finish()?.into())
}
