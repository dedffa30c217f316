//! Who installed a file: the packages of an image, and the one that each path belongs to.
//!
//! A floor of its own because package databases are many and alike: each is one file here and one row in `OWNERS`,
//! and nothing above knows any of them. Reads what the probes kept, never a blob. An owner is a *path's*: what the
//! databases of the merged image say; where they say nothing, what those that a later layer hid said last, so that the
//! bytes of a package that was removed again have an owner too.

mod apk;
mod deb;
mod gem;
mod itself;
mod npm;
mod pypi;
mod rpm;
mod survey;

use survey::{Captured, Survey};

use crate::content::ContentMap;
use crate::layer::{FactKind, NodeId};

/// Which package manager installed a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Manager {
    /// dpkg: Debian, Ubuntu, distroless.
    Deb,
    /// apk: Alpine, Wolfi.
    Apk,
    /// rpm: Fedora, Red Hat, SUSE, Amazon Linux.
    Rpm,
    /// pip, uv and whatever else installs Python distributions.
    Pypi,
    /// `RubyGems`.
    Gem,
    /// npm, yarn and pnpm: Node packages, and the applications that use them.
    Npm,
    /// Go: a program, by its main module.
    Go,
    /// Rust: a program that was built with cargo-auditable.
    Rust,
    /// Java: an archive.
    Java,
}

impl Manager {
    /// The word in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deb => "deb",
            Self::Apk => "apk",
            Self::Rpm => "rpm",
            Self::Pypi => "pypi",
            Self::Gem => "gem",
            Self::Npm => "npm",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Java => "java",
        }
    }
}

/// A package, as its database speaks of it. The same name, version and architecture is one package, however often it
/// is installed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Package {
    /// Who installed it.
    pub manager: Manager,
    /// Its name; what is not UTF-8 is replaced.
    pub name: String,
    /// Its version; empty where it has none.
    pub version: String,
    /// Its architecture, where the manager has such a thing.
    pub arch: Option<String>,
}

/// A package of an image: an index into [`Owners::packages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageId(pub u32);

/// The packages of an image, and what they own. Four bytes a path.
#[derive(Debug, Default)]
pub struct Owners {
    packages: Vec<Package>,
    /// Packages below this one are in a database of the merged image; those from here on are in hidden ones only.
    installed: usize,
    /// Per node of the map's tree; [`NOBODY`] where no package claims it.
    of: Vec<u32>,
    /// Claims of paths that belong to another package, by path.
    also: Vec<(NodeId, u32)>,
    /// Where installed packages say what they are.
    homes: Vec<(u32, NodeId)>,
}

const NOBODY: u32 = u32::MAX;

/// Bytes that are read once more because a file has several names, at most: a file may have a million.
const MAX_REPEATED: usize = 64 << 20;

/// One package database.
struct Database {
    /// Which probe leaves what it reads.
    kind: FactKind,
    /// Whether a file of that kind is part of it.
    has: fn(path: &[u8]) -> bool,
    /// Reads its files, the newest first, and claims what its packages own.
    read: fn(files: &[Captured<'_>], survey: &mut Survey<'_>),
}

/// The first one that claims a path has it: what an operating system installed is its own, whatever else is in it.
const OWNERS: &[Database] = &[
    Database {
        kind: FactKind::File,
        has: deb::has,
        read: deb::read,
    },
    Database {
        kind: FactKind::File,
        has: apk::has,
        read: apk::read,
    },
    Database {
        kind: FactKind::File,
        has: rpm::has,
        read: rpm::read,
    },
    Database {
        kind: FactKind::File,
        has: pypi::has,
        read: pypi::read,
    },
    Database {
        kind: FactKind::File,
        has: gem::has,
        read: gem::read,
    },
    Database {
        kind: FactKind::NodePackage,
        has: npm::has,
        read: npm::read,
    },
    Database {
        kind: FactKind::GoBuild,
        has: |_| true,
        read: |files, survey| itself::read(Manager::Go, files, survey),
    },
    Database {
        kind: FactKind::RustBuild,
        has: |_| true,
        read: |files, survey| itself::read(Manager::Rust, files, survey),
    },
    Database {
        kind: FactKind::JavaArchive,
        has: |_| true,
        read: |files, survey| itself::read(Manager::Java, files, survey),
    },
];

impl Owners {
    /// Reads the package databases of an image. The time is in proportion to their size and to the paths of the image.
    pub fn of(map: &ContentMap) -> Self {
        let [visible, hidden] = captured(map);
        let mut survey = Survey::new(map);
        for (files, database) in visible.iter().zip(OWNERS) {
            (database.read)(files, &mut survey);
            survey.grow();
        }
        let installed = survey.end_of_visible();
        for (files, database) in hidden.iter().zip(OWNERS) {
            (database.read)(files, &mut survey);
            survey.grow();
        }
        survey.finish(installed)
    }

