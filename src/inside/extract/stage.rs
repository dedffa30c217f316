//! What is taken out while it is made: directories first, then what the layers bring, then how it all shall look.
//!
//! Of its own because all of it happens in a directory that nobody else writes to, and by paths.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt, fchown, lchown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, XattrFlags, fsetxattr, futimens, utimensat};

use super::super::pass::{Taker, Want};
use super::super::{InsideError, Sight, Source, View, kind_in_words};
use super::{Extracted, Owners, Skipped, failed};
use crate::content::{EntryId, Visible};
use crate::layer::{Kind, NodeId};
use crate::tar::{self, Header, Time};

/// Leaves a time as it is: `UTIME_OMIT` of utimensat(2).
const OMIT: i64 = rustix::fs::UTIME_OMIT;

/// What is being made.
pub(super) struct Stage<'a> {
    source: &'a Source<'a>,
    sight: &'a Sight<'a>,
    /// What lower layers have, where a layer is looked at alone: directories that it only implies look so.
    below: Option<Sight<'a>>,
    root: &'a Path,
    owners: Owners,
    pub(super) extracted: Extracted,
    /// Directories that were made, parents first.
    directories: Vec<NodeId>,
    /// Length of the path that what is moved lies in, in the image, with its slash.
    cut: usize,
    /// Inodes to be made, each with its names, ascending.
    wanted: Vec<(EntryId, NodeId)>,
    /// What of `wanted` is still to come in the layer that is read.
    next: usize,
    /// The file that is being written.
    open: Option<Open>,
}

struct Open {
    path: PathBuf,
    file: File,
    header: Header,
    /// Its further names.
    links: Vec<NodeId>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(source: &'a Source<'a>, sight: &'a Sight<'a>, root: &'a Path, owners: Owners) -> Self {
        let below = match sight.view() {
            View::Layer(layer) => Some(Sight::new(source.map, View::UpTo(layer))),
            View::Merged | View::UpTo(_) => None,
        };
        Self {
            source,
            sight,
            below,
            root,
            owners,
            extracted: Extracted::default(),
            directories: Vec::new(),
            cut: 0,
            wanted: Vec::new(),
            next: 0,
            open: None,
        }
    }

    /// Makes the directories of `tops`, which lie in one directory, and notes what the layers must bring.
    pub(super) fn lay_out(&mut self, tops: &[NodeId]) -> Result<(), InsideError> {
        let map = self.source.map;
        let parent = tops.first().and_then(|&top| map.tree().parent(top));
        self.cut = parent.map_or(0, |parent| match map.tree().path(parent).len() {
            0 => 0,
            length => length + 1,
        });
        let mut is_within = vec![false; map.tree().len()];
        for &top in tops {
            is_within[top.index()] = true;
        }
        for node in map.tree().ids() {
            let above = map.tree().parent(node);
            if is_within[node.index()] || above.is_some_and(|parent| is_within[parent.index()]) {
                is_within[node.index()] = self.note(node)?;
            }
        }
        self.wanted.sort_unstable();
        Ok(())
    }

    /// Whether what lies below a path is wanted too.
    fn note(&mut self, node: NodeId) -> Result<bool, InsideError> {
        let Some(kind) = self.sight.kind(node) else {
            return Ok(false);
        };
        match kind {
            Kind::Directory => {
                let path = self.path(node);
                let made = fs::create_dir(&path);
                if self.is_left_out(node, made, &path)? {
                    return Ok(false);
                }
                fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(failed(&path))?;
                self.directories.push(node);
                self.extracted.directories += 1;
                return Ok(true);
            }
            Kind::File | Kind::Symlink => {
                let inode = self.sight.inode(node);
                self.wanted.extend(inode.map(|inode| (inode, node)));
            }
            Kind::CharDevice | Kind::BlockDevice | Kind::Fifo | Kind::HardLink => {
                self.skip(node, kind_in_words(kind));
            }
        }
        Ok(false)
    }

    /// Whether a layer holds something that is wanted.
    pub(super) fn begin_layer(&mut self, layer: usize) -> bool {
        let ids = self.source.map.layer_ids(layer);
        self.next = self.wanted.partition_point(|(inode, _)| inode.0 < ids.start);
        self.wanted
            .get(self.next)
            .is_some_and(|(inode, _)| inode.0 < ids.end)
    }

