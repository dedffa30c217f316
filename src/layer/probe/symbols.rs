//! Says of ELF files, as they stream past, what stripping would take of them.
//!
//! Apart from the reader for the dynamic linker because it looks at the other end of the file. Section headers stand at
//! the end as a rule, and their names right before them; where names have passed unseen, as some linkers order them, what
//! is not loaded is told by its size alone.

use super::Reader;
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
    let window = Table {
        at,
        length: sections.end() - at,
    };
    Some(Box::new(SymbolReader {
        head,
        size,
        position: 0,
        segments: Part::new(segments),
        window: Part::new(window),
        names: None,
    }))
}

/// A part of the file that is kept as it streams past.
struct Part {
    table: Table,
    bytes: Vec<u8>,
}

impl Part {
    fn new(table: Table) -> Self {
        let bytes = Vec::new();
        Self { table, bytes }
    }

    /// Takes what it is missing from `bytes`, which stand at `position` of the file.
    fn feed(&mut self, position: u64, bytes: &[u8]) {
        let missing = self.table.length - self.bytes.len() as u64;
        let begin = (self.table.at + self.bytes.len() as u64).checked_sub(position);
        let begin = begin.and_then(|begin| usize::try_from(begin).ok());
        if let Some(piece) = begin.and_then(|begin| bytes.get(begin..)) {
            let most = usize::try_from(missing).unwrap_or(usize::MAX);
            self.bytes.extend_from_slice(&piece[..piece.len().min(most)]);
        }
    }

    fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.table.length
    }

    /// What it has of `table`, if that is all.
    fn get(&self, table: Table) -> Option<&[u8]> {
        let begin = usize::try_from(table.at.checked_sub(self.table.at)?).ok()?;
        self.bytes
            .get(begin..begin.checked_add(usize::try_from(table.length).ok()?)?)
    }
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
    /// Where the names stand, once the section headers are there.
    fn names_table(&self) -> Option<Table> {
        let table = self.head.names(self.window.get(self.head.sections)?)?;
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
            self.names = behind.map(Part::new);
        }
        if let Some(names) = &mut self.names {
            names.feed(before, bytes);
        }
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        let sections = self.window.get(self.head.sections)?;
        let segments = self
            .segments
            .is_whole()
            .then_some(self.segments.bytes.as_slice())?;
        let names = self.names_table().and_then(|table| match &self.names {
            Some(part) => part.get(table),
            None => self.window.get(table),
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
