//! The life of a path on the screen: what each layer did, and which two versions are compared.
//!
//! Of its own because it is a list of its own: rows are layers that did something.

use crate::content::{ContentMap, EntryId, Step, Visible};
use crate::layer::{Kind, NodeId};
use crate::report::text::{Style, deed};
use crate::report::{TraceDocument, TraceRow, printable};
use crate::tui::keys::Action;
use crate::tui::scene::Examined;
use crate::tui::state::cursor::Cursor;
use crate::tui::text::{Pieces, Tone, fit, piece, plain, size};

/// Columns of what a layer did.
const DEED: usize = 40;

/// The life of a path.
#[derive(Debug)]
pub struct Life {
    /// The selected row.
    pub cursor: Cursor,
    /// The row that the others are compared with, where one was chosen.
    chosen: Option<usize>,
    rows: Vec<Row>,
    /// Layers that did nothing.
    silent: usize,
    is_visible: bool,
}

#[derive(Debug)]
struct Row {
    layer: usize,
    deed: String,
    tone: Tone,
    bytes: Option<u64>,
    mode: String,
    instruction: String,
    /// The file that the path shows then.
    file: Option<EntryId>,
}

impl Life {
    /// What `steps` say of a path.
    pub fn new(of: &Examined, node: NodeId, steps: &[Step]) -> Self {
        let document = TraceDocument::new(&of.image, &of.map, node, steps);
        let told = document.layers.iter().zip(steps);
        let rows: Vec<Row> = told
            .filter(|(row, _)| !matches!(row.what, "absent" | "untouched") || row.opaque)
            .map(|(row, step)| line(&of.map, row, step))
            .collect();
        Self {
            cursor: Cursor::default(),
            chosen: None,
            silent: steps.len() - rows.len(),
            rows,
            is_visible: document.visible,
        }
    }

    /// Takes a key. Whether it was one for this list.
    pub fn press(&mut self, action: Action, height: usize) -> bool {
        if action == Action::Mark {
            let at = Some(self.cursor.at).filter(|&at| self.chosen != Some(at));
            self.chosen = at.filter(|_| !self.rows.is_empty());
            return true;
        }
        self.cursor.go(action, self.rows.len(), height)
    }

    /// The file of the selected row, where it shows one.
    pub fn file(&self) -> Option<EntryId> {
        self.rows.get(self.cursor.at)?.file
    }

    /// The layer of the selected row.
    pub fn layer(&self) -> Option<usize> {
        Some(self.rows.get(self.cursor.at)?.layer)
    }

    /// Two versions, the older one first, with their layers: the chosen and the selected, else the selected and the one
    /// before. Or why there are none.
    pub fn pair(&self) -> Result<[(usize, EntryId); 2], &'static str> {
        let version = |row: &Row| Some((row.layer, row.file?));
        let selected = self.rows.get(self.cursor.at).and_then(version);
        let selected = selected.ok_or("there is no file in this layer to compare")?;
        let other = match self.chosen.filter(|&at| at != self.cursor.at) {
            Some(at) => self.rows.get(at).and_then(version),
            None => self.rows[..self.cursor.at].iter().rev().find_map(version),
        };
        let other = other.ok_or("there is no version before this one; space chooses one")?;
        let mut pair = [other, selected];
        pair.sort_by_key(|(layer, _)| *layer);
        Ok(pair)
    }

    /// The lines of a screen; and which is selected.
    pub fn lines(&self, height: usize) -> (Vec<Pieces>, Option<usize>) {
        let rows = self.rows.iter().enumerate().skip(self.cursor.offset);
        let mut lines: Vec<Pieces> = rows
            .take(height)
            .map(|(at, row)| {
                let mark = if self.chosen == Some(at) { "●" } else { " " };
                let bytes = row.bytes.map_or_else(|| " ".repeat(8), size);
                vec![
                    piece(Tone::Good, mark),
                    piece(Tone::Dim, format!("{:>3} ", row.layer)),
                    piece(row.tone, fit(&row.deed, DEED)),
                    plain(format!(" {bytes} {:>5}  ", row.mode)),
                    piece(Tone::Dim, row.instruction.clone()),
                ]
            })
            .collect();
        let selected = (!self.rows.is_empty()).then(|| self.cursor.at - self.cursor.offset);
        if lines.len() + 1 < height {
            if !self.is_visible {
                lines.push(vec![piece(
                    Tone::Warn,
                    "     the merged image shows nothing there",
                )]);
            }
            if self.silent > 0 {
                let noun = if self.silent == 1 {
                    "layer does"
                } else {
                    "layers do"
                };
                let text = format!("     {} {noun} nothing to it", self.silent);
                lines.push(vec![piece(Tone::Dim, text)]);
            }
        }
        (lines, selected)
    }
}

fn line(map: &ContentMap, row: &TraceRow, step: &Step) -> Row {
    let tone = match row.what {
        "added" => Tone::Good,
        "removed" => Tone::Bad,
        "modified" | "replaced" => Tone::Warn,
        _ => Tone::Plain,
    };
    let inode = match step.after {
        Visible::Entry(id) => map.inode(id),
        Visible::Nothing | Visible::Implied => None,
    };
    let file = inode.filter(|&inode| map.entry(inode).kind == Kind::File);
    let shows = row.shows.as_ref();
    Row {
        layer: row.layer,
        deed: printable(&deed(row, Style::default())),
        tone,
        bytes: file.and(shows).map(|shows| shows.bytes),
        mode: shows.and_then(|shows| shows.mode.clone()).unwrap_or_default(),
        instruction: printable(&row.instruction),
        file,
    }
}