    /// Gives directories their looks, the deepest first: what is put into one changes its time.
    pub(super) fn finish(&mut self) -> Result<(), InsideError> {
        for node in std::mem::take(&mut self.directories).into_iter().rev() {
            let header = self.directory(node);
            let path = self.path(node);
            let file = File::open(&path).map_err(failed(&path))?;
            self.dress(&file, &header, &path)?;
            self.directories.push(node);
        }
        Ok(())
    }

    /// Makes directories so that they can be removed, whoever this is.
    pub(super) fn open_up(&self) {
        for &node in &self.directories {
            // What cannot be changed is left for whoever sweeps.
            let _ = fs::set_permissions(self.path(node), Permissions::from_mode(0o700));
        }
    }

    /// The header of a directory as the view shows it; made up where no layer names it (rule 7).
    fn directory(&self, node: NodeId) -> Header {
        let entry = |sight: &Sight<'_>| match sight.at(node) {
            Visible::Entry(id) => Some(id),
            Visible::Nothing | Visible::Implied => None,
        };
        let map = self.source.map;
        let below = || self.below.as_ref().and_then(entry);
        let named = entry(self.sight).or_else(below);
        let header = named.and_then(|id| map.directory_header(id));
        header
            .and_then(|blocks| parse(&blocks, self.source))
            .unwrap_or_else(|| {
                let secs = self.source.image.config.created_secs().unwrap_or(0).max(0);
                Header::directory(&map.tree().path(node), 0o755, Time { secs, nanos: 0 })
            })
    }

    /// Owner, extended attributes, mode and time, in this order: each may undo the one after it.
    fn dress(&mut self, file: &File, header: &Header, path: &Path) -> Result<(), InsideError> {
        let mut mode = header.mode & 0o1777;
        if self.owners == Owners::Kept {
            mode = header.mode;
            let (uid, gid) = ids(header, path)?;
            fchown(file, Some(uid), Some(gid)).map_err(failed(path))?;
            for (name, value) in &header.xattrs {
                if let Err(error) = fsetxattr(file, name.as_slice(), value, XattrFlags::empty()) {
                    let why = format!("without its attribute {}: {error}", name.escape_ascii());
                    let path = self.image_path(path);
                    self.extracted.skipped.push(Skipped { path, why });
                }
            }
        }
        file.set_permissions(Permissions::from_mode(mode))
            .map_err(failed(path))?;
        // A time that the disk cannot hold is no reason to fail.
        let _ = futimens(file, &times(header.mtime));
        Ok(())
    }

    /// Makes what has several names under the others.
    fn link(&mut self, first: &Path, names: &[NodeId]) -> Result<u64, InsideError> {
        let mut made = 0;
        for &node in names {
            let path = self.path(node);
            let linked = fs::hard_link(first, &path);
            if !self.is_left_out(node, linked, &path)? {
                made += 1;
            }
        }
        Ok(made)
    }

    fn make_symlink(&mut self, header: &Header, names: &[NodeId]) -> Result<(), InsideError> {
        let Some((&first, others)) = names.split_first() else {
            return Ok(());
        };
        let path = self.path(first);
        let made = symlink(OsStr::from_bytes(&header.link), &path);
        if self.is_left_out(first, made, &path)? {
            return self.make_symlink(header, others);
        }
        if self.owners == Owners::Kept {
            let (uid, gid) = ids(header, &path)?;
            lchown(&path, Some(uid), Some(gid)).map_err(failed(&path))?;
        }
        let _ = utimensat(CWD, &path, &times(header.mtime), AtFlags::SYMLINK_NOFOLLOW);
        self.extracted.symlinks += 1 + self.link(&path, others)?;
        Ok(())
    }

    /// Opens a new file under the first of its names that the disk takes.
    fn begin_file(&mut self, header: &Header, names: &[NodeId]) -> Result<Want, InsideError> {
        for (at, &node) in names.iter().enumerate() {
            let path = self.path(node);
            let made = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match made {
                Ok(file) => {
                    self.open = Some(Open {
                        path,
                        file,
                        header: header.clone(),
                        links: names[at + 1..].to_vec(),
                    });
                    return Ok(Want::Body);
                }
                Err(error) => _ = self.is_left_out(node, Err(error), &path)?,
            }
        }
        Ok(Want::Nothing)
    }

    /// Whether a name is none for this disk, so that it is left out; other errors end the work.
    fn is_left_out(&mut self, node: NodeId, made: io::Result<()>, path: &Path) -> Result<bool, InsideError> {
        use io::ErrorKind as K;
        let Err(error) = made else {
            return Ok(false);
        };
        let why = match error.kind() {
            K::AlreadyExists => "the disk takes its name for another one",
            K::InvalidFilename | K::InvalidInput => "its name is none, or too long, for this disk",
            K::TooManyLinks => "the disk allows no more names of one file",
            _ => return Err(failed(path)(error)),
        };
        self.skip(node, why);
        Ok(true)
    }

    fn skip(&mut self, node: NodeId, why: &str) {
        self.extracted.skipped.push(Skipped {
            path: self.source.map.tree().path(node),
            why: why.to_owned(),
        });
    }

    /// Where a path of the image is made.
    fn path(&self, node: NodeId) -> PathBuf {
        let path = self.source.map.tree().path(node);
        self.root.join(OsStr::from_bytes(&path[self.cut..]))
    }

    /// The other way round, without what lies above.
    fn image_path(&self, path: &Path) -> Vec<u8> {
        let below = path.strip_prefix(self.root).unwrap_or(path);
        below.as_os_str().as_bytes().to_vec()
    }
}

