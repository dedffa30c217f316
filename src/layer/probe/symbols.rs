//! Says of ELF files, as they stream past, what stripping would take of them.
//!
//! Apart from the reader for the dynamic linker because it looks at the other end of the file. Section headers stand at
//! the end as a rule, and their names right before them; where names have passed unseen, as some linkers order them, what
//! is not loaded is told by its size alone.

use super::Reader;
use super::parts::Part;
use crate::elf::{Cut, Head, Refused, Table, estimate};
use crate::layer::symbols::Symbols;

/// Bytes before the section headers that are kept: most files have the names there.
const WINDOW: u64 = 16 << 10;
/// Bytes of program headers, of section headers and of names, at most; a file with more leaves no fact.
const MAX_TABLE: u64 = 4 << 20;

/// A reader for an ELF program or library that has section headers.
pub(super) fn begin(_path: &[u8], size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    let head = Head::parse(head).filter(Head::is_loadable)?;
    let (segments, sections) = (head.segments, head.sections);
    let is_small = segments.length <= MAX_TABLE && sections.length <= MAX_TABLE;
    if sections.length == 0 || !is_small || segments.end() > size || sections.end() > size {
        return None;
    }
    let at = sections.at.saturating_sub(WINDOW);
    Some(Box::new(SymbolReader {
        head,
        size,
        position: 0,
        segments: Part::new(segments.at, segments.length),
        window: Part::new(at, sections.end() - at),
        names: None,
    }))
}

struct SymbolReader {
    head: Head,
    size: u64,
    /// Bytes that have passed.
    position: u64,
    segments: Part,
    /// The section headers, and what stands before them.
    window: Part,
    /// The names of sections, where they stand behind the section headers.
    names: Option<Part>,
}

impl SymbolReader {
    /// The section headers, once they are there.
    fn sections(&self) -> Option<&[u8]> {
        let Table { at, length } = self.head.sections;
        self.window.get(at, length)
    }

    /// Where the names stand, once the section headers are there.
    fn names_table(&self) -> Option<Table> {
        let table = self.head.names(self.sections()?)?;
        (table.length <= MAX_TABLE).then_some(table)
    }
}

impl Reader for SymbolReader {
    fn read(&mut self, bytes: &[u8]) {
        let before = self.position;
        self.position += bytes.len() as u64;
        let was_whole = self.window.is_whole();
        for part in [&mut self.segments, &mut self.window] {
            part.feed(before, bytes);
        }
        if !was_whole && self.window.is_whole() {
            let behind = self
                .names_table()
                .filter(|table| table.at >= self.head.sections.end());
            self.names = behind.map(|table| Part::new(table.at, table.length));
        }
        if let Some(names) = &mut self.names {
            names.feed(before, bytes);
        }
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        let sections = self.sections()?;
        let segments = self
            .segments
            .is_whole()
            .then_some(self.segments.bytes.as_slice())?;
        let names = self.names_table().and_then(|table| match &self.names {
            Some(part) => part.get(table.at, table.length),
            None => self.window.get(table.at, table.length),
        });
        let saved = match names {
            Some(names) => Cut::new(&self.head, segments, sections, names, self.size)
                .map(|cut| self.size.saturating_sub(cut.length())),
            None => estimate(&self.head, segments, sections, self.size),
        };
        let symbols = match saved {
            Ok(saved_bytes) => Symbols {
                saved_bytes,
                refused: None,
            },
            Err(Refused::Nothing | Refused::Damaged | Refused::NotLoadable) => return None,
            Err(reason) => Symbols {
                saved_bytes: 0,
                refused: Some(reason),
            },
        };
        Some(symbols.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::testing::{Draft, FORMS, piece};

    /// What the probe says of a file that comes in pieces of `step` bytes.
    fn symbols(file: &[u8], step: usize) -> Option<Symbols> {
        let (first, rest) = file.split_at(file.len().min(256));
        let mut reader = begin(b"x", file.len() as u64, first)?;
        reader.read(first);
        rest.chunks(step).for_each(|piece| reader.read(piece));
        Symbols::decode(&reader.end()?)
    }

    /// What goes of a file that is there whole.
    fn saved(file: &[u8]) -> u64 {
        let head = Head::parse(file).unwrap();
        let part = |table: Table| &file[table.at as usize..table.end() as usize];
        let sections = part(head.sections);
        let names = part(head.names(sections).unwrap());
        let cut = Cut::new(&head, part(head.segments), sections, names, file.len() as u64).unwrap();
        file.len() as u64 - cut.length()
    }

    #[test]
    fn the_same_is_said_however_a_file_is_cut() {
        for form in FORMS {
            for names_first in [false, true] {
                let mut draft = Draft::new(form);
                draft.names_first = names_first;
                draft.sections.truncate(6 + usize::from(!names_first));
                let file = draft.build();
                let want = Symbols {
                    saved_bytes: saved(&file),
                    refused: None,
                };
                assert!(want.saved_bytes > 10_000);
                for step in [1, 7, 64, 1000, 100_000] {
                    assert_eq!(symbols(&file, step), Some(want), "{form:?} {step}");
                }
            }
        }
    }

    #[test]
    fn without_names_it_is_an_estimate() {
        let mut draft = Draft::new(FORMS[0]);
        draft.names_first = true;
        draft.sections.push(piece(".debug_str", 1, 0x30, 30_000, ""));
        let file = draft.build();
        let found = symbols(&file, 4096).unwrap();
        assert_eq!(
            (found.saved_bytes, found.refused),
            (5001 + 480 + 4800 + 6007 + 30_000, None)
        );
        assert!(found.saved_bytes.abs_diff(saved(&file)) < 600);
    }

    #[test]
    fn what_is_refused_is_told_and_what_has_nothing_is_not() {
        let mut draft = Draft::new(FORMS[0]);
        draft.tail = vec![1];
        let found = symbols(&draft.build(), 100).unwrap();
        assert_eq!((found.saved_bytes, found.refused), (0, Some(Refused::Appended)));
        draft.sections.truncate(3);
        assert_eq!(symbols(&draft.build(), 100), None);
        draft = Draft::new(FORMS[0]);
        draft.kind = 1;
        assert_eq!(symbols(&draft.build(), 100), None, "an object");
        assert_eq!(symbols(b"#!/bin/sh\n", 100), None);
    }

    #[test]
    fn nothing_a_file_says_is_believed() {
        for form in FORMS {
            let good = Draft::new(form).build();
            for length in (0..good.len()).step_by(13) {
                assert_eq!(symbols(&good[..length], 64), None, "cut at {length}");
            }
            for at in (0..200).chain(good.len() - 800..good.len()) {
                for byte in [0, 1, 0x7f, 0xff] {
                    let mut file = good.clone();
                    file[at] = byte;
                    let found = symbols(&file, 999);
                    assert!(
                        found.is_none_or(|found| found.saved_bytes < file.len() as u64),
                        "{at}"
                    );
                }
            }
        }
    }
}
