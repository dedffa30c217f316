//! Ruby gems: a specification each, and a directory of the same name.
//!
//! `RubyGems` writes `specifications/NAME-VERSION.gemspec` (`-PLATFORM` where it has one) with a second line `# stub: NAME
//! VERSION PLATFORM …`, and unpacks into `gems/` and builds into `extensions/PLATFORM/ABI/` under the same name. Gems
//! that come with Ruby stand in `specifications/default/`, and their files are Ruby's.

use super::Manager;
use super::survey::{Captured, Survey};

pub(super) fn has(path: &[u8]) -> bool {
    path.ends_with(b".gemspec")
}

pub(super) fn read(files: &[Captured<'_>], survey: &mut Survey<'_>) {
    let tree = survey.map.tree();
    for file in files {
        let Some((name, version)) = stub(file.bytes) else {
            continue;
        };
        let Some(id) = survey.package(Manager::Gem, name, version, b"") else {
            continue;
        };
        survey.home(file.node, id);
        survey.claim_node(file.node, id);
        let specifications = tree.parent(file.node);
        let Some(home) = specifications.and_then(|node| tree.parent(node)) else {
            continue;
        };
        let Some(stem) = tree.name(file.node).strip_suffix(b".gemspec") else {
            continue;
        };
        if let Some(gems) = tree.find_child(home, b"gems") {
            survey.claim_tree_at(gems, stem, id);
        }
        let platforms = tree.find_child(home, b"extensions").into_iter();
        for abi in platforms.flat_map(|node| tree.children(node)).take(MAX_PLATFORMS) {
            for abi in tree.children(abi).take(MAX_PLATFORMS) {
                survey.claim_tree_at(abi, stem, id);
            }
        }
    }
}

/// Directories of `extensions` that are looked into: there is one for each Ruby.
const MAX_PLATFORMS: usize = 8;

/// Name and version of the second line.
fn stub(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = bytes
        .split(|&b| b == b'\n')
        .take(4)
        .find_map(|line| line.strip_prefix(b"# stub: "))?;
    let mut words = line.split(|&b| b == b' ');
    Some((words.next()?, words.next()?.trim_ascii_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stubs_name_the_gem() {
        for (text, want) in [
            (
                "# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\n",
                Some(("rake", "13.0.6")),
            ),
            ("# stub: a 1\r\n", Some(("a", "1"))),
            ("# stub: a", None),
            ("Gem::Specification.new do |s|\n", None),
        ] {
            let want = want.map(|(name, version)| (name.as_bytes(), version.as_bytes()));
            assert_eq!(stub(text.as_bytes()), want, "{text:?}");
        }
    }
}
