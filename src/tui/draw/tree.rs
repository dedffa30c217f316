//! The tree pane, drawn: only the rows that are on the screen become text.

use std::cmp::Ordering;

use super::Canvas;
use crate::layer::Kind;
use crate::tui::marks::Fate;
use crate::tui::scene::ask::{Mode, Tally};
use crate::tui::scene::view::View;
use crate::tui::scene::{Change, Scene, Subject};
use crate::tui::state::geometry::{Area, Focus};
use crate::tui::state::tree::Row;
use crate::tui::state::{Seen, State};
use crate::tui::text::{Piece, Pieces, Tone, bar, count, fit, growth, name, piece, plain, size, width};

/// Columns from which a bar has room.
const WITH_BAR: u16 = 44;
/// Columns from which the layer has room.
const WITH_LAYER: u16 = 36;
/// Levels that are indented; deeper ones no further.
const DEEPEST: u16 = 24;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, area: Area) {
    if area.height == 0 {
        return;
    }
    canvas.line(area, 0, &title(state, usize::from(area.width)));
    let body = area.body();
    let Some(Seen { scene, view }) = &state.seen else {
        canvas.line(body, 0, &[piece(Tone::Dim, "nothing is read yet")]);
        return;
    };
    let cursor = state.tree.cursor;
    let found: &[_] = &state.search.found;
    for (line, (at, row)) in (0..body.height).zip(state.tree.rows.iter().enumerate().skip(cursor.offset)) {
        let is_found = found
            .binary_search_by_key(&view.rank(row.node), |&node| view.rank(node))
            .is_ok();
        let pieces = self::row(state, scene, view, *row, is_found, area.width);
        if at == cursor.at {
            let style = canvas.theme.selected(state.focus == Focus::Tree);
            canvas.styled(body, line, &pieces, style);
        } else {
            canvas.line(body, line, &pieces);
        }
    }
    if state.tree.rows.is_empty() {
        let text = if state.is_loaded {
            "nothing is shown"
        } else {
            "…"
        };
        canvas.line(body, 0, &[piece(Tone::Dim, text)]);
    }
}

/// What the tree shows, and how much that is.
fn title(state: &State, room: usize) -> Pieces {
    let layer = state.seen.as_ref().map_or(0, |seen| seen.view.ask.layer);
    let mode = state.seen.as_ref().map_or(state.mode, |seen| seen.view.ask.mode);
    let is_pair = state.subject == Subject::Pair;
    let text = match mode {
        Mode::Merged if is_pair => "New image".to_owned(),
        Mode::Changes if is_pair => "What changed".to_owned(),
        Mode::UpTo if is_pair => "Old image".to_owned(),
        Mode::Everything if is_pair => "Both images".to_owned(),
        Mode::Merged => "Merged image".to_owned(),
        Mode::Changes => format!("Changes of layer {layer}"),
        Mode::UpTo => format!("Up to layer {layer}"),
        Mode::Everything => "Everything, shadowed too".to_owned(),
    };
    let tone = if state.focus == Focus::Tree {
        Tone::Found
    } else {
        Tone::Bold
    };
    let (total, is_growth) = state
        .seen
        .as_ref()
        .map(|seen| (seen.view.total, seen.view.is_growth))
        .unwrap_or_default();
    let right = vec![
        plain(amount(total, is_growth).trim_start().to_owned()),
        piece(Tone::Dim, format!(" {}", count(total.files, "file"))),
    ];
    let left = vec![
        piece(tone, text),
        piece(Tone::Dim, format!(" by {}", state.sort.as_str())),
    ];
    super::spread(left, right, room)
}

