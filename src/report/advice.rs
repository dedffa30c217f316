//! How a build avoids bytes: for each layer and category, with the instruction that brought them.
//!
//! A module of its own because it reads what nothing else does together: history, categories, and which layer hides what
//! another one brought. Every row names bytes that are there; nothing is guessed from an instruction alone.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::build::category_name;
use super::inodes::Inode;
use super::instruction;
use super::model::Advice;
use super::unstripped::strippable;
use crate::classify::Classifier;
use crate::content::{ContentMap, EntryId, Visible};
use crate::image::Image;
use crate::profile::CategoryId;

/// Bytes that are worth a row; less where the image is small.
const WORTH: u64 = 1_000_000;
/// One part in so many of the image is worth a row too.
const PART: u64 = 200;

/// Files that list dependencies, whose installation belongs before the copy of the sources.
const DEPENDENCY_LISTS: &[&str] = &[
    "Cargo.toml",
    "Gemfile",
    "composer.json",
    "go.mod",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
];
/// Commands that install what those list.
const INSTALLERS: &[&str] = &[
    "bundle install",
    "cargo build",
    "composer install",
    "go mod download",
    "npm ci",
    "npm install",
    "pip install",
    "pip3 install",
    "pnpm install",
    "poetry install",
    "uv sync",
    "yarn install",
];
/// Files beside a list of dependencies that make a layer a copy of sources.
const SOURCES: usize = 5;

/// Why a layer hides bytes of another one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// The path is no more.
    Deleted,
    /// The same size stands there again, under another owner or mode.
    Changed,
    /// Something else stands there.
    Replaced,
}

/// Every piece of advice, most bytes first, and what a `.dockerignore` should hold.
pub(super) fn advice(
    image: &Image,
    map: &ContentMap,
    classifier: &Classifier,
    all: &[Inode],
) -> (Vec<Advice>, Vec<String>) {
    let disk: u64 = all.iter().map(|inode| inode.bytes).sum();
    let worth = WORTH.min(disk / PART).max(1);
    let instructions: Vec<String> = (0..map.layer_count())
        .map(|layer| instruction(&image.created_by(layer)))
        .collect();
    let (mut rows, ignored) = by_category(classifier, all, &instructions, worth);
    rows.extend(shadowed(map, all, &instructions, worth));
    rows.extend(order(map, &instructions, worth));
    rows.extend(unstripped(map, &instructions, worth));
    rows.sort_by(|a, b| {
        (Reverse(a.bytes), a.layer, &a.category).cmp(&(Reverse(b.bytes), b.layer, &b.category))
    });
    (rows, ignored)
}

/// What a category's own advice says, of each layer that brings enough of it.
fn by_category(
    classifier: &Classifier,
    all: &[Inode],
    instructions: &[String],
    worth: u64,
) -> (Vec<Advice>, Vec<String>) {
    let mut sums = BTreeMap::<(usize, CategoryId), u64>::new();
    for inode in all {
        *sums.entry((inode.layer, inode.category)).or_default() += inode.bytes;
    }
    let mut ignored = BTreeSet::new();
    let mut rows = Vec::new();
    for ((layer, id), bytes) in sums {
        let Some(category) = classifier.category(id).filter(|category| category.removable()) else {
            continue;
        };
        let is_copy = copies(&instructions[layer]);
        if is_copy && bytes > 0 {
            ignored.extend(category.dockerignore.iter().cloned());
        }
        let fix = if is_copy && !category.dockerignore.is_empty() {
            let lines: Vec<String> = category
                .dockerignore
                .iter()
                .map(|line| format!("`{line}`"))
                .collect();
            format!("Add {} to .dockerignore.", lines.join(", "))
        } else {
            category.advice.clone()
        };
        if bytes >= worth && !fix.is_empty() {
            rows.push(Advice {
                layer,
                instruction: instructions[layer].clone(),
                category: category_name(classifier, id),
                bytes,
                fix,
            });
        }
    }
    (rows, ignored.into_iter().collect())
}

/// Whether files of the build's context were copied: not an archive that was unpacked, as base images and toolchains are.
fn copies(instruction: &str) -> bool {
    let is_archive =
        |word: &str| word.starts_with("file:") || [".tar", ".tgz"].iter().any(|form| word.contains(form));
    match instruction.split_once(' ') {
        Some(("COPY", rest)) => !rest.contains("--from="),
        Some(("ADD", rest)) => !rest.split(' ').any(is_archive),
        _ => false,
    }
}

/// What a later layer hides is downloaded all the same.
fn shadowed(map: &ContentMap, all: &[Inode], instructions: &[String], worth: u64) -> Vec<Advice> {
    let disk: u64 = all.iter().map(|inode| inode.bytes).sum();
    let mut sums = BTreeMap::<(usize, usize, Cause), u64>::new();
    for inode in all.iter().filter(|inode| !inode.is_visible && inode.bytes > 0) {
        let Some(by) = map.hidden_by(inode.id).filter(|&by| by > inode.layer) else {
            continue;
        };
        *sums.entry((inode.layer, by, cause(map, inode.id))).or_default() += inode.bytes;
    }
    // Files that are written again are often databases that grow: no news but where they are large.
    let least = |cause| {
        if cause == Cause::Replaced {
            worth.max(disk / 100)
        } else {
            worth
        }
    };
    let rows = sums
        .into_iter()
        .filter(|((_, _, cause), bytes)| *bytes >= least(*cause));
    rows.map(|((layer, by, cause), bytes)| Advice {
        layer,
        instruction: instructions[layer].clone(),
        category: "shadowed".to_owned(),
        bytes,
        fix: shadow_fix(by, &instructions[by], cause, copies(&instructions[layer])),
    })
    .collect()
}

