//! What is looked into: a file's content, the life of a path, what differs between two versions, taking something out.
//!
//! A room of its own in the interface because each is a screen by itself, lies over the panes and over each other, and is
//! pure: what must be read is a [`Wish`], which the worker fulfils, and what comes of it is a [`Looked`].

pub mod content;
pub mod file;
mod find;
pub mod life;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::actions::Actions;
use super::scene::{Examined, Scene};
use super::state::cursor::Cursor;
use super::state::line::Line;
use super::text::{Pieces, Tone, name, piece, plain};
use crate::content::{EntryId, Step as Deed};
use crate::inside::{self, Body, Checked, Difference, Sign};
use crate::layer::NodeId;
use crate::report::printable;

use file::File;
use life::Life;

/// Lines around what differs.
const CONTEXT: usize = 3;

/// What is wanted of an image.
#[derive(Debug, Clone)]
pub enum Wish {
    /// The content of a file.
    File(EntryId),
    /// What every layer did to a path.
    Life(NodeId),
    /// What differs between a file of another image, or of this one, and one of this.
    Compare((Arc<Scene>, EntryId), EntryId),
    /// To put what a path shows in a view into a directory.
    Extract(inside::View, NodeId, String),
}

/// What came of a wish.
#[derive(Debug)]
pub enum Looked {
    /// The beginning of a file.
    File(Body),
    /// What every layer did to a path.
    Life(NodeId, Vec<Deed>),
    /// What differs, and whether only beginnings were compared.
    Difference(Difference, bool),
    /// Lines for people.
    Extracted(Vec<String>),
}

impl Wish {
    /// Does what is wished of a scene; it may take its time.
    pub fn fulfil(self, actions: &dyn Actions, scene: &Scene, stop: &AtomicBool) -> Result<Looked, String> {
        let image = image(scene)?;
        match self {
            Self::File(id) => actions.read(image, id, stop).map(Looked::File),
            Self::Life(node) => Ok(Looked::Life(node, image.map.life(node))),
            Self::Compare((other, old), new) => {
                let old = actions.read(self::image(&other)?, old, stop)?;
                let new = actions.read(image, new, stop)?;
                let is_cut = old.is_cut() || new.is_cut();
                Ok(Looked::Difference(inside::compare(&old, &new, CONTEXT), is_cut))
            }
            Self::Extract(view, node, target) => actions
                .extract(image, (view, node), &target, stop)
                .map(Looked::Extracted),
        }
    }
}

/// The image that a scene is of; or why there is nothing to look into.
pub fn image(scene: &Scene) -> Result<&Examined, String> {
    let why = "a saved report holds no contents: open the image itself to look into it";
    scene.image().ok_or_else(|| why.to_owned())
}

/// Screens, one on another; the last one is seen. Never empty.
#[derive(Debug)]
pub struct Looks(Vec<Look>);

/// One screen.
#[derive(Debug)]
pub struct Look {
    /// The path, and what of it.
    pub title: Pieces,
    /// What is there.
    pub pane: Pane,
}

/// What a screen shows.
#[derive(Debug)]
pub enum Pane {
    /// Nothing yet.
    Waiting,
    /// Why there is nothing.
    Failed(String),
    /// A file.
    File(Box<File>),
    /// The life of a path.
    Life(Box<Life>),
    /// Lines that scroll.
    Page(Vec<Pieces>, Cursor),
    /// The steps of taking something out.
    Extract(Taking),
}

/// Taking something out.
#[derive(Debug)]
pub struct Taking {
    /// What.
    pub node: NodeId,
    /// Of which tree.
    pub view: inside::View,
    /// Where to.
    pub target: Line,
    /// How far it is.
    pub step: Step,
}

/// How far taking something out is.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The directory is edited.
    Target,
    /// Everything is said; the next key begins.
    Confirm,
    /// It goes on.
    Running,
    /// It is over: lines for people.
    Done(Vec<String>),
    /// It failed, and why.
    Failed(String),
}

