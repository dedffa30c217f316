//! A layer's blob, compressed or not: read into a changeset, alike by one thread and by two, and squashed.

use std::collections::BTreeSet;

use layerslim::layer::{Detail, FactKind, is_test_directory, is_test_file};

use super::blob::{image, is_quick, plain, read, squashes};
use super::bytes::repaired;

pub(super) fn check(input: &[u8]) {
    blob(input);
    let repaired = repaired(input);
    if repaired != input {
        blob(&repaired);
    }
    source(input);
}

/// The input as source code: what it imports names tests, and is found as well behind something long.
fn source(text: &[u8]) {
    for name in ["a.py", "a.js"] {
        let found = imports(name, text);
        for line in &found {
            let mut parts = line.trim_end_matches('/').rsplit('/');
            let last = parts.next().unwrap_or_default().as_bytes();
            assert!(is_test_directory(last) || is_test_file(last), "{name}: {line}");
        }
        // What is longer may be cut by the windows that a probe has.
        if text.len() <= 4096 && !text.starts_with(b"\xef") {
            let behind = [b"x = 1\n".repeat(10_600).as_slice(), text].concat();
            let again = imports(name, &behind);
            assert!(found.is_subset(&again), "{name}: {found:?} is {again:?}");
        }
    }
}

/// What the probe says that a file imports.
fn imports(name: &str, text: &[u8]) -> BTreeSet<String> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    let written = builder
        .append_data(&mut header, name, text)
        .and_then(|()| builder.into_inner());
    let plain = written.unwrap_or_else(|error| panic!("our own tar: {error}"));
    let changesets = read(&image(&plain, &plain), Detail::Facts, 1);
    let changesets = changesets.unwrap_or_else(|error| panic!("our own layer: {error}"));
    let facts = changesets[0].facts.iter();
    let facts = facts.filter(|fact| fact.kind == FactKind::TestImport);
    facts
        .flat_map(|fact| fact.value.split(|&byte| byte == b'\n'))
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

fn blob(blob: &[u8]) {
    let Some(plain) = plain(blob) else {
        damaged(blob);
        return;
    };
    let image = image(blob, &plain);
    let again = match (read(&image, Detail::Facts, 1), read(&image, Detail::Facts, 2)) {
        (Ok(changesets), Ok(_)) => changesets,
        (Err(one), Err(two)) => return assert_eq!(one.to_string(), two.to_string(), "one thread and two"),
        (one, two) => panic!("with one thread {one:?}, with two {two:?}"),
    };
    if !is_quick(&again) {
        return;
    }
    let changesets = read(&image, Detail::Fingerprints, 1);
    let changesets = changesets.unwrap_or_else(|error| panic!("read, and not in full detail: {error}"));
    let (layer, other) = (&changesets[0], &again[0]);
    assert_eq!(
        layer.sizes.uncompressed(),
        plain.len() as u64,
        "content and framing"
    );
    assert_eq!(
        (
            layer.sizes,
            &layer.entries,
            &layer.whiteouts,
            &layer.opaques,
            &layer.warnings
        ),
        (
            other.sizes,
            &other.entries,
            &other.whiteouts,
            &other.opaques,
            &other.warnings
        ),
        "another reading"
    );
    assert_eq!(layer.fingerprints.len(), layer.entries.len(), "fingerprints");
    let disk: u64 = layer.entries.iter().map(|entry| entry.size).sum();
    assert_eq!(layer.sizes.disk, disk, "bodies");
    for (at, entry) in layer.entries.iter().enumerate() {
        assert!(entry.node.index() < layer.tree.len(), "a node of another tree");
        let _ = (
            layer.path(entry),
            layer.link(entry),
            layer.logical_size(at as u32),
        );
        let _ = layer.directory_header(at as u32);
    }
    squashes(&image, changesets);
}

/// What cannot be decompressed is refused; so is what would take too long here, in the end by its diff id.
fn damaged(blob: &[u8]) {
    let image = image(blob, b"");
    assert!(
        read(&image, Detail::Facts, 1).is_err(),
        "a damaged blob is accepted"
    );
}
