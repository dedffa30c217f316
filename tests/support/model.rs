//! What layers mean, said as simply as possible: a map of paths, and a second opinion on tar.
//!
//! A module of its own because it must share nothing with the program: it is written from the rules (A and B) and
//! reads tar by itself. It holds everything in memory and assumes archives that recipes make, or the program.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::recipe::{hex, shown};
use super::tree::{Row, Tree};

/// A member of a tar as it stands there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Member {
    pub(crate) name: Vec<u8>,
    /// The type flag.
    pub(crate) flag: u8,
    pub(crate) link: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) device: (u64, u64),
    mode: u64,
    owner: (u64, u64),
    mtime: (i64, i64),
    xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Member {
    /// The clean path: no `.`, no `..`, no slash at either end.
    pub(crate) fn path(&self) -> Vec<u8> {
        clean(&self.name)
    }
}

/// The members of a plain tar: ustar, PAX, base-256 numbers.
pub(crate) fn members(tar: &[u8]) -> Vec<Member> {
    let mut found = Vec::new();
    let mut records = BTreeMap::<Vec<u8>, Vec<u8>>::new();
    let mut rest = tar;
    while let Some((block, after)) = rest
        .split_at_checked(512)
        .filter(|(block, _)| block.iter().any(|&byte| byte != 0))
    {
        let text = |from: usize, len: usize| {
            block[from..from + len]
                .split(|&byte| byte == 0)
                .next()
                .unwrap()
                .to_vec()
        };
        let size = usize::try_from(number(&block[124..136])).unwrap();
        let body = after[..size].to_vec();
        rest = &after[size.next_multiple_of(512)..];
        if block[156] == b'x' {
            records = pax(&body);
            continue;
        }
        let record = |key: &str| records.get(key.as_bytes()).cloned();
        let id = |key: &str, from: usize| {
            record(key).map_or_else(
                || number(&block[from..from + 8]),
                |id| String::from_utf8(id).unwrap().parse().unwrap(),
            )
        };
        let name = match text(345, 155) {
            prefix if prefix.is_empty() => text(0, 100),
            prefix => [prefix, b"/".to_vec(), text(0, 100)].concat(),
        };
        found.push(Member {
            name: record("path").unwrap_or(name),
            flag: block[156],
            link: record("linkpath").unwrap_or_else(|| text(157, 100)),
            body,
            device: (number(&block[329..337]), number(&block[337..345])),
            mode: number(&block[100..108]) & 0o7777,
            owner: (id("uid", 108), id("gid", 116)),
            mtime: record("mtime")
                .map_or_else(|| (number(&block[136..148]).cast_signed(), 0), |text| time(&text)),
            xattrs: records
                .iter()
                .filter_map(|(key, value)| {
                    Some((key.strip_prefix(b"SCHILY.xattr.")?.to_vec(), value.clone()))
                })
                .collect(),
        });
        records.clear();
    }
    assert!(
        rest.len() >= 1024 && rest.iter().all(|&byte| byte == 0),
        "a tar ends with two zero blocks"
    );
    found
}

fn number(field: &[u8]) -> u64 {
    if field[0] == 0x80 {
        return field[1..].iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    }
    let digits = field.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum, &digit| sum * 8 + u64::from(digit - b'0'))
}

/// `length key=value\n`, parted by their lengths.
fn pax(mut body: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut records = BTreeMap::new();
    while !body.is_empty() {
        let space = body.iter().position(|&byte| byte == b' ').unwrap();
        let length: usize = str::from_utf8(&body[..space]).unwrap().parse().unwrap();
        let record = &body[space + 1..length - 1];
        let equals = record.iter().position(|&byte| byte == b'=').unwrap();
        records.insert(record[..equals].to_vec(), record[equals + 1..].to_vec());
        body = &body[length..];
    }
    records
}

/// `-1.5` is half a second after -2.
fn time(text: &[u8]) -> (i64, i64) {
    let text = str::from_utf8(text).unwrap();
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (seconds, nanos): (i64, i64) = (
        seconds.parse().unwrap(),
        format!("{fraction:0<9}").parse().unwrap(),
    );
    if text.starts_with('-') && nanos > 0 {
        (seconds - 1, 1_000_000_000 - nanos)
    } else {
        (seconds, nanos)
    }
}

/// Rule 6: one path, however it is spelt; rule 32: inside the root.
pub(crate) fn clean(name: &[u8]) -> Vec<u8> {
    let mut parts = Vec::new();
    for part in name.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts.join(&b'/')
}

/// Layers stacked.
#[derive(Clone, Default)]
pub(crate) struct Model {
    /// Path → inode. The root is not among them.
    paths: BTreeMap<Vec<u8>, usize>,
    inodes: Vec<Inode>,
    /// The time of directories that no layer names.
    created: i64,
}

#[derive(Clone)]
struct Inode {
    letter: char,
    member: Member,
}

