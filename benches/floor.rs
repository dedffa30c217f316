//! The floor under `slim report`: every layer of an OCI layout decompressed and hashed, and nothing else.
//!
//! A program of its own because a time says little without the least time that any analyser needs on the same
//! machine: blob digest over the compressed bytes, diff id over the uncompressed ones, by the same two
//! libraries (zlib-rs, sha2) and as many threads as it is told. It uses nothing of `layerslim`.
//!
//! `floor [--threads N] LAYOUT` prints one line of JSON. Without a layout it makes a small one, so that
//! `cargo bench` works on a fresh clone. Layers are taken largest first, each by one thread.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::fs::{self, File};
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const BUFFER: usize = 256 * 1024;

fn main() -> Result<()> {
    let arguments = Arguments::read()?;
    let mut made = None;
    let layout = match arguments.layout {
        Some(layout) => layout,
        None => made.insert(make_layout()?).path().to_owned(),
    };
    let layers = layers(&layout)?;
    let before = Instant::now();
    let uncompressed = read_all(&layers, arguments.threads)?;
    let seconds = before.elapsed().as_secs_f64();
    let compressed: u64 = layers.iter().map(|layer| layer.size).sum();
    let line = json!({
        "seconds": (seconds * 1000.0).round() / 1000.0,
        "threads": arguments.threads.get(),
        "layers": layers.len(),
        "compressed": compressed,
        "uncompressed": uncompressed,
    });
    println!("{line}");
    Ok(())
}

struct Arguments {
    layout: Option<PathBuf>,
    threads: NonZeroUsize,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut read = Self {
            layout: None,
            threads: std::thread::available_parallelism()?,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {} // what cargo says to every benchmark
                "--threads" => {
                    read.threads = words.next().context("--threads needs a number")?.parse()?;
                }
                option if option.starts_with('-') => bail!("unknown option {option}"),
                _ => read.layout = Some(PathBuf::from(word)),
            }
        }
        Ok(read)
    }
}

struct Layer {
    path: PathBuf,
    digest: String,
    diff_id: String,
    size: u64,
}

/// The layers of the first image of a layout, largest first.
fn layers(layout: &Path) -> Result<Vec<Layer>> {
    let mut document = parse(&layout.join("index.json"))?;
    while let Some(first) = document["manifests"].get(0) {
        document = parse(&blob(layout, &first["digest"])?)?;
    }
    let config = parse(&blob(layout, &document["config"]["digest"])?)?;
    let listed = document["layers"]
        .as_array()
        .context("the manifest has no layers")?;
    let diff_ids = config["rootfs"]["diff_ids"].as_array().context("no diff_ids")?;
    ensure!(
        listed.len() == diff_ids.len(),
        "manifest and config differ in layers"
    );
    let mut layers = Vec::new();
    for (layer, diff_id) in listed.iter().zip(diff_ids) {
        let kind = layer["mediaType"].as_str().unwrap_or_default();
        ensure!(
            kind.ends_with("gzip"),
            "only gzip layers are measured, not {kind}"
        );
        layers.push(Layer {
            path: blob(layout, &layer["digest"])?,
            digest: text(&layer["digest"])?.to_owned(),
            diff_id: text(diff_id)?.to_owned(),
            size: layer["size"].as_u64().context("a layer has no size")?,
        });
    }
    layers.sort_by_key(|layer| std::cmp::Reverse(layer.size));
    Ok(layers)
}

fn parse(path: &Path) -> Result<Value> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    Ok(serde_json::from_slice(&bytes)?)
}

fn blob(layout: &Path, digest: &Value) -> Result<PathBuf> {
    let (algorithm, hex) = text(digest)?.split_once(':').context("no digest")?;
    Ok(layout.join("blobs").join(algorithm).join(hex))
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().context("a document lacks a text")
}

/// Reads every layer; gives the number of uncompressed bytes.
fn read_all(layers: &[Layer], threads: NonZeroUsize) -> Result<u64> {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Ok(0));
    let work = || {
        while let Some(layer) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = read_layer(layer);
            if let Ok(mut total) = total.lock() {
                *total = std::mem::replace(&mut *total, Ok(0))
                    .and_then(|sum: u64| result.map(|count| sum + count));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.get().min(layers.len()) {
            scope.spawn(work);
        }
        work();
    });
    total
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn read_layer(layer: &Layer) -> Result<u64> {
    let blob = Hashed {
        inner: File::open(&layer.path)?,
        hasher: Sha256::new(),
    };
    let mut decoder = MultiGzDecoder::new(std::io::BufReader::with_capacity(BUFFER, blob));
    let (mut buffer, mut hasher, mut count) = (vec![0; BUFFER], Sha256::new(), 0);
    loop {
        let read = decoder.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        count += read as u64;
    }
    let mut blob = decoder.into_inner().into_inner();
    std::io::copy(&mut blob, &mut std::io::sink())?;
    for (hasher, expected) in [(blob.hasher, &layer.digest), (hasher, &layer.diff_id)] {
        let actual = digest(hasher);
        ensure!(actual == *expected, "{actual} where {expected} was expected");
    }
    Ok(count)
}

fn digest(hasher: Sha256) -> String {
    let hex: Vec<String> = hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{}", hex.concat())
}

struct Hashed {
    inner: File,
    hasher: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(out)?;
        self.hasher.update(&out[..count]);
        Ok(count)
    }
}

/// A layout of three layers, 24 MiB in all, that compress about as programs do.
fn make_layout() -> Result<tempfile::TempDir> {
    let directory = tempfile::tempdir()?;
    fs::create_dir_all(directory.path().join("blobs/sha256"))?;
    let (mut layers, mut diff_ids, mut state) = (Vec::new(), Vec::new(), 1_u32);
    for mebibytes in [12, 8, 4] {
        let plain: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8 & 0x3f
        })
        .take(mebibytes << 20)
        .collect();
        diff_ids.push(digest(Sha256::new_with_prefix(&plain)));
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&plain)?;
        let kind = "application/vnd.oci.image.layer.v1.tar+gzip";
        layers.push(put(directory.path(), kind, &gzip.finish()?)?);
    }
    let config =
        json!({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let kind = "application/vnd.oci.image.config.v1+json";
    let config = put(directory.path(), kind, config.to_string().as_bytes())?;
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers});
    let manifest = put(directory.path(), kind, manifest.to_string().as_bytes())?;
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(directory.path().join("index.json"), index.to_string())?;
    fs::write(
        directory.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )?;
    Ok(directory)
}

/// Stores a blob; gives its descriptor.
fn put(layout: &Path, kind: &str, bytes: &[u8]) -> Result<Value> {
    let digest = json!(digest(Sha256::new_with_prefix(bytes)));
    fs::write(blob(layout, &digest)?, bytes)?;
    Ok(json!({"mediaType": kind, "digest": digest, "size": bytes.len()}))
}
