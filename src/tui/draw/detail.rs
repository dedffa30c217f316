//! What is selected, in full: a path with all that is known of it, a layer's instruction, what a category is.

use super::Canvas;
use super::tree::mode;
use crate::bytesize::ByteSize;
use crate::content::EntryId;
use crate::layer::{Kind, NodeId};
use crate::owners::PackageId;
use crate::profile::CategoryId;
use crate::tui::marks::Fate;
use crate::tui::scene::{Became, LayerFacts, Scene, Subject};
use crate::tui::state::geometry::{Area, Focus};
use crate::tui::state::list::Of;
use crate::tui::state::{Seen, State};
use crate::tui::text::{Piece, Tone, count, name, piece, plain, wrap};

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, area: Area) {
    let Some(seen) = state.seen.as_ref().filter(|_| area.height > 0) else {
        return;
    };
    let Seen { scene, view } = seen;
    let selected = match state.focus {
        Focus::Tree => state.tree.selected().map(|node| {
            let entry = view.entry(scene, node).map(|(id, _)| id);
            path(state, seen, node, entry)
        }),
        Focus::List => state.list.selected().map(|of| match of {
            Of::Layer(at) => layer(scene, at),
            Of::Category(id) => category(scene, id),
            Of::Owner(id) => {
                let mut lines = owner(scene, id);
                let why = state
                    .row_reason(scene, of)
                    .filter(|_| state.is_row_marked(scene, of));
                lines.extend(why.map(|why| piece(Tone::Warn, name(format!("stays: {why}").as_bytes()))));
                lines
            }
        }),
    };
    let rule = "─".repeat(usize::from(area.width));
    canvas.line(area, 0, &[piece(Tone::Dim, rule)]);
    let mut row = 1;
    for one in selected.unwrap_or_default() {
        for text in wrap(&one.text, usize::from(area.width)) {
            canvas.line(area, row, &[piece(one.tone, text)]);
            row += 1;
        }
    }
}

fn path(state: &State, seen: &Seen, node: NodeId, entry: Option<EntryId>) -> Vec<Piece> {
    let Seen { scene, view } = seen;
    let mut lines = vec![piece(Tone::Bold, name(&scene.path(node)))];
    lines.extend(fate(state, scene, node));
    let tally = view.tally_of(node);
    if view.is_growth {
        lines.push(plain(format!(
            "{} before, {} now",
            ByteSize(tally.before),
            ByteSize(tally.bytes)
        )));
    }
    let Some(id) = entry else {
        let files = count(tally.files, "file");
        // A saved report does not tell which layers name a directory, and of two images it may be the same in both.
        lines.push(plain(match state.subject {
            Subject::Image => format!("directory, {files}; no layer has an entry for it"),
            Subject::Saved | Subject::Pair => format!("directory, {files}"),
        }));
        return lines;
    };
    let row = scene.row(id);
    lines.push(plain(what_it_is(scene, id, tally.files)));
    let names = scene.entry(id).map_or(0, |(image, id)| {
        let map = &image.map;
        map.inode(id).map_or(0, |inode| map.names(inode).count())
    });
    if names > 1 {
        lines.push(plain(format!("{names} names of one file")));
    }
    let layer = scene.layers.get(row.layer());
    let instruction = layer.map_or("", |layer| layer.instruction.as_str());
    lines.push(plain(name(
        format!("layer {} {instruction}", row.layer()).as_bytes(),
    )));
    match row.hidden_by() {
        Some(by) => lines.push(piece(Tone::Warn, format!("hidden by layer {by}"))),
        None if !row.is_visible => lines.push(piece(Tone::Warn, "hidden by a later layer")),
        None => {}
    }
    if row.kind != Kind::Directory {
        lines.extend(category(scene, row.category).into_iter().take(2));
        if let Some(owner) = row.owner() {
            lines.push(plain(name(scene.package_name(owner).as_bytes())));
        }
    }
    lines
}

/// What becomes of a marked path.
fn fate(state: &State, scene: &Scene, node: NodeId) -> Option<Piece> {
    match state.fate(scene, node) {
        Fate::Goes => Some(piece(Tone::Bad, "goes")),
        Fate::Refused => {
            let why = state.why(node).unwrap_or_default();
            Some(piece(Tone::Warn, name(format!("stays: {why}").as_bytes())))
        }
        Fate::Part => {
            let going = ByteSize(state.going(scene, node));
            Some(piece(Tone::Warn, format!("{going} of it go")))
        }
        Fate::Stays => None,
    }
}

