//! A comparison in sentences, the same for every format: what is said, without how a name is escaped or painted.
//!
//! A module of its own because text and Markdown must say the same, and each has its own way to show a name.

use serde::Serialize;

use super::align::is_copy;
use super::model::{
    BrokeCache, Cause, Change, Diff, DiffImage, DiffLayer, LayerChanges, LayerStatus, PathTally,
};
use crate::report::text::{count, number, percent_change, signed_size, size};

/// One part in so many of the download is worth a sentence.
const PART: u64 = 100;
/// Paths that are named where not all can be.
const NAMED: usize = 3;

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::report) enum Piece {
    /// Words and numbers of ours.
    Words(String),
    /// The same, to be seen first.
    Strong(String),
    /// What comes from an image: to be escaped.
    Name(String),
    /// The name of the image, to be seen first and to be escaped.
    Title(String),
}

/// What is said in one breath.
pub(in crate::report) type Sentence = Vec<Piece>;

/// All that is said of a comparison, for a format that puts it together elsewhere.
#[derive(Debug, Serialize)]
pub(in crate::report) struct Said {
    /// What happened, in one sentence.
    verdict: Sentence,
    /// What broke the cache, and what was built again for nothing.
    story: Vec<Sentence>,
    /// Why each layer is what it is, in few words, where that can be told.
    layers: Vec<Option<&'static str>>,
    /// What it does not tell.
    limits: Option<&'static str>,
}

/// All that is said of it.
pub(in crate::report) fn said(diff: &Diff) -> Said {
    let cause_of = |row: &DiffLayer| row.cause.filter(|_| row.status != LayerStatus::Removed);
    Said {
        verdict: verdict(diff),
        story: story(diff),
        layers: diff
            .layers
            .iter()
            .map(|row| cause_of(row).map(Cause::in_words))
            .collect(),
        limits: limits(diff),
    }
}

fn words(text: impl Into<String>) -> Piece {
    Piece::Words(text.into())
}

fn strong(text: impl Into<String>) -> Piece {
    Piece::Strong(text.into())
}

fn name(text: &str) -> Piece {
    Piece::Name(text.to_owned())
}

/// How the image is called in few words: its repository, file or directory, without transport, registry and tag.
pub(in crate::report) fn title(image: &DiffImage) -> &str {
    let reference = image.image.reference.as_str();
    let place = match reference.split_once(':') {
        Some((transport, rest)) if transport == image.image.transport => rest.trim_start_matches("//"),
        _ => reference,
    };
    let place = place.split('@').next().unwrap_or(place);
    let last = place.trim_end_matches('/').rsplit('/').next().unwrap_or(place);
    let last = last.split(':').next().unwrap_or(last);
    if last.is_empty() { reference } else { last }
}

/// What happened, in one sentence.
pub(in crate::report) fn verdict(diff: &Diff) -> Sentence {
    let (old, new) = match (&diff.old, &diff.new) {
        (Some(old), Some(new)) => (old, new),
        (old, _) => {
            let side = if old.is_some() { "old" } else { "new" };
            let image = diff.old.as_ref().or(diff.new.as_ref());
            let title = image.map_or_else(String::new, |image| title(image).to_owned());
            return vec![
                Piece::Title(title),
                words(format!(": only the {side} image has ")),
                name(&diff.platform),
                words("."),
            ];
        }
    };
    let mut out = vec![Piece::Title(title(new).to_owned())];
    if title(old) != title(new) {
        out.extend([words(", beside "), name(title(old)), words(",")]);
    }
    let disk = diff.totals.disk_bytes;
    if diff.identical {
        out.push(words(format!(
            " did not change: {} on disk, and nothing to download.",
            size(disk.new)
        )));
        return out;
    }
    out.extend(growth(disk));
    out.push(words(". Clients that have the old image download "));
    out.push(strong(transfer(diff)));
    out.push(words("."));
    if diff.layer_counts.reused == diff.totals.layers.new && diff.totals.layers.delta == 0 {
        let is_again = |row: &DiffLayer| row.cause == Some(Cause::Recompressed);
        let what = if diff.layers.iter().any(is_again) {
            " No file of it changed, but layers are compressed anew."
        } else {
            " Only the config changed."
        };
        out.push(words(what));
    } else if diff.compared_contents && diff.path_counts.sum() == 0 {
        out.push(words(" No file of it changed."));
    }
    out
}

