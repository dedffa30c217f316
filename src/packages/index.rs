//! Who meets a dependency: names, what stands for names, versions and architectures.
//!
//! A module of its own because it is where the databases of all package managers become one graph.

use hashbrown::HashMap;

use super::{Budget, Standing, Unit, UnitId, pypi, version};
use crate::layer::NodeId;
use crate::owners::{Manager, Owners, PackageId};

/// A package as its database has it.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of a database, and none depends on another"
)]
pub(super) struct Raw {
    pub(super) manager: Option<Manager>,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) arch: Option<String>,
    /// `Multi-Arch: foreign`.
    pub(super) is_foreign: bool,
    pub(super) is_essential: bool,
    pub(super) is_automatic: bool,
    pub(super) diverts: bool,
    /// Names that it stands for, and versions where it has them.
    pub(super) provides: Vec<(String, Option<String>)>,
    /// All of these, each by one of its alternatives.
    pub(super) depends: Vec<Vec<Dependency>>,
    pub(super) wishes: Vec<Dependency>,
    pub(super) conditions: Vec<Vec<Dependency>>,
    /// Python: the directories that it is installed in.
    pub(super) sites: Vec<NodeId>,
    pub(super) records: Vec<NodeId>,
}

/// One alternative of a dependency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// dpkg: an operator and a version.
    pub(super) version: Option<(String, String)>,
    /// dpkg: `:any` or another architecture than the package's own.
    pub(super) any_arch: bool,
    /// Python: where the package that needs it is.
    pub(super) site: Option<NodeId>,
}

/// A package that stands for a name, and the version that it gives it.
type Provider<'a> = (u32, Option<&'a str>);

/// Who is there under a name.
struct Index<'a> {
    raws: &'a [Raw],
    named: HashMap<(Manager, &'a str), Vec<u32>>,
    provided: HashMap<(Manager, &'a str), Vec<Provider<'a>>>,
    /// dpkg: the architecture of packages for all of them.
    native: &'a str,
    budget: &'a Budget,
}

impl<'a> Index<'a> {
    fn new(raws: &'a [Raw], budget: &'a Budget) -> Self {
        let (mut named, mut provided) = (HashMap::new(), HashMap::new());
        let mut archs: HashMap<&str, u32> = HashMap::new();
        for (at, raw) in (0..).zip(raws) {
            let Some(manager) = raw.manager else { continue };
            named
                .entry((manager, raw.name.as_str()))
                .or_insert_with(Vec::new)
                .push(at);
            for (name, version) in &raw.provides {
                provided
                    .entry((manager, name.as_str()))
                    .or_insert_with(Vec::new)
                    .push((at, version.as_deref()));
            }
            if let Some(arch) = raw.arch.as_deref().filter(|&arch| arch != "all") {
                *archs.entry(arch).or_default() += 1;
            }
        }
        let native = archs.into_iter().max_by_key(|&(arch, count)| (count, arch));
        Self {
            raws,
            named,
            provided,
            native: native.map_or("", |(arch, _)| arch),
            budget,
        }
    }

    /// The packages that meet a dependency of `from`.
    fn meeting(&self, from: &'a Raw, dependency: &Dependency) -> Vec<UnitId> {
        let Some(manager) = from.manager else {
            return Vec::new();
        };
        let key = (manager, dependency.name.as_str());
        let count = self.named.get(&key).map_or(0, Vec::len) + self.provided.get(&key).map_or(0, Vec::len);
        if !self.budget.take(count + 1) {
            return Vec::new();
        }
        let holds = |version: Option<&str>| match (&dependency.version, version) {
            (None, _) => true,
            (Some((operator, wanted)), Some(version)) => version::holds(version, operator, wanted),
            // A name without a version meets no dependency that asks for one.
            (Some(_), None) => false,
        };
        let named = self.named.get(&key).into_iter().flatten().copied();
        let named = named.filter(|&at| holds(Some(&self.raws[at as usize].version)));
        let provided = self.provided.get(&key).into_iter().flatten();
        let provided = provided.filter(|(_, version)| holds(*version)).map(|&(at, _)| at);
        let fits = |at: &u32| self.fits(from, &self.raws[*at as usize], dependency);
        let mut found: Vec<u32> = named.chain(provided).filter(fits).collect();
        if let Some(site) = dependency.site {
            let is_here = |at: &u32| self.raws[*at as usize].sites.contains(&site);
            if found.iter().any(is_here) {
                found.retain(is_here);
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(UnitId).collect()
    }

    /// dpkg: whether the architecture is the right one.
    fn fits(&self, from: &'a Raw, to: &'a Raw, dependency: &Dependency) -> bool {
        let own = |raw: &'a Raw| {
            raw.arch
                .as_deref()
                .filter(|&arch| arch != "all")
                .unwrap_or(self.native)
        };
        from.manager != Some(Manager::Deb) || dependency.any_arch || to.is_foreign || own(from) == own(to)
    }
}

/// Looks up who meets what. Only packages that `owners` knows are units.
pub(super) fn resolve(mut raws: Vec<Raw>, owners: &Owners, budget: &Budget) -> Vec<Unit> {
    let ids: HashMap<(Manager, &str, &str, Option<&str>), PackageId> = owners
        .packages()
        .filter(|&(id, _)| owners.is_installed(id))
        .map(|(id, one)| {
            (
                (
                    one.manager,
                    one.name.as_str(),
                    one.version.as_str(),
                    one.arch.as_deref(),
                ),
                id,
            )
        })
        .collect();
    let id = |raw: &Raw| {
        let key = (
            raw.manager?,
            raw.name.as_str(),
            raw.version.as_str(),
            raw.arch.as_deref(),
        );
        ids.get(&key).copied()
    };
    raws.retain(|raw| id(raw).is_some());
    let normal: Vec<Raw> = raws.iter().map(pypi::normalised).collect();
    let index = Index::new(&normal, budget);
    let units = raws.iter().zip(&normal).filter_map(|(raw, normal)| {
        let all = |list: &[Vec<Dependency>]| -> Vec<Vec<UnitId>> {
            let met = list.iter().map(|alternatives| {
                let mut met: Vec<UnitId> = alternatives
                    .iter()
                    .flat_map(|one| index.meeting(normal, one))
                    .collect();
                met.sort_unstable();
                met.dedup();
                met
            });
            met.collect()
        };
        let wishes = raw.wishes.iter().flat_map(|one| index.meeting(normal, one));
        let mut needs = all(&raw.depends);
        needs.retain(|met| !met.is_empty());
        Some(Unit {
            package: id(raw)?,
            manager: raw.manager?,
            name: raw.name.clone(),
            version: raw.version.clone(),
            arch: raw.arch.clone(),
            standing: match (raw.is_essential, raw.is_automatic) {
                (true, _) => Standing::Essential,
                (_, true) => Standing::Automatic,
                _ => Standing::Asked,
            },
            needs,
            wishes: wishes.collect(),
            conditions: all(&raw.conditions),
            whole: None,
            brought: Vec::new(),
            files: Vec::new(),
            diverts: raw.diverts,
            records: raw.records.clone(),
            provides: raw.provides.iter().map(|(name, _)| name.clone()).collect(),
            sites: raw.sites.clone(),
        })
    });
    units.collect()
}
