//! Whether a category's conditions hold for a file: the facts behind `when`.
//!
//! The names of the conditions and the arithmetic of paths are the profile floor's; here are the lookups in the
//! content map, prepared once for an image.

use std::collections::HashSet;

use super::imports::Imports;
use crate::content::{ContentMap, EntryId, Visible};
use crate::image::Config;
use crate::layer::{FactKind, Kind, NodeId};
use crate::profile::{
    Condition, Landmark, Locales, emitted_javascript, git_dir_of, locale_of, module_of_extension,
    source_of_compiled,
};

/// What conditions ask of an image, looked up once.
pub(super) struct Context<'a> {
    map: &'a ContentMap,
    /// Directories named `.git` that hold a `HEAD` which is one, in any layer.
    git_dirs: HashSet<NodeId>,
    has_pnp: bool,
    locales: Locales,
    /// Per node the kinds of the directories it lies in, itself among them, as bits; empty where there is none.
    inside: Vec<u16>,
    /// Directory and module of every visible extension module.
    extensions: HashSet<(NodeId, &'a [u8])>,
    /// Absolute paths that the config names: what starts the container, its environment, its directories.
    referenced: HashSet<Vec<u8>>,
    /// Absolute paths where pip and uv look for packages to install.
    find_links: HashSet<Vec<u8>>,
    /// Directories of tests that code outside them imports.
    pub(super) imports: Imports,
}

impl<'a> Context<'a> {
    pub(super) fn new(map: &'a ContentMap, config: &Config, locales: &[String]) -> Self {
        Self {
            map,
            git_dirs: git_dirs(map),
            has_pnp: map
                .files()
                .any(|id| map.is_visible(id) && map.tree().name(map.entry(id).node).starts_with(b".pnp.")),
            locales: used_locales(config, locales),
            inside: landmarks(map),
            extensions: extensions(map),
            referenced: referenced(config),
            find_links: find_links(map, config),
            imports: Imports::default(),
        }
    }

    /// Whether `condition` holds for the entry `id` at `path` (absolute), whose bytes `inode` carries.
    pub(super) fn holds(&self, condition: &Condition, path: &[u8], id: EntryId, inode: EntryId) -> bool {
        let carrier = self.map.entry(inode);
        match condition {
            Condition::Beside(extensions) => self.has_beside(extensions, id),
            Condition::EmittedJavascript => {
                let mut places = emitted_javascript(path).into_iter();
                places.any(|place| self.shows_file(self.map.tree().find(&place), id))
            }
            Condition::Executable => carrier.mode & 0o111 != 0,
            Condition::ExtensionModuleBeside => self.has_extension_beside(id),
            Condition::GitDir => self.is_in_git_dir(path),
            Condition::Inside(landmarks) => {
                let kinds = landmarks.iter().fold(0, |bits, landmark| bits | landmark.bit());
                let above = self.map.tree().parent(self.map.entry(id).node);
                above.is_some_and(|node| {
                    self.inside
                        .get(node.index())
                        .is_some_and(|found| found & kinds != 0)
                })
            }
            Condition::LocaleNotInUse => locale_of(path).is_some_and(|locale| !self.locales.uses(locale)),
            Condition::Magic(kinds) => carrier.magic.is_some_and(|magic| kinds.contains(&magic)),
            Condition::MinBytes(bytes) => carrier.size >= *bytes,
            Condition::NoPnp => !self.has_pnp,
            Condition::NotFindLinks => !is_covered(&self.find_links, path),
            Condition::NotImported => self.imported(id).is_none(),
            Condition::NotReferenced => !is_covered(&self.referenced, path),
            Condition::PythonSourcePresent => self.has_python_source(path, id),
            Condition::RootOwned => carrier.uid == 0,
        }
    }

    /// What of the path of an entry is imported, and by which file.
    pub(super) fn imported(&self, id: EntryId) -> Option<(NodeId, EntryId)> {
        self.imports.over(self.map, self.map.entry(id).node)
    }

