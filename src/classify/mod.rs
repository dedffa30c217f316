//! Every byte one category: paths matched in one pass, conditions read from facts, bytes given to inodes.
//!
//! Each entry gets the category of its own path; an inode's bytes belong to the name that is hardest to remove
//! (protected > kept > risky > review > safe; visible before shadowed; then tar order), so that the bytes
//! of a removable category are what removing it frees. Reads the content map, never a blob.

mod conditions;
mod matcher;

pub use matcher::{Match, Matcher, MatcherError, Matches};

use conditions::Context;

use crate::content::{ContentMap, EntryId};
use crate::image::Config;
use crate::layer::Kind;
use crate::profile::{Band, Catalog, Category, CategoryId, Safety};

/// The category of every entry, and of every inode's bytes.
#[derive(Debug)]
pub struct Attribution {
    labels: Vec<Match>,
    /// For carriers: the label that the inode's bytes go by. Beside `labels`.
    inodes: Vec<CategoryId>,
}

impl Attribution {
    /// Classifies every entry of `map`. `locales` are the profile's, beside those of the image's environment.
    pub fn new(map: &ContentMap, config: &Config, catalog: &Catalog, matcher: &Matcher, locales: &[String]) -> Self {
        let context = Context::new(map, config, locales);
        let mut labels = Vec::with_capacity(map.entry_count());
        let (mut path, mut matches) = (Vec::new(), Matches::default());
        for id in map.entries() {
            absolute(map, id, &mut path);
            matcher.candidates(&path, &mut matches);
            let inode = map.inode(id).unwrap_or(id);
            let holds = |found: &&Match| {
                let category = catalog.get(found.category);
                category.is_some_and(|category| category.when.iter().all(|when| context.holds(when, &path, id, inode)))
            };
            // The last candidate is the category that takes everything.
            let chosen = matches.as_slice().iter().find(holds).or(matches.as_slice().last());
            labels.push(chosen.copied().unwrap_or_else(|| matcher.fallback()));
        }
        let inodes = map.entries().map(|id| inode_category(map, id, &labels, catalog)).collect();
        Self { labels, inodes }
    }

    /// What the entry's own path says.
    pub fn label(&self, id: EntryId) -> Match {
        self.labels[id.index()]
    }

    /// The category that an inode's bytes belong to; `inode` is its carrier.
    pub fn of_inode(&self, inode: EntryId) -> CategoryId {
        self.inodes[inode.index()]
    }
}

/// The path of an entry as globs see it, with a leading slash.
fn absolute(map: &ContentMap, id: EntryId, path: &mut Vec<u8>) {
    map.tree().write_path(map.entry(id).node, path);
    path.insert(0, b'/');
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
    map.names(id).max_by_key(hardness).map_or(own, |name| labels[name.index()].category)
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
