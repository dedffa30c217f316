//! The layer algebra: stacks of layers merged by the library and by the naive model, and squashed.

use layerslim::codec::Encoding;
use layerslim::content::{ContentMap, Visible};
use layerslim::layer::Kind;

use super::bytes::Bytes;
use super::stack::{self, Told};
use crate::support::laws::{Case, Choice, paths, result, sizes, twice};
use crate::support::recipe::shown;

pub(super) fn check(input: &[u8]) {
    let mut bytes = Bytes(input);
    let (law, mode) = (bytes.byte(), bytes.byte()); // all of them at once would take many times as long
    let text = stack::recipe(&mut bytes);
    let _told = Told(&text);
    let case = stack::read(&text);
    chains_end(&case.analysis.map);
    same_as_the_model(&case);
    let choice = Choice {
        profiles: &["none"],
        by_hand: &[],
        kept: &[],
        forced: &[],
        encoding: Encoding::None,
    };
    let mode = case.modes()[usize::from(mode) % 3];
    match law % 4 {
        0 => result(&case, &choice, mode),
        1 => twice(&case, &choice, mode),
        2 => sizes(&case),
        _ => {}
    }
}

/// The map shows the paths that the model shows.
fn same_as_the_model(case: &Case) {
    let model = case.model.tree().0.into_keys().collect();
    assert_eq!(paths(case), model, "the map against the model");
}

/// Names and inodes belong together, what is shown exists, and nothing goes round in circles.
pub(super) fn chains_end(map: &ContentMap) {
    let count = map.entry_count();
    let mut names = vec![0_u32; count];
    for id in map.entries() {
        let node = map.entry(id).node;
        if map.is_visible(id) {
            assert_eq!(
                map.visible(node),
                Visible::Entry(id),
                "{} shows another",
                shown(&map.path(id))
            );
            assert!(map.hidden_by(id).is_none(), "visible and hidden");
        }
        let Some(inode) = map.inode(id) else {
            assert!(!map.is_visible(id), "shown without an inode");
            continue;
        };
        assert_eq!(map.inode(inode), Some(inode), "an inode is its own");
        assert_ne!(map.entry(inode).kind, Kind::HardLink, "a link carries bytes");
        if inode == id {
            let listed = map.names(id).take(count + 1).collect::<Vec<_>>();
            assert!(listed.len() <= count, "names go round in circles");
            for name in listed {
                assert_eq!(map.inode(name), Some(id), "a name of another inode");
                names[name.index()] += 1;
            }
        }
    }
    for id in map.entries().filter(|&id| map.inode(id).is_some()) {
        assert_eq!(names[id.index()], 1, "{} is named once", shown(&map.path(id)));
    }
    for node in map.tree().ids() {
        if let Visible::Entry(id) = map.visible(node) {
            assert!(
                map.is_visible(id) && map.entry(id).node == node,
                "a path shows what is hidden"
            );
        }
        let is_parent_shown = map
            .tree()
            .parent(node)
            .is_none_or(|parent| match map.visible(parent) {
                Visible::Nothing => false,
                Visible::Implied => true,
                Visible::Entry(id) => map.entry(id).kind == Kind::Directory,
            });
        let is_shown = map.visible(node) != Visible::Nothing;
        assert!(
            !is_shown || is_parent_shown,
            "{} hangs in the air",
            shown(&map.tree().path(node))
        );
    }
}
