//! Readers that nobody here wrote must agree: the `tar` crate, `tar-core`, GNU tar.

use std::io::Read as _;

use tar_core::parse::{Limits as CoreLimits, ParseEvent, Parser};

use super::*;

/// What all readers can say of an entry.
#[derive(Debug, PartialEq)]
struct Plain {
    path: Vec<u8>,
    link: Vec<u8>,
    flag: u8,
    mode: u32,
    uid: u64,
    gid: u64,
    size: u64,
    mtime: u64,
    body: Vec<u8>,
}

fn plain(entry: &Entry) -> Plain {
    let Header {
        path,
        link,
        kind,
        mode,
        uid,
        gid,
        size,
        mtime,
        raw,
        ..
    } = &entry.header;
    assert!(!matches!(kind, Kind::Other(_)));
    Plain {
        path: path.clone(),
        link: link.clone(),
        flag: raw[raw.len() - BLOCK + block::TYPE],
        mode: *mode,
        uid: *uid,
        gid: *gid,
        size: *size,
        mtime: mtime.secs.try_into().unwrap(),
        body: entry.body.clone(),
    }
}

fn with_tar_crate(archive: &[u8]) -> Vec<Plain> {
    let mut archive = ::tar::Archive::new(archive);
    let mut list = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut body = Vec::new();
        entry.read_to_end(&mut body).unwrap();
        let header = entry.header().clone();
        list.push(Plain {
            path: entry.path_bytes().into_owned(),
            link: entry.link_name_bytes().unwrap_or_default().into_owned(),
            flag: header.entry_type().as_byte(),
            mode: header.mode().unwrap() & 0o7777,
            uid: header.uid().unwrap(),
            gid: header.gid().unwrap(),
            size: entry.size(),
            mtime: header.mtime().unwrap(),
            body,
        });
    }
    list
}

fn with_tar_core(mut archive: &[u8]) -> Vec<Plain> {
    let mut parser = Parser::new(CoreLimits::default());
    let mut list = Vec::new();
    loop {
        let used = match parser.parse(archive).unwrap() {
            ParseEvent::NeedData { .. } => panic!("the archive is whole"),
            ParseEvent::GlobalExtensions { consumed, .. } => consumed,
            ParseEvent::SparseEntry { .. } => panic!("no sparse files here"),
            ParseEvent::End { .. } => return list,
            ParseEvent::Entry { consumed, entry } => {
                let size = usize::try_from(entry.size).unwrap();
                list.push(Plain {
                    path: entry.path.to_vec(),
                    link: entry.link_target.as_deref().unwrap_or_default().to_vec(),
                    flag: entry.entry_type.to_byte(),
                    mode: entry.mode & 0o7777,
                    uid: entry.uid,
                    gid: entry.gid,
                    size: entry.size,
                    mtime: entry.mtime,
                    body: archive[consumed..consumed + size].to_vec(),
                });
                consumed + size + padding(entry.size)
            }
        };
        archive = &archive[used..];
    }
}

/// One entry of each kind, names and numbers that need extensions among them.
fn written_archive() -> Vec<u8> {
    let mut archive = Vec::new();
    let mut add = |mut header: Header, body: &[u8]| {
        header.size = body.len() as u64;
        header.mtime.secs = 1_700_000_000;
        write_header(&mut archive, &header);
        archive.extend_from_slice(body);
        archive.resize(archive.len() + padding(header.size), 0);
    };
    let link = |kind, path: &[u8], target: &[u8]| Header {
        link: target.to_vec(),
        ..Header::new(kind, path, 0o777)
    };
    add(Header::directory(b"dir", 0o1777, Time::default()), b"");
    add(Header::new(Kind::Regular, b"dir/file", 0o4755), &[b'f'; 700]);
    add(Header::new(Kind::Regular, b"dir/empty", 0o600), b"");
    add(
        Header::new(Kind::Regular, &[b"dir/".as_slice(), &[b'n'; 200]].concat(), 0o644),
        b"long",
    );
    add(
        Header::new(Kind::Regular, "dir/\u{e4}\u{20ac}".as_bytes(), 0o644),
        b"utf-8",
    );
    add(link(Kind::HardLink, b"dir/hard", b"dir/file"), b"");
    add(link(Kind::Symlink, b"dir/soft", &[b't'; 150]), b"");
    add(
        Header {
            uid: 3_000_000,
            gid: 4_000_000,
            ..Header::new(Kind::Regular, b"dir/owned", 0o644)
        },
        b"o",
    );
    add(
        Header {
            device: (1, 3),
            ..Header::new(Kind::CharDevice, b"dir/null", 0o666)
        },
        b"",
    );
    add(Header::new(Kind::Fifo, b"dir/fifo", 0o644), b"");
    archive.extend_from_slice(&END);
    archive
}

