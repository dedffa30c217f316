//! The state, drawn: pieces of text put into the cells of a screen.
//!
//! A floor above the state, which knows nothing of it: only what is on the screen is made into text, whatever is there
//! beside it.

mod detail;
mod list;
mod look;
mod overlay;
mod symbols;
mod theme;
mod tree;

pub use theme::{Background, Depth, Theme};

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::UnicodeWidthStr;

use super::keys::Action;
use super::scene::Change;
use super::state::State;
use super::state::geometry::{Area, Focus};
use super::state::overlay::Prompt;
use super::text::{self, Piece, Pieces, Tone, clip, clip_front, piece, plain};
use crate::bytesize::ByteSize;
use crate::report::printable;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State, theme: Theme) {
    let area = frame.area();
    let mut canvas = Canvas {
        buffer: frame.buffer_mut(),
        theme,
        width: area.width,
        height: area.height,
    };
    let parts = state.geometry();
    canvas.line(parts.header, 0, &header(state, usize::from(parts.header.width)));
    canvas.line(parts.filter, 0, &filter(state, usize::from(parts.filter.width)));
    list::draw(&mut canvas, state, parts.list);
    detail::draw(&mut canvas, state, parts.detail);
    tree::draw(&mut canvas, state, parts.tree);
    if parts.list.height > 0 && parts.tree.height > 0 {
        let x = parts.tree.x - 1;
        for y in parts.tree.y..parts.tree.y + parts.tree.height {
            let rule = Area {
                x,
                y,
                width: 1,
                height: 1,
            };
            canvas.line(rule, 0, &[piece(Tone::Dim, "│")]);
        }
    }
    canvas.line(parts.footer, 0, &footer(state, usize::from(parts.footer.width)));
    overlay::draw(&mut canvas, state);
}

/// A screen, and how tones look on it.
struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
    width: u16,
    height: u16,
}

impl Canvas<'_> {
    /// Writes pieces into one row of an area; what has no room is left out.
    fn line(&mut self, area: Area, row: u16, pieces: &[Piece]) {
        self.styled(area, row, pieces, Style::default());
    }

    /// The same, with the row's own style on top, from one side to the other.
    fn styled(&mut self, area: Area, row: u16, pieces: &[Piece], over: Style) {
        let y = area.y + row;
        if row >= area.height || y >= self.height || area.x >= self.width {
            return;
        }
        let end = (area.x + area.width).min(self.width);
        let mut x = area.x;
        let room = usize::from(end.saturating_sub(x));
        for one in &*symbols::shown(pieces, self.theme.symbols, room) {
            let room = usize::from(end.saturating_sub(x));
            if room == 0 {
                break;
            }
            let style = self.theme.style(one.tone);
            (x, _) = self.buffer.set_stringn(x, y, &one.text, room, style);
        }
        if over != Style::default() {
            let row = Rect::new(area.x, y, end - area.x, 1);
            self.buffer.set_style(row, over);
        }
    }

    /// Empties an area.
    fn clear(&mut self, area: Area) {
        for y in area.y..(area.y + area.height).min(self.height) {
            for x in area.x..(area.x + area.width).min(self.width) {
                self.buffer[(x, y)].reset();
            }
        }
    }
}

/// Left and right with room between; the left one is cut where both have no room.
fn spread(left: Pieces, right: Pieces, width: usize) -> Pieces {
    let wide = |pieces: &[Piece]| pieces.iter().map(|one| one.text.width()).sum::<usize>();
    let mut room = width.saturating_sub(wide(&right) + 1);
    let mut out = Vec::new();
    for mut one in left {
        one.text = clip(&one.text, room);
        room -= one.text.width();
        out.push(one);
    }
    out.push(plain(" ".repeat(room + 1)));
    out.extend(right);
    out
}

