//! Documents and words: manifests, indexes, configs, descriptors, references, digests, platforms.
//!
//! Every parser sees the same input. What is accepted says the same when it is written and parsed again, and no key is
//! lost. Where the input has a zero byte, a manifest stands before it and its config behind.

use std::io::Read;
use std::sync::Arc;

use layerslim::image::{BlobRef, Config, Image, ImageError, ImageName, Index, Manifest, OpenBlob};
use layerslim::oci::{Descriptor, DiffId, Digest, MediaType, Platform, Reference};
use layerslim::report::PlanFile;
use layerslim::rewrite::{are_leftovers_of, list_of};
use layerslim::transport::{Source, Target};
use serde_json::Value;

use crate::support::laws::PROFILES;

pub(super) fn check(input: &[u8]) {
    let mut parts = input.splitn(2, |&byte| byte == 0);
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    documents(first, second.unwrap_or(first));
    plan(first);
    if let Ok(text) = str::from_utf8(first) {
        words(text);
    }
}

/// A list that somebody attached to an image.
fn plan(text: &[u8]) {
    let (profiles, _) = &*PROFILES;
    if let Ok(file) = PlanFile::parse(text) {
        for saved in file.plans() {
            for listed in saved.listed(profiles.catalog()).unwrap_or_default() {
                assert!(listed.path.starts_with(b"/"));
            }
        }
    }
}

fn documents(manifest: &[u8], config: &[u8]) {
    let manifest = Manifest::parse(manifest.to_vec(), None).ok();
    if let Some(manifest) = &manifest {
        keeps_keys(manifest.value(), manifest.raw());
        assert_eq!(*manifest.digest(), Digest::of(manifest.raw()));
        let listed = manifest.value().get("layers").and_then(Value::as_array);
        assert_eq!(manifest.layers().len(), listed.map_or(0, Vec::len), "layers");
        for descriptor in manifest.layers().iter().chain([manifest.config()]) {
            descriptor_again(descriptor);
        }
        descriptor_again(&manifest.descriptor());
        descriptor_again(&manifest.referrer());
        manifest.subject().iter().for_each(descriptor_again);
        let claimed = MediaType::from(MediaType::DOCKER_MANIFEST);
        let again = Manifest::parse(manifest.raw().to_vec(), Some(&claimed));
        assert!(again.is_ok(), "a claim decides whether a manifest is one");
    }
    if let Ok(index) = Index::parse(config, "index.json") {
        keeps_keys(index.value(), config);
        index.manifests().iter().for_each(descriptor_again);
    }
    let Ok(config) = Config::parse(config.to_vec()) else {
        return;
    };
    keeps_keys(config.value(), config.raw());
    assert_eq!(config.id().0, Digest::of(config.raw()));
    let (_, _, platform) = (config.created_secs(), config.history(), config.platform());
    assert!(
        platform.rank_for(&platform).is_some(),
        "{platform} does not serve itself"
    );
    let diff_ids = config.diff_ids();
    let Some(manifest) = manifest else { return };
    let count = manifest.layers().len();
    let name = ImageName {
        transport: "oci",
        reference: "oci:a:b".to_owned(),
    };
    if let Ok(image) = Image::from_manifest(name, manifest, config, Arc::new(Nothing)) {
        assert_eq!(image.layers.len(), count, "layers of the image");
        let _ = (are_leftovers_of(&image, &image), list_of(&image));
        assert_eq!(
            diff_ids.map(|ids| ids.len()).ok(),
            Some(count),
            "diff ids of the image"
        );
        let rows = image.config.history();
        for (at, layer) in image.layers.iter().enumerate() {
            let row = layer.history.map(|row| &rows[row]);
            assert!(row.is_none_or(|row| !row.empty_layer), "a layer of an empty row");
            assert_eq!(image.created_by(at), row.map_or("", |row| &row.created_by));
            assert!(!layer.blob.label().is_empty());
        }
    }
}

/// A parsed document says what its bytes say.
fn keeps_keys(value: &Value, raw: &[u8]) {
    let text = raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(raw);
    let plain: Value =
        serde_json::from_slice(text).unwrap_or_else(|error| panic!("accepted, and no JSON: {error}"));
    assert_eq!(*value, plain, "another document");
    let written = value.to_string();
    let again: Value = serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(again, plain, "written and read");
}

fn descriptor_again(descriptor: &Descriptor) {
    let written = serde_json::to_string(descriptor).unwrap_or_else(|error| panic!("{error}: {descriptor:?}"));
    let again: Descriptor =
        serde_json::from_str(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(again, *descriptor, "{written}");
    assert_eq!(
        descriptor.digest.to_string().parse(),
        Ok(descriptor.digest.clone())
    );
    let _ = (
        descriptor.media_type.family(),
        descriptor.media_type.layer_compression(),
    );
}

fn words(text: &str) {
    if let Ok(descriptor) = serde_json::from_str::<Value>(text)
        && let Ok(parsed) = serde_json::from_value::<Descriptor>(descriptor.clone())
    {
        descriptor_again(&parsed);
        let written = serde_json::to_value(&parsed).unwrap_or_default();
        for (key, value) in descriptor
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
        {
            let kept = written.get(key).is_some_and(|kept| {
                // What a platform says is kept, a null in it is not.
                kept == value || matches!(key.as_str(), "platform" | "size")
            });
            assert!(kept, "the key `{key}` is lost: {written}");
        }
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(DiffId(digest)));
    }
    if let Ok(platform) = text.parse::<Platform>() {
        assert_eq!(platform.to_string().parse(), Ok(platform.clone()), "{platform}");
        assert!(
            platform.rank_for(&platform).is_some(),
            "{platform} does not serve itself"
        );
    }
    if let Ok(reference) = text.parse::<Reference>() {
        let written = reference.to_string();
        assert_eq!(written.parse(), Ok(reference.clone()), "{text}: {written}");
        let tagged = reference.with_tag("v1").to_string();
        assert!(tagged.parse::<Reference>().is_ok(), "{text}: {tagged}");
        let _ = (reference.is_loopback(), reference.identifier());
    }
    // Bare words look at the disk; these only read the grammar.
    for prefix in ["docker://", "docker-archive:", "oci-archive:", "oci:"] {
        let told = format!("{prefix}{text}");
        if let Ok(source) = Source::parse(&told) {
            assert!(!source.describe().is_empty());
        }
        let _ = Target::parse(&told);
    }
}

/// No blobs.
struct Nothing;

impl OpenBlob for Nothing {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        panic!("{} was opened", blob.label())
    }
}
