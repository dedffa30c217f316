//! What the writer makes of headers.

use super::*;

fn written(header: &Header) -> Vec<u8> {
    let mut out = Vec::new();
    write_header(&mut out, header);
    out
}

/// The PAX records written for a header, as text.
fn records(header: &Header) -> String {
    let out = written(header);
    if out.len() == BLOCK {
        return String::new();
    }
    let body = block::c_str(&out[BLOCK..]);
    String::from_utf8_lossy(body).into_owned()
}

#[test]
fn plain_entries_need_one_block() {
    let mut header = Header::new(Kind::Regular, b"usr/bin/env", 0o755);
    (header.uid, header.gid, header.size, header.mtime.secs) = (0o7_777_777, 5, 8_589_934_591, 1_700_000_000);
    let out = written(&header);
    assert_eq!(out.len(), BLOCK);
    assert_eq!(&out[block::NAME][..12], b"usr/bin/env\0");
    assert_eq!(&out[block::MODE], b"0000755\0");
    assert_eq!(&out[block::UID], b"7777777\0");
    assert_eq!(&out[block::SIZE], b"77777777777\0");
    assert_eq!(&out[block::MAGIC], b"ustar\x0000");
    assert_eq!(
        written(&Header::new(Kind::Symlink, &[b'n'; 100], 0o777)).len(),
        BLOCK
    );
}

#[test]
fn what_ustar_cannot_say_becomes_a_record() {
    let with = |edit: fn(&mut Header)| {
        let mut header = Header::new(Kind::Regular, b"dir/f", 0o644);
        edit(&mut header);
        records(&header)
    };
    assert_eq!(
        with(|header| header.path = b"\xc3\xa4".to_vec()),
        "11 path=\u{e4}\n"
    );
    assert_eq!(
        with(|header| header.path = vec![b'n'; 101]),
        format!("111 path={}\n", "n".repeat(101))
    );
    assert_eq!(with(|header| header.uid = 2_097_152), "15 uid=2097152\n");
    assert_eq!(with(|header| header.size = 8_589_934_592), "19 size=8589934592\n");
    assert_eq!(with(|header| header.mtime.secs = -1), "12 mtime=-1\n");
    assert_eq!(
        with(|header| header.mtime = Time {
            secs: -2,
            nanos: 500_000_000
        }),
        "14 mtime=-1.5\n"
    );
    assert_eq!(
        with(|header| header.mtime = Time {
            secs: -1,
            nanos: 500_000_000
        }),
        "14 mtime=-0.5\n"
    );
    assert_eq!(
        with(|header| header.mtime = Time { secs: 3, nanos: 10 }),
        "20 mtime=3.00000001\n"
    );
    assert_eq!(
        with(|header| header.uname = vec![b'u'; 32]),
        format!("42 uname={}\n", "u".repeat(32))
    );
    let attributes = with(|header| {
        header.xattrs = vec![
            (b"user.b".to_vec(), b"2".to_vec()),
            (b"user.a=b".to_vec(), b"1".to_vec()),
        ];
        header.pax = vec![(b"comment".to_vec(), b"c".to_vec()), (b"gone".to_vec(), vec![])];
    });
    assert_eq!(
        attributes,
        "34 LIBARCHIVE.xattr.user.a%3Db=MQ\n25 SCHILY.xattr.user.b=2\n13 comment=c\n"
    );
}

#[test]
fn record_lengths_count_their_own_digits() {
    for length in (1..2000).chain([9_990, 9_991, 9_992, 9_993, 99_985, 99_990]) {
        let mut out = Vec::new();
        writer::write_record(&mut out, b"k", &vec![b'v'; length]);
        let said: usize = std::str::from_utf8(&out)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(said, out.len());
    }
}

#[test]
fn the_extension_has_a_fixed_header() {
    let mut header = Header::new(Kind::Regular, b"a/b\xc3\xa4c", 0o644);
    header.mtime.secs = 5;
    let out = written(&header);
    assert_eq!(block::c_str(&out[block::NAME]), b"a/PaxHeaders.0/bc");
    assert_eq!(
        (&out[block::MTIME], &out[block::MODE]),
        (b"00000000000\0".as_slice(), b"0000000\0".as_slice())
    );
    assert_eq!(block::c_str(&out[2 * BLOCK..][block::NAME]), b"a/bc");
    let cut = Header::new(
        Kind::Regular,
        &[&[b'd'; 98], b"//file".as_slice()].concat(),
        0o644,
    );
    let out = written(&cut);
    assert_eq!(
        block::c_str(&out[2 * BLOCK..][block::NAME]),
        [b'd'; 98],
        "no slash at the end of a cut name"
    );
}

#[test]
fn header_only_kinds_have_no_size() {
    for kind in [
        Kind::HardLink,
        Kind::Symlink,
        Kind::CharDevice,
        Kind::Directory,
        Kind::Fifo,
    ] {
        let mut header = Header::new(kind, b"n", 0o644);
        (header.size, header.logical_size) = (5, 5);
        assert_eq!(&written(&header)[block::SIZE], b"00000000000\0");
    }
}

#[test]
fn sparse_files_are_written_expanded() {
    let mut header = Header::new(Kind::Regular, b"s", 0o644);
    (header.size, header.logical_size) = (1, 512);
    header.sparse = Some(vec![Extent { offset: 3, len: 1 }]);
    assert_eq!(&written(&header)[block::SIZE], b"00000001000\0");
}

#[test]
fn large_device_numbers_are_binary() {
    let mut header = Header::new(Kind::CharDevice, b"dev", 0o600);
    header.device = (u32::MAX, 2_097_151);
    let read = read(&written(&header)).unwrap();
    assert_eq!(read.only().header.device, header.device);
}

#[test]
fn directories_end_in_a_slash() {
    let time = Time { secs: 7, nanos: 0 };
    for name in ["d", "d/"] {
        let header = Header::directory(name.as_bytes(), 0o1777, time);
        assert_eq!(
            (header.path.as_slice(), header.mode, header.mtime),
            (b"d/".as_slice(), 0o1777, time)
        );
    }
}

#[test]
fn a_renamed_header_forgets_its_blocks() {
    let seen = read(&Archive::default().file("old").end()).unwrap();
    let mut header = seen.only().header.clone();
    assert!(header.canonical);
    header.rename(b"new");
    assert!(!header.canonical && header.raw.is_empty());
    header.relink(b"target");
    let seen = read_chunks([written(&header).as_slice(), b"x"], Limits::default()).unwrap();
    assert_eq!(
        (seen.names(), &seen.only().header.link),
        (vec!["new".to_owned()], &b"target".to_vec())
    );
}

#[test]
fn paddings() {
    for (size, expected) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511), (u64::MAX, 1)] {
        assert_eq!(padding(size), expected);
    }
}
