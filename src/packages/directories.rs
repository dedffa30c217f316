//! Which directories leave with packages: those that they list and no package that stays does.
//!
//! A module of its own because the owners leave directories aside, which are shared as a rule; the lists are read once more
//! where packages go.

use hashbrown::{HashMap, HashSet};

use super::databases::Databases;
use super::paragraphs::paragraphs;
use super::{Packages, apk};
use crate::content::{ContentMap, Visible};
use crate::layer::{Kind, NodeId};
use crate::owners::Manager;

/// The directories that packages which go list, and no other; whether anything is left in them is not asked.
pub fn listed(
    map: &ContentMap,
    packages: &Packages,
    goes: &dyn Fn(super::UnitId) -> bool,
) -> HashSet<NodeId> {
    let databases = Databases::of(map);
    let mut lists = Lists {
        map,
        known: HashMap::new(),
    };
    let gone: HashSet<(Manager, Vec<u8>)> = packages
        .units()
        .filter(|&(id, _)| goes(id))
        .flat_map(|(_, unit)| {
            let own = unit.name.as_bytes().to_vec();
            let with = [unit.name.as_str(), ":", unit.arch.as_deref().unwrap_or_default()].concat();
            [(unit.manager, own), (unit.manager, with.into_bytes())]
        })
        .collect();
    let mut stays: Vec<(&[u8], Vec<&[u8]>)> = Vec::new();
    let mut found = HashSet::new();
    for (name, file) in databases.inside("var/lib/dpkg/info") {
        let Some(stem) = name.strip_suffix(b".list") else {
            continue;
        };
        let lines = file.bytes.split(|&b| b == b'\n').collect();
        if gone.contains(&(Manager::Deb, stem.to_vec())) {
            lists.directories(b"", &lines, |node| found.insert(node));
        } else {
            stays.push((b"", lines));
        }
    }
    for file in apk::INSTALLED.iter().filter_map(|path| databases.get(path)) {
        for paragraph in paragraphs(file.bytes) {
            let lines = paragraph.split(|&b| b == b'\n');
            let lines: Vec<&[u8]> = lines.filter_map(|line| line.strip_prefix(b"F:")).collect();
            if gone.contains(&(Manager::Apk, apk::name_of(paragraph).into_bytes())) {
                lists.directories(b"/", &lines, |node| found.insert(node));
            } else {
                stays.push((b"/", lines));
            }
        }
    }
    let names: HashSet<&[u8]> = found.iter().map(|&node| map.tree().name(node)).collect();
    for (root, mut lines) in stays {
        lines.retain(|line| {
            let name = line.rsplit(|&b| b == b'/').next().unwrap_or_default();
            names.contains(name)
        });
        lists.directories(root, &lines, |node| found.remove(&node));
    }
    found
}

struct Lists<'a> {
    map: &'a ContentMap,
    known: HashMap<Vec<u8>, Option<NodeId>>,
}

impl Lists<'_> {
    /// Tells the directories among the paths of a list; `root` stands before each.
    fn directories(&mut self, root: &[u8], lines: &Vec<&[u8]>, mut tell: impl FnMut(NodeId) -> bool) {
        for line in lines {
            let path = [root, line].concat();
            let map = self.map;
            let node = *self
                .known
                .entry(path)
                .or_insert_with_key(|path| map.resolve(path).filter(|&node| is_directory(map, node)));
            if let Some(node) = node {
                tell(node);
            }
        }
    }
}

fn is_directory(map: &ContentMap, node: NodeId) -> bool {
    match map.visible(node) {
        Visible::Nothing => false,
        Visible::Implied => true,
        Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
    }
}
