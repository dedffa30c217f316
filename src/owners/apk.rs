//! apk: one file, `installed`, with every package and every file of it.
//!
//! apk-package(5), "installed database": lines `P:` name, `V:` version, `A:` architecture, then `F:` a directory and `R:`
//! each file in it; an empty line ends a package.

use super::Manager;
use super::survey::{Captured, Survey};
use crate::layer::NodeId;

pub(super) fn has(path: &[u8]) -> bool {
    path == b"lib/apk/db/installed" || path == b"usr/lib/apk/db/installed"
}

pub(super) fn read(files: &[Captured<'_>], survey: &mut Survey<'_>) {
    for file in files {
        let mut path = Vec::new();
        let mut id = None;
        lines(file.bytes, |line| match line {
            Line::Package { name, version, arch } => {
                id = survey.package(Manager::Apk, name, version, arch);
            }
            Line::File { directory, name } => {
                path.clear();
                path.extend_from_slice(directory);
                path.push(b'/');
                path.extend_from_slice(name);
                if let Some(id) = id {
                    survey.claim_path(NodeId::ROOT, &path, id);
                }
            }
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line<'a> {
    Package {
        name: &'a [u8],
        version: &'a [u8],
        arch: &'a [u8],
    },
    File {
        directory: &'a [u8],
        name: &'a [u8],
    },
}

/// Tells each package, before its files, and each file.
fn lines<'a>(bytes: &'a [u8], mut tell: impl FnMut(Line<'a>)) {
    let (mut name, mut version, mut arch, mut directory) = (&b""[..], &b""[..], &b""[..], &b""[..]);
    let mut is_told = false;
    for line in bytes.split(|&b| b == b'\n').chain([&b""[..]]) {
        let Some((letter, value)) = line.split_first_chunk::<2>() else {
            if !is_told && !name.is_empty() {
                tell(Line::Package { name, version, arch });
            }
            (name, version, arch, directory, is_told) = (b"", b"", b"", b"", false);
            continue;
        };
        match letter {
            b"P:" => name = value,
            b"V:" => version = value,
            b"A:" => arch = value,
            b"F:" => {
                directory = value;
                if !is_told {
                    tell(Line::Package { name, version, arch });
                    is_told = true;
                }
            }
            b"R:" if is_told => tell(Line::File {
                directory,
                name: value,
            }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_their_files() {
        let shown = |text: &str| {
            let mut out = String::new();
            lines(text.as_bytes(), |line| {
                let words = match line {
                    Line::Package { name, version, arch } => vec![&b"p"[..], name, version, arch],
                    Line::File { directory, name } => vec![&b"f"[..], directory, name],
                };
                out += &String::from_utf8_lossy(&words.join(&b' '));
                out.push(';');
            });
            out
        };
        for (text, want) in [
            ("", ""),
            ("\n\n", ""),
            ("P:a\nV:1-r0\n", "p a 1-r0 ;"),
            (
                "C:Q1\nP:a\nV:1\nA:x86_64\nF:\nF:bin\nR:sh\na:0:0:755\nZ:Q1\nR:ls\nF:etc\nR:x\n\nP:b\nV:2\n\n",
                "p a 1 x86_64;f bin sh;f bin ls;f etc x;p b 2 ;",
            ),
            // A file before any directory, and a package without a name.
            ("P:a\nR:x\n\nF:bin\nR:sh\n", "p a  ;p   ;f bin sh;"),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }
}
