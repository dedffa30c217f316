//! rpm: one file, in one of three forms and three places; the probe has read it already.
//!
//! `src/layer/probe/rpm` says what it leaves. A version is written as `EPOCH:VERSION-RELEASE`, without an epoch where the
//! package has none, zero included: as syft writes it.

use super::Manager;
use super::survey::{Captured, Claims, Row, Survey};

pub(super) fn has(path: &[u8]) -> bool {
    let places = ["var/lib/rpm/", "usr/lib/sysimage/rpm/", "usr/share/rpm/"];
    places.iter().any(|place| path.starts_with(place.as_bytes()))
}

pub(super) fn read(files: &[Captured<'_>], survey: &mut Survey<'_>) {
    for file in files {
        let mut claims = Claims::new(Manager::Rpm, survey);
        words(file.bytes, |row| claims.take(row));
    }
}

/// Tells each package, before its files, and each directory and file.
fn words<'a>(bytes: &'a [u8], mut tell: impl FnMut(Row<'a>)) {
    let mut words = bytes
        .split(|&b| b == 0)
        .filter_map(<[u8]>::split_first)
        .peekable();
    while let Some((letter, text)) = words.next() {
        match letter {
            b'P' => {
                let mut follows = |letter| words.next_if(|(next, _)| **next == letter);
                let (_, version) = follows(b'V').unwrap_or((&0, b""));
                let (_, arch) = follows(b'A').unwrap_or((&0, b""));
                let name = text;
                tell(Row::Package { name, version, arch });
            }
            b'D' => tell(Row::Directory(text)),
            b'F' => tell(Row::File(text)),
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
        let shown = |text: &str| shown(|tell| words(text.as_bytes(), tell));
        for (text, want) in [
            ("", ""),
            ("Pa\0V1-1\0", "p a 1-1 ;"),
            (
                "Pa\0V0:1-1\0Ax86_64\0D/\0Fx\0D/usr/bin/\0Fsh\0Fls\0Pb\0V2\0",
                "p a 0:1-1 x86_64;d /;f x;d /usr/bin/;f sh;f ls;p b 2 ;",
            ),
            // Nothing that the probe writes: a version without a package, an unknown letter.
            ("V1\0\0Zx\0Pa", "p a  ;"),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }
}
