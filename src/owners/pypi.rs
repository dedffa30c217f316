//! Python distributions: `*.dist-info`, `*.egg-info` and `*.egg`.
//!
//! packaging.python.org, "Recording installed projects": `METADATA` says what it is, `RECORD` lists its files as CSV,
//! relative to the directory that the `.dist-info` is in. Older installers leave `PKG-INFO` and `installed-files.txt`,
//! relative to the `.egg-info` itself. Where neither list is there, `top_level.txt` names what it brought. An egg has everything in it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Manager;
use super::survey::{Captured, Survey};
use crate::layer::NodeId;

pub(super) fn has(path: &[u8]) -> bool {
    let is_info =
        |part: &[u8]| part.ends_with(b".dist-info") || part.ends_with(b".egg-info") || part == b"EGG-INFO";
    path.rsplit(|&b| b == b'/').take(2).any(is_info)
}

pub(super) fn read(files: &[Captured<'_>], survey: &mut Survey<'_>) {
    let tree = survey.map.tree();
    let mut found: BTreeMap<NodeId, Distribution> = BTreeMap::new();
    for file in files {
        let name = tree.name(file.node);
        // The metadata of distutils is a file and no directory.
        let at = if name.ends_with(b".egg-info") {
            Some(file.node)
        } else {
            tree.parent(file.node)
        };
        let Some(distribution) = at.map(|at| found.entry(at).or_default()) else {
            continue;
        };
        let slot = match name {
            b"RECORD" => &mut distribution.record,
            b"installed-files.txt" => &mut distribution.installed,
            b"top_level.txt" => &mut distribution.top,
            b"requires.txt" | b"INSTALLER" => continue,
            _ => &mut distribution.metadata,
        };
        slot.get_or_insert(file.bytes);
    }
    for (info, distribution) in found {
        distribution.claim(info, survey);
    }
}

/// What its directory says of a distribution.
#[derive(Default)]
struct Distribution<'a> {
    metadata: Option<&'a [u8]>,
    record: Option<&'a [u8]>,
    installed: Option<&'a [u8]>,
    top: Option<&'a [u8]>,
}

impl Distribution<'_> {
    fn claim(&self, info: NodeId, survey: &mut Survey<'_>) {
        let tree = survey.map.tree();
        let Some(site) = tree.parent(info) else { return };
        let (mut name, mut version) = self.metadata.map(headers).unwrap_or_default();
        if name.is_empty() {
            (name, version) = of_directory(tree.name(info));
        }
        let Some(id) = survey.package(Manager::Pypi, name, version, b"") else {
            return;
        };
        survey.home(info, id);
        if let Some(record) = self.record {
            paths(record).for_each(|path| survey.claim_path(site, &path, id));
        } else if let Some(list) = self.installed {
            let lines = list.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
            lines.for_each(|path| survey.claim_path(info, path, id));
        } else if let Some(top) = self.top {
            for name in top.split(|&b| b == b'\n').map(<[u8]>::trim_ascii) {
                if matches!(name, b"" | b"." | b"..") {
                    continue;
                }
                if let Some(package) = tree.find_child(site, name) {
                    survey.claim_tree(package, id);
                }
                survey.claim(site, &[name, b".py"].concat(), id);
            }
        }
        let is_egg = tree.name(info) == b"EGG-INFO";
        survey.claim_tree(if is_egg { site } else { info }, id);
    }
}

/// `Name` and `Version` of the core metadata, which are headers of a mail; the head ends at the first empty line.
fn headers(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (mut name, mut version) = (&b""[..], &b""[..]);
    let lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some(colon) = line.iter().take(16).position(|&b| b == b':') else {
            continue;
        };
        let value = line[colon + 1..].trim_ascii();
        match line[..colon].to_ascii_lowercase().as_slice() {
            b"name" if name.is_empty() => name = value,
            b"version" if version.is_empty() => version = value,
            _ => {}
        }
    }
    (name, version)
}

/// `NAME-VERSION` before the suffix; eggs add `-pyX.Y`.
fn of_directory(name: &[u8]) -> (&[u8], &[u8]) {
    let stem = name.strip_suffix(b".dist-info");
    let stem = stem.or_else(|| name.strip_suffix(b".egg-info")).unwrap_or(name);
    let mut parts = stem.splitn(3, |&b| b == b'-');
    let name = parts.next().unwrap_or_default();
    (name, parts.next().unwrap_or_default())
}

/// The first field of every row of a CSV file; quotes around it are doubled inside it.
fn paths(csv: &[u8]) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mut rest = csv;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let path = if let Some(quoted) = rest.strip_prefix(b"\"") {
            let (path, behind) = unquote(quoted);
            rest = behind;
            Cow::Owned(path)
        } else {
            let is_end = |&b: &u8| b == b',' || b == b'\n' || b == b'\r';
            let end = rest.iter().position(is_end).unwrap_or(rest.len());
            let path = &rest[..end];
            rest = &rest[end..];
            Cow::Borrowed(path)
        };
        let line_end = rest
            .iter()
            .position(|&b| b == b'\n')
            .map_or(rest.len(), |at| at + 1);
        rest = &rest[line_end..];
        Some(path)
    })
}

/// What stands up to the closing quote, and what stands behind it.
fn unquote(quoted: &[u8]) -> (Vec<u8>, &[u8]) {
    let (mut out, mut rest) = (Vec::new(), quoted);
    while let Some(at) = rest.iter().position(|&b| b == b'"') {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(behind) = rest.strip_prefix(b"\"") else {
            return (out, rest);
        };
        out.push(b'"');
        rest = behind;
    }
    out.extend_from_slice(rest);
    (out, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_record() {
        let shown = |text: &str| {
            paths(text.as_bytes())
                .map(|path| String::from_utf8_lossy(&path).into_owned())
                .collect::<Vec<_>>()
        };
        for (text, want) in [
            ("", &[][..]),
            (
                "a/b.py,sha256=x,5\r\n../../../bin/x,,\na",
                &["a/b.py", "../../../bin/x", "a"],
            ),
            (
                "\"a,\"\"b\"\".py\",sha256=x,5\n\"c\nd\",,\n",
                &["a,\"b\".py", "c\nd"],
            ),
            ("\"never closed,,\nx", &["never closed,,\nx"]),
            ("\n\nb,,", &["", "", "b"]),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }

    #[test]
    fn what_a_distribution_is() {
        let shown = |(name, version): (&[u8], &[u8])| {
            [name, version]
                .map(String::from_utf8_lossy)
                .map(std::borrow::Cow::into_owned)
        };
        for (text, want) in [
            (
                "Metadata-Version: 2.1\nName: PyYAML\nVersion: 6.0\n\nName: x",
                ["PyYAML", "6.0"],
            ),
            ("name:a\r\nVERSION: 1\r\n\r\n", ["a", "1"]),
            ("Summary: none\n", ["", ""]),
        ] {
            assert_eq!(shown(headers(text.as_bytes())), want, "{text:?}");
        }
        for (name, want) in [
            ("ruamel.yaml-0.18.dist-info", ["ruamel.yaml", "0.18"]),
            ("a-1.2-py3.11.egg-info", ["a", "1.2"]),
            ("a.egg-info", ["a", ""]),
        ] {
            assert_eq!(shown(of_directory(name.as_bytes())), want, "{name}");
        }
    }
}
