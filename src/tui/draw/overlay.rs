//! What lies over the panes, drawn: a frame, and in it a page, a menu or the steps of writing.

use super::{Canvas, typed};
use crate::bytesize::ByteSize;
use crate::report::printable;
use crate::tui::actions::{Layers, Platforms};
use crate::tui::advice::Reason;
use crate::tui::page;
use crate::tui::state::State;
use crate::tui::state::cursor::Cursor;
use crate::tui::state::geometry::Area;
use crate::tui::state::overlay::{Overlay, Step, WriteDialog};
use crate::tui::text::{Pieces, Tone, change, fit, piece, plain, size, wrap};

/// Columns of a frame at most.
const WIDEST: u16 = 100;

pub(super) fn draw(canvas: &mut Canvas<'_>, state: &State) {
    match &state.overlay {
        None => {}
        Some(Overlay::Help(cursor)) => paged(canvas, " Help ", &page::help(&state.keymap), *cursor),
        Some(Overlay::Plan(cursor)) => paged(canvas, " Plan ", &page::plan(state), *cursor),
        Some(Overlay::Profiles(cursor)) => profiles(canvas, state, *cursor),
        Some(Overlay::Write(dialog)) => write(canvas, state, dialog),
        Some(Overlay::Save(line)) => {
            let lines = [
                typed("file: ", line.split()),
                vec![piece(
                    Tone::Dim,
                    "enter saves what is marked as a profile, esc goes back",
                )],
            ];
            small(canvas, " Save profile ", &lines);
        }
        Some(Overlay::Look(_, looks)) => super::look::draw(canvas, state, looks),
    }
}

fn paged(canvas: &mut Canvas<'_>, title: &str, lines: &[Pieces], cursor: Cursor) {
    let inner = frame(canvas, title, lines.len() as u16 + 2);
    for (row, line) in (0..inner.height).zip(lines.iter().skip(cursor.offset)) {
        canvas.line(inner, row, line);
    }
}

/// Two lines a profile: what it is and takes off, and why it fits.
fn profiles(canvas: &mut Canvas<'_>, state: &State, cursor: Cursor) {
    let names = state.profile_names();
    let inner = frame(
        canvas,
        " Profiles: space applies, enter and closes ",
        2 * names.len() as u16 + 2,
    );
    let rows = names.iter().enumerate().skip(cursor.offset);
    for (row, (at, name)) in (0..inner.height).step_by(2).zip(rows) {
        for (row, pieces) in (row..).zip(profile(state, name)) {
            if at == cursor.at {
                let style = canvas.theme.selected(true);
                canvas.styled(inner, row, &pieces, style);
            } else {
                canvas.line(inner, row, &pieces);
            }
        }
    }
}

fn profile(state: &State, name: &str) -> [Pieces; 2] {
    let mark = if state.marks.profiles.contains(name) {
        "✗ "
    } else {
        "  "
    };
    let title = state
        .profiles
        .get(name)
        .map_or("", |profile| profile.title.as_str());
    let fit_of = state.advice.as_ref().and_then(|advice| advice.of(name));
    let bytes = match (fit_of.map(|fit| fit.bytes), state.is_loaded) {
        (Some(Some(bytes)), _) => size(bytes),
        (_, true) => fit("       …", 8),
        (_, false) => fit("", 8),
    };
    let (tone, why) = match fit_of.map(|fit| &fit.reason) {
        Some(Reason::File(path)) => (Tone::Good, format!("fits: {path}")),
        Some(Reason::Any) => (Tone::Dim, "for images of any kind".to_owned()),
        Some(Reason::Nothing) => (Tone::Dim, "nothing in this image speaks for it".to_owned()),
        None if state.is_loaded => (Tone::Dim, "looking…".to_owned()),
        None => (Tone::Dim, "why it fits is known once all is read".to_owned()),
    };
    [
        vec![
            piece(Tone::Bad, mark),
            piece(Tone::Bold, fit(name, 11)),
            plain(bytes),
            plain(format!("  {title}")),
        ],
        vec![plain(" ".repeat(4)), piece(tone, why)],
    ]
}

fn write(canvas: &mut Canvas<'_>, state: &State, dialog: &WriteDialog) {
    let mut lines = ordered(state, dialog);
    match &dialog.step {
        Step::Target => {
            let help = "oci:DIR[:TAG], oci-archive:FILE, docker-archive:FILE, docker-daemon:NAME or docker://HOST/NAME:TAG";
            lines.extend(dim(help));
            let keys = if state.platforms > 1 {
                "enter goes on, tab changes the layers, shift-tab the platforms, esc goes back"
            } else {
                "enter goes on, tab changes the layers, esc goes back"
            };
            lines.extend(dim(keys));
        }
        Step::Confirm => {
            lines.push(summary(state));
            if dialog.platforms == Platforms::All {
                let text = format!(
                    "this is {}; the others are planned by the same marks",
                    state.platform
                );
                lines.extend(dim(&text));
            }
            let refused = state.planned.as_ref().map_or(0, |planned| planned.refused.len());
            if refused > 0 {
                lines.push(vec![piece(
                    Tone::Warn,
                    format!("{refused} of what is marked stay: the plan says why"),
                )]);
            }
            lines.extend(dim("enter writes and verifies, esc goes back"));
        }
        Step::Planning => lines.extend(dim("planning…")),
        Step::Running => {
            let note = state.work.note.as_ref();
            let of_all = note.filter(|_| dialog.platforms == Platforms::All);
            lines.extend(of_all.map(|note| vec![piece(Tone::Dim, printable(note))]));
            lines.push(how_far(state));
            lines.extend(dim("esc stops it"));
        }
        Step::Asking => {
            lines.push(how_far(state));
            lines.extend(folded(Tone::Warn, "stop writing? y or esc stops it, n goes on"));
        }
        Step::Stopping => lines.extend(dim("stopping…")),
        Step::Stopped(why) => {
            lines.extend(folded(Tone::Warn, why));
            lines.extend(dim("enter goes back to the target, esc closes"));
        }
        Step::Done(said) => {
            lines.extend(said.iter().flat_map(|line| folded(Tone::Good, line)));
            lines.extend(dim("any key closes"));
        }
        Step::Failed(why) => {
            lines.extend(folded(Tone::Bad, why));
            lines.extend(dim("enter goes back to the target, esc closes"));
        }
    }
    small(canvas, " Write ", &lines);
}

