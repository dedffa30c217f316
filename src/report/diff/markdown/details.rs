//! What is folded in the comment: layers, categories, packages, directories, files, advice.
//!
//! Of its own because each is a table of one list of the document, and the comment's argument is told without them.

use super::{INSTRUCTION, NAME, more, path};
use crate::report::diff::delta;
use crate::report::diff::model::{Change, Diff, DiffLayer, DiffOwner, LayerStatus, OwnerChange};
use crate::report::diff::sentence;
use crate::report::markdown_words::{Align, Inline, Table, code_cut, item, ours, paragraph, prose, text};
use crate::report::text::{count, number, signed_size, size};

/// Shows a section: a summary in words of ours, the body, and where to.
type Section<'a> = dyn FnMut(&str, &str, &mut String) + 'a;

/// Appends the body of a section, with so many rows.
type Write = fn(&Diff, usize, &mut String);

/// Every section that has something to say, with so many rows.
pub(super) fn sections(diff: &Diff, rows: usize, section: &mut Section<'_>, out: &mut String) {
    if rows == 0 || diff.identical {
        return;
    }
    let all: [(String, Write); 6] = [
        (layers_summary(diff), layers),
        ("Categories".to_owned(), categories),
        (owners_summary(diff), owners),
        ("Directories".to_owned(), directories),
        (format!("Files: {}", sentence::tally(diff.path_counts)), paths),
        ("What the build can avoid".to_owned(), advice),
    ];
    for (summary, write) in all {
        let mut body = String::new();
        write(diff, rows, &mut body);
        if !body.is_empty() {
            section(&summary, &body, out);
        }
    }
}

/// `body` folded below `summary`, which is ours.
pub(super) fn details(summary: &str, body: &str, out: &mut String) {
    crate::report::markdown_words::details(summary, |out| out.push_str(body), out);
}

fn layers_summary(diff: &Diff) -> String {
    let counts = diff.layer_counts;
    let all = [
        (counts.reused, "reused"),
        (counts.rebuilt, "rebuilt"),
        (counts.added, "added"),
        (counts.removed, "removed"),
    ];
    let shown = all.into_iter().filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(count, what)| format!("{} {what}", number(count)))
        .collect();
    format!("Layers: {}", shown.join(", "))
}

/// Runs of reused layers are one row.
fn layers(diff: &Diff, rows: usize, out: &mut String) {
    let mut table = Table::new([
        (Align::Right, "layer"),
        (Align::Left, ""),
        (Align::Right, "on disk"),
        (Align::Right, "to download"),
        (Align::Left, "instruction"),
    ]);
    let is_plain = |row: &DiffLayer| row.status == LayerStatus::Reused && row.cause.is_none();
    let runs: Vec<&[DiffLayer]> = diff.layers.chunk_by(|a, b| is_plain(a) && is_plain(b)).collect();
    for run in runs.iter().take(rows) {
        match run {
            [only] => table.row(layer(only)),
            run => {
                let numbers: Vec<usize> = run.iter().filter_map(|row| row.new_index).collect();
                let disk = run.iter().filter_map(|row| row.new_disk_bytes).sum();
                table.row([
                    ours(&sentence::ranges(&numbers)),
                    ours("reused"),
                    ours(&size(disk)),
                    Inline::default(),
                    ours(&count(run.len() as u64, "layer")),
                ]);
            }
        }
    }
    table.write(out);
    more(runs.len(), rows, out);
}

fn layer(row: &DiffLayer) -> [Inline; 5] {
    let index = row
        .new_index
        .map_or_else(Inline::default, |index| ours(&index.to_string()));
    let status = match row.cause.filter(|_| row.status != LayerStatus::Removed) {
        Some(cause) => format!("{}: {}", row.status.as_str(), cause.in_words()),
        None => row.status.as_str().to_owned(),
    };
    let disk = match (row.old_disk_bytes, row.new_disk_bytes) {
        (Some(old), Some(new)) => sentence::from_to(old, new),
        (old, new) => new.or(old).map(size).unwrap_or_default(),
    };
    let download = match row.transfer_bytes_estimate {
        0 => Inline::default(),
        bytes => ours(&size(bytes)),
    };
    let instruction = code_cut(&row.instruction, INSTRUCTION);
    let instruction = match &row.old_instruction {
        Some(old) => code_cut(old, INSTRUCTION).and(&ours(" → ")).and(&instruction),
        None => instruction,
    };
    [index, ours(&status), ours(&disk), download, instruction]
}