impl Model {
    /// The image that these uncompressed layers are, base first; `created` is the config's.
    pub(crate) fn of<'a>(layers: impl IntoIterator<Item = &'a Vec<u8>>, created: i64) -> Self {
        let mut model = Self {
            created,
            ..Self::default()
        };
        for layer in layers {
            model.apply(&members(layer));
        }
        model
    }

    /// The tree that an engine shows.
    pub(crate) fn tree(&self) -> Tree {
        let shown: BTreeMap<String, usize> = self
            .paths
            .iter()
            .map(|(path, &inode)| (shown(path), inode))
            .collect();
        let mut leaders = BTreeMap::new();
        let rows = shown.into_iter().map(|(name, inode)| {
            let leader = leaders.entry(inode).or_insert_with(|| name.clone()).clone();
            (name, self.inodes[inode].row(leader))
        });
        Tree(rows.collect())
    }

    /// Bytes of regular files that are seen, each file once.
    pub(crate) fn visible_bytes(&self) -> u64 {
        let inodes: std::collections::BTreeSet<_> = self.paths.values().collect();
        inodes
            .into_iter()
            .map(|&inode| self.inodes[inode].member.body.len() as u64)
            .sum()
    }

    /// The letter of what a path shows.
    pub(crate) fn letter(&self, path: &[u8]) -> Option<char> {
        Some(self.inodes[*self.paths.get(path)?].letter)
    }

    /// Every symlink that leads somewhere, and where to.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&Vec<u8>, Vec<u8>)> {
        let links = self.paths.keys().filter(|path| self.letter(path) == Some('l'));
        links.filter_map(|path| Some((path, self.resolve(path, true)?)))
    }

    /// The same image without these paths.
    pub(crate) fn without<'a>(&self, gone: impl IntoIterator<Item = &'a Vec<u8>>) -> Self {
        let mut model = self.clone();
        for path in gone {
            model.paths.remove(path);
        }
        model
    }

    /// Device 0:0 at this path (rule 3).
    pub(crate) fn is_zero_device(&self, path: &[u8]) -> bool {
        let inode = self.paths.get(path).map(|&inode| &self.inodes[inode]);
        inode.is_some_and(|inode| inode.letter == 'c' && inode.member.device == (0, 0))
    }

    /// All paths that are seen.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.paths.keys()
    }

    fn apply(&mut self, members: &[Member]) {
        let mut content = Vec::new();
        let mut emptied = Vec::new();
        for member in members {
            let path = member.path();
            let (parent, name) = split(&path);
            if parent
                .split(|&byte| byte == b'/')
                .any(|part| part.starts_with(b".wh."))
            {
                continue; // the bookkeeping of aufs, or a name that could not be written again
            }
            match name.strip_prefix(b".wh.") {
                None => content.push((path, member)),
                Some(b".wh..opq") => {
                    self.remove_below(parent);
                    emptied.push(parent.to_vec());
                }
                Some(b"" | b"." | b"..") => {}
                Some(hidden) if hidden.starts_with(b".wh.") => {}
                Some(hidden) => {
                    self.remove(&join(parent, hidden));
                    emptied.push(parent.to_vec());
                }
            }
        }
        // Rule 7: whatever a layer speaks of has its parents, a marker too.
        for directory in emptied {
            self.make_directory(&directory);
        }
        self.place_all(content);
    }

    fn place_all(&mut self, content: Vec<(Vec<u8>, &Member)>) {
        let first_inode = self.inodes.len();
        let mut forward = Vec::new();
        // A symlink of this layer is one until another member takes its name, even one that is left out below.
        let mut own_links = OwnLinks::new();
        for (path, member) in content {
            let path = through(&own_links, path);
            let link = match member.flag {
                b'1' => own_links.get(&through(&own_links, clean(&member.link))).cloned(),
                b'2' => Some(member.link.clone()),
                _ => None,
            };
            let below = [path.as_slice(), b"/"].concat();
            own_links
                .retain(|other, _| *other != path && (member.flag == b'5' || !other.starts_with(&below)));
            own_links.extend(link.map(|link| (path.clone(), link)));
            if member.flag == b'1' {
                match self.target(&path, member) {
                    Some(inode) => self.place(&path, inode),
                    None => forward.push((path, member, self.inodes.len())),
                }
                continue;
            }
            let letter = match member.flag {
                b'0' => 'f',
                b'2' => 'l',
                b'3' => 'c',
                b'5' => 'd',
                b'6' => 'p',
                flag => panic!("type {flag}"),
            };
            self.inodes.push(Inode {
                letter,
                member: member.clone(),
            });
            self.place(&path, self.inodes.len() - 1);
        }
        // A link that stands before its target, which engines refuse: read where the target follows in the layer.
        for (path, member, since) in forward {
            let target = self
                .target(&path, member)
                .filter(|&inode| inode >= since.max(first_inode));
            if let Some(inode) = target.filter(|_| !self.paths.contains_key(&path)) {
                self.place(&path, inode);
            }
        }
    }

    /// The inode that a hard link is one more name of.
    fn target(&self, path: &[u8], member: &Member) -> Option<usize> {
        let target = self.resolve(&member.link, false)?;
        let inode = *self.paths.get(&target)?;
        (target != path && self.inodes[inode].letter != 'd').then_some(inode)
    }

    fn place(&mut self, path: &[u8], inode: usize) {
        if path.is_empty() {
            return; // the root is a directory and has no row
        }
        self.make_directory(split(path).0);
        let stays = self.inodes[inode].letter == 'd' && self.letter(path) == Some('d');
        if !stays {
            self.remove(path);
        }
        self.paths.insert(path.to_vec(), inode);
    }

    /// Makes a directory and its parents, where they are none yet.
    fn make_directory(&mut self, path: &[u8]) {
        if path.is_empty() || self.letter(path) == Some('d') {
            return;
        }
        self.make_directory(split(path).0);
        let member = Member {
            mode: 0o755,
            mtime: (self.created, 0),
            ..Member::default()
        };
        self.inodes.push(Inode { letter: 'd', member });
        self.paths.insert(path.to_vec(), self.inodes.len() - 1);
    }

    fn remove(&mut self, path: &[u8]) {
        self.paths.remove(path);
        self.remove_below(path);
    }

    fn remove_below(&mut self, directory: &[u8]) {
        let inside = |path: &[u8]| {
            directory.is_empty()
                || path
                    .strip_prefix(directory)
                    .is_some_and(|rest| rest.starts_with(b"/"))
        };
        self.paths.retain(|path, _| !inside(path));
    }

    /// Where a process inside the image ends up: link(2) without `follow`, open(2) with it.
    fn resolve(&self, name: &[u8], follow: bool) -> Option<Vec<u8>> {
        let parts = |name: &[u8]| -> Vec<Vec<u8>> {
            let parts = name
                .split(|&byte| byte == b'/')
                .filter(|part| !matches!(*part, b"" | b"."));
            parts.rev().map(<[u8]>::to_vec).collect()
        };
        let (mut at, mut rest, mut followed) = (Vec::new(), parts(name), 0);
        while let Some(part) = rest.pop() {
            if part == b".." {
                at = split(&at).0.to_vec();
                continue;
            }
            let next = join(&at, &part);
            let inode = &self.inodes[*self.paths.get(&next)?];
            if inode.letter == 'l' && (follow || !rest.is_empty()) {
                followed += 1;
                if followed > 40 {
                    return None;
                }
                if inode.member.link.starts_with(b"/") {
                    at.clear();
                }
                rest.extend(parts(&inode.member.link));
            } else if inode.letter == 'd' || rest.is_empty() {
                at = next;
            } else {
                return None;
            }
        }
        Some(at)
    }
}

