//! A layer's blob, compressed or not: read into a changeset, alike by one thread and by two, and squashed.

use layerslim::layer::Detail;

use super::blob::{image, is_quick, plain, read, squashes};
use super::bytes::repaired;

pub(super) fn check(input: &[u8]) {
    blob(input);
    let repaired = repaired(input);
    if repaired != input {
        blob(&repaired);
    }
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
