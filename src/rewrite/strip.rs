//! Which files `--strip` changes, and into what: the layers that have programs or libraries to strip are read once more.
//!
//! Beside the writer because it streams layers as that does, and before it: a plan says the digest of what will stand in
//! a file before anything is written. What a probe saw says which files are worth it; what comes out is measured, not
//! estimated. One file of a layer is in memory at a time, twice: as it is, and stripped.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::RewriteError;
use super::second::{Entries, Failed, Source};
use crate::content::{ContentMap, EntryId};
use crate::image::Image;
use crate::layer::{FactKind, Kind, Limits, NodeId, Symbols};
use crate::plan::{Asked, Change, Plan, Refusal};
use crate::progress::{Progress, Stage};
use crate::tar;
use crate::transform;

/// What asks for it.
const RULE: &str = "--strip";
/// Extended attributes that hold a signature over a file's content.
const SIGNATURES: [&[u8]; 2] = [b"security.ima", b"security.evm"];
/// Where the checksum of a library stands that it compares itself with: a beginning and an end of the name beside it.
const CHECKSUMS: [(&str, &str); 3] = [(".", ".hmac"), ("", ".hmac"), ("fipscheck/", ".hmac")];

/// Which files are looked at.
#[derive(Debug, Clone, Copy)]
pub enum StripWhich<'a> {
    /// Every program and library that stays.
    All,
    /// Those of these paths, each the first that stays of its file.
    Only(&'a HashSet<NodeId>),
}

/// How layers are read once more.
#[derive(Clone, Copy)]
pub struct StripOptions<'a> {
    /// Which files are looked at.
    pub which: StripWhich<'a>,
    /// Threads that may work at once; the result does not depend on it.
    pub threads: NonZeroUsize,
    /// Who watches.
    pub progress: &'a Progress,
    /// What the source may ask for.
    pub limits: Limits,
    /// Set to end the work early.
    pub stop: &'a AtomicBool,
}

/// What stripping does to an image.
#[derive(Debug, Default)]
pub struct Stripped {
    /// Files that become smaller, in entry order.
    pub changes: Vec<Change>,
    /// Files that have something to strip and are left alone, in entry order.
    pub refused: Vec<Refusal>,
}

/// Strips, in memory, every program and library of `image` that has symbols and stays visible under `plan`.
pub fn strip(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    options: &StripOptions<'_>,
) -> Result<Stripped, RewriteError> {
    let mut all = Stripped::default();
    let mut by_layer = Vec::new();
    for layer in 0..map.layer_count() {
        let wanted = wanted(map, plan, layer, options.which, &mut all.refused);
        if !wanted.is_empty() {
            by_layer.push((layer, wanted));
        }
    }
    for found in read(image, map, &by_layer, options)? {
        all.changes.extend(found.changes);
        all.refused.extend(found.refused);
    }
    all.changes.sort_by_key(|change| change.inode);
    all.refused.sort_by_key(|refusal| map.tree().path(refusal.node));
    Ok(all)
}

/// The files of one layer that are worth a look, each with the first of its paths that stays.
type Wanted = HashMap<EntryId, NodeId>;

fn wanted(
    map: &ContentMap,
    plan: &Plan,
    layer: usize,
    which: StripWhich<'_>,
    refused: &mut Vec<Refusal>,
) -> Wanted {
    let mut wanted = Wanted::new();
    let facts = map
        .facts(layer)
        .filter(|(_, fact)| fact.kind == FactKind::Symbols);
    for (inode, fact) in facts {
        let stays = |&name: &EntryId| map.is_visible(name) && !plan.removes(map.entry(name).node);
        let Some(name) = map.names(inode).find(stays) else {
            continue;
        };
        let (node, symbols) = (map.entry(name).node, Symbols::decode(&fact.value));
        if matches!(which, StripWhich::Only(these) if !these.contains(&node)) {
            continue;
        }
        if plan.change(inode).is_some() || map.entry(inode).kind != Kind::File {
            continue;
        }
        let checksum = map
            .names(inode)
            .filter(stays)
            .find_map(|name| checksum(map, plan, name));
        match (symbols.and_then(|symbols| symbols.refused), checksum) {
            (Some(reason), _) => refused.push(refusal(node, reason.to_string(), Vec::new())),
            (None, Some(path)) => refused.push(refusal(node, CHECKED.to_owned(), vec![path])),
            (None, None) => {
                wanted.insert(inode, node);
            }
        }
    }
    wanted
}

