//! dpkg's dependencies: deb-control(5), Debian policy 7; what apt installed for another's sake: `extended_states`.
//!
//! A module of its own beside the owners' reader: that one needs names, this one what is needed.

use hashbrown::{HashMap, HashSet};

use super::databases::Databases;
use super::paragraphs::{fields, paragraphs};
use super::{Dependency, Raw};
use crate::layer::NodeId;
use crate::owners::Manager;

pub(super) const STATUS: &str = "var/lib/dpkg/status";
pub(super) const STATUS_D: &str = "var/lib/dpkg/status.d";
pub(super) const EXTENDED: &str = "var/lib/apt/extended_states";

pub(super) fn read(databases: &Databases<'_>) -> Vec<Raw> {
    let automatic = automatic(databases);
    let diverting = diverting(databases);
    let mut raws = Vec::new();
    if let Some(status) = databases.get(STATUS) {
        raws.extend(paragraphs(status.bytes).filter_map(|paragraph| package(&fields(paragraph))));
    }
    let singles = databases.inside(STATUS_D);
    let nodes: HashMap<&[u8], NodeId> = singles.iter().map(|(name, file)| (*name, file.node)).collect();
    for (name, file) in &singles {
        if name.ends_with(b".md5sums") {
            continue;
        }
        let Some(mut raw) = paragraphs(file.bytes).find_map(|paragraph| package(&fields(paragraph))) else {
            continue;
        };
        raw.records.push(file.node);
        let sums = [*name, b".md5sums"].concat();
        raw.records.extend(nodes.get(&sums[..]));
        raws.push(raw);
    }
    let names: HashSet<&str> = automatic.iter().map(|(name, _)| name.as_str()).collect();
    for raw in &mut raws {
        let arch = raw.arch.clone().unwrap_or_default();
        // apt writes the architecture of what is for all of them as its own.
        raw.is_automatic = automatic.contains(&(raw.name.clone(), arch.clone()))
            || arch == "all" && names.contains(raw.name.as_str());
        raw.diverts = diverting.contains(&raw.name);
    }
    raws
}

/// A package's name and architecture, as its paragraph has them.
pub(super) fn name_of(paragraph: &[u8]) -> (String, String) {
    let fields = fields(paragraph);
    let value = |name: &str| {
        let field = fields.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    (value("package"), value("architecture"))
}

fn package(fields: &[(String, String)]) -> Option<Raw> {
    let value = |name: &str| {
        let field = fields.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value.as_str())
    };
    let state = value("status").rsplit(' ').next().unwrap_or_default();
    if value("package").is_empty() || matches!(state, "not-installed" | "config-files") {
        return None;
    }
    let mut depends = relations(value("depends"));
    depends.extend(relations(value("pre-depends")));
    let wishes = [relations(value("recommends")), relations(value("suggests"))].concat();
    let provides = relations(value("provides")).into_iter().flatten();
    Some(Raw {
        manager: Some(Manager::Deb),
        name: value("package").to_owned(),
        version: value("version").to_owned(),
        arch: Some(value("architecture").to_owned()).filter(|arch| !arch.is_empty()),
        is_foreign: value("multi-arch") == "foreign",
        is_essential: value("essential") == "yes" || value("priority") == "required",
        provides: provides
            .map(|one| (one.name, one.version.map(|(_, version)| version)))
            .collect(),
        depends,
        wishes: wishes.into_iter().flatten().collect(),
        ..Raw::default()
    })
}

/// `a (>= 1) | b:any, c`
fn relations(text: &str) -> Vec<Vec<Dependency>> {
    let clauses = text.split(',').map(|clause| {
        let alternatives = clause.split('|').filter_map(relation);
        alternatives.collect::<Vec<_>>()
    });
    clauses.filter(|clause| !clause.is_empty()).collect()
}

fn relation(text: &str) -> Option<Dependency> {
    let text = text.trim();
    let end = text
        .find(|c: char| c.is_whitespace() || c == '(' || c == '[' || c == '<')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let (name, any_arch) = name
        .split_once(':')
        .map_or((name, false), |(name, _)| (name, true));
    let version = rest.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let version = version.map(|(version, _)| {
        let version = version.trim();
        let end = version
            .find(|c: char| !matches!(c, '<' | '>' | '='))
            .unwrap_or(version.len());
        (version[..end].to_owned(), version[end..].trim().to_owned())
    });
    (!name.is_empty()).then(|| Dependency {
        name: name.to_owned(),
        version,
        any_arch,
        site: None,
    })
}

/// Name and architecture of what apt installed because something needed it.
fn automatic(databases: &Databases<'_>) -> HashSet<(String, String)> {
    let Some(states) = databases.get(EXTENDED) else {
        return HashSet::new();
    };
    let is_automatic = |paragraph: &&[u8]| {
        fields(paragraph)
            .iter()
            .any(|(name, value)| name == "auto-installed" && value == "1")
    };
    paragraphs(states.bytes)
        .filter(is_automatic)
        .map(name_of)
        .collect()
}

/// The packages that divert files; `:` stands for nobody. Three lines each: from, to, by.
fn diverting(databases: &Databases<'_>) -> HashSet<String> {
    let text = databases
        .get("var/lib/dpkg/diversions")
        .map_or(&b""[..], |file| file.bytes);
    let lines = text.split(|&b| b == b'\n').skip(2).step_by(3);
    lines
        .map(|line| String::from_utf8_lossy(line).trim().to_owned())
        .filter(|name| !name.is_empty() && name != ":")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_of_packages() {
        let shown = |text: &str| {
            let clauses = relations(text).into_iter().map(|clause| {
                let one = clause.into_iter().map(|one| {
                    let version = one.version.map(|(op, version)| format!("{op}{version}"));
                    let any = if one.any_arch { ":" } else { "" };
                    format!("{}{any}{}", one.name, version.unwrap_or_default())
                });
                one.collect::<Vec<_>>().join("|")
            });
            clauses.collect::<Vec<_>>().join(",")
        };
        for (text, want) in [
            ("", ""),
            ("libc6 (>= 2.36), a|b , python3:any", "libc6>=2.36,a|b,python3:"),
            ("c(<<1:2~) , , d [amd64] <!nocheck>", "c<<1:2~,d"),
            ("x (= 1", "x"),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }
}