impl Inode {
    fn row(&self, leader: String) -> Row {
        let Member {
            mode,
            owner,
            mtime,
            body,
            device,
            xattrs,
            link,
            ..
        } = &self.member;
        let sum = if self.letter == 'f' {
            hex(&Sha256::digest(body)[..8])
        } else {
            String::new()
        };
        let shown_link = match self.letter {
            'l' => link.escape_ascii().to_string(),
            'c' => format!("{}:{}", device.0, device.1),
            _ => String::new(),
        };
        let attributes: Vec<_> = xattrs
            .iter()
            .map(|(name, value)| format!("{}={}", String::from_utf8_lossy(name), hex(value)))
            .collect();
        let columns = [
            self.letter.to_string(),
            format!("{mode:o}"),
            format!("{}:{}", owner.0, owner.1),
            body.len().to_string(),
            sum,
            shown_link,
            attributes.join(","),
        ];
        Row::new(columns, *mtime, leader)
    }
}

/// Parent and name; the parent of a name alone is the root, which is empty.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() {
        name.to_vec()
    } else {
        [parent, b"/", name].concat()
    }
}

/// Symlinks that a layer has made so far, with their targets.
type OwnLinks = BTreeMap<Vec<u8>, Vec<u8>>;

/// Rule 4: engines unpack a layer by itself, follow the symlinks that it has made so far, and see none of those below.
fn through(own_links: &OwnLinks, path: Vec<u8>) -> Vec<u8> {
    let parts =
        |path: &[u8]| -> Vec<Vec<u8>> { path.rsplit(|&byte| byte == b'/').map(<[u8]>::to_vec).collect() };
    let (mut at, mut rest, mut followed) = (Vec::new(), parts(&path), 0);
    while let Some(part) = rest.pop() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                at = split(&at).0.to_vec();
                continue;
            }
            _ => {}
        }
        let next = join(&at, &part);
        let Some(link) = own_links.get(&next).filter(|_| !rest.is_empty()) else {
            at = next;
            continue;
        };
        followed += 1;
        if followed > 40 {
            return path; // leads nowhere: the symlink becomes a directory
        }
        if link.starts_with(b"/") {
            at.clear();
        }
        rest.extend(parts(link));
    }
    let is_marker = at
        .split(|&byte| byte == b'/')
        .any(|part| part.starts_with(b".wh."));
    if is_marker { path } else { at }
}