/// Why a file with a checksum is left alone.
const CHECKED: &str = "compares itself with a checksum that would no longer be right";

/// The file with the checksum over another one: beside it as libraries of FIPS have it, or the module of OpenSSL 3,
/// whose checksum is in a configuration.
fn checksum(map: &ContentMap, plan: &Plan, name: EntryId) -> Option<Vec<u8>> {
    let node = map.entry(name).node;
    let parent = map.tree().parent(node)?;
    let file = map.tree().name(node);
    let directory = map.tree().path(parent);
    if file == b"fips.so" && directory.ends_with(b"ossl-modules") {
        return Some([b"/", directory.as_slice(), b"/", file].concat());
    }
    CHECKSUMS.iter().find_map(|(before, behind)| {
        let path = [
            b"/",
            directory.as_slice(),
            b"/",
            before.as_bytes(),
            file,
            behind.as_bytes(),
        ]
        .concat();
        let found = map.resolve(&path)?;
        (!plan.removes(found)).then_some(path)
    })
}

fn refusal(node: NodeId, reason: String, needed_by: Vec<Vec<u8>>) -> Refusal {
    Refusal {
        node,
        rule: RULE.to_owned(),
        reason,
        chain: String::new(),
        needed_by,
        asked: Asked::ByProfile,
    }
}

/// Every layer that has something, several at once.
fn read(
    image: &Image,
    map: &ContentMap,
    layers: &[(usize, Wanted)],
    options: &StripOptions<'_>,
) -> Result<Vec<Stripped>, RewriteError> {
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Result<Stripped, RewriteError>)>> = Mutex::default();
    let work = || {
        while let Some((layer, wanted)) = layers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let result = read_layer(image, map, *layer, wanted, options);
            if result.is_err() {
                next.store(layers.len(), Ordering::Relaxed);
            }
            if let Ok(mut found) = found.lock() {
                found.push((*layer, result));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..options.threads.get().min(layers.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut found = found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    found.sort_by_key(|(layer, _)| *layer);
    found.into_iter().map(|(_, result)| result).collect()
}

fn read_layer(
    image: &Image,
    map: &ContentMap,
    index: usize,
    wanted: &Wanted,
    options: &StripOptions<'_>,
) -> Result<Stripped, RewriteError> {
    let source = Source {
        image,
        stage: Stage::Read,
        progress: options.progress,
        limits: options.limits,
        stop: options.stop,
    };
    let mut looker = Looker {
        wanted,
        entries: Entries::new(map, index),
        current: None,
        found: Stripped::default(),
    };
    source.members(index, &mut looker)?;
    looker.entries.end(index)?;
    Ok(looker.found)
}

/// Looks at the wanted files of one layer.
struct Looker<'a> {
    wanted: &'a Wanted,
    entries: Entries<'a>,
    current: Option<Current>,
    found: Stripped,
}

struct Current {
    inode: EntryId,
    node: NodeId,
    body: Vec<u8>,
}

impl tar::Visitor for Looker<'_> {
    type Error = Failed;

    fn entry(&mut self, header: &tar::Header) -> Result<(), Failed> {
        self.current = None;
        let Some(inode) = self.entries.of(header)? else {
            return Ok(());
        };
        // A sparse file leaves no facts.
        let Some(&node) = self.wanted.get(&inode).filter(|_| header.sparse.is_none()) else {
            return Ok(());
        };
        if header
            .xattrs
            .iter()
            .any(|(name, _)| SIGNATURES.contains(&name.as_slice()))
        {
            let reason = "has a signature over its content in an extended attribute";
            self.found
                .refused
                .push(refusal(node, reason.to_owned(), Vec::new()));
            return Ok(());
        }
        let body = Vec::new();
        self.current = Some(Current { inode, node, body });
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        if let Some(current) = &mut self.current {
            current.body.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), Failed> {
        let Some(Current { inode, node, body }) = self.current.take() else {
            return Ok(());
        };
        match transform::strip(&body) {
            Ok(new) => self.found.changes.push(Change::strip(inode, node, &body, &new)),
            // The probe took it for one that has something, by what it saw.
            Err(transform::Refused::Nothing) => {}
            Err(reason) => self
                .found
                .refused
                .push(refusal(node, reason.to_string(), Vec::new())),
        }
        Ok(())
    }

    fn warning(&mut self, _: tar::Warning) {}
}