    fn is_in_git_dir(&self, path: &[u8]) -> bool {
        // A directory's own path has no slash behind `.git`.
        let as_parent = [path, b"/"].concat();
        let node = git_dir_of(&as_parent).and_then(|directory| self.map.tree().find(directory));
        node.is_some_and(|node| self.git_dirs.contains(&node))
    }

    /// Rule 27: the source stands where the compiled file was made from, in the merged tree; for a
    /// shadowed compiled file, in any layer.
    fn has_python_source(&self, path: &[u8], id: EntryId) -> bool {
        let source = source_of_compiled(path).and_then(|source| self.map.tree().find(&source));
        self.shows_file(source, id)
    }

    /// Whether a path shows a file in the merged tree; to the shadowed entry `id`, in any layer.
    fn shows_file(&self, node: Option<NodeId>, id: EntryId) -> bool {
        node.is_some_and(|node| match self.map.visible(node) {
            Visible::Entry(found) => self.map.entry(found).kind != Kind::Directory,
            Visible::Implied => false,
            Visible::Nothing => !self.map.is_visible(id),
        })
    }

    fn has_beside(&self, extensions: &[String], id: EntryId) -> bool {
        let (tree, node) = (self.map.tree(), self.map.entry(id).node);
        let name = tree.name(node);
        let Some(dot) = name.iter().rposition(|&byte| byte == b'.') else {
            return false;
        };
        extensions.iter().any(|extension| {
            let other = [&name[..=dot], extension.as_bytes()].concat();
            let found = tree
                .parent(node)
                .and_then(|parent| tree.find_child(parent, &other));
            self.shows_file(found, id)
        })
    }

    fn has_extension_beside(&self, id: EntryId) -> bool {
        let (tree, node) = (self.map.tree(), self.map.entry(id).node);
        let name = tree.name(node);
        let end = name.iter().position(|&byte| byte == b'.').unwrap_or(name.len());
        tree.parent(node)
            .is_some_and(|parent| self.extensions.contains(&(parent, &name[..end])))
    }
}

/// gitrepository-layout(5): a `HEAD` that is one, beside a directory `objects`.
fn git_dirs(map: &ContentMap) -> HashSet<NodeId> {
    let heads = (0..map.layer_count()).flat_map(|layer| map.facts(layer));
    let heads = heads.filter(|(_, fact)| fact.kind == FactKind::GitHead);
    let directories = heads.filter_map(|(id, _)| map.tree().parent(map.entry(id).node));
    directories
        .filter(|&directory| map.tree().find_child(directory, b"objects").is_some())
        .collect()
}

/// Kinds of directories, handed down from each to all below it; looked for in every layer, as a build tree stays one when
/// its marks are removed. The root is none: what is copied there says nothing of the system around it.
fn landmarks(map: &ContentMap) -> Vec<u16> {
    let tree = map.tree();
    let mut kinds = Vec::new();
    let mut mark = |node: NodeId, landmark: Landmark| {
        kinds.resize(tree.len(), 0);
        kinds[node.index()] |= landmark.bit();
    };
    for node in tree.ids() {
        let name = tree.name(node);
        let Some(parent) = tree.parent(node).filter(|&parent| parent != NodeId::ROOT) else {
            continue;
        };
        for (landmark, others) in Landmark::marked_by(name) {
            if others
                .iter()
                .all(|other| tree.find_child(parent, other.as_bytes()).is_some())
            {
                mark(parent, landmark);
            }
        }
        if name == b"RECORD"
            && let Some(site) = tree.parent(parent)
            && Landmark::is_python_site(tree.name(site), tree.name(parent))
        {
            mark(site, Landmark::PythonSite);
        }
    }
    if !kinds.is_empty() {
        // Parents come before their children.
        for node in tree.ids() {
            let above = tree.parent(node).map_or(0, |parent| kinds[parent.index()]);
            kinds[node.index()] |= above;
        }
    }
    kinds
}

