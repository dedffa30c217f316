//! Where a path leads inside the merged image: symlinks followed, never out of the root.

use super::{ContentMap, Visible};
use crate::layer::{Kind, NodeId};

/// As many symlinks as Linux follows (`path_resolution(7)`).
const MAX_LINKS: u32 = 40;
/// Components that symlinks may add to one path: Linux takes no target of more than 4,095 bytes, and no sane way comes
/// near it. It keeps what one entry costs within bounds (rule 32).
const MAX_STEPS: usize = 1024;

/// Whether a symlink at the end of the path is followed too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// Like open(2).
    Follow,
    /// Like link(2).
    Keep,
}

/// The node of `path` as a process in the container would find it.
pub(super) fn resolve<'a>(map: &'a ContentMap, path: &'a [u8], last: Last) -> Option<NodeId> {
    walk(map, path, last, &mut |_| ())
}

/// [`resolve`], and `step` is told of every node on the way: directories, symlinks, and the end.
pub(super) fn walk(
    map: &ContentMap,
    path: &[u8],
    last: Last,
    step: &mut dyn FnMut(NodeId),
) -> Option<NodeId> {
    let (mut links, mut steps) = (0, 0);
    // Components still to walk, the next one at the end.
    let mut rest: Vec<&[u8]> = components(path).collect();
    let mut at = NodeId::ROOT;
    while let Some(part) = rest.pop() {
        match part {
            b".." => {
                at = map.tree().parent(at).unwrap_or(NodeId::ROOT);
                step(at);
                continue;
            }
            part => at = map.tree().find_child(at, part)?,
        }
        step(at);
        let Visible::Entry(id) = map.visible(at) else {
            if map.visible(at) == Visible::Nothing {
                return None;
            }
            continue;
        };
        let kind = map.entry(map.inode(id)?).kind;
        if kind == Kind::Symlink && (last == Last::Follow || !rest.is_empty()) {
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            let target = map.link(map.inode(id)?);
            at = if target.starts_with(b"/") {
                NodeId::ROOT
            } else {
                map.tree().parent(at)?
            };
            let before = rest.len();
            rest.extend(components(target));
            steps += rest.len() - before;
            if steps > MAX_STEPS {
                return None;
            }
        } else if kind != Kind::Directory && !rest.is_empty() {
            return None; // not even `..` leads on from what is no directory
        }
    }
    Some(at)
}

/// The components of `path`, last first.
fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.rsplit(|&b| b == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}
