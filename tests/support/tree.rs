//! A directory tree as rows, in the format of the corpus's flatten oracles, and a comparison people can read.
//!
//! A module of its own because umoci, the kernel and the oracles must be read by one and the same eye. It assumes root:
//! modes, owners and `security.*` attributes are read as they are.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use flate2::read::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::recipe::{hex, shown};

/// A tree: path → its row.
#[derive(Clone, PartialEq)]
pub(crate) struct Tree(pub(crate) BTreeMap<String, Row>);

/// What is known of one path. An oracle knows no fractions of a second and no inodes.
#[derive(Clone, PartialEq)]
pub(crate) struct Row {
    /// `type mode uid:gid size sha256_16 link_or_dev xattrs`, the oracle's columns between path and mtime.
    pub(crate) columns: [String; 7],
    /// Whole seconds.
    pub(crate) mtime: i64,
    /// The rest of the time.
    nanos: Option<i64>,
    /// The first name, in sorted order, of the same inode: two names with one leader are hard links.
    leader: Option<String>,
}

impl Tree {
    /// Reads what is below `root`, without `root` itself.
    pub(crate) fn read(root: &Path) -> Self {
        let mut found = BTreeMap::new();
        walk(root, root, &mut found);
        let mut leaders = BTreeMap::<(u64, u64), String>::new();
        let rows = found.into_iter().map(|(path, (row, inode))| {
            let leader = leaders.entry(inode).or_insert_with(|| path.clone()).clone();
            (
                path,
                Row {
                    leader: Some(leader),
                    ..row
                },
            )
        });
        Self(rows.collect())
    }

    /// Reads an oracle: gzip, one header line, tab-separated columns.
    pub(crate) fn oracle(file: &Path) -> Self {
        let mut text = String::new();
        GzDecoder::new(fs::File::open(file).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        let rows = text.lines().skip(1).map(|line| {
            let cells: Vec<_> = line.split('\t').map(str::to_owned).collect();
            let [path, columns @ .., mtime] = cells.as_slice() else {
                panic!("{}: `{line}`", file.display())
            };
            let columns = columns.to_vec().try_into().expect("nine columns");
            (
                path.clone(),
                Row {
                    columns,
                    mtime: mtime.parse().unwrap(),
                    nanos: None,
                    leader: None,
                },
            )
        });
        Self(rows.collect())
    }

    /// The same tree with what an oracle does not know taken away.
    pub(crate) fn into_oracle(mut self) -> Self {
        for row in self.0.values_mut() {
            (row.nanos, row.leader) = (None, None);
        }
        self
    }

    /// The same tree without these paths and, for a directory, without what is below it.
    pub(crate) fn without<'a>(mut self, gone: impl IntoIterator<Item = &'a String>) -> Self {
        for path in gone {
            let below = format!("{path}/");
            assert!(
                self.0.contains_key(path),
                "the case wants `{path}` gone, which is not there to begin with"
            );
            self.0.retain(|name, _| name != path && !name.starts_with(&below));
        }
        // A name that led a group may be gone: the next one leads.
        let mut leaders = BTreeMap::new();
        for (path, row) in &mut self.0 {
            if let Some(leader) = &mut row.leader {
                leader.clone_from(leaders.entry(leader.clone()).or_insert_with(|| path.clone()));
            }
        }
        self
    }

    /// Asserts that both trees are the same; says each path and column that is not.
    #[track_caller]
    pub(crate) fn assert_same(&self, want: &Self, what: &str) {
        let difference = self.difference(want);
        assert!(
            difference.is_empty(),
            "{what}: `-` is what should be there, `+` what is\n{difference}"
        );
    }

