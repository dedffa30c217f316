//! What the reader makes of sound and unsound archives, case by case.

use super::*;
use crate::limits::Limit;

#[test]
fn an_entry_has_all_fields() {
    let archive = Archive::default()
        .header("etc/passwd", b'0', 3, |block| {
            put(block, block::MODE, b"0104755\0");
            put(block, block::UID, b"0001750\0");
            put(block, block::GID, b"0000062\0");
            put(block, block::MTIME, b"14524750331\0");
            put(block, block::UNAME, b"me");
            put(block, block::GNAME, b"us");
        })
        .body(b"abc")
        .end();
    let seen = read(&archive).unwrap();
    let Entry { header, body, .. } = seen.only();
    assert_eq!(
        (header.path.as_slice(), header.kind),
        (b"etc/passwd".as_slice(), Kind::Regular)
    );
    assert_eq!((header.mode, header.uid, header.gid), (0o4755, 0o1750, 0o62));
    assert_eq!(
        header.mtime,
        Time {
            secs: 0o14_524_750_331,
            nanos: 0
        }
    );
    assert_eq!(
        (header.uname.as_slice(), header.gname.as_slice()),
        (b"me".as_slice(), b"us".as_slice())
    );
    assert_eq!(
        (header.size, header.logical_size, body.as_slice()),
        (3, 3, b"abc".as_slice())
    );
    assert_eq!(header.raw, archive[..BLOCK]);
    assert!(header.canonical);
    assert_eq!(
        seen.totals,
        Totals {
            total: 2048,
            framing: 2045,
            entries: 1
        }
    );
}

#[test]
fn types_become_kinds() {
    let cases = [
        (0, "f", Kind::Regular, true),
        (0, "d/", Kind::Directory, true),
        (b'0', "f", Kind::Regular, true),
        (b'1', "h", Kind::HardLink, true),
        (b'2', "s", Kind::Symlink, true),
        (b'3', "c", Kind::CharDevice, true),
        (b'4', "b", Kind::BlockDevice, true),
        (b'5', "d", Kind::Directory, true),
        (b'6', "p", Kind::Fifo, true),
        (b'7', "f", Kind::Regular, false),
        (b'Z', "u", Kind::Other(b'Z'), false),
        (b'0', "f/", Kind::Regular, false),
    ];
    for (flag, name, kind, canonical) in cases {
        let seen = read(&Archive::default().header(name, flag, 0, |_| ()).end()).unwrap();
        let header = &seen.only().header;
        assert_eq!(
            (header.kind, header.canonical),
            (kind, canonical),
            "{} {name}",
            char::from(flag)
        );
    }
}

#[test]
fn devices_have_numbers() {
    let device = |kind: u8| {
        let archive = Archive::default().header("null", kind, 0, |block| {
            put(block, block::MAJOR, b"0000001\0");
            put(block, block::MINOR, b"0000003\0");
        });
        read(&archive.end()).unwrap().only().header.device
    };
    assert_eq!(device(b'3'), (1, 3));
    assert_eq!(device(b'4'), (1, 3));
    assert_eq!(device(b'0'), (0, 0));
}