impl Looks {
    /// With one screen.
    pub fn new(look: Look) -> Self {
        Self(vec![look])
    }

    /// The one that is seen.
    pub fn top(&self) -> Option<&Look> {
        self.0.last()
    }

    /// The one that is seen.
    pub fn top_mut(&mut self) -> Option<&mut Look> {
        self.0.last_mut()
    }

    /// Lays one more on them.
    pub fn push(&mut self, look: Look) {
        self.0.push(look);
    }

    /// Takes the last one away. Whether one is left.
    pub fn pop(&mut self) -> bool {
        self.0.pop();
        !self.0.is_empty()
    }
}

impl Look {
    /// A path of which something is waited for.
    pub fn waiting(path: &[u8], what: &str) -> Self {
        let title = vec![
            piece(Tone::Bold, name(path)),
            piece(Tone::Dim, format!("  {}", printable(what))),
        ];
        Self {
            title,
            pane: Pane::Waiting,
        }
    }

    /// Puts in what came.
    pub fn fill(&mut self, looked: Looked) {
        self.pane = match looked {
            Looked::File(body) => {
                if body.checked == Checked::NotAgain && !body.bytes.is_empty() {
                    let text = format!("  layer {}, checked when it was read first", body.layer);
                    self.title.push(piece(Tone::Dim, text));
                } else {
                    self.title
                        .push(piece(Tone::Dim, format!("  layer {}", body.layer)));
                }
                Pane::File(Box::new(File::new(body.bytes, body.total)))
            }
            Looked::Difference(difference, is_cut) => {
                Pane::Page(lines(&difference, is_cut), Cursor::default())
            }
            // These fill what is there already.
            Looked::Life(..) | Looked::Extracted(_) => return,
        };
    }
}

/// A difference as lines.
fn lines(difference: &Difference, is_cut: bool) -> Vec<Pieces> {
    let mut lines = Vec::new();
    if is_cut {
        let text = "the files are large: only their beginnings were compared";
        lines.push(vec![piece(Tone::Warn, text)]);
    }
    match difference {
        Difference::None => lines.push(vec![plain("the same content")]),
        Difference::Binary { first } => {
            let text = format!("no text; the first byte that differs is at {first} ({first:#x})");
            lines.push(vec![plain(text)]);
        }
        Difference::Text(hunks) => {
            for hunk in hunks {
                lines.push(vec![piece(Tone::Dim, hunk.title())]);
                lines.extend(hunk.lines.iter().map(|line| {
                    let tone = match line.sign {
                        Sign::Same => Tone::Plain,
                        Sign::Old => Tone::Bad,
                        Sign::New => Tone::Good,
                    };
                    let cells: String = self::content::cells(line.text.as_bytes())
                        .into_iter()
                        .map(|cell| cell.text)
                        .collect();
                    vec![piece(tone, format!("{}{cells}", line.sign.as_char()))]
                }));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        Body {
            bytes: text.as_bytes().to_vec(),
            total: text.len() as u64,
            layer: 0,
            checked: Checked::NotAgain,
        }
    }

    #[test]
    fn differences_are_told_by_more_than_colour() {
        let difference = inside::compare(&body("a\n\tb\n"), &body("a\nc\x1b\n"), 1);
        let lines = lines(&difference, true);
        let text: Vec<&str> = lines.iter().map(|line| line[0].text.as_str()).collect();
        assert_eq!(text[1..], ["@@ -1,2 +1,2 @@", " a", "-        b", "+c\\u{1b}"]);
        assert_eq!((lines[3][0].tone, lines[4][0].tone), (Tone::Bad, Tone::Good));
    }

    #[test]
    fn screens_lie_one_on_another() {
        let mut looks = Looks::new(Look::waiting(b"/a", ""));
        looks.push(Look::waiting(b"/b", ""));
        assert_eq!(looks.top().unwrap().title[0].text, "/b");
        assert!(looks.pop());
        assert_eq!(looks.top().unwrap().title[0].text, "/a");
        assert!(!looks.pop());
    }
}
