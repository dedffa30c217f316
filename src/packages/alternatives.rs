//! dpkg's alternatives: update-alternatives(1). One file each, which lists the choices that packages offer.
//!
//! A module of its own because an alternative belongs to several packages at once: its links go when all of its choices do.

use std::ops::Range;

use super::UnitId;
use super::databases::{Databases, File};
use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Kind, NodeId};

pub(super) const DIRECTORY: &str = "var/lib/dpkg/alternatives";

/// An alternative, such as `cc`.
#[derive(Debug, Clone)]
pub struct Alternative {
    /// Its name.
    pub name: String,
    /// The file that lists the choices.
    pub inode: EntryId,
    /// That file, the links to what is chosen, and the links to those.
    pub nodes: Vec<NodeId>,
    /// Who offers each choice, in the order of the file; `None` for what no package owns.
    pub choices: Vec<Option<UnitId>>,
    /// The choice that the link leads to.
    pub current: Option<usize>,
}

impl Alternative {
    /// Whether nothing of it is left without the packages that `goes` says.
    pub fn goes(&self, goes: &dyn Fn(UnitId) -> bool) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.is_some_and(goes))
    }
}

pub(super) fn read(
    map: &ContentMap,
    databases: &Databases<'_>,
    owner: &dyn Fn(NodeId) -> Option<UnitId>,
) -> Vec<Alternative> {
    let files = databases.inside(DIRECTORY).into_iter();
    files
        .filter_map(|(name, file)| alternative(map, name, file, owner))
        .collect()
}

fn alternative(
    map: &ContentMap,
    name: &[u8],
    file: File<'_>,
    owner: &dyn Fn(NodeId) -> Option<UnitId>,
) -> Option<Alternative> {
    let parsed = parse(file.bytes)?;
    let mut nodes = vec![file.node];
    let mut current = None;
    for (name, link) in [(name, parsed.link)].into_iter().chain(parsed.slaves) {
        let chosen = [b"/etc/alternatives/", name].concat();
        let Some(node) = place(map, &chosen) else { continue };
        if current.is_none() {
            let target = target(map, node);
            current = parsed.choices.iter().position(|(path, _)| Some(*path) == target);
        }
        nodes.push(node);
        let link = place(map, link);
        nodes.extend(link.filter(|&link| target(map, link) == Some(&chosen)));
    }
    // `/usr/bin/cpp` is a link of one package to the program of another one.
    let of = |path: &[u8]| owner(place(map, path)?).or_else(|| owner(map.resolve(path)?));
    let choices = parsed.choices.iter().map(|(path, _)| of(path));
    Some(Alternative {
        name: String::from_utf8_lossy(name).into_owned(),
        inode: file.inode,
        nodes,
        choices: choices.collect(),
        current,
    })
}

/// The file without some of its choices.
pub(super) fn without(bytes: &[u8], goes: impl Fn(usize) -> bool) -> Option<Vec<u8>> {
    let parsed = parse(bytes)?;
    let (mut out, mut at) = (Vec::new(), 0);
    for (number, (_, range)) in parsed.choices.iter().enumerate() {
        out.extend_from_slice(&bytes[at..range.start]);
        at = range.start;
        if goes(number) {
            at = range.end;
        }
    }
    out.extend_from_slice(&bytes[at..]);
    Some(out)
}

/// What a file says.
struct Parsed<'a> {
    /// The link that programs know, such as `/usr/bin/cc`.
    link: &'a [u8],
    /// Links that follow the choice: name and path.
    slaves: Vec<(&'a [u8], &'a [u8])>,
    /// Each choice's path, and the bytes that are about it.
    choices: Vec<(&'a [u8], Range<usize>)>,
}

/// `auto` or `manual`; the link; two lines for each slave; an empty line; for each choice its path, its priority and a line
/// for each slave; an empty line.
fn parse(bytes: &[u8]) -> Option<Parsed<'_>> {
    let mut at = 0;
    let mut line = || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let begin = at;
        at += length + 1;
        Some((&rest[..length], begin))
    };
    line()?;
    let (link, _) = line()?;
    let mut slaves = Vec::new();
    loop {
        let (name, _) = line()?;
        if name.is_empty() {
            break;
        }
        slaves.push((name, line()?.0));
    }
    let mut choices = Vec::new();
    while let Some((path, begin)) = line().filter(|(path, _)| !path.is_empty()) {
        let mut last = line()?;
        for _ in &slaves {
            last = line()?;
        }
        choices.push((path, begin..(last.1 + last.0.len() + 1).min(bytes.len())));
    }
    Some(Parsed {
        link,
        slaves,
        choices,
    })
}

/// What stands at an absolute path; a symlink at its end is not followed.
fn place(map: &ContentMap, path: &[u8]) -> Option<NodeId> {
    let cut = path.iter().rposition(|&b| b == b'/')?;
    let directory = map.resolve(&path[..=cut])?;
    map.tree().find_child(directory, &path[cut + 1..])
}

/// Where a symlink leads, as written.
fn target(map: &ContentMap, node: NodeId) -> Option<&[u8]> {
    let Visible::Entry(id) = map.visible(node) else {
        return None;
    };
    let inode = map.inode(id)?;
    (map.entry(inode).kind == Kind::Symlink).then(|| map.link(inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPP: &[u8] =
        b"auto\n/lib/cpp\ncpp.1\n/man/cpp.1\n\n/usr/bin/cpp-12\n12\n/man/cpp-12.1\n/usr/bin/cpp-13\n13\n\n\n";

    #[test]
    fn choices_and_what_is_left_of_them() {
        let parsed = parse(CPP).unwrap();
        assert_eq!(parsed.link, b"/lib/cpp");
        assert_eq!(parsed.slaves, [(&b"cpp.1"[..], &b"/man/cpp.1"[..])]);
        let paths: Vec<_> = parsed.choices.iter().map(|(path, _)| *path).collect();
        assert_eq!(paths, [&b"/usr/bin/cpp-12"[..], b"/usr/bin/cpp-13"]);
        let left = |goes: usize| without(CPP, |at| at == goes).unwrap();
        let head = &b"auto\n/lib/cpp\ncpp.1\n/man/cpp.1\n\n"[..];
        assert_eq!(left(0), [head, b"/usr/bin/cpp-13\n13\n\n\n"].concat());
        assert_eq!(
            left(1),
            [head, b"/usr/bin/cpp-12\n12\n/man/cpp-12.1\n\n"].concat()
        );
        assert_eq!(left(2), CPP);
        for broken in [
            &b""[..],
            b"auto",
            b"auto\n/x\n",
            b"auto\n/x\nname\n",
            b"auto\n/x\n\n/y\n",
        ] {
            assert!(parse(broken).is_none(), "{broken:?}");
        }
    }
}
