//! Plans: any image, any selection. What goes was visible and asked for, what is protected stays, a squash is sound.

use std::collections::BTreeSet;

use layerslim::codec::Encoding;
use layerslim::content::{ContentMap, EntryId, Visible};
use layerslim::layer::Kind;
use layerslim::plan::{Action, Fate, Layout, NewLayer, Plan, Rule, Selection};
use layerslim::profile::Band;

use super::algebra::chains_end;
use super::bytes::Bytes;
use super::stack::{self, Told};
use crate::support::laws::{Case, Choice, PROFILES, restored, result, twice};
use crate::support::recipe::shown;

pub(super) fn check(input: &[u8]) {
    let mut bytes = Bytes(input);
    let (law, mode) = (bytes.byte(), bytes.byte()); // all of them at once would take many times as long
    let profile = bytes.pick(&["none", "default", "aggressive"]);
    let globs = |bytes: &mut Bytes<'_>, most: u8| -> Vec<&'static str> {
        let count = bytes.byte() % (most + 1);
        (0..count).map(|_| bytes.pick(GLOBS)).collect()
    };
    let (by_hand, kept, forced) = (globs(&mut bytes, 4), globs(&mut bytes, 2), globs(&mut bytes, 1));
    let choice = Choice {
        profiles: &[profile],
        by_hand: &by_hand,
        kept: &kept,
        forced: &forced,
        encoding: Encoding::None,
    };
    let text = stack::recipe(&mut bytes);
    let told = format!("{profile}, remove {by_hand:?}, keep {kept:?}, force {forced:?}\n{text}");
    let _told = Told(&told);
    let case = stack::read(&text);
    chains_end(&case.analysis.map);
    let (plan, selection) = case.plan(&choice);
    only_what_was_asked(&case, &plan, &selection);
    let map = &case.analysis.map;
    sound(map, &plan, &NewLayer::squash(map, &plan));
    for mode in case.modes() {
        whole(map, &Layout::new(map, &plan, mode));
    }
    let mode = case.modes()[usize::from(mode) % 3];
    match law % 4 {
        0 => result(&case, &choice, mode),
        1 => twice(&case, &choice, mode),
        2 => drop(restored(&case, &choice, mode)),
        _ => {}
    }
}

const GLOBS: &[&str] = &[
    "/a/b",
    "/a/**",
    "/b/**",
    "/c/b/**",
    "/var/cache",
    "/x.py",
    "/a",
    "**/a",
    "**/*.py",
    "/**",
    "/usr/share/**",
    "**/.git/**",
    "/etc/*",
    "/[ab]/?",
    "/{a,c}/**/a",
    "/n*",
    "/lib/**",
];

/// What goes was there, each path once; what is kept or protected stays unless it is forced.
fn only_what_was_asked(case: &Case, plan: &Plan, selection: &Selection) {
    let (map, classifier) = (&case.analysis.map, &PROFILES.1);
    let mut listed = BTreeSet::new();
    for removal in &plan.removals {
        let path = map.tree().path(removal.node);
        let name = shown(&path);
        assert!(listed.insert(removal.node), "{name} goes twice");
        assert!(plan.removes(removal.node), "{name} is listed and stays");
        let shows = match map.visible(removal.node) {
            Visible::Nothing => panic!("{name} goes, which nobody sees"),
            Visible::Implied => None,
            Visible::Entry(id) => Some(id),
        };
        assert_eq!(removal.entry, shows, "{name} goes as another entry");
        let Some(id) = shows.filter(|&id| map.entry(id).kind != Kind::Directory) else {
            continue;
        };
        let absolute = [b"/", path.as_slice()].concat();
        let rule = selection.rule(&absolute);
        let is_zero_device = map
            .inode(id)
            .is_some_and(|inode| map.entry(inode).is_zero_device());
        assert!(
            is_zero_device || !matches!(rule, Rule::Keep(_)),
            "{name} goes and is kept"
        );
        let label = case.analysis.attribution.label(id);
        let category = classifier.category(label.category);
        let is_protected = category.is_some_and(|category| category.band == Band::Protected);
        assert!(
            is_zero_device || !is_protected || matches!(rule, Rule::Force(_)),
            "{name} is protected and goes by {rule:?}"
        );
        let starts = case.analysis.attribution.startup().need(map, removal.node);
        assert!(
            is_zero_device || starts.is_none() || matches!(rule, Rule::Force(_)),
            "{name} starts the container and goes by {rule:?}: {starts:?}"
        );
        if let Some(asked) = removal.category {
            assert_eq!(asked, label.category, "{name} goes as another category");
            assert!(selection.removes(asked), "{name} goes and nobody asked");
        }
    }
    for node in map.tree().ids().filter(|&node| plan.removes(node)) {
        assert!(
            listed.contains(&node),
            "{} goes without a word",
            shown(&map.tree().path(node))
        );
        for child in map.tree().children(node) {
            let stays = map.visible(child) != Visible::Nothing && !plan.removes(child);
            assert!(
                !stays,
                "{} stays in a directory that goes",
                shown(&map.tree().path(child))
            );
        }
    }
    for refusal in &plan.refused {
        assert!(
            !plan.removes(refusal.node),
            "{} is refused and goes",
            shown(&map.tree().path(refusal.node))
        );
    }
    let bytes: u64 = plan.removals.iter().map(|removal| removal.bytes).sum();
    assert_eq!(plan.totals(map).disk_bytes, bytes, "bytes that go");
}

