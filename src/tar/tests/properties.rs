//! What holds for any input: chunks don't matter, nothing panics, what is written is read.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A few members of every kind, some with extensions, as a starting point for damage.
fn sample() -> Vec<u8> {
    Archive::default()
        .member("dir/", b'5', b"")
        .pax(&[
            ("path", b"dir/one"),
            ("mtime", b"-1.5"),
            ("SCHILY.xattr.user.a", b"1\n2"),
        ])
        .member("one", b'0', &[b'1'; 700])
        .member("././@LongLink", b'L', &[b'n'; 600])
        .member("././@LongLink", b'K', &[b'k'; 600])
        .member("s", b'2', b"")
        .header("odd", b'1', 512, |_| ())
        .pax(&[
            ("GNU.sparse.map", b"3,3"),
            ("GNU.sparse.numblocks", b"1"),
            ("GNU.sparse.size", b"20"),
        ])
        .member("sparse", b'0', b"abc")
        .zero_block()
        .file("last")
        .end()
}

fn cut<'a>(mut archive: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle() {
        if archive.is_empty() {
            break;
        }
        let (chunk, rest) = archive.split_at((*size).min(archive.len()));
        chunks.push(chunk);
        archive = rest;
    }
    chunks
}

fn header() -> impl Strategy<Value = Header> {
    let kind = prop_oneof![
        Just(Kind::Regular),
        Just(Kind::HardLink),
        Just(Kind::Symlink),
        Just(Kind::CharDevice),
        Just(Kind::Directory),
        Just(Kind::Fifo),
    ];
    let name = || {
        vec(1u8.., 1..300).prop_map(|mut name| {
            // A regular file with a trailing slash reads with a warning.
            if name.ends_with(b"/") {
                name.push(b'n');
            }
            name
        })
    };
    let pairs = || vec(("[a-z.]{1,9}", vec(any::<u8>(), 1..40)), 0..3);
    let numbers = (
        0u32..0o10000,
        any::<u64>(),
        any::<u64>(),
        any::<i64>(),
        0u32..1_000_000_000,
    );
    let rest = (vec(b'a'..=b'z', 0..40), 0u64..10_000_000_000, any::<(u32, u32)>());
    (kind, name(), name(), numbers, rest, pairs(), pairs()).prop_map(
        |(kind, path, link, (mode, uid, gid, secs, nanos), (uname, size, device), xattrs, pax)| {
            let own = |prefix: &str, mut pairs: Vec<(String, Vec<u8>)>| {
                pairs.sort();
                pairs.dedup_by(|later, first| later.0 == first.0);
                let own = |(key, value)| (format!("{prefix}{key}").into_bytes(), value);
                pairs.into_iter().map(own).collect::<Vec<_>>()
            };
            let size = if kind.is_header_only() { 0 } else { size };
            let is_device = matches!(kind, Kind::CharDevice);
            Header {
                mode,
                // Owners are signed in tar.
                uid: uid >> 1,
                gid: gid >> 40,
                mtime: Time {
                    secs,
                    nanos: if secs == i64::MIN { 0 } else { nanos },
                },
                uname,
                size,
                logical_size: size,
                device: if is_device { device } else { (0, 0) },
                xattrs: own("user.", xattrs),
                pax: own("x.", pax),
                link,
                ..Header::new(kind, &path, mode)
            }
        },
    )
}

/// The fields of a header that do not speak of its encoding.
fn meaning(header: &Header) -> String {
    format!(
        "{:?}",
        Header {
            raw: Vec::new(),
            canonical: true,
            ..header.clone()
        }
    )
}

proptest! {
    #[test]
    fn chunks_do_not_matter(sizes in vec(1usize..1500, 1..20), bytes in vec((0usize..13000, any::<u8>()), 0..2)) {
        let mut archive = sample();
        for (at, byte) in bytes {
            let at = at % archive.len();
            archive[at] = byte;
        }
        let whole = read_chunks([archive.as_slice()], Limits::default());
        prop_assert_eq!(whole, read_chunks(cut(&archive, &sizes), Limits::default()));
    }

    #[test]
    fn damage_never_panics(edits in vec((0usize..13000, vec(any::<u8>(), 1..16)), 1..8), end in 0usize..13000) {
        let mut archive = sample();
        for (at, bytes) in edits {
            let at = at % (archive.len() - bytes.len());
            archive[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        // Damage behind a right checksum is what hostile archives bring.
        for block in archive.as_chunks_mut::<BLOCK>().0 {
            if !block::is_zero(block) {
                let (sum, _) = block::checksums(block);
                put(block, block::CHECKSUM, format!("{sum:06o}\0 ").as_bytes());
            }
        }
        archive.truncate(end);
        let whole = read_chunks([archive.as_slice()], Limits::default());
        prop_assert_eq!(whole, read_chunks(archive.chunks(7), Limits::default()));
    }

    #[test]
    fn noise_never_panics(noise in vec(any::<u8>(), 0..3000)) {
        let seen = read_chunks([noise.as_slice()], Limits::default());
        prop_assert!(seen.is_err() || noise.is_empty());
    }

    #[test]
    fn what_is_written_is_read(header in header()) {
        let mut archive = Vec::new();
        write_header(&mut archive, &header);
        let mut seen = Seen::default();
        let mut reader = Reader::new(Limits::default());
        reader.feed(&archive, &mut seen)?;
        let read = &seen.only().header;
        prop_assert_eq!(meaning(read), meaning(&header));
        prop_assert_eq!(&read.raw, &archive);
        prop_assert!(read.canonical && seen.warnings.is_empty());
        let mut again = Vec::new();
        write_header(&mut again, read);
        prop_assert_eq!(again, archive);
    }
}