#[test]
fn crates_read_what_is_written() {
    let archive = written_archive();
    let ours: Vec<Plain> = read(&archive).unwrap().entries.iter().map(plain).collect();
    assert_eq!(ours.len(), 10);
    assert_eq!(ours, with_tar_core(&archive));
    assert_eq!(ours, with_tar_crate(&archive));
}

#[test]
fn what_the_tar_crate_writes_is_read() {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, length) in [
        ("short", 0),
        (&*"long/".repeat(60), 1),
        ("dir/five", 512),
        ("dir/six", 1300),
    ] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(length as u64);
        header.set_mode(0o640);
        header.set_uid(1 << 22);
        header.set_gid(7);
        header.set_mtime(1_600_000_000);
        header.set_entry_type(::tar::EntryType::Regular);
        builder
            .append_data(
                &mut header,
                name.trim_end_matches('/'),
                vec![b'b'; length].as_slice(),
            )
            .unwrap();
    }
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(::tar::EntryType::Symlink);
    header.set_size(0);
    header.set_mode(0o777);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    builder
        .append_link(&mut header, "soft", "target/".repeat(40))
        .unwrap();
    builder
        .append_pax_extensions([("comment", b"c".as_slice()), ("SCHILY.xattr.user.a", b"1")])
        .unwrap();
    header.set_entry_type(::tar::EntryType::Directory);
    builder
        .append_data(&mut header, "last", std::io::empty())
        .unwrap();
    let archive = builder.into_inner().unwrap();
    let seen = read(&archive).unwrap();
    let ours: Vec<Plain> = seen.entries.iter().map(plain).collect();
    assert_eq!(ours.len(), 6);
    assert_eq!(ours, with_tar_crate(&archive));
    assert_eq!(ours, with_tar_core(&archive));
    assert!(seen.warnings.is_empty() && seen.entries.iter().all(|entry| entry.header.canonical));
    assert_eq!(
        seen.entries[5].header.xattrs,
        [(b"user.a".to_vec(), b"1".to_vec())]
    );
}

#[test]
fn gnu_tar_lists_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("written.tar");
    std::fs::write(&path, written_archive()).unwrap();
    let output = std::process::Command::new("tar")
        .args([
            "--numeric-owner",
            "--quoting-style=literal",
            "--full-time",
            "--utc",
            "-tvf",
        ])
        .arg(&path)
        .env("LC_ALL", "C")
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: no `tar` to ask");
        return;
    };
    if !String::from_utf8_lossy(&output.stdout).contains("2023-11-14") {
        eprintln!("skipped: `tar` is not GNU tar");
        return;
    }
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        output.stderr.escape_ascii()
    );
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<String> = listing
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    let at = "2023-11-14 22:13:20";
    let (long, target) = ("n".repeat(200), "t".repeat(150));
    let expected = [
        format!("drwxrwxrwt 0/0 0 {at} dir/"),
        format!("-rwsr-xr-x 0/0 700 {at} dir/file"),
        format!("-rw------- 0/0 0 {at} dir/empty"),
        format!("-rw-r--r-- 0/0 4 {at} dir/{long}"),
        format!("-rw-r--r-- 0/0 5 {at} dir/\u{e4}\u{20ac}"),
        format!("hrwxrwxrwx 0/0 0 {at} dir/hard link to dir/file"),
        format!("lrwxrwxrwx 0/0 0 {at} dir/soft -> {target}"),
        format!("-rw-r--r-- 3000000/4000000 1 {at} dir/owned"),
        format!("crw-rw-rw- 0/0 1,3 {at} dir/null"),
        format!("prw-r--r-- 0/0 0 {at} dir/fifo"),
    ];
    assert_eq!(lines, expected);
}
