//! Header blocks as an output has them, and how those of directories are kept small.
//!
//! Of its own because the first reading (which measures and keeps them) and the rewriter (which writes them) must
//! agree to the byte. Rule 15a.

use super::entry::Kind;
use crate::tar;

/// The header blocks that an output has for a member: its own, byte for byte, where they are canonical and
/// name `path` plainly; else made from its fields, into `scratch` (rule 15a).
pub fn output_blocks<'a>(header: &'a tar::Header, path: &[u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let name = header.path.strip_prefix(b"./").unwrap_or(&header.path);
    let name = name.strip_suffix(b"/").unwrap_or(name);
    let is_plain = name == path || (path.is_empty() && name == b".");
    if header.canonical && is_plain {
        return &header.raw;
    }
    let mut renamed = header.clone();
    renamed.rename(&written_name(path, Kind::of(header.kind)));
    scratch.clear();
    tar::write_header(scratch, &renamed);
    scratch
}

/// A path as a tar names it: a directory with a slash at its end, the root as `./`.
pub fn written_name(path: &[u8], kind: Kind) -> Vec<u8> {
    let mut name = if path.is_empty() {
        b".".to_vec()
    } else {
        path.to_vec()
    };
    if kind == Kind::Directory {
        name.push(b'/');
    }
    name
}

/// Header blocks are mostly zeros: a zero byte is followed by how many zeros it stands for (1 to 255).
pub(super) fn pack_zeros(bytes: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < bytes.len() {
        out.push(bytes[at]);
        if bytes[at] != 0 {
            at += 1;
            continue;
        }
        let run = bytes[at..].iter().take(255).take_while(|&&b| b == 0).count();
        out.push(run as u8);
        at += run;
    }
}

pub(super) fn unpack_zeros(packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut bytes = packed.iter();
    while let Some(&byte) = bytes.next() {
        let count = if byte == 0 {
            bytes.next().copied().unwrap_or(1)
        } else {
            1
        };
        out.resize(out.len() + usize::from(count), byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_headers_come_back() {
        for bytes in [
            vec![],
            vec![0; 512],
            vec![7; 3],
            [vec![1, 0, 2], vec![0; 600], vec![9]].concat(),
        ] {
            let mut packed = Vec::new();
            pack_zeros(&bytes, &mut packed);
            assert_eq!(unpack_zeros(&packed), bytes);
        }
    }
}