fn row(state: &State, scene: &Scene, view: &View, row: Row, is_found: bool, columns: u16) -> Pieces {
    let node = row.node;
    let entry = view.entry(scene, node);
    let tally = view.tally_of(node);
    let has_children = view.has_children(node);
    let mut pieces = vec![fate(state.fate(scene, node)), change(view, scene, entry)];
    if state.shows_attributes {
        pieces.push(piece(Tone::Dim, attributes(scene, entry)));
    }
    pieces.push(amounts(tally, view.is_growth));
    pieces.push(plain(" "));
    if columns >= WITH_BAR {
        let parent = scene.tree().parent(node).map(|parent| view.tally_of(parent));
        let whole = parent.map_or(0, Tally::whole);
        pieces.push(piece(Tone::Bar, bar(tally.weight(), whole, 6)));
        pieces.push(plain(" "));
    }
    pieces.push(plain("  ".repeat(usize::from(row.depth.min(DEEPEST)))));
    let marker = match (has_children, state.tree.is_expanded(node)) {
        (true, true) => "▾ ",
        (true, false) => "▸ ",
        (false, _) => "  ",
    };
    pieces.push(piece(Tone::Dim, marker));
    let is_directory = has_children || scene.is_directory(node);
    let mut text = name(scene.tree().name(node));
    if is_directory {
        text.push('/');
    }
    let tone = match (is_found, is_directory) {
        (true, _) => Tone::Found,
        (false, true) => Tone::Directory,
        (false, false) => Tone::Plain,
    };
    pieces.push(piece(tone, text));
    if let Some((id, _)) = entry {
        let link = scene.link(id);
        if !link.is_empty() {
            let arrow = if scene.row(id).kind == Kind::HardLink {
                " = "
            } else {
                " → "
            };
            pieces.push(piece(Tone::Dim, format!("{arrow}{}", name(link))));
        }
    }
    match entry.filter(|_| columns >= WITH_LAYER && !is_directory) {
        Some((id, _)) => right(
            pieces,
            &format!(" L{}", scene.row(id).layer()),
            usize::from(columns),
        ),
        None if is_directory && columns >= WITH_LAYER => {
            right(pieces, &format!(" {}", tally.files), usize::from(columns))
        }
        None => pieces,
    }
}

/// The bytes of one image, or what they grew by from one to the other.
pub(super) fn amount(tally: Tally, is_growth: bool) -> String {
    if is_growth {
        growth(tally.before, tally.bytes)
    } else {
        size(tally.bytes)
    }
}

/// The same, toned.
pub(super) fn amounts(tally: Tally, is_growth: bool) -> Piece {
    let tone = match (is_growth, tally.bytes.cmp(&tally.before)) {
        (false, _) | (true, Ordering::Equal) => Tone::Plain,
        (true, Ordering::Greater) => Tone::Bad,
        (true, Ordering::Less) => Tone::Good,
    };
    piece(tone, amount(tally, is_growth))
}

/// Puts a short text at the right edge; what stands before it is cut.
fn right(pieces: Pieces, text: &str, columns: usize) -> Pieces {
    let mut room = columns.saturating_sub(width(text));
    let mut out: Pieces = Vec::new();
    for mut one in pieces {
        one.text = crate::tui::text::clip(&one.text, room);
        room -= width(&one.text);
        out.push(one);
    }
    out.push(plain(" ".repeat(room)));
    out.push(piece(Tone::Dim, text));
    out
}

fn fate(fate: Fate) -> Piece {
    match fate {
        Fate::Stays => plain(" "),
        Fate::Goes => piece(Tone::Bad, "✗"),
        Fate::Part => piece(Tone::Warn, "~"),
        Fate::Refused => piece(Tone::Warn, "!"),
    }
}

fn change(view: &View, scene: &Scene, entry: Option<(crate::content::EntryId, Change)>) -> Piece {
    let Some((id, change)) = entry else {
        return plain("  ");
    };
    if view.ask.mode == Mode::Everything && !scene.row(id).is_visible {
        return piece(Tone::Warn, "S ");
    }
    let tone = match change {
        Change::Unmodified => Tone::Plain,
        Change::Added => Tone::Good,
        Change::Modified => Tone::Warn,
        Change::Removed => Tone::Bad,
    };
    piece(tone, format!("{} ", change.letter()))
}

/// As `ls -ln` has them.
fn attributes(scene: &Scene, entry: Option<(crate::content::EntryId, Change)>) -> String {
    let Some((id, _)) = entry else {
        return " ".repeat(22);
    };
    let Some((image, id)) = scene.entry(id) else {
        return " ".repeat(22);
    };
    let entry = image.map.entry(id);
    let kind = match entry.kind {
        Kind::File | Kind::HardLink => '-',
        kind => kind.letter(),
    };
    let text = format!("{kind}{} {}:{}", mode(entry.mode), entry.uid, entry.gid);
    format!("{} ", fit(&text, 21))
}

/// `rwxr-xr-x`, with `s` and `t` where they stand.
pub(super) fn mode(mode: u16) -> String {
    let mut out = String::with_capacity(9);
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        out.push(if bits & 4 != 0 { 'r' } else { '-' });
        out.push(if bits & 2 != 0 { 'w' } else { '-' });
        out.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn modes_are_shown_as_ls_does() {
        for (mode, want) in [
            (0o755, "rwxr-xr-x"),
            (0o4755, "rwsr-xr-x"),
            (0o2640, "rw-r-S---"),
            (0o1777, "rwxrwxrwt"),
            (0, "---------"),
        ] {
            assert_eq!(super::mode(mode), want);
        }
    }
}
