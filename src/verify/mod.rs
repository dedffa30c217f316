//! The proof: two images compared path by path; every difference stands in the plan, or is named.
//!
//! Works on what was *read*, never on what a rewriter believes it wrote: both sides are content maps that were
//! made from verified blobs in the same way, with fingerprints. The same code checks a staged result before it
//! is published and serves `slim verify`.

use hashbrown::HashMap;

use crate::content::{ContentMap, EntryId, Visible};
use crate::layer::{Entry, Kind, NodeId};
use crate::plan::Plan;

/// Paths and bytes of one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Paths, directories included.
    pub files: u64,
    /// Content bytes of regular files, each inode once.
    pub bytes: u64,
}

/// A difference that no plan lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The path.
    pub path: Vec<u8>,
    /// What differs: `missing`, `added`, `content`, `mode 755 → 644` …
    pub what: String,
}

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Paths that are the same in content, mode, owner, times, extended attributes and links.
    pub identical: Count,
    /// Paths that are gone, as planned.
    pub removed: Count,
    /// Paths whose content is another one, as planned; the bytes are those of the original.
    pub changed: Count,
    /// Paths that the plan changes and that are as they were: no difference, but not what was to be written either.
    pub unchanged: Vec<Vec<u8>>,
    /// Every other difference, by path.
    pub unexpected: Vec<Difference>,
}

impl Verdict {
    /// The verdict over what was just written, where every change must have been made.
    #[must_use]
    pub fn of_new(mut self) -> Self {
        let unchanged = std::mem::take(&mut self.unchanged).into_iter();
        self.unexpected.extend(unchanged.map(|path| Difference {
            path,
            what: "not changed, which was planned".to_owned(),
        }));
        self
    }

    /// Whether every difference is planned.
    pub fn ok(&self) -> bool {
        self.unexpected.is_empty()
    }
}

/// Compares `slimmed` with what `plan` leaves of `original`. Both maps must have been read with
/// fingerprints; an entry without one counts as different.
pub fn compare(original: &ContentMap, plan: &Plan, slimmed: &ContentMap) -> Verdict {
    let mut comparison = Comparison {
        original,
        slimmed,
        plan,
        verdict: Verdict::default(),
        inodes: HashMap::new(),
    };
    comparison.paths();
    comparison.added();
    comparison.verdict.unexpected.sort_by(|a, b| a.path.cmp(&b.path));
    comparison.verdict
}

struct Comparison<'a> {
    original: &'a ContentMap,
    slimmed: &'a ContentMap,
    plan: &'a Plan,
    verdict: Verdict,
    /// Which inode of the result each inode of the original became, for files with several names.
    inodes: HashMap<EntryId, EntryId>,
}

