//! Databases that rpm's own tools wrote (`testdata/rpm/make.sh`), and the same ones damaged.

use std::io::Read;
use std::path::Path;

use super::*;

/// The file in `testdata/rpm`, and where such a one lies.
const DATABASES: [(&str, &str); 4] = [
    ("rpmdb.sqlite.gz", "usr/lib/sysimage/rpm/rpmdb.sqlite"),
    ("Packages.db.gz", "usr/lib/sysimage/rpm/Packages.db"),
    ("Packages.little.gz", "var/lib/rpm/Packages"),
    ("Packages.big.gz", "var/lib/rpm/Packages"),
];

#[test]
fn every_form_says_what_rpm_says() {
    let installed = std::fs::read_to_string(testdata("installed")).unwrap();
    for (name, path) in DATABASES {
        let want: Vec<_> = installed.lines().collect();
        assert_eq!(said(path, &database(name)), want, "{name}");
    }
}

/// Whatever is cut off, nothing is said that was not said before; and not only the whole says something.
#[test]
fn of_a_database_that_ends_early_is_kept_what_is_there() {
    for (name, path) in DATABASES {
        let whole = database(name);
        let all = said(path, &whole);
        let mut some = 0;
        for length in (0..whole.len()).step_by(997) {
            let part = said(path, &whole[..length]);
            assert!(
                part.iter().all(|line| all.contains(line)),
                "{name} up to {length}"
            );
            some += usize::from(!part.is_empty() && part.len() < all.len());
        }
        assert!(some > 10, "{name}: {some} lengths of which something is left");
    }
}

/// Numbers that lead elsewhere, back, and out of the file.
#[test]
fn damage_is_read_over() {
    for (name, path) in DATABASES {
        let whole = database(name);
        let mut state = 1_u64;
        for _ in 0..400 {
            let mut damaged = whole.clone();
            for _ in 0..20 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Most of them where pages begin: there stands what leads to others.
                let at = (state >> 33) as usize % whole.len();
                let at = if state & (1 << 60) == 0 {
                    at
                } else {
                    at & !4095 | at & 31
                };
                damaged[at] = [0, 1, 0xff, (state >> 50) as u8][(state >> 58) as usize % 4];
            }
            let words = words(path, &damaged);
            assert!(words.len() <= 2 * whole.len(), "{name}: {} bytes", words.len());
        }
    }
}

#[test]
fn only_databases_in_their_place_are_read() {
    let sqlite = &b"SQLite format 3\0..........."[..];
    let hash = &b"............\x61\x15\x06\0........"[..];
    for (path, head, want) in [
        ("var/lib/rpm/rpmdb.sqlite", sqlite, true),
        ("usr/share/rpm/rpmdb.sqlite", sqlite, true),
        ("usr/lib/sysimage/rpm/Packages.db", b"RpmP", true),
        ("var/lib/rpm/Packages", hash, true),
        ("var/lib/rpm/Packages", sqlite, false),
        ("var/lib/rpm/Packages", b"", false),
        ("var/lib/rpm/Name", hash, false),
        ("srv/var/lib/rpm/rpmdb.sqlite", sqlite, false),
        ("var/lib/rpm/old/rpmdb.sqlite", sqlite, false),
    ] {
        assert_eq!(begin(path.as_bytes(), 1000, head).is_some(), want, "{path}");
    }
    assert!(begin(b"var/lib/rpm/rpmdb.sqlite", MAX_BYTES + 1, sqlite).is_none());
}

/// A page that is its own child, a row that goes on in itself, and rows that share their bytes.
#[test]
fn circles_end() {
    let page = |head: &[u8], places: &[u16], cell: &[u8]| {
        let mut page = vec![0; 512];
        page[..head.len()].copy_from_slice(head);
        for (at, place) in places.iter().enumerate() {
            page[head.len() + 2 * at..][..2].copy_from_slice(&place.to_be_bytes());
        }
        page[400..400 + cell.len()].copy_from_slice(cell);
        page
    };
    let mut first = vec![0; 512];
    first[..18].copy_from_slice(b"SQLite format 3\0\x02\0");
    first[100..108].copy_from_slice(&[13, 0, 0, 0, 1, 1, 144, 0]);
    first[108..110].copy_from_slice(&400_u16.to_be_bytes());
    first[400..].fill(b'x');
    // type, name and table as texts, the root as one byte.
    let row = b"\x1b\x01\x05\x17\x1d\x1d\x01tablePackagesPackages\x02";
    first[400..400 + row.len()].copy_from_slice(row);
    for second in [
        page(&[5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2], &[400, 400], &[0, 0, 0, 2]),
        page(
            &[13, 0, 0, 0, 2, 0, 0, 0],
            &[400, 400],
            &[0xff, 0x7f, 1, 3, 0, 0x80],
        ),
    ] {
        let file = [first.as_slice(), &second].concat();
        let mut count = 0;
        assert_eq!(sqlite::headers(&file, &mut |_| count += 1), Some(()));
        assert_eq!(count, 0);
    }
    // A row that ends on its page, once for each place that leads to it: only while there are bytes for all of them.
    let second = page(
        &[13, 0, 0, 0, 190, 0, 0, 0],
        &[400; 190],
        b"\x0a\x01\x03\0\x1aabcdefg",
    );
    let (mut count, file) = (0, [first.as_slice(), &second].concat());
    assert_eq!(
        sqlite::headers(&file, &mut |value| count += value.len()),
        Some(())
    );
    assert!((7..1024).contains(&count), "{count}");
}

/// What the probe leaves of a file that comes in pieces.
fn words(path: &str, file: &[u8]) -> Vec<u8> {
    let Some(mut reader) = begin(path.as_bytes(), file.len() as u64, &file[..file.len().min(256)]) else {
        return Vec::new();
    };
    file.chunks(1000).for_each(|piece| reader.read(piece));
    reader.end().unwrap_or_default().into()
}

/// A line for each package and each file, as in `testdata/rpm/installed`.
fn said(path: &str, file: &[u8]) -> Vec<String> {
    let (mut lines, mut package, mut directory) = (Vec::<String>::new(), String::new(), "");
    let words = String::from_utf8(words(path, file)).unwrap();
    for word in words.split_terminator('\0') {
        let (letter, text) = word.split_at(1);
        match letter {
            "P" => package = text.to_owned(),
            "V" => package = [&package, text].join(" "),
            "A" => {
                package = [&package, text].join(" ");
                lines.push(package.clone());
            }
            "D" => directory = text,
            "F" => lines.push(format!("{package}\t{directory}{text}")),
            _ => panic!("{word}"),
        }
    }
    lines.sort_unstable();
    lines
}

fn database(name: &str) -> Vec<u8> {
    let (file, mut bytes) = (std::fs::File::open(testdata(name)).unwrap(), Vec::new());
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn testdata(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/rpm")
        .join(name)
}
