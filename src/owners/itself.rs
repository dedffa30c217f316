//! Files that say themselves what they are: programs of Go and Rust, and Java archives.
//!
//! One module for them because the probes have done what differs. Such a file is its own package: what it was built from
//! has no bytes of its own in it that could be told apart. One that a package manager installed stays that package's.

use super::Manager;
use super::survey::{Captured, Survey};

/// Reads facts of the form `NAME`, a line end, `VERSION`.
pub(super) fn read(manager: Manager, files: &[Captured<'_>], survey: &mut Survey<'_>) {
    for file in files {
        // A package that would own nothing is not in the image.
        if !survey.is_free(file.node) {
            continue;
        }
        let mut words = file.bytes.splitn(2, |&b| b == b'\n');
        let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if let Some(id) = survey.package(manager, name, version, b"") {
            survey.claim_node(file.node, id);
        }
    }
}