impl Taker for Stage<'_> {
    fn entry(&mut self, id: EntryId, header: &Header) -> Result<Want, InsideError> {
        let rest = &self.wanted[self.next..];
        let names = rest.iter().take_while(|(inode, _)| *inode == id);
        let names: Vec<NodeId> = names.map(|(_, node)| *node).collect();
        self.next += names.len();
        if names.is_empty() {
            return Ok(Want::Nothing);
        }
        if Kind::of(header.kind) == Kind::Symlink {
            return self.make_symlink(header, &names).map(|()| Want::Nothing);
        }
        self.begin_file(header, &names)
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<ControlFlow<()>, InsideError> {
        if let Some(open) = &self.open {
            open.file
                .write_all_at(bytes, offset)
                .map_err(failed(&open.path))?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, logical: u64) -> Result<ControlFlow<()>, InsideError> {
        if let Some(open) = self.open.take() {
            // Holes stay holes, also the one at the end.
            open.file.set_len(logical).map_err(failed(&open.path))?;
            self.dress(&open.file, &open.header, &open.path)?;
            self.extracted.files += 1 + self.link(&open.path, &open.links)?;
            self.extracted.bytes += logical;
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// A directory's header blocks, read.
fn parse(blocks: &[u8], source: &Source<'_>) -> Option<Header> {
    struct First(Option<Header>);
    impl tar::Visitor for First {
        type Error = tar::TarError;
        fn entry(&mut self, header: &Header) -> Result<(), tar::TarError> {
            self.0 = Some(header.clone());
            Ok(())
        }
        fn body(&mut self, _: &[u8]) -> Result<(), tar::TarError> {
            Ok(())
        }
        fn end_entry(&mut self) -> Result<(), tar::TarError> {
            Ok(())
        }
        fn warning(&mut self, _: tar::Warning) {}
    }
    let mut first = First(None);
    tar::Reader::new(source.limits).feed(blocks, &mut first).ok()?;
    first.0
}

/// Owner and group as the system has them.
fn ids(header: &Header, path: &Path) -> Result<(u32, u32), InsideError> {
    let narrow = |id: u64| u32::try_from(id).map_err(|_| failed(path)(io::ErrorKind::InvalidInput.into()));
    Ok((narrow(header.uid)?, narrow(header.gid)?))
}

fn times(time: Time) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: OMIT,
        },
        last_modification: Timespec {
            tv_sec: time.secs,
            tv_nsec: i64::from(time.nanos),
        },
    }
}
