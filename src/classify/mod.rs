//! Every byte one category, and an owner where it has one: paths matched in one pass, conditions read from facts, bytes given to inodes.
//!
//! Each entry gets the category of its own path; an inode's bytes belong to the name that is hardest to remove
//! (protected > kept > risky > review > safe; visible before shadowed; then tar order), so that the bytes
//! of a removable category are what removing it frees. Beside it the closure of what starts the container, whatever its
//! categories. Reads the content map, never a blob.

mod conditions;
mod imports;
mod matcher;
mod startup;

pub use matcher::{Match, Matcher, MatcherError, Matches};
pub use startup::{Need, Start, Startup};

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::OnceLock;

use conditions::Context;
use imports::Imports;

use crate::content::{ContentMap, EntryId};
use crate::image::Config;
use crate::layer::{Kind, NodeId};
use crate::owners::Owners;
use crate::packages::Packages;
use crate::profile::{Band, Catalog, Category, CategoryId, Condition, Safety};

/// Entries that are not worth a thread of their own.
const SMALLEST_PIECE: u32 = 4096;

/// The categories, compiled: what classifies images.
#[derive(Debug)]
pub struct Classifier {
    catalog: Catalog,
    matcher: Matcher,
}

/// The category of every entry, and of every inode's bytes; the package that each path belongs to.
#[derive(Debug)]
pub struct Attribution {
    labels: Vec<Match>,
    /// For carriers: the category that the inode's bytes go by. Beside `labels`.
    inodes: Vec<CategoryId>,
    owners: Owners,
    /// Read when a plan asks for it.
    packages: OnceLock<Packages>,
    startup: Startup,
    spared: Vec<Spared>,
}

/// Tests that would be of a category if nothing imported them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spared {
    /// The directory of tests, or the one file. The root where an image imports more than is followed.
    pub node: NodeId,
    /// The category.
    pub category: CategoryId,
    /// A file outside it that imports it.
    pub importer: EntryId,
}

/// The categories of some entries.
#[derive(Default)]
struct Labels {
    labels: Vec<Match>,
    spared: BTreeSet<Spared>,
}

impl Classifier {
    /// Compiles a catalog.
    pub fn new(catalog: Catalog) -> Result<Self, MatcherError> {
        Ok(Self {
            matcher: Matcher::new(&catalog)?,
            catalog,
        })
    }

    /// The categories.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The category of that id, which must come from this classifier.
    pub fn category(&self, id: CategoryId) -> Option<&Category> {
        self.catalog.get(id)
    }

    /// The glob that a label goes back to.
    pub fn glob(&self, label: Match) -> &str {
        self.matcher.glob(label).as_str()
    }

    /// Classifies every entry of `map`, in as many threads. `locales` are the profile's, beside those of the
    /// image's environment. The result does not depend on the number of threads.
    pub fn classify(
        &self,
        map: &ContentMap,
        config: &Config,
        locales: &[String],
        threads: NonZeroUsize,
    ) -> Attribution {
        let mut context = Context::new(map, config, locales);
        if self
            .catalog
            .iter()
            .any(|(_, category)| asks_for_imports(category))
        {
            let (mut path, mut matches) = (Vec::new(), Matches::default());
            let imports = Imports::new(map, |id| {
                let found = self.label(map, &context, id, &mut path, &mut matches, &mut BTreeSet::new());
                self.catalog.get(found.category).is_some_and(asks_for_imports)
            });
            context.imports = imports;
        }
        let count = map.entry_count() as u32;
        let piece = count.div_ceil(threads.get() as u32).max(SMALLEST_PIECE);
        let pieces: Vec<_> = (0..count)
            .step_by(piece as usize)
            .map(|at| at..count.min(at + piece))
            .collect();
        let Labels { labels, spared } = std::thread::scope(|scope| {
            let context = &context;
            let others: Vec<_> = pieces
                .iter()
                .skip(1)
                .map(|ids| scope.spawn(|| self.labels(map, context, ids.clone())))
                .collect();
            let mut all = pieces
                .first()
                .map(|ids| self.labels(map, context, ids.clone()))
                .unwrap_or_default();
            for (other, ids) in others.into_iter().zip(pieces.iter().skip(1)) {
                // A thread that failed did nothing that this one cannot do.
                let other = other
                    .join()
                    .unwrap_or_else(|_| self.labels(map, context, ids.clone()));
                all.labels.extend(other.labels);
                all.spared.extend(other.spared);
            }
            all
        });
        let inodes = map
            .entries()
            .map(|id| inode_category(map, id, &labels, &self.catalog))
            .collect();
        Attribution {
            labels,
            inodes,
            owners: Owners::of(map),
            packages: OnceLock::new(),
            startup: Startup::new(map, config),
            spared: spared.into_iter().collect(),
        }
    }