#[test]
fn numbers() {
    let uid = |field: &[u8; 8]| {
        let archive = Archive::default().header("f", b'0', 0, |block| put(block, block::UID, field));
        read(&archive.end()).map(|seen| seen.only().header.uid).ok()
    };
    assert_eq!(uid(b"0001750\0"), Some(0o1750));
    assert_eq!(uid(b"   1750 "), Some(0o1750));
    assert_eq!(uid(b"77777777"), Some(0o77_777_777), "no terminator");
    assert_eq!(uid(b"\0\0\0\0\0\0\0\0"), Some(0), "empty");
    assert_eq!(uid(b"        "), Some(0), "blank");
    assert_eq!(
        uid(b"12\x0034\0\0\0"),
        Some(0o12),
        "what follows the NUL is not read, as in Go"
    );
    assert_eq!(uid(b"0001780\0"), None);
    assert_eq!(uid(b"-000001\0"), None);
    assert_eq!(uid(b"\x80\0\0\x01\0\0\0\0"), Some(1 << 32), "base-256");
    assert_eq!(
        uid(b"\xff\xff\xff\xff\xff\xff\xff\xfe"),
        Some(u64::from(u32::MAX) - 1),
        "what chown(-2) does"
    );
    assert_eq!(
        uid(b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        Some(0),
        "chown(-1) leaves root"
    );
}

#[test]
fn times() {
    let from_block = |field: &[u8; 12]| {
        let archive = Archive::default().header("f", b'0', 0, |block| put(block, block::MTIME, field));
        let time = read(&archive.end()).unwrap().only().header.mtime;
        (time.secs, time.nanos)
    };
    assert_eq!(from_block(b"00000000001\0"), (1, 0));
    assert_eq!(
        from_block(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe"),
        (-2, 0)
    );
    let from_pax = |value: &str| {
        let archive = Archive::default()
            .pax(&[("mtime", value.as_bytes())])
            .file("f")
            .end();
        let seen = read(&archive).unwrap();
        let time = seen.only().header.mtime;
        assert_eq!(seen.warnings.is_empty(), seen.only().header.canonical);
        (time.secs, time.nanos, seen.warnings.is_empty())
    };
    assert_eq!(
        from_pax("1350244992.023960108"),
        (1_350_244_992, 23_960_108, true)
    );
    assert_eq!(from_pax("1.5"), (1, 500_000_000, true));
    assert_eq!(from_pax("1."), (1, 0, true));
    assert_eq!(from_pax("-1.5"), (-2, 500_000_000, true));
    assert_eq!(from_pax("-0.25"), (-1, 750_000_000, true));
    assert_eq!(from_pax("-3"), (-3, 0, true));
    assert_eq!(
        from_pax("1.1234567899"),
        (1, 123_456_789, true),
        "nine digits count"
    );
    for bad in [
        "1e400",
        "nan",
        ".",
        ".5",
        "1.x",
        "9223372036854775808",
        "-9223372036854775808.5",
    ] {
        assert_eq!(from_pax(bad), (0, 0, false), "{bad}");
    }
}

#[test]
fn names_by_dialect() {
    let name = |edit: fn(&mut [u8; BLOCK])| {
        let archive = Archive::default().header("name", b'0', 0, edit).end();
        read(&archive).unwrap().names().remove(0)
    };
    let prefix = |block: &mut [u8; BLOCK]| put(block, block::PREFIX, b"pre/fix");
    assert_eq!(name(prefix), "pre/fix/name");
    assert_eq!(name(|block| put(block, block::MAGIC, b"")), "name", "v7");
    let gnu_times: fn(&mut [u8; BLOCK]) = |block| {
        put(block, block::PREFIX, b"14524750331\x0014524750331\0");
        put(block, block::MAGIC, b"ustar  \0");
    };
    assert_eq!(name(gnu_times), "name");
    let gnu_prefix: fn(&mut [u8; BLOCK]) = |block| {
        put(block, block::PREFIX, b"pre/fix");
        put(block, block::MAGIC, b"ustar  \0");
    };
    assert_eq!(name(gnu_prefix), "pre/fix/name", "Go before 1.8");
    let star: fn(&mut [u8; BLOCK]) = |block| {
        put(block, block::PREFIX, &[b'p'; 155]);
        put(block, 476..500, b"14524750331 14524750331 ");
        block[508..].copy_from_slice(b"tar\0");
    };
    assert_eq!(name(star), format!("{}/name", "p".repeat(131)));
    assert_eq!(
        name(|block| put(block, block::NAME, &[b'n'; 100])),
        "n".repeat(100),
        "no terminator"
    );
}

#[test]
fn signed_checksums_are_accepted() {
    let mut archive = Archive::default().header("\u{fc}", b'0', 0, |_| ()).end();
    let block: &mut [u8; BLOCK] = archive.first_chunk_mut().unwrap();
    let (unsigned, signed) = block::checksums(block);
    assert_ne!(unsigned, signed);
    put(block, block::CHECKSUM, format!("{signed:06o}\0 ").as_bytes());
    assert_eq!(read(&archive).unwrap().entries.len(), 1);
}

#[test]
fn extensions_outdo_the_header() {
    let long = "d/".repeat(200) + "f";
    let gnu = |body: &str| {
        Archive::default()
            .member("././@LongLink", b'L', format!("{body}\0").as_bytes())
            .file("short")
    };
    assert_eq!(read(&gnu(&long).end()).unwrap().names(), [long.as_str()]);
    assert_eq!(
        read(&gnu("").end()).unwrap().names(),
        ["short"],
        "an empty long name is none"
    );
    let link = Archive::default()
        .member("././@LongLink", b'K', b"target\0")
        .member("s", b'2', b"");
    assert_eq!(read(&link.end()).unwrap().only().header.link, b"target");
    let pax = Archive::default()
        .pax(&[
            ("path", long.as_bytes()),
            ("uid", b"4294967296"),
            ("gid", b"2097152"),
            ("uname", b"\xff"),
            ("SCHILY.xattr.user.b", b"2\n22 linkpath=smuggled\n"),
            ("SCHILY.xattr.user.a", b""),
            ("LIBARCHIVE.xattr.user.%63", b"Aw"),
            ("comment", b"kept"),
            ("atime", b"1.5"),
        ])
        .file("short")
        .end();
    let seen = read(&pax).unwrap();
    let header = &seen.only().header;
    assert_eq!(seen.names(), [long.as_str()]);
    assert_eq!(
        (header.uid, header.gid, header.uname.as_slice()),
        (1 << 32, 2_097_152, b"\xff".as_slice())
    );
    assert!(header.link.is_empty());
    let pair = |key: &str, value: &[u8]| (key.as_bytes().to_vec(), value.to_vec());
    let xattrs = [
        pair("user.a", b""),
        pair("user.b", b"2\n22 linkpath=smuggled\n"),
        pair("user.c", b"\x03"),
    ];
    assert_eq!(header.xattrs, xattrs);
    assert_eq!(header.pax, [pair("atime", b"1.5"), pair("comment", b"kept")]);
    assert_eq!(header.raw, pax[..pax.len() - 3 * BLOCK]);
    assert!(header.canonical);
}

#[test]
fn records_that_come_twice() {
    let read_pax = |records: &[(&str, &[u8])]| {
        let seen = read(&Archive::default().pax(records).file("f").end()).unwrap();
        let Entry { header, .. } = seen.only().clone();
        assert!(!header.canonical);
        (
            String::from_utf8(header.path).unwrap(),
            header.pax.len(),
            header.xattrs,
        )
    };
    assert_eq!(
        read_pax(&[("path", b"a"), ("path", b"b")]).0,
        "b",
        "the last counts"
    );
    assert_eq!(
        read_pax(&[("path", b"a"), ("path", b"")]).0,
        "f",
        "an empty value deletes"
    );
    assert_eq!(read_pax(&[("comment", b"a"), ("comment", b"")]).1, 0);
    let twice = read_pax(&[("SCHILY.xattr.u", b"1"), ("SCHILY.xattr.u", b"2")]);
    assert_eq!(twice.2, [(b"u".to_vec(), b"2".to_vec())]);
}

#[test]
fn malformed_records_are_refused() {
    let bodies: [&[u8]; 14] = [
        b"0 \n",
        b"4 =\n",
        b"6 a=b",
        b"7 a=b\n",
        b"6 a=bc\n",
        b"6 abc\n",
        b"x a=b\n",
        b"+6 a=b\n",
        b" 6 a=b\n",
        b"6a=b\n",
        b"9223372036854775808 a=b\n",
        b"9 path=\0\n",
        b"13 linkpath=\0\n",
        b"7 a\0=b\n",
    ];
    for body in bodies {
        let archive = Archive::default().member("x", b'x', body).file("f").end();
        let error = read(&archive).unwrap_err();
        assert!(
            matches!(error, TarError::BadPax { .. }),
            "{}: {error}",
            body.escape_ascii()
        );
    }
    for (key, value) in [
        ("uid", "x"),
        ("gid", "1.5"),
        ("size", "-1"),
        ("size", "9223372036854775808"),
    ] {
        let archive = Archive::default().pax(&[(key, value.as_bytes())]).file("f").end();
        let error = read(&archive).unwrap_err();
        assert!(
            matches!(error, TarError::BadNumber { field, .. } if field == key),
            "{error}"
        );
    }
}

#[test]
fn a_pax_size_belongs_to_the_file() {
    let archive = Archive::default()
        .pax(&[("size", b"1024")])
        .member("././@LongLink", b'L', b"n\0")
        .header("n", b'0', 0, |_| ())
        .body(&Archive::default().file("inner").0)
        .file("after")
        .end();
    let seen = read(&archive).unwrap();
    assert_eq!(seen.names(), ["n", "after"]);
    assert_eq!(
        (seen.entries[0].header.size, seen.entries[0].header.canonical),
        (1024, false)
    );
    let archive = Archive::default()
        .pax(&[("size", b"1")])
        .header("f", b'0', 0, |_| ())
        .body(b"x")
        .end();
    assert_eq!(read(&archive).unwrap().only().body, b"x");
}

#[test]
fn extension_headers_that_are_odd() {
    let x = |path: &[u8]| Archive::default().pax(&[("path", path)]);
    let chain = |a: Archive, b: Archive| Archive([a.0, b.0].concat());
    let cases = [
        (
            "two x",
            chain(x(b"one"), x(b"two")).file("f"),
            vec!["two"],
            vec!["repeated-extension"],
        ),
        (
            "x and L",
            x(b"pax").member("././@LongLink", b'L', b"gnu\0").file("f"),
            vec!["gnu"],
            vec!["mixed-extensions"],
        ),
        (
            "x at the end",
            Archive::default().file("f").pax(&[]),
            vec!["f"],
            vec!["extension-without-entry"],
        ),
        (
            "g",
            Archive::default()
                .member("g", b'g', b"15 path=global\n")
                .file("f"),
            vec!["f"],
            vec!["global-pax-header"],
        ),
        (
            "x then g",
            x(b"lost").member("g", b'g', b"").file("f"),
            vec!["f"],
            vec!["global-pax-header"],
        ),
    ];
    for (case, archive, names, warnings) in cases {
        for archive in [archive.clone().end(), archive.0] {
            let seen = read(&archive).unwrap();
            assert_eq!(
                (seen.names(), &seen.warnings),
                (names.iter().map(ToString::to_string).collect(), &warnings)
            );
            let canonical = matches!(case, "g" | "x then g" | "x at the end");
            assert_eq!(seen.only().header.canonical, canonical, "{case}");
            assert_eq!(seen.only().header.raw.len() == BLOCK, canonical, "{case}");
        }
    }
}

#[test]
fn sizes_of_header_only_types() {
    for flag in [b'1', b'2', b'3', b'4', b'5', b'6'] {
        let first = Archive::default().header("odd", flag, 512, |_| ());
        let cases = [
            (
                "header next",
                first.clone().file("after").end(),
                2,
                "size-ignored",
            ),
            ("end next", first.clone().end(), 1, "size-ignored"),
            ("input ends", first.clone().0, 1, "size-ignored"),
            (
                "body",
                first.clone().body(&[b'y'; 512]).file("after").end(),
                2,
                "body-skipped",
            ),
        ];
        for (case, archive, entries, warning) in cases {
            let seen = read(&archive).unwrap();
            assert_eq!(
                (seen.entries.len(), seen.warnings.as_slice()),
                (entries, [warning].as_slice()),
                "{case}"
            );
            assert_eq!(
                (seen.entries[0].header.size, seen.entries[0].header.canonical),
                (0, false)
            );
        }
    }
    let long = Archive::default()
        .header("h", b'1', 1300, |_| ())
        .body(&[b'y'; 1300])
        .file("after")
        .end();
    assert_eq!(read(&long).unwrap().names(), ["h", "after"]);
    assert!(matches!(read(&long[..1700]), Err(TarError::Truncated { .. })));
    assert!(matches!(read(&long[..700]), Err(TarError::Truncated { .. })));
    let unpadded = Archive::default().header("h", b'1', 3, |_| ()).0;
    assert_eq!(
        read(&[unpadded.as_slice(), b"yyy"].concat()).unwrap().warnings,
        ["body-skipped"]
    );
}

#[test]
fn gnu_bookkeeping_is_no_content() {
    for flag in [b'V', b'M', b'N', b'D'] {
        let seen = read(
            &Archive::default()
                .member("vol", flag, b"Yab\0")
                .file("after")
                .end(),
        )
        .unwrap();
        assert_eq!(
            (seen.names(), seen.warnings),
            (vec!["after".to_owned()], vec!["not-content"])
        );
    }
}

#[test]
fn ends() {
    let file = Archive::default().file("f");
    let after = file.clone().zero_block().zero_block().file("hidden").0;
    let lone = file.clone().zero_block().file("g");
    let no_padding = Archive(file.0[..=BLOCK].to_vec());
    let ragged = Archive([file.clone().zero_block().0, vec![0; 100]].concat());
    let cases: [(&str, Vec<u8>, usize, &[&str]); 10] = [
        ("nothing at all", vec![], 0, &[]),
        ("zeros", vec![0; 10240], 0, &[]),
        ("no end", file.0.clone(), 1, &[]),
        ("no padding", no_padding.0, 1, &[]),
        ("one zero block", file.clone().zero_block().0, 1, &[]),
        ("half a second one", ragged.0, 1, &[]),
        ("a lone zero block", lone.end(), 2, &["lone-zero-block"]),
        ("data after the end", after, 1, &["data-after-end"]),
        (
            "record padding",
            [file.clone().end(), vec![0; 8192]].concat(),
            1,
            &[],
        ),
        (
            "junk after the end",
            [file.clone().end(), vec![7; 700]].concat(),
            1,
            &["data-after-end"],
        ),
    ];
    for (case, archive, entries, warnings) in cases {
        let seen = read(&archive).unwrap();
        assert_eq!(
            (seen.entries.len(), seen.warnings.as_slice()),
            (entries, warnings),
            "{case}"
        );
        assert_eq!(seen.totals.total, archive.len() as u64, "{case}");
    }
}

#[test]
fn truncation_and_junk_are_errors() {
    let sound = Archive::default()
        .pax(&[("comment", b"c")])
        .member("dir/f", b'0', &[b'x'; 600])
        .end();
    for (end, message) in [
        (100, "the archive ends inside a header at offset 100"),
        (515, "the archive ends inside an extension header at offset 515"),
        (1100, "the archive ends inside a header at offset 1100"),
        (1536, "the archive ends inside the body of `dir/f` at offset 1536"),
        (2135, "the archive ends inside the body of `dir/f` at offset 2135"),
    ] {
        assert_eq!(read(&sound[..end]).unwrap_err().to_string(), message);
    }
    assert_eq!(read(&sound[..2136]).unwrap().only().body.len(), 600);
    let junk = [Archive::default().file("f").0, vec![b'j'; BLOCK]].concat();
    assert_eq!(read(&junk).unwrap_err(), TarError::NotAHeader { offset: 1024 });
}

#[test]
fn absurd_sizes_allocate_nothing() {
    let huge = |block: &mut [u8; BLOCK]| put(block, block::SIZE, b"\x80\0\0\0\x40\0\0\0\0\0\0\0");
    let file = Archive::default().header("f", b'0', 0, huge).body(b"x");
    assert!(matches!(read(&file.0), Err(TarError::Truncated { .. })));
    for flag in [b'x', b'g', b'L', b'K'] {
        let extension = Archive::default().header("e", flag, 0, huge).body(b"x");
        let message = read(&extension.0).unwrap_err().to_string();
        assert!(message.contains("over the limit of 1048576"), "{message}");
    }
    let overflow = |block: &mut [u8; BLOCK]| put(block, block::SIZE, &[0xbf; 12]);
    let file = Archive::default().header("f", b'0', 0, overflow);
    assert!(matches!(
        read(&file.0),
        Err(TarError::BadNumber { field: "size", .. })
    ));
    let negative = |block: &mut [u8; BLOCK]| put(block, block::SIZE, &[0xff; 12]);
    let file = Archive::default().header("f", b'0', 0, negative);
    assert!(matches!(
        read(&file.0),
        Err(TarError::BadNumber { field: "size", .. })
    ));
}

#[test]
fn limits() {
    let limits = Limits {
        path: 10,
        extension: 2000,
        sparse: 1000,
        ..Limits::default()
    };
    let refused = |archive: Archive| match read_chunks([archive.end().as_slice()], limits).unwrap_err() {
        TarError::Limit { exceeded, value, .. } => (exceeded.limit, value, exceeded.max),
        error => panic!("{error}"),
    };
    assert_eq!(
        refused(Archive::default().file("12345678901")),
        (Limit::Path, 11, 10)
    );
    let link = Archive::default()
        .pax(&[("linkpath", &[b'l'; 11])])
        .member("s", b'2', b"");
    assert_eq!(refused(link), (Limit::Path, 11, 10));
    let twice = Archive::default()
        .member("L", b'L', &[b'l'; 1500])
        .member("K", b'K', &[b'l'; 600]);
    assert_eq!(refused(twice), (Limit::Extension, 2100, 2000));
    let many = (0..5).fold(Archive::default(), |archive, _| archive.pax(&[]));
    assert_eq!(
        refused(many).0,
        Limit::Extension,
        "empty ones pay for their blocks"
    );
    let sparse = |map: &[u8], blocks: &[u8], size: &[u8]| {
        Archive::default()
            .pax(&[
                ("GNU.sparse.map", map),
                ("GNU.sparse.numblocks", blocks),
                ("GNU.sparse.size", size),
            ])
            .file("s")
    };
    assert_eq!(
        refused(sparse(b"0,1", b"1", b"1001")),
        (Limit::Sparse, 1001, 1000)
    );
    let many = sparse(b"0,1", b"1048577", b"9").end();
    let error = read_chunks([many.as_slice()], limits).unwrap_err();
    assert!(
        error.to_string().contains("more than 1,048,576 pieces"),
        "{error}"
    );
}

/// The four encodings of one file: `ab` at 3, `c` at 10, 20 bytes long.
fn sparse_archives() -> Vec<(&'static str, Archive)> {
    let gnu = |block: &mut [u8; BLOCK]| {
        put(block, block::MAGIC, b"ustar  \0");
        put(block, 386..410, b"00000000003\x0000000000002\0");
        put(block, 410..434, b"00000000012\x0000000000001\0");
        put(block, 434..458, b"00000000024\x0000000000000\0");
        put(block, block::GNU_REAL_SIZE, b"00000000024\0");
    };
    let pairs: [(&str, &[u8]); 9] = [
        ("GNU.sparse.size", b"20"),
        ("GNU.sparse.numblocks", b"3"),
        ("GNU.sparse.offset", b"3"),
        ("GNU.sparse.numbytes", b"2"),
        ("GNU.sparse.offset", b"10"),
        ("GNU.sparse.numbytes", b"1"),
        ("GNU.sparse.offset", b"20"),
        ("GNU.sparse.numbytes", b"0"),
        ("path", b"real"),
    ];
    let map: [(&str, &[u8]); 4] = [
        ("GNU.sparse.size", b"20"),
        ("GNU.sparse.numblocks", b"3"),
        ("GNU.sparse.map", b"3,2,10,1,20,0"),
        ("GNU.sparse.name", b"real"),
    ];
    let body: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.realsize", b"20"),
        ("GNU.sparse.name", b"real"),
    ];
    let with_map = [b"3\n3\n2\n10\n1\n20\n0\n".as_slice(), &[0; 496], b"abc"].concat();
    vec![
        (
            "old",
            Archive::default().header("real", b'S', 3, gnu).body(b"abc"),
        ),
        (
            "0.0",
            Archive::default()
                .pax(&pairs)
                .member("GNUSparseFile.1/real", b'0', b"abc"),
        ),
        (
            "0.1",
            Archive::default()
                .pax(&map)
                .member("GNUSparseFile.1/real", b'0', b"abc"),
        ),
        (
            "1.0",
            Archive::default()
                .pax(&body)
                .member("GNUSparseFile.1/real", b'0', &with_map),
        ),
    ]
}

#[test]
fn sparse_files() {
    for (format, archive) in sparse_archives() {
        let seen = read(&archive.file("after").end()).unwrap();
        assert_eq!(seen.names(), ["real", "after"], "{format}");
        let Entry { header, body, .. } = &seen.entries[0];
        let extents = [Extent { offset: 3, len: 2 }, Extent { offset: 10, len: 1 }];
        assert_eq!(header.sparse.as_deref(), Some(extents.as_slice()), "{format}");
        assert_eq!(
            (header.size, header.logical_size, body.as_slice()),
            (3, 20, b"abc".as_slice()),
            "{format}"
        );
        assert!(!header.canonical && header.pax.is_empty(), "{format}");
    }
}

#[test]
fn old_sparse_maps_go_on_in_blocks() {
    let gnu = |block: &mut [u8; BLOCK]| {
        put(block, block::MAGIC, b"ustar  \0");
        put(block, 386..410, b"00000000001\x0000000000001\0");
        block[482] = 1;
        put(block, block::GNU_REAL_SIZE, b"00000000024\0");
    };
    let slot = |offset: u32| format!("{offset:011o}\0{:011o}\0", 1);
    let more: String = (2..=15).map(|n| slot(n + 2)).collect();
    let mut block = more.into_bytes();
    block.resize(BLOCK, 0);
    let archive = Archive::default()
        .header("s", b'S', 15, gnu)
        .body(&block)
        .body(&[b's'; 15]);
    let seen = read(&archive.clone().file("after").end()).unwrap();
    assert_eq!(seen.entries[0].header.sparse.as_ref().map(Vec::len), Some(15));
    assert_eq!(seen.names(), ["s", "after"]);
    assert!(matches!(
        read(&archive.0[..700]),
        Err(TarError::Truncated {
            part: "a sparse map",
            ..
        })
    ));
}

#[test]
fn bad_sparse_maps_are_refused() {
    let pax = |map: &[u8], blocks: &[u8]| {
        Archive::default()
            .pax(&[
                ("GNU.sparse.map", map),
                ("GNU.sparse.numblocks", blocks),
                ("GNU.sparse.size", b"20"),
            ])
            .member("s", b'0', b"abc")
    };
    let body = |body: &[u8]| {
        let version: [(&str, &[u8]); 2] = [("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")];
        Archive::default().pax(&version).member("s", b'0', body)
    };
    let mut padded = b"1\n0\n".to_vec();
    padded.resize(BLOCK, b'0');
    let cases = [
        ("overlap", pax(b"0,2,1,1", b"2")),
        ("out of order", pax(b"5,2,0,1", b"2")),
        ("past the end", pax(b"18,3", b"1")),
        ("overflow", pax(b"9223372036854775807,9223372036854775807", b"1")),
        ("too little data", pax(b"0,4", b"1")),
        ("too much data", pax(b"0,2", b"1")),
        ("odd map", pax(b"0,2,3", b"1")),
        ("count", pax(b"0,3", b"2")),
        ("not a number", pax(b"0,x", b"1")),
        ("no map in the body", body(b"")),
        ("short map in the body", body(b"1\n0\n1")),
        ("endless number", body(&padded)),
        ("empty line", body(&[b'\n'; 512])),
        ("star", Archive::default().header("s", b'S', 0, |_| ())),
        (
            "link",
            Archive::default()
                .pax(&[("GNU.sparse.map", b"0,0"), ("GNU.sparse.numblocks", b"1")])
                .member("l", b'1', b""),
        ),
    ];
    for (case, archive) in cases {
        let error = read(&archive.end()).unwrap_err();
        assert!(matches!(error, TarError::BadSparse { .. }), "{case}: {error}");
    }
    let turns = Archive::default()
        .pax(&[("GNU.sparse.numbytes", b"1")])
        .file("s")
        .end();
    assert!(matches!(read(&turns), Err(TarError::BadPax { .. })));
}

#[test]
fn a_failed_reader_stays_failed() {
    let mut reader = Reader::new(Limits::default());
    let mut seen = Seen::default();
    assert!(reader.feed(&[b'j'; BLOCK], &mut seen).is_err());
    assert_eq!(reader.feed(&[0; BLOCK], &mut seen), Err(TarError::AlreadyFailed));
    assert_eq!(reader.finish(&mut seen), Err(TarError::AlreadyFailed));
}

#[test]
fn messages_escape_names() {
    let archive = Archive::default().header("\x1b[31m\u{202e}", b'0', 5, |_| ()).0;
    let message = read(&archive).unwrap_err().to_string();
    assert_eq!(
        message,
        r"the archive ends inside the body of `\x1b[31m\xe2\x80\xae` at offset 512"
    );
}