fn categories(diff: &Diff, rows: usize, out: &mut String) {
    let mut table = Table::new([
        (Align::Left, "category"),
        (Align::Right, "before"),
        (Align::Right, "after"),
        (Align::Right, "change"),
    ]);
    let changed = || diff.categories.iter().filter(|row| row.delta != 0);
    for row in changed().take(rows) {
        table.row([
            text(&row.title),
            ours(&size(row.old_bytes)),
            ours(&size(row.new_bytes)),
            ours(&sentence::change(Change::new(row.old_bytes, row.new_bytes))),
        ]);
    }
    table.write(out);
    more(changed().count(), rows, out);
}

fn owners_summary(diff: &Diff) -> String {
    let of = |change: OwnerChange| diff.owners.iter().filter(|row| row.change == change).count() as u64;
    let all = [
        (of(OwnerChange::Added), "added"),
        (of(OwnerChange::Removed), "removed"),
        (of(OwnerChange::Version), "with another version"),
        (of(OwnerChange::Size), "with another size"),
    ];
    let shown = all.into_iter().filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(count, what)| format!("{} {what}", number(count)))
        .collect();
    format!("Packages: {}", shown.join(", "))
}

fn owners(diff: &Diff, rows: usize, out: &mut String) {
    let mut table = Table::new([
        (Align::Left, "package"),
        (Align::Left, "version"),
        (Align::Right, "on disk"),
        (Align::Right, "change"),
    ]);
    for row in diff.owners.iter().take(rows) {
        table.row([
            code_cut(&format!("{}:{}", row.kind, row.name), NAME),
            version(row),
            ours(&size(row.new_bytes)),
            ours(&signed_size(delta(row.old_bytes, row.new_bytes))),
        ]);
    }
    table.write(out);
    more(diff.owners.len(), rows, out);
}

fn version(row: &DiffOwner) -> Inline {
    let version = |version: &Option<String>| code_cut(version.as_deref().unwrap_or_default(), NAME);
    match row.change {
        OwnerChange::Added => version(&row.new_version).and(&ours(" added")),
        OwnerChange::Removed => version(&row.old_version).and(&ours(" removed")),
        OwnerChange::Size => version(&row.new_version),
        OwnerChange::Version => {
            let old = version(&row.old_version);
            old.and(&ours(" → ")).and(&version(&row.new_version))
        }
    }
}

fn directories(diff: &Diff, rows: usize, out: &mut String) {
    let mut table = Table::new([
        (Align::Left, "directory"),
        (Align::Right, "paths"),
        (Align::Right, "change"),
    ]);
    // One directory is the one of the files below.
    let shown = if diff.directories.len() > 1 {
        diff.directories.as_slice()
    } else {
        &[]
    };
    for row in shown.iter().take(rows) {
        table.row([
            path(&row.path),
            ours(&number(row.paths)),
            ours(&signed_size(row.delta)),
        ]);
    }
    table.write(out);
    more(shown.len(), rows, out);
}

fn paths(diff: &Diff, rows: usize, out: &mut String) {
    let mut table = Table::new([
        (Align::Left, "file"),
        (Align::Left, ""),
        (Align::Right, "before"),
        (Align::Right, "after"),
        (Align::Left, "category"),
    ]);
    let bytes = |is_there: bool, bytes: u64| {
        if is_there {
            ours(&size(bytes))
        } else {
            Inline::default()
        }
    };
    for row in diff.paths.iter().take(rows) {
        table.row([
            path(&row.path),
            ours(row.change.as_str()),
            bytes(row.old_layer.is_some(), row.old_bytes),
            bytes(row.layer.is_some(), row.new_bytes),
            text(&row.category),
        ]);
    }
    table.write(out);
    more(diff.paths.len(), rows, out);
}

fn advice(diff: &Diff, rows: usize, out: &mut String) {
    for row in diff.advice.iter().take(rows) {
        let size = ours(&size(row.bytes)).bold();
        let place = ours(&format!(" {} · layer {} · ", row.category, row.layer));
        let instruction = code_cut(&row.instruction, INSTRUCTION);
        let head = size.and(&place).and(&instruction);
        item(&head.and(&ours("  \n  ")).and(&prose(&row.fix)), out);
    }
    if !diff.advice.is_empty() {
        out.push('\n');
    }
    if diff.advice.len() > rows {
        paragraph(&ours(&format!("… {} more", diff.advice.len() - rows)), out);
    }
}