/// What is to be written, and where to.
fn ordered(state: &State, dialog: &WriteDialog) -> Vec<Pieces> {
    let layers = match dialog.layers {
        Layers::Squash => "squash: one layer",
        Layers::Keep => "keep: each layer rewritten in place",
    };
    let mut lines = vec![
        match dialog.step {
            Step::Target => typed("target: ", dialog.target.split()),
            _ => vec![
                piece(Tone::Bold, "target: "),
                plain(printable(dialog.target.text())),
            ],
        },
        vec![piece(Tone::Bold, "layers: "), plain(layers)],
    ];
    if state.platforms > 1 {
        let platforms = match dialog.platforms {
            Platforms::This => format!("this one, {}", state.platform),
            Platforms::All => format!("all {}, as one index", state.platforms),
        };
        lines.push(vec![piece(Tone::Bold, "platforms: "), plain(platforms)]);
    }
    lines.push(Vec::new());
    lines
}

/// How far writing is.
fn how_far(state: &State) -> Pieces {
    let (done, total) = state.work.sum();
    let of = total
        .filter(|&total| total > 0)
        .map(|total| format!(" of {}", ByteSize(total)));
    let (verb, of) = (state.work.verb(), of.unwrap_or_default());
    vec![piece(Tone::Bar, format!("{verb} {}{of}", ByteSize(done)))]
}

/// What the result will be.
fn summary(state: &State) -> Pieces {
    let Some(seen) = &state.seen else {
        return Vec::new();
    };
    let before = seen.scene.disk();
    match state.new_size() {
        None => vec![plain(
            "nothing is marked: the layers are squashed, nothing is removed",
        )],
        Some(new) => vec![
            plain(format!("{} → ", ByteSize(before))),
            piece(
                Tone::Good,
                format!("{} {}", ByteSize(new.disk), change(before, new.disk)),
            ),
            piece(Tone::Dim, format!("  wire ≈{}", ByteSize(new.wire))),
        ],
    }
}

pub(super) fn dim(text: &str) -> Vec<Pieces> {
    folded(Tone::Dim, text)
}

/// Lines that fit in the narrowest frame that is wide enough to read.
pub(super) fn folded(tone: Tone, text: &str) -> Vec<Pieces> {
    let lines = wrap(&printable(text), usize::from(WIDEST) - 4);
    lines.into_iter().map(|line| vec![piece(tone, line)]).collect()
}

/// A frame around a few lines, which are wrapped where they do not fit.
pub(super) fn small(canvas: &mut Canvas<'_>, title: &str, lines: &[Pieces]) {
    let columns = usize::from(canvas.width.min(WIDEST).saturating_sub(4)).max(1);
    let mut folded: Vec<Pieces> = Vec::new();
    for line in lines {
        match line.as_slice() {
            [one] => folded.extend(
                wrap(&one.text, columns)
                    .into_iter()
                    .map(|text| vec![piece(one.tone, text)]),
            ),
            _ => folded.push(line.clone()),
        }
    }
    let inner = frame(canvas, title, folded.len() as u16 + 2);
    for (row, line) in (0..inner.height).zip(&folded) {
        canvas.line(inner, row, line);
    }
}

/// A frame of so many rows, or as many as there are, in the middle; gives what is inside.
fn frame(canvas: &mut Canvas<'_>, title: &str, rows: u16) -> Area {
    let width = canvas.width.min(WIDEST);
    let height = rows
        .min(canvas.height.saturating_sub(2))
        .max(3)
        .min(canvas.height);
    let area = Area {
        x: (canvas.width - width) / 2,
        y: (canvas.height - height) / 2,
        width,
        height,
    };
    canvas.clear(area);
    let across = usize::from(width.saturating_sub(2));
    let top = format!("╭{}╮", fit_rule(title, across));
    let bottom = format!("╰{}╯", "─".repeat(across));
    canvas.line(area, 0, &[piece(Tone::Bold, top)]);
    for row in 1..height.saturating_sub(1) {
        let side = format!("│{}│", " ".repeat(across));
        canvas.line(area, row, &[piece(Tone::Dim, side)]);
    }
    canvas.line(area, height.saturating_sub(1), &[piece(Tone::Dim, bottom)]);
    Area {
        x: area.x + 2.min(width),
        y: area.y + 1,
        width: width.saturating_sub(4),
        height: height.saturating_sub(2),
    }
}

fn fit_rule(title: &str, cells: usize) -> String {
    let title = crate::tui::text::clip(title, cells);
    let rest = cells - crate::tui::text::width(&title);
    format!("{title}{}", "─".repeat(rest))
}
