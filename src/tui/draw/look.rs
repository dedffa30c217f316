//! What is looked into, drawn: a title, the lines of the screen, and a line that says where this is.

use super::overlay::{dim, folded, small};
use super::{Canvas, spread, typed};
use crate::report::printable;
use crate::tui::keys::Action;
use crate::tui::state::State;
use crate::tui::state::geometry::Area;
use crate::tui::text::{Pieces, Tone, piece, plain};
use crate::tui::viewer::{Look, Looks, Pane, Step, Taking};

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State, looks: &Looks) {
    let Some(look) = looks.top() else { return };
    if let Pane::Extract(taking) = &look.pane {
        return extract(canvas, look, taking);
    }
    let screen = Area {
        x: 0,
        y: 0,
        width: canvas.width,
        height: canvas.height,
    };
    canvas.clear(screen);
    let across = usize::from(canvas.width);
    canvas.line(screen, 0, &spread(look.title.clone(), Vec::new(), across));
    let body = Area {
        y: 1,
        height: canvas.height.saturating_sub(2),
        ..screen
    };
    let (width, height) = state.look_size();
    let mut selected = None;
    let (lines, status) = match &look.pane {
        Pane::Waiting | Pane::Extract(_) => (Vec::new(), vec![piece(Tone::Dim, "reading…")]),
        Pane::Failed(why) => (folded(Tone::Bad, why), Vec::new()),
        Pane::File(file) => (file.lines(width, height), file.status()),
        Pane::Page(lines, cursor) => {
            let seen = lines.iter().skip(cursor.offset).take(height).cloned();
            (
                seen.collect(),
                vec![piece(Tone::Dim, format!("{} lines", lines.len()))],
            )
        }
        Pane::Life(life) => {
            let (lines, at) = life.lines(height);
            selected = at;
            (lines, Vec::new())
        }
    };
    for (row, line) in (0..body.height).zip(&lines) {
        if selected == Some(usize::from(row)) {
            let style = canvas.theme.selected(true);
            canvas.styled(body, row, line, style);
        } else {
            canvas.line(body, row, line);
        }
    }
    let status = match &state.message {
        Some(message) => vec![piece(Tone::Warn, printable(message))],
        None => status,
    };
    let bottom = screen.height.saturating_sub(1);
    let line = spread(status, keys(state, &look.pane), across);
    canvas.line(screen, bottom, &line);
}

/// The keys that matter there.
fn keys(state: &State, pane: &Pane) -> Pieces {
    let rows: &[(Action, &str)] = match pane {
        Pane::File(file) if file.is_typing() => &[],
        Pane::File(file) if file.is_hex => &[
            (Action::Hex, "text"),
            (Action::Search, "search"),
            (Action::Goto, "offset"),
            (Action::Close, "back"),
        ],
        Pane::File(_) => &[
            (Action::Hex, "hex"),
            (Action::Wrap, "wrap"),
            (Action::Search, "search"),
            (Action::Goto, "line"),
            (Action::Close, "back"),
        ],
        Pane::Life(_) => &[
            (Action::Open, "content"),
            (Action::Compare, "compare"),
            (Action::Mark, "choose"),
            (Action::Close, "back"),
        ],
        _ => &[(Action::Close, "back")],
    };
    let mut out = Vec::new();
    for (action, word) in rows {
        out.push(piece(Tone::Good, state.keymap.key(*action)));
        out.push(piece(Tone::Dim, format!(" {word}  ")));
    }
    out
}

/// The steps of taking something out, in a frame.
fn extract(canvas: &mut Canvas<'_>, look: &Look, taking: &Taking) {
    let mut lines = vec![
        look.title.clone(),
        match taking.step {
            Step::Target => typed("into directory: ", taking.target.split()),
            _ => vec![
                piece(Tone::Bold, "into directory: "),
                plain(printable(taking.target.text())),
            ],
        },
        Vec::new(),
    ];
    match &taking.step {
        Step::Target => {
            lines.extend(dim(
                "it gets the name that it has in the image; what is there stays as it is",
            ));
            lines.extend(dim("enter goes on, esc goes back"));
        }
        Step::Confirm => lines.extend(dim("enter writes, esc goes back")),
        Step::Running => lines.push(vec![piece(Tone::Bar, "writing… esc ends it")]),
        Step::Done(said) => {
            lines.extend(said.iter().flat_map(|line| folded(Tone::Good, line)));
            lines.extend(dim("any key closes"));
        }
        Step::Failed(why) => {
            lines.extend(folded(Tone::Bad, why));
            lines.extend(dim("enter goes back to the directory, esc closes"));
        }
    }
    small(canvas, " Extract ", &lines);
}