impl Comparison<'_> {
    /// Every path of the original.
    fn paths(&mut self) {
        let mut counterpart: Vec<Option<NodeId>> = vec![None; self.original.tree().len()];
        counterpart[0] = Some(NodeId::ROOT);
        for node in self.original.tree().ids() {
            if let Some(parent) = self.original.tree().parent(node) {
                let name = self.original.tree().name(node);
                counterpart[node.index()] =
                    counterpart[parent.index()].and_then(|at| self.slimmed.tree().find_child(at, name));
            }
            if self.original.visible(node) != Visible::Nothing {
                let found = counterpart[node.index()].map_or(Visible::Nothing, |at| self.slimmed.visible(at));
                self.path(node, found);
            }
        }
    }

    fn path(&mut self, node: NodeId, found: Visible) {
        let before = self.original.visible(node);
        let bytes = self.own_bytes(before);
        let difference = match (before, found) {
            (Visible::Nothing, _) => return,
            (_, Visible::Nothing) if self.plan.removes(node) => {
                self.verdict.removed.files += 1;
                self.verdict.removed.bytes += bytes;
                return;
            }
            (_, Visible::Nothing) => Some("missing".to_owned()),
            (Visible::Implied, Visible::Implied) => None,
            (Visible::Implied, Visible::Entry(id)) => implied_difference(self.slimmed.entry(id)),
            (Visible::Entry(id), Visible::Implied) => {
                let is_directory = self.original.entry(id).kind == Kind::Directory;
                Some(if is_directory { "metadata lost" } else { "type" }.to_owned())
            }
            (Visible::Entry(old), Visible::Entry(new)) => self.entries(old, new),
        };
        match difference {
            None => {
                let count = match self.is_changed(before, found) {
                    Some(true) => &mut self.verdict.changed,
                    Some(false) => {
                        let path = self.original.tree().path(node);
                        self.verdict.unchanged.push(path);
                        &mut self.verdict.identical
                    }
                    None => &mut self.verdict.identical,
                };
                count.files += 1;
                count.bytes += bytes;
            }
            Some(what) => self.verdict.unexpected.push(Difference {
                path: self.original.tree().path(node),
                what,
            }),
        }
    }

    /// Whether the content of what the plan changes is another one; that it is the planned one was seen before.
    fn is_changed(&self, before: Visible, after: Visible) -> Option<bool> {
        let (Visible::Entry(old), Visible::Entry(new)) = (before, after) else {
            return None;
        };
        let (old, new) = (self.original.inode(old)?, self.slimmed.inode(new)?);
        self.plan.change(old)?;
        let content = |map: &ContentMap, id| map.fingerprint(id).map(|fingerprint| fingerprint.content);
        Some(content(self.original, old) != content(self.slimmed, new))
    }

    /// Whether a file has its old content, or the one that is planned for it: size, and BLAKE3.
    fn content_difference(
        &self,
        old: EntryId,
        new: EntryId,
        before: [u8; 32],
        after: [u8; 32],
    ) -> Option<&'static str> {
        let size = self.slimmed.logical_size(new);
        if self.original.logical_size(old) == size && before == after {
            return None;
        }
        match self.plan.change(old) {
            Some(change) if (change.new_bytes, change.new_fingerprint) == (size, after) => None,
            Some(_) => Some("changed, but not as planned"),
            None if self.original.logical_size(old) != size => Some("size"),
            None => Some("content"),
        }
    }

    /// Content bytes that this name of an inode accounts for: the first visible one, all; the others, none.
    fn own_bytes(&self, visible: Visible) -> u64 {
        let Visible::Entry(id) = visible else { return 0 };
        let Some(inode) = self.original.inode(id) else {
            return 0;
        };
        let first = self
            .original
            .names(inode)
            .find(|&name| self.original.is_visible(name));
        if first == Some(id) {
            self.original.logical_size(inode)
        } else {
            0
        }
    }

    fn entries(&mut self, old: EntryId, new: EntryId) -> Option<String> {
        let (Some(old_inode), Some(new_inode)) = (self.original.inode(old), self.slimmed.inode(new)) else {
            return Some("link to nothing".to_owned());
        };
        let known = self.inodes.entry(old_inode).or_insert(new_inode);
        if *known != new_inode {
            return Some("no longer the same file as its hard links".to_owned());
        }
        let (before, after) = (self.original.entry(old_inode), self.slimmed.entry(new_inode));
        if before.kind != after.kind {
            return Some(format!("type {} → {}", before.kind.letter(), after.kind.letter()));
        }
        self.metadata(old_inode, new_inode, before, after)
    }

    fn metadata(&self, old: EntryId, new: EntryId, before: &Entry, after: &Entry) -> Option<String> {
        let (Some(a), Some(b)) = (self.original.fingerprint(old), self.slimmed.fingerprint(new)) else {
            return Some("not read in full".to_owned());
        };
        if before.kind == Kind::Symlink && self.original.link(old) != self.slimmed.link(new) {
            return Some("link target".to_owned());
        }
        let content = self.content_difference(old, new, a.content, b.content);
        // A symlink's own mode means nothing on Linux, but it is written again all the same.
        let pairs = [
            (
                before.mode != after.mode,
                format!("mode {:o} → {:o}", before.mode, after.mode),
            ),
            (
                a.owner != b.owner,
                format!("owner {}:{} → {}:{}", a.owner.0, a.owner.1, b.owner.0, b.owner.1),
            ),
            (content.is_some(), content.unwrap_or_default().to_owned()),
            (
                (a.mtime_secs, a.mtime_nanos) != (b.mtime_secs, b.mtime_nanos),
                "modification time".to_owned(),
            ),
            (a.xattrs != b.xattrs, "extended attributes".to_owned()),
            (a.device != b.device, "device number".to_owned()),
        ];
        pairs
            .into_iter()
            .find_map(|(differs, what)| differs.then_some(what))
    }

    /// Every path of the result that the original does not show, and links that the original does not have.
    fn added(&mut self) {
        let mut counterpart: Vec<Option<NodeId>> = vec![None; self.slimmed.tree().len()];
        counterpart[0] = Some(NodeId::ROOT);
        for node in self.slimmed.tree().ids() {
            if let Some(parent) = self.slimmed.tree().parent(node) {
                let name = self.slimmed.tree().name(node);
                counterpart[node.index()] =
                    counterpart[parent.index()].and_then(|at| self.original.tree().find_child(at, name));
            }
            let is_shown = self.slimmed.visible(node) != Visible::Nothing;
            let was_shown =
                counterpart[node.index()].is_some_and(|at| self.original.visible(at) != Visible::Nothing);
            if is_shown && !was_shown {
                let path = self.slimmed.tree().path(node);
                self.verdict.unexpected.push(Difference {
                    path,
                    what: "added".to_owned(),
                });
            }
        }
        let mut seen: HashMap<EntryId, EntryId> = HashMap::new();
        for (old, new) in std::mem::take(&mut self.inodes) {
            if seen.insert(new, old).is_some() {
                let path = self.slimmed.path(new);
                self.verdict.unexpected.push(Difference {
                    path,
                    what: "hard-linked to another file".to_owned(),
                });
            }
        }
    }
}

/// A directory that no layer names is shown as 755, 0:0.
fn implied_difference(entry: &Entry) -> Option<String> {
    if entry.kind != Kind::Directory {
        return Some("type".to_owned());
    }
    let is_default = (entry.mode, entry.uid, entry.gid) == (0o755, 0, 0);
    (!is_default).then(|| {
        format!(
            "mode 755 → {:o}, owner 0:0 → {}:{}",
            entry.mode, entry.uid, entry.gid
        )
    })
}
