//! Probes: what is learnt from a file's bytes while its layer streams past.
//!
//! A closed table. A probe sees a path, a size and the first bytes of a body, and leaves a bounded
//! [`Fact`]; the floors above read facts, never blobs. Changing the table changes [`PROBE_SET`], which is
//! part of the changeset cache's key.

/// Version of the set of probes: part of every cached changeset's key.
pub(super) const PROBE_SET: u32 = 1;

/// First bytes of a body that every probe may see.
pub(super) const HEAD_BYTES: usize = 256;

/// Which probe left a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FactKind {
    /// The interpreter line of a script, without `#!`, trimmed, at most 127 bytes as the kernel reads it.
    Shebang = 1,
    /// A `HEAD` in a directory `.git` that is what git writes: a ref, or a commit's hash. No value.
    GitHead = 2,
}

impl FactKind {
    pub(super) fn from_number(number: u8) -> Option<Self> {
        [Self::Shebang, Self::GitHead]
            .into_iter()
            .find(|kind| *kind as u8 == number)
    }
}

/// Something learnt from the bytes of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Index of the entry in its changeset.
    pub entry: u32,
    /// Which probe left it.
    pub kind: FactKind,
    /// What it found; its meaning is the kind's.
    pub value: Box<[u8]>,
}

/// Path, size and first bytes of a body → what it says, if anything.
type Probe = fn(path: &[u8], size: u64, head: &[u8]) -> Option<Box<[u8]>>;

const PROBES: &[(FactKind, Probe)] = &[(FactKind::Shebang, shebang), (FactKind::GitHead, git_head)];

/// Runs every probe over one file and appends what they found.
pub(super) fn run(entry: u32, path: &[u8], size: u64, head: &[u8], facts: &mut Vec<Fact>) {
    for (kind, probe) in PROBES {
        if let Some(value) = probe(path, size, head) {
            facts.push(Fact {
                entry,
                kind: *kind,
                value,
            });
        }
    }
}

/// Linux reads 256 bytes of a script and takes the line up to its newline (`fs/binfmt_script.c`).
fn shebang(_path: &[u8], _size: u64, head: &[u8]) -> Option<Box<[u8]>> {
    let line = head.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    Some(line[..line.len().min(127)].trim_ascii().into())
}

/// gitrepository-layout(5): `HEAD` is `ref: refs/…` or a hash of 40 or 64 hex digits.
fn git_head(path: &[u8], size: u64, head: &[u8]) -> Option<Box<[u8]>> {
    let directory = path.strip_suffix(b"/HEAD")?;
    if !(directory == b".git" || directory.ends_with(b"/.git")) || size > HEAD_BYTES as u64 {
        return None;
    }
    let text = head.trim_ascii_end();
    let is_hash = matches!(text.len(), 40 | 64) && text.iter().all(u8::is_ascii_hexdigit);
    let reference = text.strip_prefix(b"ref:").map(<[u8]>::trim_ascii_start);
    (is_hash || reference.is_some_and(|name| name.starts_with(b"refs/"))).then(Box::default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_shebang_and_git_head() {
        let facts = |path: &str, body: &[u8]| {
            let mut facts = Vec::new();
            run(7, path.as_bytes(), body.len() as u64, body, &mut facts);
            facts
                .into_iter()
                .map(|fact| (fact.kind, fact.value.to_vec()))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            facts("a", b"#! /usr/bin/env python3 \nx"),
            [(FactKind::Shebang, b"/usr/bin/env python3".to_vec())]
        );
        assert_eq!(
            facts("app/.git/HEAD", b"ref: refs/heads/main\n"),
            [(FactKind::GitHead, Vec::new())]
        );
        assert_eq!(facts(".git/HEAD", &[b'a'; 40]), [(FactKind::GitHead, Vec::new())]);
        assert_eq!(facts("app/.git/HEAD", b"not a head\n"), []);
        assert_eq!(facts("app/git/HEAD", b"ref: refs/heads/main\n"), []);
    }
}
