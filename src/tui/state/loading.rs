//! How far long work is: reading the layers, writing the result.
//!
//! A module of its own because events come in any order and every display of them wants the same sums.

use std::collections::BTreeMap;

use crate::progress::{Event, Stage};

/// A piece of work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Piece {
    /// Bytes done.
    pub done: u64,
    /// Bytes expected, where that is known.
    pub total: Option<u64>,
    /// Whether it is over.
    pub is_over: bool,
}

/// All pieces of one stage.
#[derive(Debug, Clone, Default)]
pub struct Progressing {
    stage: Option<Stage>,
    pieces: BTreeMap<usize, Piece>,
    /// What a person was told last.
    pub note: Option<String>,
}

impl Progressing {
    /// Takes an event; a new stage begins anew.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Started {
                stage, task, total, ..
            } => {
                if self.stage != Some(stage) {
                    self.stage = Some(stage);
                    self.pieces.clear();
                }
                let piece = Piece {
                    total,
                    ..Piece::default()
                };
                self.pieces.insert(task, piece);
            }
            Event::Advanced { stage, task, bytes } if self.stage == Some(stage) => {
                self.pieces.entry(task).or_default().done += bytes;
            }
            Event::Finished { stage, task } if self.stage == Some(stage) => {
                self.pieces.entry(task).or_default().is_over = true;
            }
            Event::Advanced { .. } | Event::Finished { .. } => {}
            Event::Note(text) => self.note = Some(text),
        }
    }

    /// What is done, in a word.
    pub fn verb(&self) -> &'static str {
        match self.stage {
            None => "waiting",
            Some(Stage::Read) => "reading",
            Some(Stage::Write) => "rewriting",
            Some(Stage::Verify) => "verifying",
            Some(Stage::Send) => "sending",
        }
    }

    /// A piece, where it has begun.
    pub fn piece(&self, task: usize) -> Option<&Piece> {
        self.pieces.get(&task)
    }

    /// Bytes done and, where every piece knows them, expected.
    pub fn sum(&self) -> (u64, Option<u64>) {
        let done = self.pieces.values().map(|piece| piece.done).sum();
        (done, self.pieces.values().map(|piece| piece.total).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_stage_begins_anew() {
        let started = |stage, task, total| Event::Started {
            stage,
            task,
            label: String::new(),
            total,
        };
        let mut work = Progressing::default();
        assert_eq!((work.verb(), work.sum()), ("waiting", (0, Some(0))));
        work.take(started(Stage::Read, 0, Some(10)));
        work.take(started(Stage::Read, 1, None));
        work.take(Event::Advanced {
            stage: Stage::Read,
            task: 0,
            bytes: 4,
        });
        assert_eq!((work.verb(), work.sum()), ("reading", (4, None)));
        work.take(started(Stage::Verify, 0, Some(7)));
        work.take(Event::Finished {
            stage: Stage::Read,
            task: 1,
        });
        assert_eq!((work.verb(), work.sum()), ("verifying", (0, Some(7))));
        assert!(!work.piece(0).unwrap().is_over && work.piece(1).is_none());
    }
}