/// Every name that stays is written once, a body once for each inode, and a link behind what it leads to.
fn sound(map: &ContentMap, plan: &Plan, squash: &NewLayer) {
    let mut written = BTreeSet::new();
    let mut bodies = BTreeSet::new();
    let mut put = |name: EntryId, target: Option<EntryId>, written: &mut BTreeSet<EntryId>| {
        let shown = shown(&map.path(name));
        assert!(
            map.is_visible(name) && !plan.removes(map.entry(name).node),
            "{shown} is written and gone"
        );
        match target {
            Some(target) => {
                assert!(written.contains(&target), "{shown} is linked before its target");
                assert_eq!(
                    map.inode(name),
                    map.inode(target),
                    "{shown} is linked to another file"
                );
            }
            None => assert!(bodies.insert(map.inode(name)), "{shown} has a body of its own"),
        }
        assert!(written.insert(name), "{shown} is written twice");
    };
    for id in map.entries().filter(|&id| map.entry(id).kind != Kind::Directory) {
        match squash.action(id) {
            Action::Skip => {}
            Action::Write => put(id, None, &mut written),
            Action::WriteAs(name) => put(name, None, &mut written),
            Action::Link(target) => put(id, Some(target), &mut written),
        }
        let is_read = squash.layers().contains(&map.layer_of(id));
        assert!(
            is_read || squash.action(id) == Action::Skip,
            "{} is in a layer that is not read",
            shown(&map.path(id))
        );
        let own = match squash.action(id) {
            Action::WriteAs(name) => name,
            _ => id,
        };
        for &link in squash.behind(id) {
            put(link, Some(own), &mut written);
        }
    }
    let stays = |&id: &EntryId| {
        map.is_visible(id) && map.entry(id).kind != Kind::Directory && !plan.removes(map.entry(id).node)
    };
    let expected: BTreeSet<EntryId> = map.entries().filter(stays).collect();
    assert_eq!(written, expected, "what is written is what stays");
    let directories = squash.directories.iter().map(|(node, _)| map.tree().path(*node));
    assert!(directories.is_sorted(), "directories are out of order");
}

/// Every layer of the source is in one slot, in order; a result has a layer; a new one names each path once.
fn whole(map: &ContentMap, layout: &Layout) {
    let mut next = 0;
    for slot in &layout.slots {
        assert_eq!(slot.sources.start, next, "a layer is left out, or is there twice");
        next = slot.sources.end;
        let Fate::Made(layer) = &slot.fate else { continue };
        let mut named = BTreeSet::new();
        let mut name = |node| {
            assert!(
                named.insert(node),
                "{} stands twice",
                shown(&map.tree().path(node))
            );
        };
        layer.directories.iter().for_each(|(node, _)| name(*node));
        layer.whiteouts.iter().for_each(|&node| name(node));
        for id in layer.written(map) {
            name(map.entry(layer.name_of(id).unwrap_or(id)).node);
            layer
                .behind(id)
                .iter()
                .for_each(|&link| name(map.entry(link).node));
        }
        for opaque in &layer.opaques {
            let is_there = layer.directories.iter().any(|(node, _)| node == opaque);
            assert!(
                is_there,
                "{} is opaque and not there",
                shown(&map.tree().path(*opaque))
            );
        }
    }
    assert_eq!(next, map.layer_count(), "the top layers are left out");
    assert!(layout.layer_count() > 0, "no layer is left");
}