/// ` grew by 12.3 MB (+4.1 %): 310 MB → 323 MB on disk`.
fn growth(disk: Change) -> Vec<Piece> {
    let verb = match disk.delta {
        0 => return vec![words(format!(" stays at {} on disk", size(disk.new)))],
        delta if delta > 0 => " grew by ",
        _ => " shrank by ",
    };
    let by = disk.delta.unsigned_abs();
    let percent = percent_change(disk.old, disk.new);
    let percent = percent.map_or_else(String::new, |percent| format!(" ({percent})"));
    vec![
        words(verb),
        strong(format!("{}{percent}", size(by))),
        words(format!(": {} on disk", from_to(disk.old, disk.new))),
    ]
}

/// `310 MB → 323 MB`; one of them where people would see no difference.
pub(in crate::report) fn from_to(old: u64, new: u64) -> String {
    let (old, new) = (size(old), size(new));
    if old == new {
        new
    } else {
        format!("{old} → {new}")
    }
}

/// What a client downloads, with a mark where it is an estimate.
pub(in crate::report) fn transfer(diff: &Diff) -> String {
    download(diff, diff.transfer.new_wire_bytes_estimate)
}

/// Bytes of a download, with a mark where media do not tell how many.
fn download(diff: &Diff, bytes: u64) -> String {
    let about = if diff.transfer.new_wire_bytes.is_some() {
        ""
    } else {
        "about "
    };
    format!("{about}{}", size(bytes))
}

/// What broke the cache, and what was built again for nothing, with what to do against it.
pub(in crate::report) fn story(diff: &Diff) -> Vec<Sentence> {
    let broke = diff.broke_cache.as_ref().map(broke_cache);
    broke.into_iter().chain(rebuilt_unchanged(diff)).collect()
}

/// What a comparison does not tell, where it does not tell all.
pub(in crate::report) fn limits(diff: &Diff) -> Option<&'static str> {
    let is_told = diff.compared_contents || diff.identical || diff.old.is_none() || diff.new.is_none();
    (!is_told).then_some("Compared with a saved report: what layers and files hold is not.")
}

/// What broke the build's cache.
fn broke_cache(broke: &BrokeCache) -> Sentence {
    let layer = broke.layer;
    let instruction = || name(&broke.instruction);
    let broke_at = |rest: &str| words(format!("The cache broke at layer {layer}{rest}"));
    let mut out = match broke.cause {
        Cause::BaseImage => base_image(broke),
        Cause::Instruction => {
            let old = broke.old_instruction.as_deref().unwrap_or_default();
            vec![broke_at(": "), name(old), words(" became "), instruction()]
        }
        Cause::Environment => {
            let mut out = vec![broke_at(", "), instruction(), words(": before it ")];
            out.extend(environment(broke));
            out
        }
        Cause::BuildArguments => vec![
            broke_at(", "),
            instruction(),
            words(": its build arguments changed"),
        ],
        Cause::Inserted => vec![broke_at(": "), instruction(), words(" is new there")],
        Cause::Appended => vec![
            words(format!(
                "Nothing of the old image was built again. New from layer {layer} on: "
            )),
            instruction(),
        ],
        Cause::Removed => vec![broke_at(": "), instruction(), words(" is gone from before it")],
        Cause::Moved | Cause::Recompressed => {
            vec![
                broke_at(", "),
                instruction(),
                words(": it stands at another place"),
            ]
        }
        Cause::SameFiles | Cause::EarlierLayer => vec![
            broke_at(", "),
            instruction(),
            words(": it was built again and holds the same files, under other times or in another order"),
        ],
        Cause::Unknown => vec![broke_at(", "), instruction(), words(": it was built again")],
        Cause::Content if is_copy(&broke.instruction) => {
            vec![broke_at(", "), instruction(), words(": what it copies changed")]
        }
        Cause::Content => vec![
            broke_at(", "),
            instruction(),
            words(": it is the same, but what it makes is not"),
        ],
    };
    let changes = broke.changes.as_ref().filter(|changes| changes.counts.sum() > 0);
    if let Some(changes) = changes {
        out.push(words(". "));
        match broke.cause {
            // Which paths of a base image are others is a long story.
            Cause::BaseImage => out.push(words(tally(changes.counts))),
            _ => out.extend(changed(changes)),
        }
    }
    out.push(words("."));
    out
}

fn base_image(broke: &BrokeCache) -> Vec<Piece> {
    let new = name(&broke.instruction);
    match &broke.old_instruction {
        Some(old) if *old == broke.instruction => {
            vec![words("The base image changed: "), new, words(" was built again")]
        }
        Some(old) => vec![words("The base image changed: "), name(old), words(" → "), new],
        None => vec![words("The base image changed: it is now "), new],
    }
}

