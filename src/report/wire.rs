//! What bytes weigh on the wire: exact where a medium stores compressed blobs, an estimate elsewhere.
//!
//! A module of its own because reports and plans must estimate alike. A layer's compressed bytes are shared
//! out among its files by *weight*: size times how well files of that kind compress. Weights are thousandths
//! of bytes that gzip would make; only their proportion counts where the blob's size is known.

use std::collections::HashSet;

use crate::content::ContentMap;
use crate::image::{Image, Layer};
use crate::layer::{Entry, Kind, Magic};
use crate::oci::Compression;

/// Bytes that gzip makes of a thousand bytes of executables and libraries. These four are measured over
/// Alpine's and Debian's files.
const ELF: u64 = 390;
/// Of files whose format is compressed already.
const COMPRESSED: u64 = 980;
/// Of everything else: texts, scripts, byte code, data.
const OTHER: u64 = 280;
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

struct Ratio {
    /// Bytes of the blob as stored, or as estimated.
    wire: u64,
    /// Bytes of the blob if it were compressed: an estimate where it is stored as a plain tar.
    compressed: u64,
    /// The weight of all of the layer, framing included.
    weight: u64,
    /// Whether an earlier layer has the same blob, so that a client downloads nothing more.
    is_repeated: bool,
}

impl Wire {
    pub(super) fn new(image: &Image, map: &ContentMap) -> Self {
        let mut seen = HashSet::new();
        let ratio = |(at, layer): (usize, &Layer)| {
            let weight = layer_weight(map, at);
            let descriptor = layer.descriptor();
            let is_plain =
                descriptor.is_some_and(|d| d.media_type.layer_compression() == Some(Compression::None));
            let wire = descriptor.map_or(weight / 1000, |descriptor| descriptor.size);
            let compressed = if is_plain { weight / 1000 } else { wire };
            Ratio {
                wire,
                compressed,
                weight,
                is_repeated: !seen.insert(identity(layer)),
            }
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

    /// Bytes of a layer's blob as stored, or as estimated.
    pub(super) fn layer(&self, layer: usize) -> u64 {
        self.layers.get(layer).map_or(0, |ratio| ratio.wire)
    }

    /// What files weigh together in the image, repeated blobs once; `weights` are their weights by layer.
    pub(super) fn share(&self, weights: &[u64]) -> u64 {
        let layers = self
            .layers
            .iter()
            .zip(weights)
            .filter(|(ratio, _)| !ratio.is_repeated);
        layers
            .map(|(ratio, weight)| scale(*weight, ratio.wire, ratio.weight))
            .sum()
    }

    /// What files weigh in a compressed layer of their own, with `framing` bytes of headers and padding.
    pub(super) fn squash(&self, weights: &[u64], framing: u64) -> u64 {
        let layers = self.layers.iter().zip(weights);
        let files: u64 = layers
            .map(|(ratio, weight)| scale(*weight, ratio.compressed, ratio.weight))
            .sum();
        files + framing_weight(framing) / 1000
    }
}

/// The weight of a file. Sizes are of bodies that were read, so that no sum of weights overflows.
pub(super) fn weight(entry: &Entry) -> u64 {
    entry.size * per_thousand(entry.magic)
}

fn layer_weight(map: &ContentMap, layer: usize) -> u64 {
    let files = map
        .layer_entries(layer)
        .map(|id| map.entry(id))
        .filter(|entry| entry.kind == Kind::File);
    framing_weight(map.sizes(layer).framing) + files.map(weight).sum::<u64>()
}

fn framing_weight(bytes: u64) -> u64 {
    bytes * FRAMING
}

/// `bytes × numerator ÷ denominator`, rounded down; 0 where there is nothing to divide by.
pub(super) fn scale(bytes: u64, numerator: u64, denominator: u64) -> u64 {
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
