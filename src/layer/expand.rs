//! Sparse files made whole: holes become zeros (rule 12).
//!
//! Of its own because fingerprints hash what the rewriter writes: both expand here.

use crate::tar;

static ZEROS: [u8; 65536] = [0; 65536];

/// Where a sparse file's expansion stands.
pub struct Expansion<'a> {
    /// The stored extents; `None` for a file that is not sparse.
    pub sparse: Option<&'a [tar::Extent]>,
    /// Bytes of the whole file.
    pub logical: u64,
    /// Bytes given out so far.
    pub written: &'a mut u64,
    /// The extent that the next stored byte belongs to.
    pub extent: &'a mut usize,
}

/// Gives `sink` what stored `bytes` are in the expanded file: holes as zeros, then data.
pub fn expand(at: &mut Expansion<'_>, mut bytes: &[u8], sink: &mut dyn FnMut(&[u8])) {
    let Some(extents) = at.sparse else {
        *at.written += bytes.len() as u64;
        return sink(bytes);
    };
    while !bytes.is_empty() {
        let Some(extent) = extents.get(*at.extent) else {
            return;
        };
        zeros(at.written, extent.offset, sink);
        let left = (extent.offset + extent.len).saturating_sub(*at.written);
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        sink(&bytes[..take]);
        *at.written += take as u64;
        bytes = &bytes[take..];
        if take as u64 == left {
            *at.extent += 1;
        }
    }
}

/// Gives `sink` the hole at the end of a sparse file.
pub fn expand_tail(at: &mut Expansion<'_>, sink: &mut dyn FnMut(&[u8])) {
    if at.sparse.is_some() {
        zeros(at.written, at.logical, sink);
    }
}

fn zeros(written: &mut u64, until: u64, sink: &mut dyn FnMut(&[u8])) {
    while *written < until {
        let take = (until - *written).min(ZEROS.len() as u64);
        sink(&ZEROS[..take as usize]);
        *written += take;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_files_expand() {
        let extents = [
            tar::Extent { offset: 2, len: 2 },
            tar::Extent { offset: 6, len: 1 },
        ];
        let (mut written, mut extent, mut out) = (0, 0, Vec::new());
        let mut at = Expansion {
            sparse: Some(&extents),
            logical: 9,
            written: &mut written,
            extent: &mut extent,
        };
        for piece in [&b"a"[..], b"bc"] {
            expand(&mut at, piece, &mut |bytes| out.extend_from_slice(bytes));
        }
        expand_tail(&mut at, &mut |bytes| out.extend_from_slice(bytes));
        assert_eq!(out, b"\0\0ab\0\0c\0\0");
    }
}
