//! `slim trace`: what every layer did to one path, and what differs between its versions.

use super::args::TraceArgs;
use super::exit::Failure;
use super::look::{self, Looked};
use super::out;
use super::session::Session;
use crate::content::{EntryId, Step, Visible};
use crate::inside::{self, Difference, Follow, Hunk, Sight, View};
use crate::layer::{Detail, Kind, NodeId};
use crate::report::{DifferenceRow, TraceDocument};

/// Bytes of each version that are compared, at most.
const COMPARED: usize = 8 << 20;
/// Lines around what differs.
const CONTEXT: usize = 3;

pub(super) fn run(args: &TraceArgs, session: &Session) -> Result<(), Failure> {
    let form = out::form(&args.output)?;
    let looked = look::read(&args.image, Detail::Fingerprints, session)?;
    let node = find(&looked, &args.path)?;
    let life = looked.map.life(node);
    let mut document = TraceDocument::new(&looked.image, &looked.map, node, &life);
    if args.diff {
        let differences = differences(&looked, &life, session)?;
        for (row, difference) in document.layers.iter_mut().zip(differences) {
            row.difference = difference;
        }
    }
    session.finish();
    form.write(&[document])
}

/// A path that any layer speaks of; else what it leads to in the merged image.
fn find(looked: &Looked, path: &str) -> Result<NodeId, Failure> {
    let mut normal = Vec::new();
    crate::layer::normalise(path.as_bytes(), &mut normal);
    if let Some(node) = looked.map.tree().find(&normal) {
        return Ok(node);
    }
    let sight = Sight::new(&looked.map, View::Merged);
    looked.find(&sight, path, Follow::Nothing)
}

/// By layer: what differs from the version before, where that is a file too and its content is another one.
fn differences(
    looked: &Looked,
    life: &[Step],
    session: &Session,
) -> Result<Vec<Option<DifferenceRow>>, Failure> {
    let map = &looked.map;
    let content = |id: EntryId| map.fingerprint(id).map(|print| print.content);
    let mut before: Option<EntryId> = None;
    let mut rows = Vec::new();
    for step in life {
        let Visible::Entry(id) = step.after else {
            rows.push(None);
            continue; // what comes back later is compared with what went
        };
        let file = map.inode(id).filter(|&inode| map.entry(inode).kind == Kind::File);
        let row = match (before, file) {
            (Some(old), Some(new)) if content(old) != content(new) => {
                Some(difference(looked, old, new, session)?)
            }
            _ => None,
        };
        before = file.or(before);
        rows.push(row);
    }
    Ok(rows)
}

fn difference(
    looked: &Looked,
    old: EntryId,
    new: EntryId,
    session: &Session,
) -> Result<DifferenceRow, Failure> {
    let source = looked.source(session, &session.settings.progress);
    let old = inside::read(&source, old, COMPARED)?;
    let new = inside::read(&source, new, COMPARED)?;
    let (form, lines, first) = match inside::compare(&old, &new, CONTEXT) {
        Difference::None => ("none", Vec::new(), None),
        Difference::Text(hunks) => ("text", hunks.iter().flat_map(lines).collect(), None),
        Difference::Binary { first } => ("binary", Vec::new(), Some(first)),
    };
    Ok(DifferenceRow {
        old_layer: old.layer,
        form,
        lines,
        first,
        cut: old.is_cut() || new.is_cut(),
    })
}

/// A hunk as lines of a unified difference.
fn lines(hunk: &Hunk) -> Vec<String> {
    let mut lines = vec![hunk.title()];
    for line in &hunk.lines {
        lines.push(format!("{}{}", line.sign.as_char(), line.text));
        if !line.is_ended {
            lines.push("\\ No newline at end of file".to_owned());
        }
    }
    lines
}