/// Kind, size, mode and owner of a row.
fn what_it_is(scene: &Scene, id: EntryId, files: u64) -> String {
    let row = scene.row(id);
    let link = name(scene.link(id));
    let mut text = match row.kind {
        Kind::File => "file".to_owned(),
        Kind::HardLink if link.is_empty() => "hard link".to_owned(),
        Kind::Symlink if link.is_empty() => "symlink".to_owned(),
        Kind::HardLink => format!("hard link to {link}"),
        Kind::Symlink => format!("symlink to {link}"),
        Kind::Directory => format!("directory, {}", count(files, "file")),
        Kind::CharDevice | Kind::BlockDevice => "device".to_owned(),
        Kind::Fifo => "pipe".to_owned(),
    };
    if matches!(row.kind, Kind::File | Kind::HardLink) {
        text = format!("{text}, {}", ByteSize(row.size));
    }
    if let Some((image, id)) = scene.entry(id) {
        let entry = image.map.entry(id);
        text = format!("{text}, {} {}:{}", mode(entry.mode), entry.uid, entry.gid);
    }
    text
}

fn layer(scene: &Scene, at: usize) -> Vec<Piece> {
    let Some(layer) = scene.layers.get(at) else {
        return Vec::new();
    };
    let mut lines = match &layer.became {
        Some(became) => became_of(became),
        None => sizes(layer, at),
    };
    lines.push(plain(name(layer.instruction.as_bytes())));
    lines.push(piece(Tone::Dim, layer.digest.clone()));
    lines
}

fn sizes(layer: &LayerFacts, at: usize) -> Vec<Piece> {
    let wire = layer
        .wire
        .map_or_else(String::new, |wire| format!(", wire {}", ByteSize(wire)));
    let mut lines = vec![
        piece(Tone::Bold, format!("layer {at}")),
        plain(format!(
            "disk {}{wire}, framing {}",
            ByteSize(layer.disk),
            ByteSize(layer.framing)
        )),
    ];
    if layer.shadowed > 0 {
        lines.push(piece(
            Tone::Warn,
            format!("{} of it are shadowed by later layers", ByteSize(layer.shadowed)),
        ));
    }
    lines
}

/// What became of a layer from one image to the other.
fn became_of(became: &Became) -> Vec<Piece> {
    let cause = became
        .cause
        .map_or_else(String::new, |cause| format!(": {}", cause.in_words()));
    let side = |image: &str, side: Option<(usize, u64)>| {
        side.map_or_else(
            || format!("{image} image: not there"),
            |(index, bytes)| format!("{image} image: layer {index}, disk {}", ByteSize(bytes)),
        )
    };
    let mut lines = vec![
        piece(Tone::Bold, format!("{}{cause}", became.status.as_str())),
        plain(side("old", became.old)),
        plain(side("new", became.new)),
    ];
    if became.transfer > 0 {
        lines.push(piece(
            Tone::Warn,
            format!(
                "{} to download for who has the old image",
                ByteSize(became.transfer)
            ),
        ));
    }
    lines
}

fn category(scene: &Scene, id: CategoryId) -> Vec<Piece> {
    let Some(category) = scene.category(id) else {
        return Vec::new();
    };
    let (tone, safety) = match category.safety {
        Some(safety) => (Tone::Plain, safety.as_str()),
        None => (Tone::Dim, "kept"),
    };
    let mut lines = vec![
        piece(
            Tone::Bold,
            format!("{}: {} ({safety})", category.name, category.title),
        ),
        piece(tone, category.reason.clone()),
    ];
    if !category.breaks.is_empty() {
        lines.push(piece(Tone::Warn, format!("May break: {}", category.breaks)));
    }
    if !category.advice.is_empty() {
        lines.push(piece(Tone::Good, format!("Avoid it: {}", category.advice)));
    }
    lines
}

fn owner(scene: &Scene, id: Option<PackageId>) -> Vec<Piece> {
    let Some((id, package)) = id.and_then(|id| Some((id, scene.owner(id)?))) else {
        return vec![plain("files that no package database knows")];
    };
    let mut installed = if package.is_installed {
        "installed".to_owned()
    } else {
        "no longer installed".to_owned()
    };
    if scene.sides().is_none() {
        let (disk, wire) = scene.of_package(id);
        installed = format!(
            "{installed}; {} visible, wire ≈{}",
            ByteSize(disk),
            ByteSize(wire)
        );
    }
    vec![
        piece(
            Tone::Bold,
            name(format!("{} {}", package.name, package.version).as_bytes()),
        ),
        plain(installed),
    ]
}
