//! Node packages: every directory of a `node_modules` with a `package.json`, and the applications beside them.
//!
//! docs.npmjs.com, "folders": a package has everything below its directory but what stands in a `node_modules` of its own,
//! so the deepest package wins. An application is a directory with a `package.json` and a `node_modules`; the root of
//! the image is none, or it would own the operating system.

use super::Manager;
use super::survey::{Captured, Survey};
use crate::layer::{NodeId, PathTree};

pub(super) fn has(path: &[u8]) -> bool {
    path == b"package.json" || path.ends_with(b"/package.json")
}

pub(super) fn read(files: &[Captured<'_>], survey: &mut Survey<'_>) {
    let tree = survey.map.tree();
    for file in files {
        // `NAME`, a line end, `VERSION`: what the probe keeps.
        let mut words = file.bytes.splitn(2, |&b| b == b'\n');
        let (name, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let Some(directory) = tree.parent(file.node) else {
            continue;
        };
        if (is_package(tree, directory) || is_application(tree, directory))
            && let Some(id) = survey.package(Manager::Npm, name, version, b"")
        {
            survey.home(file.node, id);
            survey.claim_tree(directory, id);
        }
    }
}

/// `node_modules/NAME` or `node_modules/@SCOPE/NAME`.
fn is_package(tree: &PathTree, directory: NodeId) -> bool {
    let parent = tree.parent(directory);
    let modules = match parent {
        Some(scope) if tree.name(scope).starts_with(b"@") => tree.parent(scope),
        parent => parent,
    };
    modules.is_some_and(|modules| tree.name(modules) == b"node_modules")
}

fn is_application(tree: &PathTree, directory: NodeId) -> bool {
    directory != NodeId::ROOT && tree.find_child(directory, b"node_modules").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_and_applications() {
        let mut tree = PathTree::default();
        for path in [
            "app/node_modules/a/lib",
            "app/node_modules/@s/b",
            "node_modules/c",
        ] {
            tree.insert(path.as_bytes());
        }
        for (path, package, application) in [
            ("app/node_modules/a", true, false),
            ("app/node_modules/@s/b", true, false),
            ("app/node_modules/a/lib", false, false),
            ("app", false, true),
            ("", false, false),
        ] {
            let node = tree.find(path.as_bytes()).unwrap();
            assert_eq!(is_package(&tree, node), package, "{path}");
            assert_eq!(is_application(&tree, node), application, "{path}");
        }
    }
}
