//! apk: one file, `installed`, with every package and every file of it.
//!
//! apk-package(5), "installed database": lines `P:` name, `V:` version, `A:` architecture, then `F:` a directory and `R:`
//! each file in it; an empty line ends a package.

use super::Manager;
use super::survey::{Captured, Claims, Row, Survey};

pub(super) fn has(path: &[u8]) -> bool {
    path == b"lib/apk/db/installed" || path == b"usr/lib/apk/db/installed"
}

pub(super) fn read(files: &[Captured<'_>], survey: &mut Survey<'_>) {
    for file in files {
        let mut claims = Claims::new(Manager::Apk, survey);
        lines(file.bytes, |row| claims.take(row));
    }
}

/// Tells each package, before its files, and each directory and file.
fn lines<'a>(bytes: &'a [u8], mut tell: impl FnMut(Row<'a>)) {
    let (mut name, mut version, mut arch) = (&b""[..], &b""[..], &b""[..]);
    let mut is_told = false;
    for line in bytes.split(|&b| b == b'\n').chain([&b""[..]]) {
        let Some((letter, value)) = line.split_first_chunk::<2>() else {
            if !is_told && !name.is_empty() {
                tell(Row::Package { name, version, arch });
            }
            (name, version, arch, is_told) = (b"", b"", b"", false);
            continue;
        };
        match letter {
            b"P:" => name = value,
            b"V:" => version = value,
            b"A:" => arch = value,
            b"F:" => {
                if !is_told {
                    tell(Row::Package { name, version, arch });
                    is_told = true;
                }
                tell(Row::Directory(value));
            }
            b"R:" if is_told => tell(Row::File(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey::tests::shown;
    use super::*;

    #[test]
    fn packages_and_their_files() {
        let shown = |text: &str| shown(|tell| lines(text.as_bytes(), tell));
        for (text, want) in [
            ("", ""),
            ("\n\n", ""),
            ("P:a\nV:1-r0\n", "p a 1-r0 ;"),
            (
                "C:Q1\nP:a\nV:1\nA:x86_64\nF:\nF:bin\nR:sh\na:0:0:755\nZ:Q1\nR:ls\nF:etc\nR:x\n\nP:b\nV:2\n\n",
                "p a 1 x86_64;d ;d bin;f sh;f ls;d etc;f x;p b 2 ;",
            ),
            // A file before any directory, and a package without a name.
            ("P:a\nR:x\n\nF:bin\nR:sh\n", "p a  ;p   ;d bin;f sh;"),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }
}
