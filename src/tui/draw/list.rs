//! The list pane, drawn: layers with their instructions, categories with their safety, packages.

use super::Canvas;
use super::tree::amounts;
use crate::bytesize::ByteSize;
use crate::profile::Safety;
use crate::report::LayerStatus;
use crate::tui::scene::Scene;
use crate::tui::state::geometry::{Area, Focus};
use crate::tui::state::list::{ListRow, Of, Pivot};
use crate::tui::state::{Seen, State};
use crate::tui::text::{Pieces, Tone, bar, clip, fit, name, piece, plain, size};

/// Columns from which a bar has room.
const WITH_BAR: u16 = 34;
/// Columns from which wire and shadowed bytes have room.
const WITH_SIZES: u16 = 52;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, area: Area) {
    if area.height == 0 {
        return;
    }
    canvas.line(area, 0, &title(state));
    let body = area.body();
    let Some(seen) = &state.seen else {
        for (row, layer) in (0..).zip(0..state.expected.len().min(usize::from(body.height))) {
            canvas.line(body, row, &loading(state, layer, area.width));
        }
        return;
    };
    let cursor = state.list.cursor;
    let rows = state.list.rows.iter().enumerate().skip(cursor.offset);
    let largest = state
        .list
        .rows
        .iter()
        .map(|row| row.tally.weight())
        .max()
        .unwrap_or(0);
    for (line, (at, row)) in (0..body.height).zip(rows) {
        let is_marked = state.is_row_marked(&seen.scene, row.of);
        let mut pieces = vec![match state.row_reason(&seen.scene, row.of) {
            _ if !is_marked => plain(" "),
            None => piece(Tone::Bad, "✗"),
            Some(_) => piece(Tone::Warn, "!"),
        }];
        pieces.extend(match row.of {
            Of::Layer(layer) if !is_read(&seen.scene, layer) => loading(state, layer, area.width - 1),
            _ => of(seen, row, largest, area.width - 1),
        });
        if at == cursor.at {
            let style = canvas.theme.selected(state.focus == Focus::List);
            canvas.styled(body, line, &pieces, style);
        } else {
            canvas.line(body, line, &pieces);
        }
    }
    if state.list.rows.is_empty() {
        let text = if state.is_loaded { " nothing" } else { " …" };
        canvas.line(body, 0, &[piece(Tone::Dim, text)]);
    }
}

fn is_read(scene: &Scene, layer: usize) -> bool {
    scene.layers.get(layer).is_none_or(|layer| layer.is_read)
}

fn title(state: &State) -> Pieces {
    let mut pieces = Vec::new();
    for (number, pivot) in (1..).zip(Pivot::ALL) {
        let is_shown = pivot == state.list.pivot;
        let tone = match (is_shown, state.focus) {
            (true, Focus::List) => Tone::Found,
            (true, Focus::Tree) => Tone::Bold,
            (false, _) => Tone::Dim,
        };
        pieces.push(piece(Tone::Dim, format!("{number} ")));
        pieces.push(piece(tone, pivot.title()));
        pieces.push(plain("  "));
    }
    pieces
}

/// A layer that is not read yet: how far it is.
fn loading(state: &State, layer: usize, width: u16) -> Pieces {
    let Some(expected) = state.expected.get(layer) else {
        return Vec::new();
    };
    let piece_of = state.work.piece(layer);
    let done = piece_of.map_or(0, |piece| piece.done);
    let total = expected.wire.or(piece_of.and_then(|piece| piece.total));
    let mut pieces = vec![
        piece(Tone::Dim, format!("{layer:>3} ")),
        plain(total.map_or_else(|| " ".repeat(8), size)),
        plain(" "),
    ];
    if width >= WITH_BAR {
        pieces.push(piece(Tone::Bar, bar(done, total.unwrap_or(0), 8)));
        pieces.push(plain(" "));
    }
    pieces.push(piece(Tone::Dim, name(expected.instruction.as_bytes())));
    pieces
}

fn of(seen: &Seen, row: &ListRow, largest: u64, width: u16) -> Pieces {
    let Seen { scene, view } = seen;
    let mut pieces = Vec::new();
    if let Of::Layer(layer) = row.of {
        pieces.push(piece(Tone::Dim, format!("{layer:>3} ")));
    }
    pieces.push(amounts(row.tally, view.is_growth));
    pieces.push(plain(" "));
    if width >= WITH_BAR {
        let cells = if width >= WITH_SIZES { 8 } else { 4 };
        pieces.push(piece(Tone::Bar, bar(row.tally.weight(), largest, cells)));
        pieces.push(plain(" "));
    }
    match row.of {
        Of::Layer(layer) => {
            let Some(facts) = scene.layers.get(layer) else {
                return pieces;
            };
            if let Some(became) = &facts.became {
                let (tone, letter) = status(became.status);
                pieces.push(piece(tone, format!("{letter} ")));
            } else if width >= WITH_SIZES {
                let wire = facts
                    .wire
                    .map_or_else(String::new, |wire| ByteSize(wire).to_string());
                let shadowed = if facts.shadowed > 0 {
                    ByteSize(facts.shadowed).to_string()
                } else {
                    String::new()
                };
                pieces.push(piece(Tone::Dim, format!("{wire:>8} ")));
                pieces.push(piece(Tone::Warn, format!("{shadowed:>8} ")));
            }
            pieces.push(plain(name(facts.instruction.as_bytes())));
        }
        Of::Category(id) => {
            if let Some(category) = scene.category(id) {
                let (tone, word) = match category.safety {
                    Some(Safety::Safe) => (Tone::Good, "safe"),
                    Some(Safety::Review) => (Tone::Warn, "review"),
                    Some(Safety::Risky) => (Tone::Bad, "risky"),
                    None => (Tone::Dim, "kept"),
                };
                pieces.push(piece(tone, fit(word, 7)));
                pieces.push(plain(category.name.clone()));
                if width >= WITH_SIZES {
                    pieces.push(piece(Tone::Dim, format!("  {}", category.title)));
                }
            }
        }
        Of::Owner(id) => {
            let owned = id.map_or("(no package)", |id| scene.package_name(id));
            pieces.push(plain(name(owned.as_bytes())));
            if let Some(package) = id.and_then(|id| scene.owner(id)) {
                pieces.push(piece(
                    Tone::Dim,
                    format!(" {}", clip(&name(package.version.as_bytes()), 20)),
                ));
            }
        }
    }
    pieces
}

/// What became of a layer of two images, by a letter too.
fn status(status: LayerStatus) -> (Tone, char) {
    match status {
        LayerStatus::Reused => (Tone::Dim, '='),
        LayerStatus::Rebuilt => (Tone::Warn, 'M'),
        LayerStatus::Added => (Tone::Good, 'A'),
        LayerStatus::Removed => (Tone::Bad, 'R'),
    }
}
