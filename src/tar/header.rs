//! One member of an archive with all its extension headers resolved.
//!
//! Of its own because reader, writer and everything above speak of entries in these words, and none of them
//! should know how a header lies in its block.

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// A regular file (types `0`, NUL, `7`, and sparse files).
    #[default]
    Regular,
    /// A second name of a file named before (type `1`).
    HardLink,
    /// A symbolic link (type `2`).
    Symlink,
    /// A character device (type `3`).
    CharDevice,
    /// A block device (type `4`).
    BlockDevice,
    /// A directory (type `5`, or NUL with a trailing slash).
    Directory,
    /// A fifo (type `6`).
    Fifo,
    /// A type that nobody defined; POSIX says to read it as a regular file.
    Other(u8),
}

impl Kind {
    /// Whether entries of this kind never have a body.
    pub fn is_header_only(self) -> bool {
        !matches!(self, Self::Regular | Self::Other(_))
    }
}

/// A point in time: `secs + nanos / 1e9` seconds since 1970, so nanoseconds count upwards also before 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time {
    /// Whole seconds, rounded down.
    pub secs: i64,
    /// Nanoseconds after `secs`, below one thousand million.
    pub nanos: u32,
}

/// A run of stored bytes in a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Where the run stands in the expanded file, in bytes.
    pub offset: u64,
    /// Its length in bytes, never 0.
    pub len: u64,
}

/// One member of an archive, PAX, GNU and ustar extensions resolved.
///
/// Names are bytes as written: not normalised, not even the trailing slash of a directory.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub path: Vec<u8>,
    /// The target of a hard or symbolic link, else what the header holds there (mostly nothing).
    pub link: Vec<u8>,
    /// Permissions with setuid, setgid and sticky: the low 12 bits.
    pub mode: u32,
    /// The owner.
    pub uid: u64,
    /// The owning group.
    pub gid: u64,
    /// The owner's name, mostly empty in layers.
    pub uname: Vec<u8>,
    /// The owning group's name.
    pub gname: Vec<u8>,
    /// Content bytes stored in the archive (of a sparse file: without its map); 0 for header-only kinds.
    pub size: u64,
    /// The size of the file: `size`, for a sparse file the expanded size.
    pub logical_size: u64,
    /// Time of last modification.
    pub mtime: Time,
    /// Major and minor number of a device, else (0, 0).
    pub device: (u32, u32),
    /// Extended attributes (`SCHILY.xattr.*`, `LIBARCHIVE.xattr.*` decoded), sorted by name, each name once.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Local PAX records that are not resolved here (atime, ctime, comment, ...), sorted by key, each key once.
    pub pax: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where the stored bytes of a sparse file belong, ascending; `None` for an ordinary file.
    pub sparse: Option<Vec<Extent>>,
    /// The blocks of this entry's `x`, `L` and `K` headers with their bodies, and its own header block,
    /// verbatim. Empty for headers that were not read, or were changed.
    pub raw: Vec<u8>,
    /// Whether `raw` may be written again byte for byte: every reader sees in it what is said here.
    pub canonical: bool,
}

impl Header {
    /// A header of no archive: root owned, mtime 1970.
    pub fn new(kind: Kind, path: &[u8], mode: u32) -> Self {
        Self {
            kind,
            path: path.to_vec(),
            mode: mode & 0o7777,
            ..Self::default()
        }
    }

    /// A directory, as for a parent that a layer only implies. The name gets a trailing slash.
    pub fn directory(path: &[u8], mode: u32, mtime: Time) -> Self {
        let mut header = Self::new(Kind::Directory, path, mode);
        header.mtime = mtime;
        if !header.path.ends_with(b"/") {
            header.path.push(b'/');
        }
        header
    }

    /// Gives the entry another name. `raw` speaks of the old one and goes.
    pub fn rename(&mut self, path: &[u8]) {
        self.path.clear();
        self.path.extend_from_slice(path);
        self.forget_raw();
    }

    /// Gives the entry another link target. `raw` speaks of the old one and goes.
    pub fn relink(&mut self, link: &[u8]) {
        self.link.clear();
        self.link.extend_from_slice(link);
        self.forget_raw();
    }

    /// Drops `raw` after a field was changed, so that the header is written from its fields.
    pub fn forget_raw(&mut self) {
        self.raw.clear();
        self.canonical = false;
    }

    /// Empties every field and keeps the allocations; record buffers go to `spare`.
    pub(super) fn clear(&mut self, spare: &mut Vec<(Vec<u8>, Vec<u8>)>) {
        const SPARE: usize = 64;
        for list in [&mut self.xattrs, &mut self.pax] {
            while let Some(record) = list.pop() {
                if spare.len() < SPARE {
                    spare.push(record);
                }
            }
        }
        for bytes in [
            &mut self.path,
            &mut self.link,
            &mut self.uname,
            &mut self.gname,
            &mut self.raw,
        ] {
            bytes.clear();
        }
        self.kind = Kind::Regular;
        (self.mode, self.uid, self.gid, self.size, self.logical_size) = (0, 0, 0, 0, 0);
        self.mtime = Time::default();
        self.device = (0, 0);
        self.sparse = None;
        self.canonical = false;
    }
}
