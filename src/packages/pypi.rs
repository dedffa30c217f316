//! What Python packages need: `Requires-Dist` of the core metadata (PEP 508), `requires.txt` of what setuptools installed.
//!
//! A module of its own beside the owners' reader: that one needs names, this one what is needed. Markers are not evaluated,
//! but for extras: a requirement behind an extra counts where another installed package asks for that extra.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};

use super::databases::Databases;
use super::{Dependency, Raw};
use crate::content::{ContentMap, Visible};
use crate::layer::NodeId;
use crate::owners::Manager;

/// One installed distribution.
struct Distribution {
    name: String,
    version: String,
    site: NodeId,
    requirements: Vec<Requirement>,
    /// Whether pip or uv installed it, which mark what was asked for.
    is_marked: bool,
    /// Whether it was asked for (PEP 376).
    is_requested: bool,
}

/// One requirement: the name, the extras that it asks for, and the extra that it stands behind.
#[derive(Debug, PartialEq, Eq)]
struct Requirement {
    name: String,
    extras: Vec<String>,
    behind: Option<String>,
}

pub(super) fn read(map: &ContentMap, databases: &Databases<'_>) -> Vec<Raw> {
    let mut found = Vec::new();
    for (path, file) in databases.all() {
        let tree = map.tree();
        let is_egg_file = path.ends_with(b".egg-info");
        if !is_egg_file && !path.ends_with(b"/METADATA") && !path.ends_with(b"/PKG-INFO") {
            continue;
        }
        let info = if is_egg_file {
            Some(file.node)
        } else {
            tree.parent(file.node)
        };
        let Some(info) = info else { continue };
        let Some(mut site) = tree.parent(info) else {
            continue;
        };
        if tree.name(info) == b"EGG-INFO" {
            site = tree.parent(site).unwrap_or(site);
        }
        let (mut name, mut version, mut requirements) = headers(file.bytes);
        if name.is_empty() {
            (name, version) = of_directory(tree.name(info));
        }
        let beside = path
            .strip_suffix(b"PKG-INFO")
            .map(|stem| [stem, b"requires.txt"].concat());
        let listed = beside.and_then(|path| databases.get(&String::from_utf8_lossy(&path)));
        requirements.extend(listed.map(|file| requires(file.bytes)).unwrap_or_default());
        let installer = path
            .strip_suffix(b"METADATA")
            .map(|stem| [stem, b"INSTALLER"].concat());
        let installer = installer.and_then(|path| databases.get(&String::from_utf8_lossy(&path)));
        let is_marked = installer.is_some_and(|file| matches!(file.bytes.trim_ascii(), b"pip" | b"uv"));
        let requested = tree.find_child(info, b"REQUESTED");
        let is_requested = requested.is_some_and(|node| map.visible(node) != Visible::Nothing);
        found.push(Distribution {
            name,
            version,
            site,
            requirements,
            is_marked,
            is_requested,
        });
    }
    merge(&found)
}

/// The names of a package's dependencies as they are compared: PEP 503 for Python, as they are for others.
pub(super) fn normalised(raw: &Raw) -> Raw {
    let name = if raw.manager == Some(Manager::Pypi) {
        normal(&raw.name)
    } else {
        raw.name.clone()
    };
    Raw {
        manager: raw.manager,
        name,
        version: raw.version.clone(),
        arch: raw.arch.clone(),
        is_foreign: raw.is_foreign,
        provides: raw.provides.clone(),
        sites: raw.sites.clone(),
        ..Raw::default()
    }
}

/// PEP 503: runs of `-`, `_` and `.` are one hyphen, letters are small.
pub fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// The same name and version in several places is one package.
fn merge(found: &[Distribution]) -> Vec<Raw> {
    let asked = extras(found);
    // An old pip marked nothing: where nothing is marked, everything was asked for.
    let marking = found.iter().filter(|one| one.is_requested);
    let marking: HashSet<NodeId> = marking.map(|one| one.site).collect();
    let mut merged: BTreeMap<(&str, &str), Raw> = BTreeMap::new();
    for one in found {
        let raw = merged.entry((&one.name, &one.version)).or_insert_with(|| Raw {
            manager: Some(Manager::Pypi),
            name: one.name.clone(),
            version: one.version.clone(),
            is_automatic: true,
            ..Raw::default()
        });
        raw.is_automatic &= one.is_marked && !one.is_requested && marking.contains(&one.site);
        raw.sites.push(one.site);
        let own = normal(&one.name);
        let counts = |need: &&Requirement| {
            let behind = need.behind.as_deref();
            behind.is_none_or(|extra| asked.contains(&(own.clone(), extra)))
        };
        let needs = one.requirements.iter().filter(counts).map(|need| {
            vec![Dependency {
                name: normal(&need.name),
                site: Some(one.site),
                ..Dependency::default()
            }]
        });
        raw.depends.extend(needs);
    }
    merged.into_values().collect()
}

