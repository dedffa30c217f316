//! How the rows of packages leave the databases that speak of all of them.
//!
//! A module of its own because it is the only part that writes: it makes each file as it will be, to the byte. What is about
//! one package only goes as a file.

use hashbrown::{HashMap, HashSet};

use super::databases::{Databases, File};
use super::paragraphs::without;
use super::{Packages, UnitId, alternatives, apk, deb};
use crate::content::{ContentMap, EntryId};
use crate::layer::NodeId;
use crate::owners::Manager;

/// A database file as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit<'a> {
    /// The file.
    pub node: NodeId,
    /// The entry that carries its bytes.
    pub inode: EntryId,
    /// What stands in it.
    pub old: &'a [u8],
    /// What will; `None` where nothing is left that it is about, so that it goes.
    pub new: Option<Vec<u8>>,
}

/// What becomes of every database file when the packages that `goes` says are gone.
pub fn edits<'a>(map: &'a ContentMap, packages: &Packages, goes: &dyn Fn(UnitId) -> bool) -> Vec<Edit<'a>> {
    let databases = Databases::of(map);
    let gone = Gone::new(packages, goes);
    let mut edits = Vec::new();
    let mut edit = |file: Option<File<'a>>, new: &dyn Fn(&[u8]) -> Option<Vec<u8>>| {
        let Some(File {
            node,
            inode,
            bytes: old,
        }) = file
        else {
            return;
        };
        let new = new(old);
        if new.as_deref() != Some(old) {
            edits.push(Edit {
                node,
                inode,
                old,
                new,
            });
        }
    };
    edit(databases.get(deb::STATUS), &|old| {
        Some(without(old, |paragraph| gone.has_deb(paragraph)))
    });
    edit(databases.get(deb::EXTENDED), &|old| {
        Some(without(old, |paragraph| gone.has_state(paragraph)))
    });
    for (name, file) in databases.inside("var/lib/dpkg/triggers") {
        match name {
            b"Lock" | b"Unincorp" => {}
            b"File" => edit(Some(file), &|old| Some(gone.without_lines(old, 1))),
            _ => edit(Some(file), &|old| {
                let new = gone.without_lines(old, 0);
                (!new.is_empty() || old.is_empty()).then_some(new)
            }),
        }
    }
    for path in apk::INSTALLED {
        edit(databases.get(path), &|old| {
            let is_gone = |paragraph: &[u8]| gone.apk.contains(apk::name_of(paragraph).as_str());
            Some(without(old, is_gone))
        });
    }
    let world = databases.get(apk::WORLD);
    edit(world, &|old| {
        Some(world.map_or(old.to_vec(), |world| gone.without_words(world)))
    });
    let files: HashMap<EntryId, File<'_>> = databases
        .inside(alternatives::DIRECTORY)
        .into_iter()
        .map(|(_, file)| (file.inode, file))
        .collect();
    for alternative in packages.alternatives().iter().filter(|one| !one.goes(goes)) {
        let is_gone = |at: usize| alternative.choices.get(at).copied().flatten().is_some_and(goes);
        edit(files.get(&alternative.inode).copied(), &|old| {
            Some(alternatives::without(old, is_gone).unwrap_or_else(|| old.to_vec()))
        });
    }
    edits
}

/// The names of what goes.
struct Gone<'a> {
    /// Name and architecture.
    deb: HashSet<(&'a str, &'a str)>,
    /// Names that no package has any more.
    names: HashSet<&'a str>,
    apk: HashSet<&'a str>,
    /// What apk packages stand for that go, and nothing else does any more.
    provided: HashSet<&'a str>,
}

impl<'a> Gone<'a> {
    fn new(packages: &'a Packages, goes: &dyn Fn(UnitId) -> bool) -> Self {
        let mut gone = Self {
            deb: HashSet::new(),
            names: HashSet::new(),
            apk: HashSet::new(),
            provided: HashSet::new(),
        };
        for (_, unit) in packages.units().filter(|&(id, _)| goes(id)) {
            match unit.manager {
                Manager::Deb => {
                    gone.deb
                        .insert((&unit.name, unit.arch.as_deref().unwrap_or_default()));
                    gone.names.insert(&unit.name);
                }
                Manager::Apk => {
                    gone.apk.insert(&unit.name);
                    gone.provided.extend(unit.provides.iter().map(String::as_str));
                }
                _ => {}
            }
        }
        for (_, unit) in packages.units().filter(|&(id, _)| !goes(id)) {
            match unit.manager {
                Manager::Deb => {
                    gone.names.remove(unit.name.as_str());
                }
                Manager::Apk => {
                    gone.apk.remove(unit.name.as_str());
                    for name in unit.provides.iter().chain([&unit.name]) {
                        gone.provided.remove(name.as_str());
                    }
                }
                _ => {}
            }
        }
        gone
    }

    fn has_deb(&self, paragraph: &[u8]) -> bool {
        let (name, arch) = deb::name_of(paragraph);
        self.deb.contains(&(name.as_str(), arch.as_str()))
    }

    /// apt writes the native architecture for packages of all architectures.
    fn has_state(&self, paragraph: &[u8]) -> bool {
        let (name, _) = deb::name_of(paragraph);
        self.has_deb(paragraph) || self.names.contains(name.as_str())
    }

    /// Without the lines whose word at `column` is a package that goes, with its architecture or options behind it.
    fn without_lines(&self, bytes: &[u8], column: usize) -> Vec<u8> {
        let stays = |line: &&[u8]| {
            let text = String::from_utf8_lossy(line);
            let word = text.split_ascii_whitespace().nth(column).unwrap_or_default();
            let name = word.split(['/', ':']).next().unwrap_or_default();
            !self.names.contains(name)
        };
        let lines = bytes.split_inclusive(|&b| b == b'\n').filter(stays);
        lines.collect::<Vec<_>>().concat()
    }

    fn without_words(&self, world: File<'_>) -> Vec<u8> {
        let stays: HashSet<&[u8]> = apk::words(world)
            .filter(|(name, _)| !self.apk.contains(name.as_str()) && !self.provided.contains(name.as_str()))
            .map(|(_, word)| word)
            .collect();
        let lines = world.bytes.split_inclusive(|&b| b == b'\n').filter(|line| {
            let mut words = line
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty())
                .peekable();
            words.peek().is_none() || words.any(|word| stays.contains(word))
        });
        lines.collect::<Vec<_>>().concat()
    }
}
