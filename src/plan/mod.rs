//! What would be removed, why, and what it saves: pure, from the content map and a selection.
//!
//! A plan is over the *merged* image (rule 8): it names paths that the result shall not have. How a rewriter
//! gets there is [`Layout`]'s matter; what a verification allows is exactly what stands here.

mod change;
mod decide;
mod directories;
mod evidence;
mod layout;
mod leftovers;
mod listed;
mod mounts;
mod new_layer;
mod packages;
mod selection;
mod spare;
mod startup;

use std::borrow::Cow;

pub use change::{Change, ChangeKind};
pub use evidence::{Evidence, evident};
pub use layout::{Fate, Layout, Mode, Slot};
pub use listed::{Listed, ListedError};
pub use new_layer::{Action, NewLayer, marker, opaque_path, whiteout_path};
pub use packages::{GonePackage, UnknownPackage, Why};
pub use selection::{Rule, Selection};

use crate::classify::{Attribution, Classifier};
use crate::content::{ContentMap, EntryId};
use crate::layer::{NodeId, Warning};
use crate::profile::CategoryId;

/// A path that the result shall not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The path.
    pub node: NodeId,
    /// The visible entry of that path; `None` for a directory that no layer names.
    pub entry: Option<EntryId>,
    /// The category that asked for it, where one did.
    pub category: Option<CategoryId>,
    /// The package that it goes with: an index into [`Plan::packages`].
    pub package: Option<u32>,
    /// The glob that matched, or what else asked for it.
    pub rule: String,
    /// Stored bytes that go with it: 0 while another name of the inode stays, and for all but the first name
    /// of an inode that goes whole.
    pub bytes: u64,
}

/// Who asked for a removal that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A profile or a category: the refusal is listed.
    ByProfile,
    /// A path named by hand: the refusal is an error.
    ByHand,
    /// A package named by hand: the refusal is an error.
    ByHandAsPackage,
}

/// A removal that the safety net refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The path.
    pub node: NodeId,
    /// The glob or category that asked for it.
    pub rule: String,
    /// Why not, as a sentence without a full stop: the same for all that are refused for the same reason.
    pub reason: String,
    /// How this one is needed: `entrypoint /app/run.sh → /bin/sh → /lib/ld-musl-x86_64.so.1`; empty where the reason says
    /// it all. For people: paths are shown as text.
    pub chain: String,
    /// Absolute paths that need it. Where there is a chain, those on it, in its order.
    pub needed_by: Vec<Vec<u8>>,
    /// Who asked.
    pub asked: Asked,
}

impl Refusal {
    /// The whole reason: with the chain, where there is one.
    pub fn why(&self) -> String {
        if self.chain.is_empty() {
            return self.reason.clone();
        }
        format!("{}: {}", self.reason, self.chain)
    }
}

/// What shall go from an image.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Removed paths: files in entry order, then directories.
    pub removals: Vec<Removal>,
    /// Files that change in place, by inode; none of them loses all its names.
    pub changes: Vec<Change>,
    /// What was asked for and is not done.
    pub refused: Vec<Refusal>,
    /// Packages that go whole, with their rows in databases.
    pub packages: Vec<GonePackage>,
    /// Packages named by hand that are not there: an error.
    pub unknown_packages: Vec<UnknownPackage>,
    /// Links that dangle because of the plan, and other things to know.
    pub warnings: Vec<Warning>,
    /// Per node of the content map's tree: whether the plan removes it.
    removed: Vec<bool>,
    /// Whether layers that are kept lose what no path shows.
    drops_shadowed: bool,
}

/// Files and bytes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Removed paths that are no directories.
    pub files: u64,
    /// Stored bytes that go with them.
    pub disk_bytes: u64,
}

impl Plan {
    /// Decides over every visible path of `map`.
    pub fn new(
        map: &ContentMap,
        attribution: &Attribution,
        classifier: &Classifier,
        selection: &Selection,
    ) -> Self {
        Self {
            drops_shadowed: selection.choice().removes_shadowed(),
            ..decide::decide(map, attribution, classifier, selection)
        }
    }

    /// The plan that removes nothing.
    pub fn empty(map: &ContentMap) -> Self {
        Self {
            removed: vec![false; map.tree().len()],
            ..Self::default()
        }
    }

    /// The plan that removes what cannot be written, and nothing else: a squash of everything.
    pub fn unwritable(map: &ContentMap) -> Self {
        let mut plan = Self::empty(map);
        let wanted = decide::zero_devices(map);
        for one in &wanted {
            plan.removed[map.entry(one.id).node.index()] = true;
        }
        decide::record(map, &mut plan, &wanted);
        plan
    }

    /// Whether the plan removes the path.
    pub fn removes(&self, node: NodeId) -> bool {
        self.removed.get(node.index()).copied().unwrap_or(false)
    }

    /// What is done to the file whose bytes an entry carries.
    pub fn change(&self, inode: EntryId) -> Option<&Change> {
        let at = self.changes.binary_search_by_key(&inode, |change| change.inode);
        at.ok().map(|at| &self.changes[at])
    }

    /// Bytes of an inode in the result.
    pub fn size(&self, map: &ContentMap, inode: EntryId) -> u64 {
        self.change(inode)
            .map_or_else(|| map.logical_size(inode), |change| change.new_bytes)
    }

    /// Adds changes to those that are there.
    pub fn add_changes(&mut self, changes: impl IntoIterator<Item = Change>) {
        self.changes.extend(changes);
        self.changes.sort_by_key(|change| change.inode);
    }

    /// Whether layers that are kept lose what no path shows; in a squash it is gone anyway.
    pub fn drops_shadowed(&self) -> bool {
        self.drops_shadowed
    }

    /// Files and bytes that go.
    pub fn totals(&self, map: &ContentMap) -> Totals {
        let is_file = |removal: &&Removal| {
            removal
                .entry
                .is_some_and(|id| map.entry(id).kind != crate::layer::Kind::Directory)
        };
        Totals {
            files: self.removals.iter().filter(is_file).count() as u64,
            disk_bytes: self.removals.iter().map(|removal| removal.bytes).sum(),
        }
    }

    fn warn(&mut self, code: &'static str, path: Vec<u8>, message: String) {
        self.warnings.push(Warning {
            code: Cow::Borrowed(code),
            path,
            message,
        });
    }
}
