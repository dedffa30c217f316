//! What is selected, in full: a path with all that is known of it, a layer's instruction, what a category is.

use super::Canvas;
use super::tree::mode;
use crate::bytesize::ByteSize;
use crate::content::EntryId;
use crate::layer::{Kind, NodeId};
use crate::owners::PackageId;
use crate::profile::CategoryId;
use crate::tui::marks::Fate;
use crate::tui::scene::Scene;
use crate::tui::state::geometry::{Area, Focus};
use crate::tui::state::list::Of;
use crate::tui::state::{Seen, State};
use crate::tui::text::{Piece, Tone, count, name, piece, plain, wrap};

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, area: Area) {
    let Some(Seen { scene, view }) = state.seen.as_ref().filter(|_| area.height > 0) else {
        return;
    };
    let selected = match state.focus {
        Focus::Tree => state.tree.selected().map(|node| {
            let entry = view.entry(scene, node).map(|(id, _)| id);
            path(state, scene, node, entry, view.tally_of(node).files)
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

fn path(state: &State, scene: &Scene, node: NodeId, entry: Option<EntryId>, files: u64) -> Vec<Piece> {
    let mut lines = vec![piece(Tone::Bold, name(&scene.path(node)))];
    match state.fate(scene, node) {
        Fate::Goes => lines.push(piece(Tone::Bad, "goes")),
        Fate::Refused => {
            let why = state.why(node).unwrap_or_default();
            lines.push(piece(Tone::Warn, name(format!("stays: {why}").as_bytes())));
        }
        Fate::Part => {
            let going = ByteSize(state.going(scene, node));
            lines.push(piece(Tone::Warn, format!("{going} of it go")));
        }
        Fate::Stays => {}
    }
    let Some(id) = entry else {
        lines.push(plain(format!(
            "directory, {}; no layer has an entry for it",
            count(files, "file")
        )));
        return lines;
    };
    let (entry, layer) = (scene.map.entry(id), scene.map.layer_of(id));
    let kind = match entry.kind {
        Kind::File => "file".to_owned(),
        Kind::HardLink => format!("hard link to {}", name(scene.map.link(id))),
        Kind::Symlink => format!("symlink to {}", name(scene.map.link(id))),
        Kind::Directory => format!("directory, {}", count(files, "file")),
        Kind::CharDevice | Kind::BlockDevice => "device".to_owned(),
        Kind::Fifo => "pipe".to_owned(),
    };
    let size = match entry.kind {
        Kind::File | Kind::HardLink => format!(", {}", ByteSize(scene.size(id))),
        _ => String::new(),
    };
    lines.push(plain(format!(
        "{kind}{size}, {} {}:{}",
        mode(entry.mode),
        entry.uid,
        entry.gid
    )));
    let names = scene
        .map
        .inode(id)
        .map_or(0, |inode| scene.map.names(inode).count());
    if names > 1 {
        lines.push(plain(format!("{names} names of one file")));
    }
    let instruction = scene
        .layers
        .get(layer)
        .map_or("", |layer| layer.instruction.as_str());
    lines.push(plain(name(format!("layer {layer} {instruction}").as_bytes())));
    if let Some(by) = scene.map.hidden_by(id) {
        lines.push(piece(Tone::Warn, format!("hidden by layer {by}")));
    }
    if entry.kind != Kind::Directory {
        lines.extend(category(scene, scene.category(id)).into_iter().take(2));
        if let Some(owner) = scene.owner(id) {
            lines.push(plain(name(scene.package_name(owner).as_bytes())));
        }
    }
    lines
}

fn layer(scene: &Scene, at: usize) -> Vec<Piece> {
    let Some(layer) = scene.layers.get(at) else {
        return Vec::new();
    };
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
    lines.push(plain(name(layer.instruction.as_bytes())));
    lines.push(piece(Tone::Dim, layer.digest.clone()));
    lines
}

fn category(scene: &Scene, id: CategoryId) -> Vec<Piece> {
    let Some(category) = scene.classifier.category(id) else {
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
    let owners = scene.attribution.owners();
    let Some((id, package)) = id.and_then(|id| Some((id, owners.get(id)?))) else {
        return vec![plain("files that no package database knows")];
    };
    let (disk, wire) = scene.of_package(id);
    let installed = if owners.is_installed(id) {
        "installed"
    } else {
        "no longer installed"
    };
    vec![
        piece(
            Tone::Bold,
            name(format!("{} {}", scene.package_name(id), package.version).as_bytes()),
        ),
        plain(format!(
            "{installed}; {} visible, wire ≈{}",
            ByteSize(disk),
            ByteSize(wire)
        )),
    ]
}
