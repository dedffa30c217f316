//! Paths of the merged images that changed, and the directories that hold most of the change.
//!
//! A module of its own because this is what a container sees, whatever layers brought it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::contents::{Item, side_by_side};
use super::model::{DiffDirectory, DiffPath, PathChange, PathTally, delta};
use super::side::Side;
use crate::report::json_path;

/// Directories with fewer components are always looked into: `/usr/lib`, not `/usr`.
const DEPTH: usize = 2;
/// A directory is looked into where one below it holds this share of its change, in percent.
const MOST: u64 = 80;

type Shown<'a> = (usize, &'a Item);

/// Every path that is not what it was, the largest first, then by path.
pub(super) fn paths(old: &Side, new: &Side) -> Vec<DiffPath> {
    let Some((before, after)) = old.contents.as_ref().zip(new.contents.as_ref()) else {
        return Vec::new();
    };
    let pairs = side_by_side(before.visible(), after.visible(), |shown: &Shown<'_>| {
        &shown.1.path
    });
    let mut rows: Vec<DiffPath> = pairs.filter_map(|pair| row(pair, old, new)).collect();
    // The sort is stable: by the bytes of the path where sizes are the same.
    rows.sort_by_key(|row| Reverse(row.old_bytes.max(row.new_bytes)));
    rows
}

/// How many paths there are of each change.
pub(super) fn tally(paths: &[DiffPath]) -> PathTally {
    let mut tally = PathTally::default();
    for row in paths {
        tally.count(row.change);
    }
    tally
}

fn row(pair: (Option<Shown<'_>>, Option<Shown<'_>>), old: &Side, new: &Side) -> Option<DiffPath> {
    let (a, b) = pair;
    let change = match (a, b) {
        (Some((_, a)), Some((_, b))) => a
            .change(b)
            .or_else(|| (a.own_bytes != b.own_bytes).then_some(PathChange::Metadata))?,
        (Some((_, a)), None) if !a.is_directory() => PathChange::Removed,
        (None, Some((_, b))) if !b.is_directory() => PathChange::Added,
        _ => return None,
    };
    let category = match (a, b) {
        (_, Some((_, b))) => new.category(b.category),
        (Some((_, a)), None) => old.category(a.category),
        (None, None) => return None,
    };
    let path = &a.or(b)?.1.path;
    Some(DiffPath {
        path: json_path(path),
        change,
        old_bytes: a.map_or(0, |(_, a)| a.own_bytes),
        new_bytes: b.map_or(0, |(_, b)| b.own_bytes),
        category,
        layer: b.map(|(layer, _)| layer),
        old_layer: a.map(|(layer, _)| layer),
    })
}

/// A directory of the paths that changed.
#[derive(Default)]
struct Node<'a> {
    below: BTreeMap<&'a str, Node<'a>>,
    /// Of the paths right in it.
    own: Sum,
    /// Of those and all below.
    all: Sum,
}

#[derive(Default, Clone, Copy)]
struct Sum {
    old: u64,
    new: u64,
    /// Bytes that are not what they were: both of a file that was modified.
    moved: u64,
    paths: u64,
}

impl Sum {
    fn add(&mut self, row: &DiffPath) {
        self.old += row.old_bytes;
        self.new += row.new_bytes;
        self.moved += row.old_bytes.max(row.new_bytes);
        self.paths += 1;
    }
}

/// Where paths changed: each path is counted in one row, the deepest that still tells most of the change.
pub(super) fn directories(paths: &[DiffPath]) -> Vec<DiffDirectory> {
    let mut root = Node::default();
    for row in paths {
        root.add(row);
    }
    let mut rows = Vec::new();
    root.rows(&mut Vec::new(), &mut rows);
    // Rows are in the order of their paths: so they stay where changes are the same.
    rows.sort_by_key(|row: &DiffDirectory| {
        Reverse((row.delta.unsigned_abs(), row.old_bytes.max(row.new_bytes)))
    });
    rows
}

impl<'a> Node<'a> {
    fn add(&mut self, row: &'a DiffPath) {
        let parts: Vec<&str> = row.path.split('/').filter(|part| !part.is_empty()).collect();
        let directory = parts.split_last().map_or(&[][..], |(_, directory)| directory);
        let mut at = self;
        at.all.add(row);
        for part in directory {
            at = at.below.entry(part).or_default();
            at.all.add(row);
        }
        at.own.add(row);
    }

    fn rows(&self, path: &mut Vec<&'a str>, out: &mut Vec<DiffDirectory>) {
        let most = self.below.values().map(|node| node.all.moved).max().unwrap_or(0);
        let is_opened =
            path.len() < DEPTH || self.all.moved > 0 && most * 100 >= self.all.moved.saturating_mul(MOST);
        let (mut own, mut opened) = (self.all, Vec::new());
        if is_opened {
            own = self.own;
            for (name, node) in &self.below {
                // Below the first components only the one that holds most is told apart.
                if path.len() < DEPTH || node.all.moved == most {
                    opened.push((*name, node));
                } else {
                    own.join(&node.all);
                }
            }
        }
        if own.paths > 0 {
            out.push(DiffDirectory {
                path: format!("/{}", path.join("/")),
                old_bytes: own.old,
                new_bytes: own.new,
                delta: delta(own.old, own.new),
                paths: own.paths,
            });
        }
        for (name, node) in opened {
            path.push(name);
            node.rows(path, out);
            path.pop();
        }
    }
}

impl Sum {
    fn join(&mut self, other: &Self) {
        self.old += other.old;
        self.new += other.new;
        self.moved += other.moved;
        self.paths += other.paths;
    }
}