/// The extras that are asked for, by package: by a requirement that stands behind none, or behind one that is asked for.
fn extras(found: &[Distribution]) -> HashSet<(String, &str)> {
    let mut asked: HashSet<(String, &str)> = HashSet::new();
    let mut by_name: HashMap<String, Vec<&Requirement>> = HashMap::new();
    let mut open: Vec<&Requirement> = Vec::new();
    for one in found {
        let (behind, plain): (Vec<_>, Vec<_>) =
            one.requirements.iter().partition(|need| need.behind.is_some());
        open.extend(plain);
        by_name.entry(normal(&one.name)).or_default().extend(behind);
    }
    while let Some(need) = open.pop() {
        let name = normal(&need.name);
        for extra in &need.extras {
            if asked.insert((name.clone(), extra)) {
                let more = by_name.get(&name).into_iter().flatten();
                open.extend(more.filter(|one| one.behind.as_ref() == Some(extra)));
            }
        }
    }
    asked
}

/// `Name`, `Version` and every `Requires-Dist` of the headers.
fn headers(bytes: &[u8]) -> (String, String, Vec<Requirement>) {
    let (mut name, mut version, mut requirements) = (String::new(), String::new(), Vec::new());
    let lines = bytes.split(|&b| b == b'\n').map(<[u8]>::trim_ascii_end);
    for line in lines.take_while(|line| !line.is_empty()) {
        let text = String::from_utf8_lossy(line);
        let Some((field, value)) = text.split_once(':') else {
            continue;
        };
        match field.to_ascii_lowercase().as_str() {
            "name" if name.is_empty() => value.trim().clone_into(&mut name),
            "version" if version.is_empty() => value.trim().clone_into(&mut version),
            "requires-dist" => requirements.extend(requirement(value)),
            _ => {}
        }
    }
    (name, version, requirements)
}

/// `NAME-VERSION` before the suffix; eggs add `-pyX.Y`.
fn of_directory(name: &[u8]) -> (String, String) {
    let stem = [&b".dist-info"[..], b".egg-info"]
        .iter()
        .find_map(|end| name.strip_suffix(*end))
        .unwrap_or(name);
    let mut parts = stem.splitn(3, |&b| b == b'-');
    let mut next = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    (next(), next())
}

/// `requires.txt`: lines in sections, `[extra]` or `[extra:marker]`.
fn requires(bytes: &[u8]) -> Vec<Requirement> {
    let (mut found, mut behind) = (Vec::new(), None);
    for line in String::from_utf8_lossy(bytes).lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let extra = section.split(':').next().unwrap_or_default();
            behind = Some(extra.to_owned()).filter(|extra| !extra.is_empty());
        } else if let Some(mut one) = requirement(line) {
            one.behind = one.behind.or_else(|| behind.clone());
            found.push(one);
        }
    }
    found
}

/// `name[extra1,extra2]>=1; marker`
fn requirement(text: &str) -> Option<Requirement> {
    let text = text.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let (rest, marker) = rest.split_once(';').unwrap_or((rest, ""));
    let extras = rest
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    let extras = extras
        .map_or("", |(extras, _)| extras)
        .split(',')
        .map(|extra| extra.trim().to_owned());
    let behind = marker.split_once("extra").and_then(|(_, rest)| {
        let mut parts = rest.split(['"', '\'']);
        parts.nth(1).map(str::to_owned)
    });
    (!name.is_empty()).then(|| Requirement {
        name: name.to_owned(),
        extras: extras.filter(|extra| !extra.is_empty()).collect(),
        behind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements() {
        let shown = |text: &str| {
            requirement(text).map(|one| {
                let behind = one.behind.map(|extra| format!(" if {extra}"));
                format!(
                    "{} [{}]{}",
                    one.name,
                    one.extras.join(","),
                    behind.unwrap_or_default()
                )
            })
        };
        for (text, want) in [
            ("urllib3 (<3,>=1.21)", Some("urllib3 []")),
            (
                "uvicorn[standard, x]>=0.12; extra == 'all'",
                Some("uvicorn [standard,x] if all"),
            ),
            ("tomli>=1; python_version < \"3.11\"", Some("tomli []")),
            ("a ; python_version<'3' and extra == \"b\"", Some("a [] if b")),
            ("pip @ https://x/y", Some("pip []")),
            ("", None),
            ("; x", None),
        ] {
            assert_eq!(shown(text).as_deref(), want, "{text}");
        }
        let names = |text: &str| {
            let found = requires(text.as_bytes()).into_iter();
            found
                .map(|one| one.name + &one.behind.unwrap_or_default())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names("a>=1\n\n[x]\nb\n[:python_version<'3']\nc\n"),
            ["a", "bx", "c"]
        );
    }

    #[test]
    fn one_name_in_many_spellings() {
        for name in ["Ruamel.Yaml", "ruamel-yaml", "ruamel__yaml"] {
            assert_eq!(normal(name), "ruamel-yaml");
        }
    }
}
