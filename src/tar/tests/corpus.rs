//! The corpus of archives that others made, where it is there.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// The corpus: `LAYERSLIM_CORPUS`, else beside the package.
fn corpus() -> Option<PathBuf> {
    let path = std::env::var_os("LAYERSLIM_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    if !path.is_dir() {
        eprintln!("skipped: no corpus at {}", path.display());
        return None;
    }
    Some(path)
}

fn read_file(path: &Path) -> Result<Seen, TarError> {
    let archive = fs::read(path).unwrap();
    let whole = read_chunks([archive.as_slice()], Limits::default());
    assert_eq!(
        whole,
        read_chunks(archive.chunks(1000), Limits::default()),
        "{}",
        path.display()
    );
    whole
}

#[test]
fn hostile_layers() {
    let Some(corpus) = corpus() else { return };
    let expectations = fs::read_to_string(corpus.join("hostile/EXPECT.tsv")).unwrap();
    let mut count = 0;
    for line in expectations.lines() {
        let mut columns = line.split('\t');
        let (Some(file), Some(_), Some(expected)) = (columns.next(), columns.next(), columns.next()) else {
            continue;
        };
        let is_plain = Path::new(file)
            .extension()
            .is_some_and(|extension| extension == "tar");
        if !file.starts_with("layers/") || !is_plain {
            continue;
        }
        count += 1;
        let result = read_file(&corpus.join("hostile").join(file));
        match (expected, &result) {
            ("accept" | "accept-sanitized" | "bounded", Ok(_))
            | ("reject", Err(_))
            | ("bounded", Err(TarError::Limit { .. })) => (),
            _ => panic!("{file}: expected {expected}, got {result:?}"),
        }
    }
    assert!(count >= 70, "{count} rows only");
}

#[test]
fn hostile_layers_say_what_was_odd() {
    let Some(corpus) = corpus() else { return };
    let cases: [(&str, &[&str], &[&str]); 12] = [
        ("hardlink-with-data", &["a", "h"], &["body-skipped"]),
        ("dev-with-size", &["null", "after"], &["body-skipped"]),
        ("dir-with-size", &["d/", "after"], &["size-ignored"]),
        ("type-unknown", &["u", "after"], &["unknown-type"]),
        ("type-gnu-misc", &["after"], &["not-content", "not-content"]),
        ("pax-times", &["p"], &["bad-time", "bad-time", "bad-time"]),
        ("pax-twice", &["two"], &["repeated-extension"]),
        ("pax-and-gnu", &["fromGnu"], &["mixed-extensions"]),
        ("pax-size-smuggle", &["n", "after"], &["mixed-extensions"]),
        ("zero-in-middle", &["a", "b"], &["lone-zero-block"]),
        ("sparse-pax10", &["real"], &[]),
        ("type-v7", &["v7", "v7dir/", "v7dir2/"], &[]),
    ];
    for (file, names, warnings) in cases {
        let seen = read_file(&corpus.join(format!("hostile/layers/{file}.tar"))).unwrap();
        assert_eq!(
            (seen.names(), seen.warnings.as_slice()),
            (owned(names), warnings),
            "{file}"
        );
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The archives of Go's own tests. What is refused here is refused there, but for the two `writer-big`, which
/// are headers without their 16 GiB. One more is refused there: `pax-bad-mtime-file.tar`, which is read here
/// with a warning, as `pax-times.tar` of the hostile layers asks for.
#[test]
fn go_archives() {
    let Some(corpus) = corpus() else { return };
    let directory = corpus.join("upstream/go-archive-tar");
    let refused = refused_in(&directory);
    let names: Vec<&str> = refused.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "issue10968.tar",
        "issue11169.tar",
        "issue12435.tar",
        "neg-size.tar",
        "pax-bad-hdr-file.tar",
        "pax-nul-path.tar",
        "pax-nul-xattrs.tar",
        "writer-big-long.tar",
        "writer-big.tar",
    ];
    assert_eq!(names, expected, "{refused:?}");
    let is_truncated = |(_, error): &(String, TarError)| matches!(error, TarError::Truncated { .. });
    assert!(refused[7..].iter().all(is_truncated));
    assert_eq!(
        read_file(&directory.join("pax-bad-mtime-file.tar"))
            .unwrap()
            .warnings,
        ["bad-time"]
    );
}

/// What Go's `reader_test.go` says of some of its archives.
#[test]
fn go_archives_as_go_reads_them() {
    let Some(corpus) = corpus() else { return };
    let cases: [(&str, &[&str]); 10] = [
        ("gnu-multi-hdrs", &["GNU2/GNU2/long-path-name"]),
        ("pax-multi-hdrs", &["bar"]),
        ("gnu-long-nul", &["0123456789"]),
        ("pax-global-records", &["file1", "file2", "file3", "file4"]),
        ("file-and-dir", &["small.txt", "dir/"]),
        ("trailing-slash", &[&"123456789/".repeat(30)]),
        ("gnu-nil-sparse-hole", &["sparse.db"]),
        ("pax-nil-sparse-data", &["sparse.db"]),
        ("pax-path-hdr", &[]),
        ("nil-uid", &["P1050238.JPG.log"]),
    ];
    for (file, names) in cases {
        let path = corpus.join(format!("upstream/go-archive-tar/{file}.tar"));
        assert_eq!(read_file(&path).unwrap().names(), owned(names), "{file}");
    }
    let formats = read_file(&corpus.join("upstream/go-archive-tar/sparse-formats.tar")).unwrap();
    let expected = [
        "sparse-gnu",
        "sparse-posix-0.0",
        "sparse-posix-0.1",
        "sparse-posix-1.0",
        "end",
    ];
    assert_eq!(formats.names(), owned(&expected));
    for Entry { header, body, .. } in &formats.entries[..4] {
        assert_eq!(
            (header.logical_size, header.sparse.as_ref().map(Vec::len)),
            (200, Some(95))
        );
        assert_eq!(header.sparse, formats.entries[0].header.sparse);
        assert_eq!(body, &formats.entries[0].body);
    }
}

#[test]
fn tar_rs_archives() {
    let Some(corpus) = corpus() else { return };
    for directory in ["upstream/tar-rs", "upstream/composefs-tar-rs"] {
        assert_eq!(refused_in(&corpus.join(directory)), []);
    }
}

fn refused_in(directory: &Path) -> Vec<(String, TarError)> {
    let mut refused = Vec::new();
    let mut count = 0;
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tar") {
            count += 1;
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            refused.extend(read_file(&path).err().map(|error| (name, error)));
        }
    }
    assert!(count >= 15, "{count} archives only");
    refused.sort_by(|a, b| a.0.cmp(&b.0));
    refused
}