    fn labels(&self, map: &ContentMap, context: &Context<'_>, ids: Range<u32>) -> Labels {
        let (mut path, mut matches) = (Vec::new(), Matches::default());
        let mut spared = BTreeSet::new();
        let labels = ids
            .map(|id| self.label(map, context, EntryId(id), &mut path, &mut matches, &mut spared))
            .collect();
        Labels { labels, spared }
    }

    /// The category of an entry's path. `path` and `matches` are buffers.
    fn label(
        &self,
        map: &ContentMap,
        context: &Context<'_>,
        id: EntryId,
        path: &mut Vec<u8>,
        matches: &mut Matches,
        spared: &mut BTreeSet<Spared>,
    ) -> Match {
        map.tree().write_absolute(map.entry(id).node, path);
        self.matcher.candidates(path, matches);
        let inode = map.inode(id).unwrap_or(id);
        for found in matches.as_slice() {
            let Some(category) = self.catalog.get(found.category) else {
                continue;
            };
            let mut others = category
                .when
                .iter()
                .filter(|when| **when != Condition::NotImported);
            if !others.all(|when| context.holds(when, path, id, inode)) {
                continue;
            }
            let imported = asks_for_imports(category).then(|| context.imported(id));
            match imported.flatten() {
                None => return *found,
                Some((node, importer)) if map.is_visible(id) => {
                    spared.insert(Spared {
                        node,
                        category: found.category,
                        importer,
                    });
                }
                Some(_) => {}
            }
        }
        self.matcher.fallback()
    }
}

fn asks_for_imports(category: &Category) -> bool {
    category.when.contains(&Condition::NotImported)
}

impl Attribution {
    /// What the entry's own path says.
    pub fn label(&self, id: EntryId) -> Match {
        self.labels[id.index()]
    }

    /// The packages of the image, and what they own.
    pub fn owners(&self) -> &Owners {
        &self.owners
    }

    /// The packages that can go as units, with what hangs on each; `map` is the one that was classified. Read once.
    pub fn packages(&self, map: &ContentMap) -> &Packages {
        self.packages.get_or_init(|| Packages::of(map, &self.owners))
    }

    /// The category that an inode's bytes belong to; `inode` is its carrier.
    pub fn of_inode(&self, inode: EntryId) -> CategoryId {
        self.inodes[inode.index()]
    }

    /// Visible tests that are of another category because they are imported, by path in the order of the tree.
    pub fn spared(&self) -> &[Spared] {
        &self.spared
    }

    /// What starts the container, and what that needs.
    pub fn startup(&self) -> &Startup {
        &self.startup
    }
}

fn inode_category(map: &ContentMap, id: EntryId, labels: &[Match], catalog: &Catalog) -> CategoryId {
    let own = labels[id.index()].category;
    if map.entry(id).kind != Kind::File {
        return own;
    }
    let hardness = |name: &EntryId| {
        let rank = catalog.get(labels[name.index()].category).map_or(0, hardness);
        (map.is_visible(*name), rank, std::cmp::Reverse(name.0))
    };
    map.names(id)
        .max_by_key(hardness)
        .map_or(own, |name| labels[name.index()].category)
}

/// How hard a category is to remove: the greater the harder.
fn hardness(category: &Category) -> u8 {
    match (category.band, category.safety) {
        (Band::Protected, _) => 4,
        (_, None) => 3,
        (_, Some(Safety::Risky)) => 2,
        (_, Some(Safety::Review)) => 1,
        (_, Some(Safety::Safe)) => 0,
    }
}
