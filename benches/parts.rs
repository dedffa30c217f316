//! The parts of an analysis beside decompression and hashing, one by one, on layers of 100,000 files.
//!
//! A program of its own because what must not show up beside the floor (`benches/floor.rs`) is nanoseconds an
//! entry, which no whole image tells apart. Plain timing, the best and the median of a few rounds; nothing here
//! is a test. `cargo bench --bench parts`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::hint::black_box;
use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use layerslim::classify::{Classifier, Matcher, Matches};
use layerslim::content::ContentMap;
use layerslim::image::{BlobRef, Config, Image, ImageError, ImageName, OpenBlob};
use layerslim::layer::{self, Changeset, Detail, Limits, PathTree, ReadOptions};
use layerslim::oci::Digest;
use layerslim::profile::Catalog;
use layerslim::progress::{Progress, Stage};
use layerslim::tar;
use serde_json::json;

const FILES: usize = 100_000;
const ROUNDS: usize = 9;
const BODY: [u8; 512] = [b'#'; 512];

fn main() -> Result<()> {
    let (paths, base) = (paths(), archive(&paths(), 0));
    // The upper layer writes every tenth file again and removes every tenth of the others.
    let rewritten: Vec<Vec<u8>> = paths.iter().step_by(10).cloned().collect();
    let removed = paths.iter().skip(5).step_by(10).map(|path| whiteout(path));
    let upper_paths: Vec<Vec<u8>> = rewritten.into_iter().chain(removed).collect();
    let upper = archive(&upper_paths, 1);
    println!(
        "{FILES} files; {ROUNDS} rounds; {:<26} {:>8} {:>8}",
        "ns an entry", "best", "median"
    );

    report("tar scan", FILES, || (), |()| scan(&base))?;
    report("tree insert", FILES, PathTree::default, |mut tree| {
        for path in &paths {
            tree.insert(path);
        }
        Ok(tree)
    })?;
    let image = image(vec![base, upper])?;
    let entries = FILES + upper_paths.len();
    report("copy and SHA-256 of them", entries, || (), |()| hash(&image))?;
    report("layer read (hash, scan)", entries, || (), |()| read(&image))?;
    let changesets = read(&image)?;
    report(
        "merge",
        entries,
        || changesets.clone(),
        |layers| Ok(ContentMap::merge(layers)),
    )?;

    let catalog = Catalog::builtin()?;
    let matcher = Matcher::new(&catalog)?;
    report(
        "glob match",
        FILES,
        || absolute(&paths),
        |paths| {
            let mut matches = Matches::default();
            for path in &paths {
                matcher.candidates(path, &mut matches);
                black_box(matches.as_slice());
            }
            Ok(())
        },
    )?;
    let classifier = Classifier::new(catalog)?;
    let map = ContentMap::merge(changesets);
    report(
        "classify",
        entries,
        || (),
        |()| Ok(classifier.classify(&map, &image.config, &[], std::num::NonZeroUsize::MIN)),
    )
}

/// Times `work` on what `prepare` makes, which is not timed; nor is the end of what `work` gives.
fn report<T, R>(
    name: &str,
    count: usize,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T) -> Result<R>,
) -> Result<()> {
    let mut times: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        let input = prepare();
        let before = Instant::now();
        let output = black_box(work(input)?);
        times.push(before.elapsed());
        drop(output);
    }
    times.sort();
    let each = |time: Duration| time.as_nanos() / count as u128;
    println!("{name:<45} {:>8} {:>8}", each(times[0]), each(times[ROUNDS / 2]));
    Ok(())
}

/// Paths such as a language's package directory has: 1,000 directories of 100 files.
fn paths() -> Vec<Vec<u8>> {
    const TAILS: [&str; 8] = [
        "index.js",
        "README.md",
        "lib/main.py",
        "lib/__pycache__/main.cpython-313.pyc",
        "tests/test_main.py",
        "package.json",
        "locale/de/messages.mo",
        "native.so",
    ];
    (0..FILES)
        .map(|at| {
            let (package, tail) = (at / 100, TAILS[at % TAILS.len()]);
            format!("srv/app/node_modules/package-{package}/part{}/{tail}", at % 100).into_bytes()
        })
        .collect()
}

fn absolute(paths: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let slashed = |path: &Vec<u8>| [b"/", path.as_slice()].concat();
    paths.iter().map(slashed).collect()
}

fn whiteout(path: &[u8]) -> Vec<u8> {
    let at = path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
    [&path[..at], b".wh.", &path[at..]].concat()
}

/// A tar with one block of content in each file.
fn archive(paths: &[Vec<u8>], secs: i64) -> Vec<u8> {
    let mut out = Vec::with_capacity(paths.len() * 1024 + 1024);
    for path in paths {
        let mut header = tar::Header::new(tar::Kind::Regular, path, 0o644);
        header.mtime.secs = secs;
        (header.size, header.logical_size) = (BODY.len() as u64, BODY.len() as u64);
        tar::write_header(&mut out, &header);
        out.extend_from_slice(&BODY);
    }
    out.extend_from_slice(&tar::END);
    out
}

fn scan(archive: &[u8]) -> Result<u64> {
    let mut reader = tar::Reader::new(tar::Limits::default());
    let mut count = Count::default();
    for piece in archive.chunks(256 * 1024) {
        reader.feed(piece, &mut count)?;
    }
    reader.finish(&mut count)?;
    Ok(count.bytes)
}

/// Counts content bytes and looks at nothing.
#[derive(Default)]
struct Count {
    bytes: u64,
}

impl tar::Visitor for Count {
    type Error = tar::TarError;

    fn entry(&mut self, header: &tar::Header) -> Result<(), tar::TarError> {
        black_box(header);
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), tar::TarError> {
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), tar::TarError> {
        Ok(())
    }

    fn warning(&mut self, _: tar::Warning) {}
}

/// An image of these uncompressed layers, held in memory.
fn image(layers: Vec<Vec<u8>>) -> Result<Image> {
    let diff_ids: Vec<String> = layers.iter().map(|tar| Digest::of(tar).to_string()).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": ["/srv/app/run"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let name = ImageName {
        transport: "docker-archive",
        reference: "docker-archive:made.tar".to_owned(),
    };
    let members = (0..layers.len()).map(|at| at.to_string()).collect();
    let config = Config::parse(config.to_string().into_bytes())?;
    let held = Held(layers.into_iter().map(Arc::from).collect());
    Ok(Image::from_archive(name, members, config, Arc::new(held))?)
}

struct Held(Vec<Arc<[u8]>>);

impl OpenBlob for Held {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let bytes = blob.label().parse().ok().and_then(|at: usize| self.0.get(at));
        Ok(Box::new(Cursor::new(bytes.cloned().unwrap_or_default())))
    }
}

/// What hashing alone costs of the next row.
fn hash(image: &Image) -> Result<Vec<Digest>> {
    let mut digests = Vec::new();
    for layer in &image.layers {
        let mut bytes = Vec::new();
        image.open(layer)?.read_to_end(&mut bytes)?;
        digests.push(Digest::of(&bytes));
    }
    digests.first().context("no layers")?;
    Ok(digests)
}

fn read(image: &Image) -> Result<Vec<Changeset>> {
    let options = ReadOptions {
        threads: NonZeroUsize::MIN,
        detail: Detail::Facts,
        cache: None,
        progress: &Progress::none(),
        stage: Stage::Read,
        limits: Limits::default(),
        stop: &AtomicBool::new(false),
    };
    Ok(layer::read(image, &options)?)
}