/// The extension modules of Python that are visible.
fn extensions(map: &ContentMap) -> HashSet<(NodeId, &[u8])> {
    let tree = map.tree();
    let files = map.files().filter(|&id| map.is_visible(id));
    files
        .filter_map(|id| {
            let node = map.entry(id).node;
            Some((tree.parent(node)?, module_of_extension(tree.name(node))?))
        })
        .collect()
}

fn used_locales(config: &Config, locales: &[String]) -> Locales {
    let is_locale = |name: &str| name == "LANG" || name == "LANGUAGE" || name.starts_with("LC_");
    let environment = config.runtime_list("Env");
    let pairs = environment.iter().filter_map(|pair| pair.split_once('='));
    let values = pairs
        .filter(|(name, _)| is_locale(name))
        .map(|(_, value)| value.as_bytes());
    Locales::new(values.chain(locales.iter().map(String::as_bytes)))
}

/// Every absolute path in what starts the container and in its environment. Texts are cut at the characters
/// that separate paths in commands and in variables.
fn referenced(config: &Config) -> HashSet<Vec<u8>> {
    let mut texts: Vec<String> = ["Entrypoint", "Cmd", "Env", "Shell"]
        .iter()
        .flat_map(|key| config.runtime_list(key))
        .collect();
    texts.extend(
        config
            .runtime("WorkingDir")
            .and_then(|value| value.as_str())
            .map(str::to_owned),
    );
    if let Some(test) = config
        .runtime("Healthcheck")
        .and_then(|check| check.get("Test"))
        .and_then(|test| test.as_array())
    {
        texts.extend(test.iter().filter_map(|part| part.as_str()).map(str::to_owned));
    }
    if let Some(volumes) = config.runtime("Volumes").and_then(|volumes| volumes.as_object()) {
        texts.extend(volumes.keys().cloned());
    }
    paths(texts.iter().map(String::as_str))
}

/// From the environment, and from the configuration files of pip and uv.
fn find_links(map: &ContentMap, config: &Config) -> HashSet<Vec<u8>> {
    let environment = config.runtime_list("Env");
    let pairs = environment.iter().filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(name, _)| matches!(*name, "PIP_FIND_LINKS" | "UV_FIND_LINKS"));
    let mut found = paths(values.map(|(_, value)| value));
    for (id, fact) in (0..map.layer_count()).flat_map(|layer| map.facts(layer)) {
        let name = map.tree().name(map.entry(id).node);
        let is_ours = fact.kind == FactKind::File && matches!(name, b"pip.conf" | b"uv.toml");
        if is_ours && map.is_visible(id) {
            let text = String::from_utf8_lossy(&fact.value);
            let links = text.split("find-links").skip(1);
            found.extend(paths(links.flat_map(|behind| behind.split(['[', ']']))));
        }
    }
    found
}

/// The absolute paths in texts of commands and variables.
fn paths<'t>(texts: impl Iterator<Item = &'t str>) -> HashSet<Vec<u8>> {
    let is_separator = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ':' | ';' | '=' | ',' | '"' | '\'' | '(' | ')' | '&' | '|' | '>' | '<'
            )
    };
    let paths = texts.flat_map(|text| text.split(is_separator));
    paths
        .filter(|part| part.len() > 1 && part.starts_with('/'))
        .map(|part| part.trim_end_matches('/').as_bytes().to_vec())
        .collect()
}

/// Whether `path` or a directory above it is one of `named`.
fn is_covered(named: &HashSet<Vec<u8>>, path: &[u8]) -> bool {
    let above = (1..path.len())
        .filter(|&at| path[at] == b'/')
        .map(|at| &path[..at]);
    !named.is_empty() && above.chain([path]).any(|part| named.contains(part))
}
