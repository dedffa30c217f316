//! What bytes weigh on the wire: exact where a medium stores compressed blobs, an estimate elsewhere.
//!
//! A module of its own because reports and plans must estimate alike: the ratio of a layer's blob to its
//! uncompressed tar is taken to hold for all bytes of that layer.

use std::collections::HashSet;

use crate::content::ContentMap;
use crate::image::{Image, Layer};
use crate::layer::{Kind, Magic};

/// Bytes that gzip makes of a thousand bytes of executables and libraries. These four are measured over
/// Alpine's and Debian's files.
const ELF: u64 = 420;
/// Of files whose format is compressed already.
const COMPRESSED: u64 = 980;
/// Of everything else: texts, scripts, byte code, data.
const OTHER: u64 = 300;
/// Of tar headers, padding and end blocks, which are mostly zeros.
const FRAMING: u64 = 50;

/// How each layer compresses.
pub(super) struct Wire {
    /// Bytes of the blobs, a blob that occurs twice once; `None` where a layer has no blob of its own.
    pub(super) exact: Option<u64>,
    /// `exact`, or else an estimate from the kinds of the files.
    pub(super) estimate: u64,
    layers: Vec<Ratio>,
}

#[derive(Clone, Copy)]
struct Ratio {
    wire: u64,
    uncompressed: u64,
    /// Whether an earlier layer has the same blob, so that a client downloads nothing more.
    is_repeated: bool,
}

impl Wire {
    pub(super) fn new(image: &Image, map: &ContentMap) -> Self {
        let mut seen = HashSet::new();
        let ratio = |(at, layer): (usize, &Layer)| Ratio {
            wire: layer
                .descriptor()
                .map_or_else(|| estimate(map, at), |descriptor| descriptor.size),
            uncompressed: map.sizes(at).uncompressed(),
            is_repeated: !seen.insert(identity(layer)),
        };
        let layers: Vec<Ratio> = image
            .layers
            .iter()
            .take(map.layer_count())
            .enumerate()
            .map(ratio)
            .collect();
        let estimate = layers
            .iter()
            .filter(|ratio| !ratio.is_repeated)
            .map(|ratio| ratio.wire)
            .sum();
        let is_exact = image.layers.iter().all(|layer| layer.descriptor().is_some());
        Self {
            exact: is_exact.then_some(estimate),
            estimate,
            layers,
        }
    }

    /// What some uncompressed bytes of each layer weigh together in the image, repeated blobs once.
    pub(super) fn share(&self, bytes: &[u64]) -> u64 {
        let layers = self
            .layers
            .iter()
            .zip(bytes)
            .filter(|(ratio, _)| !ratio.is_repeated);
        layers.map(|(ratio, bytes)| ratio.apply(*bytes)).sum()
    }

    /// What some uncompressed bytes of each layer weigh in one layer with others.
    pub(super) fn merged(&self, bytes: &[u64]) -> u64 {
        self.layers
            .iter()
            .zip(bytes)
            .map(|(ratio, bytes)| ratio.apply(*bytes))
            .sum()
    }

    /// What one layer of `uncompressed` bytes weighs whose files are `bytes` of each layer.
    pub(super) fn squash(&self, bytes: &[u64], uncompressed: u64) -> u64 {
        match bytes.iter().sum() {
            0 => scale(uncompressed, FRAMING, 1000),
            disk => scale(uncompressed, self.merged(bytes), disk),
        }
    }
}

impl Ratio {
    fn apply(self, bytes: u64) -> u64 {
        scale(bytes, self.wire, self.uncompressed)
    }
}

/// `bytes × numerator ÷ denominator`, rounded down; 0 where there is nothing to divide by.
fn scale(bytes: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(bytes) * u128::from(numerator);
    product
        .checked_div(u128::from(denominator))
        .map_or(0, |scaled| u64::try_from(scaled).unwrap_or(u64::MAX))
}

/// What tells whether two layers are one download.
fn identity(layer: &Layer) -> String {
    match layer.descriptor() {
        Some(descriptor) => descriptor.digest.to_string(),
        None => layer.diff_id.to_string(),
    }
}

fn estimate(map: &ContentMap, layer: usize) -> u64 {
    let files = map
        .layer_entries(layer)
        .map(|id| map.entry(id))
        .filter(|entry| entry.kind == Kind::File);
    let bodies: u64 = files
        .map(|entry| scale(entry.size, per_thousand(entry.magic), 1000))
        .sum();
    bodies + scale(map.sizes(layer).framing, FRAMING, 1000)
}

fn per_thousand(magic: Option<Magic>) -> u64 {
    match magic {
        Some(Magic::Elf | Magic::ElfCore | Magic::ElfObject | Magic::Pe | Magic::Wasm | Magic::Ar) => ELF,
        Some(
            Magic::Bzip2
            | Magic::Gguf
            | Magic::Gif
            | Magic::Gzip
            | Magic::Jpeg
            | Magic::Pdf
            | Magic::Png
            | Magic::Xz
            | Magic::Zip
            | Magic::Zstd,
        ) => COMPRESSED,
        _ => OTHER,
    }
}