    fn difference(&self, want: &Self) -> String {
        let mut lines = String::new();
        let (mut more, most) = (0, 40);
        let all: BTreeMap<_, _> = self.0.iter().chain(&want.0).collect();
        for path in all.into_keys() {
            let (got, wanted) = (self.0.get(path), want.0.get(path));
            if got == wanted {
                continue;
            }
            more += 1;
            if more <= most {
                for (sign, row) in [('-', wanted), ('+', got)] {
                    let row = row.map_or_else(|| "(nothing)".to_owned(), Row::line);
                    writeln!(lines, "{sign} {path}\t{row}").expect("written to memory");
                }
            }
        }
        if more > most {
            writeln!(lines, "… and {} more paths", more - most).expect("written to memory");
        }
        lines
    }
}

impl Row {
    /// A row that was not read from a disk: seconds and nanoseconds, and the first name of its inode.
    pub(crate) fn new(columns: [String; 7], (mtime, nanos): (i64, i64), leader: String) -> Self {
        Self {
            columns,
            mtime,
            nanos: Some(nanos),
            leader: Some(leader),
        }
    }

    fn line(&self) -> String {
        let nanos = self.nanos.map(|nanos| format!(".{nanos:09}")).unwrap_or_default();
        let leader = self
            .leader
            .as_ref()
            .map(|leader| format!("\tinode of {leader}"))
            .unwrap_or_default();
        format!("{}\t{}{nanos}{leader}", self.columns.join("\t"), self.mtime)
    }
}

fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<String, (Row, (u64, u64))>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        // Where overlayfs has nothing to merge it lists whiteouts, which are not there when they are asked for.
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata.unwrap(),
        };
        let name = shown(path.strip_prefix(root).unwrap().as_os_str().as_bytes());
        let row = Row {
            columns: columns(&path, &metadata),
            mtime: metadata.mtime(),
            nanos: Some(metadata.mtime_nsec()),
            leader: None,
        };
        // Directories have one name each; overlayfs may give one inode number to two of them.
        let inode = if metadata.is_dir() {
            (u64::MAX, found.len() as u64)
        } else {
            (metadata.dev(), metadata.ino())
        };
        found.insert(name, (row, inode));
        if metadata.is_dir() {
            walk(root, &path, found);
        }
    }
}

fn columns(path: &Path, metadata: &fs::Metadata) -> [String; 7] {
    let kind = metadata.file_type();
    let device = || {
        let number = metadata.rdev();
        format!(
            "{}:{}",
            (number >> 8) & 0xfff,
            (number & 0xff) | ((number >> 12) & 0xfff00)
        )
    };
    let (letter, target) = match () {
        () if kind.is_dir() => ("d", String::new()),
        () if kind.is_file() => ("f", String::new()),
        () if kind.is_symlink() => ("l", shown_link(fs::read_link(path).unwrap().as_os_str())),
        () if kind.is_char_device() => ("c", device()),
        () if kind.is_block_device() => ("b", device()),
        () if kind.is_fifo() => ("p", String::new()),
        () => ("?", String::new()),
    };
    let (size, sum) = if kind.is_file() {
        let body = fs::read(path).unwrap();
        (body.len(), hex(&Sha256::digest(&body)[..8]))
    } else {
        (0, String::new())
    };
    [
        letter.to_owned(),
        format!("{:o}", metadata.mode() & 0o7777),
        format!("{}:{}", metadata.uid(), metadata.gid()),
        size.to_string(),
        sum,
        target,
        xattrs(path),
    ]
}

fn shown_link(target: &OsStr) -> String {
    target.as_bytes().escape_ascii().to_string()
}

/// `name=hex`, sorted; not what the judges themselves put there.
fn xattrs(path: &Path) -> String {
    let names = xattr::list(path)
        .map(Iterator::collect::<Vec<_>>)
        .unwrap_or_default();
    let mut shown: Vec<_> = names
        .iter()
        .filter(|name| !name.as_bytes().starts_with(b"trusted.overlay.") && *name != "security.selinux")
        .map(|name| {
            let value = xattr::get(path, name).unwrap().unwrap_or_default();
            format!("{}={}", name.to_string_lossy(), hex(&value))
        })
        .collect();
    shown.sort();
    shown.join(",")
}