/// `` `ENV A=1` became `ENV A=2` ``.
fn environment(broke: &BrokeCache) -> Vec<Piece> {
    let Some((old, new)) = &broke.environment else {
        return Vec::new();
    };
    let list = |rows: &[String]| {
        let mut out = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push(words(", "));
            }
            out.push(name(row));
        }
        out
    };
    match (old.as_slice(), new.as_slice()) {
        ([], []) => vec![words("instructions stand in another order")],
        ([], new) => [list(new), vec![words(" is new")]].concat(),
        (old, []) => [list(old), vec![words(" is gone")]].concat(),
        (old, new) => [list(old), vec![words(" became ")], list(new)].concat(),
    }
}

/// `` 1 path modified: `/app/main.py` ``.
pub(in crate::report) fn changed(changes: &LayerChanges) -> Sentence {
    let mut out = vec![words(format!("{}: ", tally(changes.counts)))];
    let all = changes.counts.sum();
    let shown = if all <= changes.examples.len() as u64 {
        usize::MAX
    } else {
        NAMED
    };
    for (at, example) in changes.examples.iter().take(shown).enumerate() {
        if at > 0 {
            out.push(words(", "));
        }
        out.push(name(&example.path));
    }
    let more = all.saturating_sub(changes.examples.len().min(shown) as u64);
    if more > 0 {
        out.push(words(format!(" and {} more", number(more))));
    }
    out
}

/// `2 paths added, 1 removed`.
pub(in crate::report) fn tally(counts: PathTally) -> String {
    let all = [
        (counts.modified, "modified"),
        (counts.added, "added"),
        (counts.removed, "removed"),
        (counts.metadata, "with other metadata"),
    ];
    let mut parts = Vec::new();
    for (paths, what) in all.into_iter().filter(|(paths, _)| *paths > 0) {
        let number = if parts.is_empty() {
            count(paths, "path")
        } else {
            number(paths)
        };
        parts.push(format!("{number} {what}"));
    }
    if parts.is_empty() {
        return "no path changed".to_owned();
    }
    parts.join(", ")
}

/// What was built again for nothing, where it is a part of the download that is worth a sentence, and what to do.
fn rebuilt_unchanged(diff: &Diff) -> Option<Sentence> {
    let is_worth = |bytes: u64| bytes.saturating_mul(PART) >= diff.transfer.new_wire_bytes_estimate;
    let rebuilt = diff.rebuilt_unchanged.as_ref();
    let rebuilt = rebuilt.filter(|rebuilt| is_worth(rebuilt.transfer_bytes_estimate))?;
    let (noun, holds) = match rebuilt.layers.len() {
        1 => ("Layer", "holds what it held and was"),
        _ => ("Layers", "hold what they held and were"),
    };
    let mut out = vec![
        words(format!(
            "{noun} {} {holds} built again all the same: ",
            ranges(&rebuilt.layers)
        )),
        strong(download(diff, rebuilt.transfer_bytes_estimate)),
        words(" of the download."),
    ];
    if let Some(fix) = &rebuilt.fix {
        out.push(words(" "));
        out.extend(prose(fix));
    }
    Some(out)
}

/// A sentence of ours in which names stand between backticks.
fn prose(text: &str) -> impl Iterator<Item = Piece> {
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { name(part) } else { words(part) })
}

/// `3, 6–8`.
pub(in crate::report) fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    let shown = runs.filter_map(|run| match run {
        [only] => Some(only.to_string()),
        [first, .., last] => Some(format!("{first}–{last}")),
        [] => None,
    });
    shown.collect::<Vec<_>>().join(", ")
}

impl Cause {
    /// The cause in a few words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::BaseImage => "another base image",
            Self::Instruction => "another instruction",
            Self::Environment => "other instructions before it",
            Self::BuildArguments => "other build arguments",
            Self::Content => "other files",
            Self::EarlierLayer => "same files, an earlier layer changed",
            Self::SameFiles => "same files, built again",
            Self::Inserted => "new, before old layers",
            Self::Appended => "new, behind all old layers",
            Self::Removed => "gone",
            Self::Moved => "at another place",
            Self::Recompressed => "the same tar, compressed again",
            Self::Unknown => "built again",
        }
    }
}

/// `+12.3 MB (+4.1 %)`.
pub(in crate::report) fn change(change: Change) -> String {
    match percent_change(change.old, change.new).filter(|_| change.delta != 0) {
        Some(percent) => format!("{} ({percent})", signed_size(change.delta)),
        None => signed_size(change.delta),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_in_words() {
        assert_eq!(ranges(&[3, 6, 7, 8]), "3, 6–8");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn tallies_in_words() {
        let counts = PathTally {
            added: 2,
            modified: 1,
            ..PathTally::default()
        };
        assert_eq!(tally(counts).replace('\u{a0}', " "), "1 path modified, 2 added");
    }
}