fn cause(map: &ContentMap, id: EntryId) -> Cause {
    let old = map.entry(id);
    match map.visible(old.node) {
        Visible::Entry(new) => {
            let new = map.entry(new);
            let is_same = new.size == old.size && new.kind == old.kind;
            let has_changed = (new.mode, new.uid, new.gid) != (old.mode, old.uid, old.gid);
            if is_same && has_changed {
                Cause::Changed
            } else {
                Cause::Replaced
            }
        }
        Visible::Implied => Cause::Replaced,
        Visible::Nothing => Cause::Deleted,
    }
}

fn shadow_fix(by: usize, instruction: &str, cause: Cause, is_copy: bool) -> String {
    let by = if instruction.is_empty() {
        format!("Layer {by}")
    } else {
        format!("Layer {by} (`{}`)", super::printable(&short(instruction)))
    };
    match cause {
        Cause::Deleted if is_copy => format!(
            "{by} deletes what this layer copies, and everybody downloads it: mount it instead (`RUN --mount=type=bind`), \
             or copy it into a stage of its own."
        ),
        Cause::Deleted => format!(
            "{by} deletes what this layer makes, and everybody downloads it: delete it in the same RUN."
        ),
        Cause::Changed if is_copy => format!(
            "{by} only changes owner or mode of these files, which stores them once more: use `COPY --chown` and `COPY --chmod`."
        ),
        Cause::Changed => format!(
            "{by} only changes owner or mode of these files, which stores them once more: do it in the same RUN."
        ),
        Cause::Replaced => {
            format!("{by} writes these files again: write them once, in the same RUN or a stage of its own.")
        }
    }
}

/// The first words of an instruction.
fn short(instruction: &str) -> String {
    const MOST: usize = 48;
    match instruction.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &instruction[..end]),
        None => instruction.to_owned(),
    }
}

/// Dependencies that are installed behind a copy of the sources are installed again at each change of a source.
fn order(map: &ContentMap, instructions: &[String], worth: u64) -> Vec<Advice> {
    let Some((copy, list)) = (0..map.layer_count())
        .filter(|&layer| copies(&instructions[layer]))
        .find_map(|layer| Some((layer, dependency_list(map, layer)?)))
    else {
        return Vec::new();
    };
    let installs = |layer: &usize| {
        let text = &instructions[*layer];
        text.starts_with("RUN ") && INSTALLERS.iter().any(|command| text.contains(command))
    };
    let rows = (copy + 1..map.layer_count()).filter(installs);
    rows.map(|layer| Advice {
        layer,
        instruction: instructions[layer].clone(),
        category: "layer-order".to_owned(),
        bytes: map.sizes(layer).disk,
        fix: format!(
            "Each change of a source that layer {copy} copies makes this layer again: copy only `{list}` and its lock file \
             before it, the rest behind it."
        ),
    })
    .filter(|row| row.bytes >= worth)
    .collect()
}

/// Symbols that a build can leave out.
fn unstripped(map: &ContentMap, instructions: &[String], worth: u64) -> Vec<Advice> {
    let mut sums = BTreeMap::<usize, u64>::new();
    for (inode, bytes) in strippable(map) {
        *sums.entry(map.layer_of(inode)).or_default() += bytes;
    }
    let rows = sums.into_iter().filter(|(_, bytes)| *bytes >= worth);
    rows.map(|(layer, bytes)| Advice {
        layer,
        instruction: instructions[layer].clone(),
        category: "unstripped".to_owned(),
        bytes,
        fix: "Programs and libraries of this layer have symbols and debug information: run `strip` on them in the same RUN, \
              or link with `-s`; `slim save --strip` takes them off as well."
            .to_owned(),
    })
    .collect()
}

/// The list of dependencies that a layer holds beside sources, in one directory tree.
fn dependency_list(map: &ContentMap, layer: usize) -> Option<&'static str> {
    let files = || {
        map.layer_entries(layer)
            .filter(|&id| map.entry(id).kind == crate::layer::Kind::File)
    };
    files().nth(SOURCES)?;
    let list = |id: EntryId| {
        let name = map.tree().name(map.entry(id).node);
        DEPENDENCY_LISTS
            .iter()
            .find(|list| list.as_bytes() == name)
            .copied()
    };
    let depth = |id: &EntryId| {
        std::iter::successors(Some(map.entry(*id).node), |&node| map.tree().parent(node)).count()
    };
    let shallowest = files().filter(|&id| list(id).is_some()).min_by_key(depth)?;
    list(shallowest).filter(|_| depth(&shallowest) <= 4)
}