/// The image, its sizes, and what it would weigh; of two images what the new one weighs beside the old.
fn header(state: &State, width: usize) -> Pieces {
    let mut right = Vec::new();
    if let Some(seen) = &state.seen {
        let about = if seen.scene.is_wire_exact() { "" } else { "≈" };
        let (disk, wire) = (seen.scene.disk(), seen.scene.wire());
        let wire = piece(Tone::Dim, format!(" wire {about}{}", ByteSize(wire)));
        let is_wide = width >= 60;
        if let Some([old, _]) = seen.scene.sides() {
            let old = old.disk();
            right.push(piece(Tone::Dim, format!("{} → ", ByteSize(old))));
            right.push(piece(Tone::Bold, ByteSize(disk).to_string()));
            right.push(piece(Tone::Bold, format!(" {}", text::change(old, disk))));
            right.extend(is_wide.then_some(wire));
        } else if is_wide || state.marks.is_empty() {
            right.push(piece(Tone::Bold, ByteSize(disk).to_string()));
            right.push(wire);
        }
        if let Some(new) = state.new_size() {
            let about = if new.is_exact { "" } else { "≈" };
            right.push(piece(Tone::Good, format!(" → {about}{}", ByteSize(new.disk))));
            right.push(piece(Tone::Good, format!(" {}", text::change(disk, new.disk))));
            if is_wide {
                right.push(piece(Tone::Dim, format!(" wire ≈{}", ByteSize(new.wire))));
            }
        }
    }
    let name = clip_front(
        &printable(&state.reference),
        width.saturating_sub(wide(&right) + 1).max(8),
    );
    let left = vec![
        piece(Tone::Bold, name),
        piece(Tone::Dim, format!(" {}", state.platform)),
    ];
    spread(left, right, width)
}

fn wide(pieces: &[Piece]) -> usize {
    pieces.iter().map(|one| one.text.width()).sum()
}

/// What narrows the tree, or what is being typed.
fn filter(state: &State, width: usize) -> Pieces {
    match &state.prompt {
        Some(Prompt::Search { line, .. }) => {
            let found = if state.search.text.is_empty() {
                String::new()
            } else if state.search.is_done {
                format!("{} found", state.search.found.len())
            } else {
                "…".to_owned()
            };
            spread(typed("/", line.split()), vec![piece(Tone::Dim, found)], width)
        }
        Some(Prompt::Filter { line, .. }) => {
            let error = state.filter_error.clone().unwrap_or_default();
            spread(
                typed("filter: ", line.split()),
                vec![piece(Tone::Bad, printable(&error))],
                width,
            )
        }
        None => {
            let mut left = vec![piece(Tone::Dim, "filter: ")];
            if state.filter.is_empty() {
                left.push(piece(Tone::Dim, "none"));
            } else {
                left.push(piece(Tone::Warn, printable(&state.filter)));
            }
            for change in [
                Change::Added,
                Change::Modified,
                Change::Removed,
                Change::Unmodified,
            ] {
                if state.hidden[change as usize] {
                    left.push(piece(Tone::Warn, format!(" -{}", change.as_str())));
                }
            }
            let mut right = Vec::new();
            if !state.search.text.is_empty() {
                let text = format!("/{} {}", printable(&state.search.text), state.search.found.len());
                right.push(piece(Tone::Found, text));
            }
            spread(left, right, width)
        }
    }
}

/// A line that is edited, with its cursor.
fn typed(label: &str, (before, after): (&str, &str)) -> Pieces {
    vec![
        piece(Tone::Bold, label),
        plain(printable(before)),
        piece(Tone::Found, "▏"),
        plain(printable(after)),
    ]
}

/// A message, how far work is, or the keys that matter most.
fn footer(state: &State, width: usize) -> Pieces {
    let work = work(state);
    if let Some(message) = &state.message {
        return spread(vec![piece(Tone::Warn, printable(message))], work, width);
    }
    let key = |action| state.keymap.key(action);
    let mut left = Vec::new();
    for (action, word) in [
        (Action::Help, "help"),
        (Action::Mark, "mark"),
        (Action::Plan, "plan"),
        (Action::Write, "write"),
        (Action::Profiles, "profiles"),
        (Action::Search, "search"),
        (Action::Filter, "filter"),
        (Action::Mode, "tree"),
        (
            Action::NextPane,
            if state.focus == Focus::Tree {
                "list"
            } else {
                "tree"
            },
        ),
        (Action::Close, "quit"),
    ] {
        if state.refusal(action).is_some() {
            continue;
        }
        let one = [
            piece(Tone::Good, key(action)),
            piece(Tone::Dim, format!(" {word}  ")),
        ];
        if wide(&left) + wide(&one) > width.saturating_sub(wide(&work)) {
            break;
        }
        left.extend(one);
    }
    spread(left, work, width)
}

fn work(state: &State) -> Pieces {
    if state.is_loaded {
        let is_planning = state.is_planning && !state.marks.is_empty();
        return vec![piece(Tone::Dim, if is_planning { "planning… " } else { "" })];
    }
    let (done, total) = state.work.sum();
    let text = match total.filter(|&total| total > 0) {
        Some(total) => format!("{} {} of {} ", state.work.verb(), ByteSize(done), ByteSize(total)),
        None if done > 0 => format!("{} {} ", state.work.verb(), ByteSize(done)),
        None => "opening… ".to_owned(),
    };
    vec![piece(Tone::Bar, text)]
}
