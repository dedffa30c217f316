//! apk's dependencies: apk-package(5), the lines `D:`, `p:` and `i:` of `installed`; `world` names what was asked for.
//!
//! A module of its own beside the owners' reader: that one needs names, this one what is needed.

use hashbrown::HashSet;

use super::databases::{Databases, File};
use super::paragraphs::paragraphs;
use super::{Dependency, Raw};
use crate::owners::Manager;

pub(super) const INSTALLED: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
pub(super) const WORLD: &str = "etc/apk/world";

pub(super) fn read(databases: &Databases<'_>) -> Vec<Raw> {
    let files = INSTALLED.iter().filter_map(|path| databases.get(path));
    let mut raws: Vec<Raw> = files
        .flat_map(|file| paragraphs(file.bytes).filter_map(package).collect::<Vec<_>>())
        .collect();
    let Some(world) = databases.get(WORLD) else {
        return raws;
    };
    let asked: HashSet<String> = words(world).map(|(name, _)| name).collect();
    for raw in &mut raws {
        let is_asked = asked.contains(&raw.name) || raw.provides.iter().any(|(name, _)| asked.contains(name));
        raw.is_automatic = !is_asked;
    }
    raws
}

/// The words of `world`: the name that each asks for, and the word as it stands there.
pub(super) fn words(world: File<'_>) -> impl Iterator<Item = (String, &[u8])> {
    world
        .bytes
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .map(|word| (name(&String::from_utf8_lossy(word)).to_owned(), word))
}

/// The name of the package that a paragraph speaks of.
pub(super) fn name_of(paragraph: &[u8]) -> String {
    let line = paragraph
        .split(|&b| b == b'\n')
        .find_map(|line| line.strip_prefix(b"P:"));
    String::from_utf8_lossy(line.unwrap_or_default()).into_owned()
}

fn package(paragraph: &[u8]) -> Option<Raw> {
    let mut raw = Raw {
        manager: Some(Manager::Apk),
        ..Raw::default()
    };
    for line in paragraph.split(|&b| b == b'\n') {
        let Some((letter, value)) = line.split_first_chunk::<2>() else {
            continue;
        };
        let text = || String::from_utf8_lossy(value).into_owned();
        match letter {
            b"P:" => raw.name = text(),
            b"V:" => raw.version = text(),
            b"A:" => raw.arch = Some(text()).filter(|arch| !arch.is_empty()),
            b"D:" => raw.depends = dependencies(&text()),
            b"i:" => raw.conditions = dependencies(&text()),
            b"p:" => {
                let names = text();
                let names = names
                    .split_ascii_whitespace()
                    .map(|word| (name(word).to_owned(), None));
                raw.provides = names.collect();
            }
            // Files follow; a package has thousands.
            b"F:" => break,
            _ => {}
        }
    }
    (!raw.name.is_empty()).then_some(raw)
}

/// Conflicts, `!name`, are no dependencies.
fn dependencies(text: &str) -> Vec<Vec<Dependency>> {
    let words = text
        .split_ascii_whitespace()
        .filter(|word| !word.starts_with('!'));
    words
        .map(|word| {
            vec![Dependency {
                name: name(word).to_owned(),
                ..Dependency::default()
            }]
        })
        .collect()
}

/// `so:libz.so.1>=1.2`, `python3~3.12`, `pkg@edge`: the name.
fn name(word: &str) -> &str {
    word.split(['<', '>', '=', '~', '@']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_paragraph_says() {
        let raw = package(
            b"C:Q1\nP:ssl_client\nV:1.37-r0\nA:x86_64\nD:so:libc.musl-x86_64.so.1 libssl3>=3 !old pkg@edge\np:cmd:ssl_client=1\ni:busybox libssl3\nF:usr\nP:not\n\n",
        )
        .unwrap();
        let names = |list: &[Vec<Dependency>]| {
            let names = list.iter().flatten().map(|one| one.name.clone());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            (raw.name.as_str(), raw.version.as_str()),
            ("ssl_client", "1.37-r0")
        );
        assert_eq!(names(&raw.depends), "so:libc.musl-x86_64.so.1 libssl3 pkg");
        assert_eq!(names(&raw.conditions), "busybox libssl3");
        assert_eq!(raw.provides, [("cmd:ssl_client".to_owned(), None)]);
        assert!(package(b"V:1\n\n").is_none());
    }
}