    /// The packages, in no order that means anything.
    pub fn packages(&self) -> impl Iterator<Item = (PackageId, &Package)> {
        (0..).map(PackageId).zip(&self.packages)
    }

    /// The package of that id, which must come from here.
    pub fn get(&self, id: PackageId) -> Option<&Package> {
        self.packages.get(id.0 as usize)
    }

    /// Whether a database of the merged image has that package; not, where later layers removed or replaced it.
    pub fn is_installed(&self, id: PackageId) -> bool {
        (id.0 as usize) < self.installed
    }

    /// The package that a path which is no directory belongs to. Of directories it says nothing: they are shared.
    pub fn owner(&self, node: NodeId) -> Option<PackageId> {
        let id = self.of.get(node.index()).copied();
        id.filter(|&id| id != NOBODY).map(PackageId)
    }

    /// The paths that installed packages claim although they belong to another one, sorted by path.
    pub fn also(&self) -> impl Iterator<Item = (NodeId, PackageId)> {
        self.also.iter().map(|&(node, id)| (node, PackageId(id)))
    }

    /// Where an installed package says what it is, once for each place that it is installed in: a `dist-info`, a
    /// `package.json`, a gemspec. None of what has its row in a database with others.
    pub fn homes(&self) -> impl Iterator<Item = (PackageId, NodeId)> {
        self.homes.iter().map(|&(id, node)| (PackageId(id), node))
    }
}

/// The files of each database, the newest first: those that the merged image shows, and those that it hides.
fn captured(map: &ContentMap) -> [Vec<Vec<Captured<'_>>>; 2] {
    let mut found = [(); 2].map(|()| OWNERS.iter().map(|_| Vec::new()).collect::<Vec<_>>());
    let (mut path, mut repeated) = (Vec::new(), 0);
    for layer in (0..map.layer_count()).rev() {
        for (id, fact) in map.facts(layer) {
            if OWNERS.iter().all(|database| database.kind != fact.kind) {
                continue;
            }
            // Wheels are often hard links into a cache.
            let mut again = 0;
            for name in map.names(id) {
                let node = map.entry(name).node;
                map.tree().write_path(node, &mut path);
                let is_read = |database: &Database| database.kind == fact.kind && (database.has)(&path);
                let Some(at) = OWNERS.iter().position(is_read) else {
                    continue;
                };
                repeated += again;
                if repeated > MAX_REPEATED {
                    break;
                }
                again = fact.value.len() + 1;
                found[usize::from(!map.is_visible(name))][at].push(Captured {
                    node,
                    bytes: &fact.value,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_database_has_its_files_and_no_other() {
        for (path, want) in [
            ("var/lib/dpkg/info/a.list", Some(0)),
            ("lib/apk/db/installed", Some(1)),
            ("var/lib/rpm/Packages", Some(2)),
            ("usr/lib/sysimage/rpm/rpmdb.sqlite", Some(2)),
            ("usr/lib/python3/a.dist-info/RECORD", Some(3)),
            ("gems/3.1.0/specifications/a-1.gemspec", Some(4)),
            ("srv/node_modules/a/package.json", Some(5)),
            ("etc/passwd", None),
        ] {
            let having: Vec<usize> = (0..OWNERS.len())
                .filter(|&at| matches!(OWNERS[at].kind, FactKind::File | FactKind::NodePackage))
                .filter(|&at| (OWNERS[at].has)(path.as_bytes()))
                .collect();
            assert_eq!(having, Vec::from_iter(want), "{path}");
        }
    }
}
