//! Whole files that the floors above read: the databases of package managers, and the little files beside packages.
//!
//! Of its own because which files those are is one table. What stands in them is for `owners` to say; here they are only
//! kept, within bounds: a file that is larger, or one after too many, leaves no fact.

use super::Reader;

/// Bytes of one captured file, at most: the largest package databases known have 40 MB.
const MAX_BYTES: u64 = 64 << 20;

/// Which paths are captured, and up to how many bytes each.
type Wanted = fn(path: &[u8], size: u64) -> bool;

const WANTED: &[Wanted] = &[linker_paths];

/// Where the dynamic linker looks: ld.so.conf(5), ld.so(8), and musl's list of directories.
fn linker_paths(path: &[u8], size: u64) -> bool {
    let Some(name) = path.strip_prefix(b"etc/") else {
        return false;
    };
    let is_listed = matches!(name, b"ld.so.conf" | b"ld.so.preload");
    let is_included = name.starts_with(b"ld.so.conf.d/") && name.ends_with(b".conf");
    let is_musl = name.starts_with(b"ld-musl-") && name.ends_with(b".path");
    size <= 64 << 10 && (is_listed || is_included || is_musl)
}

/// Keeps every byte.
struct Capture(Vec<u8>);

impl Reader for Capture {
    fn read(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        Some(self.0.into())
    }
}

/// A reader for a file that is wanted whole.
pub(super) fn begin(path: &[u8], size: u64, _head: &[u8]) -> Option<Box<dyn Reader>> {
    let is_wanted = size <= MAX_BYTES && WANTED.iter().any(|wanted| wanted(path, size));
    is_wanted.then(|| Box::new(Capture(Vec::new())) as Box<dyn Reader>)
}
