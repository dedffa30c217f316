//! An image of one layer around any bytes, and reading it within limits that a fuzzer can wait for.
//!
//! Of its own because archives and bare layers are read alike.

use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use layerslim::codec::{Encoding, decoder};
use layerslim::content::ContentMap;
use layerslim::image::{BlobRef, Config, Image, ImageError, ImageName, Manifest, OpenBlob};
use layerslim::layer::{self, Changeset, Detail, LayerError, ReadOptions};
use layerslim::limits::Limits;
use layerslim::oci::{DiffId, Digest, Family};
use layerslim::plan::{Mode, Plan};
use layerslim::progress::{Progress, Stage};
use layerslim::store::Store;
use layerslim::{Analysis, Check, Form, Settings, slim};
use serde_json::json;

use super::algebra::chains_end;
use crate::support::laws::{PROFILES, in_memory};

/// Bytes that a layer may have when it is decompressed.
const MAX_PLAIN: u64 = 8 << 20;
/// Bytes that the files of an image may have, holes filled, for it to be squashed.
const MAX_LOGICAL: u64 = 4 << 20;

/// The bytes behind a compression; `None` where they are damaged, or too many to wait for.
pub(super) fn plain(blob: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    decoder(blob)
        .ok()?
        .take(MAX_PLAIN + 1)
        .read_to_end(&mut plain)
        .ok()?;
    (plain.len() as u64 <= MAX_PLAIN).then_some(plain)
}

/// An image whose only layer is this blob.
pub(super) fn image(blob: &[u8], plain: &[u8]) -> Image {
    let config = json!({"architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [DiffId(Digest::of(plain)).to_string()]}});
    let config = config.to_string().into_bytes();
    let row = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()});
    let manifest = json!({"schemaVersion": 2,
        "config": row("application/vnd.oci.image.config.v1+json", &config),
        "layers": [row("application/vnd.oci.image.layer.v1.tar", blob)]});
    let name = ImageName {
        transport: "oci",
        reference: "oci:fuzz:it".to_owned(),
    };
    let image = Manifest::parse(manifest.to_string().into_bytes(), None).and_then(|manifest| {
        Image::from_manifest(
            name,
            manifest,
            Config::parse(config)?,
            Arc::new(Only(blob.to_vec())),
        )
    });
    image.unwrap_or_else(|error| panic!("our own image: {error}"))
}

/// The only blob there is.
struct Only(Vec<u8>);

impl OpenBlob for Only {
    fn open(&self, _: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        Ok(Box::new(Cursor::new(self.0.clone())))
    }
}

/// Reads the layers of an image, none of them deep.
pub(super) fn read(image: &Image, detail: Detail, threads: usize) -> Result<Vec<Changeset>, LayerError> {
    let options = ReadOptions {
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
        detail,
        cache: None,
        progress: &Progress::none(),
        stage: Stage::Read,
        limits: Limits {
            entries: 20_000,
            depth: 300,
            ..Limits::default()
        },
        stop: &AtomicBool::new(false),
    };
    layer::read(image, &options)
}

/// Whether the files, holes filled, are few enough bytes to be hashed and written: a fingerprint is of all of them.
pub(super) fn is_quick(changesets: &[Changeset]) -> bool {
    let sizes = changesets
        .iter()
        .flat_map(|layer| (0..layer.entries.len()).map(|at| layer.logical_size(at as u32)));
    sizes.fold(0, u64::saturating_add) <= MAX_LOGICAL
}

/// What was read in full detail merges, and can be squashed and proven: whatever was accepted once is accepted in our
/// own words.
pub(super) fn squashes(image: &Image, changesets: Vec<Changeset>) {
    let map = ContentMap::merge(changesets);
    chains_end(&map);
    let plan = Plan::empty(&map);
    if map.entries().any(|id| map.entry(id).is_zero_device()) {
        return; // a plan takes them; this one takes nothing
    }
    let settings = Settings {
        threads: NonZeroUsize::MIN,
        progress: Progress::none(),
        stop: Arc::default(),
        limits: Limits::default(),
        cache: None,
        passed: layerslim::layer::Passed::default(),
    };
    let attribution = PROFILES.1.classify(&map, &image.config, &[], settings.threads);
    let analysis = Analysis {
        image: image.clone(),
        map,
        attribution,
    };
    let store = Store::temporary(in_memory()).unwrap_or_else(|error| panic!("{error}"));
    let form = Form {
        mode: Mode::Squash,
        encoding: Some(Encoding::None),
        family: Family::Oci,
        profile: "none".to_owned(),
        list: None,
        created: None,
        check: Check::Verify,
    };
    let slimmed = slim(&analysis, &plan, &form, &Arc::new(store), &settings);
    let slimmed = slimmed.unwrap_or_else(|error| panic!("read, and not squashed: {error}"));
    let verdict = slimmed.verdict.unwrap_or_else(|| panic!("no verdict"));
    assert!(verdict.ok(), "{:#?}", verdict.unexpected);
}
