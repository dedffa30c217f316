//! dpkg: `status`, the lists beside it, and diversions; `status.d` in images made without dpkg.
//!
//! deb-control(5), dpkg-divert(1). The lists speak of `/bin/x` where a merged `/usr` has `/usr/bin/x`. In `status.d`
//! each package has a file of its own, and another one, `NAME.md5sums`, that names its files.

use hashbrown::HashMap;

use super::Manager;
use super::survey::{Captured, Survey};
use crate::layer::NodeId;

pub(super) fn has(path: &[u8]) -> bool {
    path.starts_with(b"var/lib/dpkg/")
}

pub(super) fn read(files: &[Captured<'_>], survey: &mut Survey<'_>) {
    let tree = survey.map.tree();
    let (mut packages, mut singles) = (Packages::default(), HashMap::new());
    let (mut lists, mut sums, mut diverted) = (Vec::new(), Vec::new(), HashMap::new());
    for file in files {
        let name = tree.name(file.node);
        let directory = tree.parent(file.node).map_or(&b""[..], |node| tree.name(node));
        match (directory, name) {
            (b"dpkg", b"status") => {
                controls(file.bytes).for_each(|control| {
                    packages.add(&control, survey);
                });
            }
            (b"dpkg", b"diversions") => diversions(file.bytes, survey, &mut diverted),
            (b"info", name) => lists.extend(name.strip_suffix(b".list").map(|name| (name, file.bytes))),
            (b"status.d", name) => {
                if let Some(name) = name.strip_suffix(b".md5sums") {
                    sums.push((name, file.bytes));
                } else {
                    let control = controls(file.bytes).next();
                    let id = control.and_then(|control| packages.add(&control, survey));
                    singles.extend(id.map(|id| (name, id)));
                }
            }
            _ => {}
        }
    }
    for (name, list) in lists {
        let Some(id) = packages.find(name) else { continue };
        let name = name.split(|&b| b == b':').next().unwrap_or_default();
        let mut paths = list.split(|&b| b == b'\n').peekable();
        while let Some(path) = paths.next() {
            // What stands below a directory follows it: of a `/bin` that is a link now, nobody is the owner.
            let below = paths.peek().and_then(|next| next.strip_prefix(path));
            if below.is_some_and(|rest| rest.starts_with(b"/")) {
                continue;
            }
            let Some(place) = survey.place(NodeId::ROOT, path) else {
                continue;
            };
            match diverted.get(&place) {
                // The package that diverts others has the place for itself.
                Some((to, by)) if *by != name => survey.claim_path(NodeId::ROOT, to, id),
                _ => survey.claim(place.0, place.1, id),
            }
        }
    }
    for (name, list) in sums {
        let Some(&id) = singles.get(name) else { continue };
        for line in list.split(|&b| b == b'\n') {
            // The sum, and two spaces or a space and an asterisk.
            let path = line.get(34..).unwrap_or_default();
            survey.claim_path(NodeId::ROOT, path, id);
        }
    }
}

/// The packages of a database by name, and by name and architecture.
#[derive(Default)]
struct Packages<'a> {
    by_name: HashMap<&'a [u8], u32>,
    by_arch: HashMap<(&'a [u8], &'a [u8]), u32>,
}

impl<'a> Packages<'a> {
    fn add(&mut self, control: &Control<'a>, survey: &mut Survey<'_>) -> Option<u32> {
        let Control {
            name, version, arch, ..
        } = *control;
        if !control.is_installed() {
            return None;
        }
        let id = survey.package(Manager::Deb, name, version, arch)?;
        self.by_name.entry(name).or_insert(id);
        self.by_arch.entry((name, arch)).or_insert(id);
        Some(id)
    }

    /// `NAME` or `NAME:ARCH`.
    fn find(&self, name: &[u8]) -> Option<u32> {
        let exact = || {
            let colon = name.iter().position(|&b| b == b':')?;
            self.by_arch.get(&(&name[..colon], &name[colon + 1..])).copied()
        };
        self.by_name.get(name).copied().or_else(exact)
    }
}

/// What stands of a package in `status`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Control<'a> {
    name: &'a [u8],
    version: &'a [u8],
    arch: &'a [u8],
    /// The state, the last of three words; empty where there is none.
    state: &'a [u8],
}

impl Control<'_> {
    /// Whether its files are there, or some of them.
    fn is_installed(&self) -> bool {
        !matches!(self.state, b"not-installed" | b"config-files")
    }
}

/// The paragraphs of a control file that name a package.
fn controls(bytes: &[u8]) -> impl Iterator<Item = Control<'_>> {
    let mut lines = bytes.split(|&b| b == b'\n');
    std::iter::from_fn(move || {
        let mut control = Control::default();
        loop {
            let line = lines.next();
            let text = line.unwrap_or_default().trim_ascii_end();
            if text.is_empty() && !control.name.is_empty() {
                return Some(control);
            }
            line?;
            if let Some((field, value)) = field(text) {
                match field.to_ascii_lowercase().as_slice() {
                    b"package" => control.name = value,
                    b"version" => control.version = value,
                    b"architecture" => control.arch = value,
                    b"status" => control.state = value.rsplit(|&b| b == b' ').next().unwrap_or_default(),
                    _ => {}
                }
            }
        }
    })
}

/// The fields that are looked at have short names; lines that go on begin with a space.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().take(16).position(|&b| b == b':')?;
    (!line.starts_with(b" ")).then(|| (&line[..colon], line[colon + 1..].trim_ascii()))
}

/// A path, by its directory and its name → where others' files of that path are, and the package that says so.
type Diverted<'a> = HashMap<(NodeId, &'a [u8]), (&'a [u8], &'a [u8])>;

/// Three lines each: from, to, and the package, or `:` for a local one.
fn diversions<'a>(bytes: &'a [u8], survey: &mut Survey<'_>, diverted: &mut Diverted<'a>) {
    let mut lines = bytes.split(|&b| b == b'\n');
    while let (Some(from), Some(to), Some(by)) = (lines.next(), lines.next(), lines.next()) {
        if let Some(place) = survey.place(NodeId::ROOT, from) {
            diverted.entry(place).or_insert((to, by));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_of_status() {
        let shown = |text: &str| {
            controls(text.as_bytes())
                .map(|control| {
                    let words = [control.name, control.version, control.arch].map(String::from_utf8_lossy);
                    format!("{} {}", words.join(" "), control.is_installed())
                })
                .collect::<Vec<_>>()
        };
        for (text, want) in [
            ("", &[][..]),
            ("\n\nVersion: 1\n\n", &[]),
            (
                "Package: a\nStatus: install ok installed\nArchitecture: all\nVersion: 1:2-3\n",
                &["a 1:2-3 all true"],
            ),
            (
                "package:a\r\nversion:1\r\n\r\nPackage: b",
                &["a 1  true", "b   true"],
            ),
            (
                "Package: a\nDescription: x\n Package: no\nStatus: deinstall ok config-files\n\n",
                &["a   false"],
            ),
            ("Package: a\nStatus: install ok triggers-pending\n", &["a   true"]),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }
}
