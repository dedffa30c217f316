//! One member of a layer, as the content map keeps it: 32 bytes, whatever the name's length.

use super::magic::Magic;
use super::tree::NodeId;
use crate::tar;

/// What a member is, once the tar reader has resolved its oddities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A regular file: the only kind that has bytes.
    File,
    /// Another name of an inode: its bytes are counted with that inode.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
}

impl Kind {
    /// The kind of a tar member. Types that tar does not define are regular files (POSIX).
    pub fn of(kind: tar::Kind) -> Self {
        match kind {
            tar::Kind::HardLink => Self::HardLink,
            tar::Kind::Symlink => Self::Symlink,
            tar::Kind::CharDevice => Self::CharDevice,
            tar::Kind::BlockDevice => Self::BlockDevice,
            tar::Kind::Directory => Self::Directory,
            tar::Kind::Fifo => Self::Fifo,
            tar::Kind::Regular | tar::Kind::Other(_) => Self::File,
        }
    }

    /// One letter, as `ls` and `find` print it.
    pub fn letter(self) -> char {
        match self {
            Self::File => 'f',
            Self::HardLink => 'h',
            Self::Symlink => 'l',
            Self::CharDevice => 'c',
            Self::BlockDevice => 'b',
            Self::Directory => 'd',
            Self::Fifo => 'p',
        }
    }

    pub(super) fn from_letter(letter: u8) -> Option<Self> {
        let all = [
            Self::File,
            Self::HardLink,
            Self::Symlink,
            Self::CharDevice,
            Self::BlockDevice,
            Self::Directory,
            Self::Fifo,
        ];
        all.into_iter().find(|kind| kind.letter() == char::from(letter))
    }
}

/// One member of a layer that is content: not a whiteout, not bookkeeping. In a changeset the entries
/// stand in the order of the tar, so that the n-th entry is the n-th such member of a second reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its path, in the changeset's tree.
    pub node: NodeId,
    /// What it is.
    pub kind: Kind,
    /// What its first bytes prove, for regular files.
    pub magic: Option<Magic>,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u16,
    /// Owner; ids beyond 32 bits are shown as `u32::MAX` here and kept whole in the tar.
    pub uid: u32,
    /// Group, likewise.
    pub gid: u32,
    /// Body bytes that the tar stores for it; 0 for all but regular files.
    pub size: u64,
    /// Blocks of 512 bytes that its headers take in an output: its own where they can be written again as
    /// they are, else those of the headers made in their place.
    pub header_blocks: u32,
    /// Where its link target begins in the changeset's [`links`](super::Changeset::link), for links; 1 for the
    /// device 0:0.
    pub(super) link: u32,
}

impl Entry {
    /// Whether this is the character device 0:0: a device on read, but to an overlay file system a whiteout,
    /// so that it can never be written (rule 3).
    pub fn is_zero_device(&self) -> bool {
        self.kind == Kind::CharDevice && self.link == 1
    }
}

/// What a second look at a member must find again: everything but its path and its place.
/// Made only where a verification will follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// BLAKE3 of the expanded content, for regular files.
    pub content: [u8; 32],
    /// BLAKE3 over the extended attributes, names and values.
    pub xattrs: [u8; 16],
    /// Modification time: seconds since 1970.
    pub mtime_secs: i64,
    /// Modification time: nanoseconds on top.
    pub mtime_nanos: u32,
    /// Major and minor number, for devices.
    pub device: (u32, u32),
    /// Owner and group at their whole width.
    pub owner: (u64, u64),
}
