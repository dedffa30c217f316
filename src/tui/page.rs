//! Pages that scroll: the help, and the plan.
//!
//! A module of its own because the state must know how long they are, and drawing what stands in them.

use super::keys::{Group, Keymap};
use super::marks::Planned;
use super::state::State;
use super::text::{Pieces, Tone, change, count, fit, piece, plain, size};
use crate::bytesize::ByteSize;
use crate::report::{ModeRow, PlanDocument};

/// Refusals and warnings that are listed, at most.
const MOST: usize = 200;

/// The keys.
pub fn help(keymap: &Keymap) -> Vec<Pieces> {
    let mut lines = Vec::new();
    for group in Group::ALL {
        lines.push(vec![piece(Tone::Bold, group.title())]);
        for (row, chords) in keymap.rows().filter(|(row, _)| row.group == group) {
            let keys: Vec<String> = chords.iter().map(ToString::to_string).collect();
            lines.push(vec![
                piece(Tone::Good, format!("  {} ", fit(&keys.join(" "), 18))),
                plain(row.help),
            ]);
        }
        lines.push(Vec::new());
    }
    lines.push(vec![piece(Tone::Bold, "Marks")]);
    for (mark, text) in [
        ("✗", "goes"),
        ("~", "something below goes"),
        ("!", "stays although it was marked; below the list it says why"),
        ("A M R", "a layer added, modified, removed it"),
        ("S", "shadowed: in a layer, and no path shows it"),
    ] {
        lines.push(vec![
            piece(Tone::Good, format!("  {} ", fit(mark, 18))),
            plain(text),
        ]);
    }
    lines.push(Vec::new());
    lines.push(vec![piece(Tone::Bold, "Filter")]);
    for text in [
        "words, *.globs, re:expressions, >10M, <1k, layer:3, layer:2-5,",
        "category:apt-cache, safety:safe, owner:libc6, owner:none,",
        "change:added, modified, removed, shadowed; -word turns one round",
    ] {
        lines.push(vec![plain(format!("  {text}"))]);
    }
    lines
}

/// What would go.
pub fn plan(state: &State) -> Vec<Pieces> {
    if state.marks.is_empty() {
        let text = "Nothing is marked: writing squashes the layers and removes nothing.";
        let key = state.keymap.key(super::keys::Action::Mark);
        let profiles = state.keymap.key(super::keys::Action::Profiles);
        return vec![
            vec![plain(text)],
            vec![piece(
                Tone::Dim,
                format!("{key} marks, {profiles} chooses profiles"),
            )],
        ];
    }
    let Some(planned) = state.planned.as_ref().filter(|_| !state.is_planning) else {
        return vec![vec![piece(Tone::Dim, "planning…")]];
    };
    let mut lines = sizes(&planned.document);
    removals(&planned.document, &mut lines);
    refusals(planned, &mut lines);
    let warnings = &planned.document.warnings;
    if !warnings.is_empty() {
        lines.push(Vec::new());
        lines.push(vec![piece(Tone::Bold, format!("To know ({})", warnings.len()))]);
        for warning in warnings.iter().take(MOST) {
            let text = format!("  {} {}", warning.path, warning.message);
            lines.push(vec![plain(crate::report::printable(&text))]);
        }
    }
    lines
}

fn sizes(document: &PlanDocument) -> Vec<Pieces> {
    let before = &document.before;
    let totals = &document.totals;
    let row = |title: &str, mode: &ModeRow| {
        let sizes = &mode.sizes;
        vec![
            plain(format!("  {title:<8}")),
            piece(Tone::Bold, size(sizes.disk_bytes)),
            plain(format!(" {:>7}", change(before.disk_bytes, sizes.disk_bytes))),
            plain(format!("  wire ≈{}", size(sizes.wire_bytes_estimate))),
            piece(Tone::Dim, format!("  {}", count(sizes.layers, "layer"))),
        ]
    };
    vec![
        vec![
            piece(Tone::Bold, format!("{} go", ByteSize(totals.disk_bytes))),
            plain(format!(
                ", in {} and {}",
                count(totals.files, "file"),
                count(totals.directories, "directory")
            )),
        ],
        Vec::new(),
        vec![
            plain("  now     "),
            piece(Tone::Bold, size(before.disk_bytes)),
            plain(format!("          wire {}", size(before.wire_bytes_estimate))),
            piece(Tone::Dim, format!("  {}", count(before.layers, "layer"))),
        ],
        row("squash", &document.modes.squash),
        row("keep", &document.modes.keep),
    ]
}

fn removals(document: &PlanDocument, lines: &mut Vec<Pieces>) {
    if document.groups.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(vec![piece(Tone::Bold, "Goes")]);
    for group in &document.groups {
        let tone = match group.safety.as_deref() {
            Some("safe") => Tone::Good,
            Some("review") => Tone::Warn,
            Some(_) => Tone::Bad,
            None => Tone::Plain,
        };
        lines.push(vec![
            plain(size(group.disk_bytes)),
            plain("  "),
            piece(tone, fit(group.safety.as_deref().unwrap_or("by hand"), 8)),
            plain(crate::report::printable(&group.title)),
            piece(Tone::Dim, format!("  {}", count(group.files, "file"))),
        ]);
    }
    for package in &document.packages {
        let text = format!("          package {}:{}", package.kind, package.name);
        lines.push(vec![plain(crate::report::printable(&text))]);
    }
}

fn refusals(planned: &Planned, lines: &mut Vec<Pieces>) {
    if planned.refused.is_empty() {
        return;
    }
    lines.push(Vec::new());
    lines.push(vec![piece(
        Tone::Warn,
        format!("Stays although it was marked ({})", planned.refused.len()),
    )]);
    for refused in planned.refused.iter().take(MOST) {
        lines.push(vec![
            plain(format!("  {}  ", crate::report::printable(&refused.what))),
            piece(Tone::Dim, crate::report::printable(&refused.why)),
        ]);
    }
}
