//! Parts of a file that streams past once: what a header points at, and the loaded segments of an ELF file.
//!
//! A module of its own because several readers follow ELF headers in a file that they may see only once, each for
//! something else. Nothing a header says is believed further than bytes reach. Spec: System V ABI, chapters 4 and 5.

use crate::elf::Form;

/// `p_type` of a segment that is loaded.
pub(super) const PT_LOAD: u64 = 1;
/// `p_flags`: the program may write to it.
const PF_W: u64 = 2;
/// Bytes of a file up to the end of its program headers: they stand behind the first 64 bytes as a rule.
const MAX_TABLE: usize = 64 << 10;

/// A part of the file that is kept as it streams past, or taken from what was kept before.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) at: u64,
    pub(super) length: u64,
    pub(super) bytes: Vec<u8>,
}

impl Part {
    pub(super) fn new(at: u64, length: u64) -> Self {
        let bytes = Vec::new();
        Self { at, length, bytes }
    }

    /// Takes what it is missing from `bytes`, which stand at `position` of the file.
    pub(super) fn feed(&mut self, position: u64, bytes: &[u8]) {
        let missing = self.length - self.bytes.len() as u64;
        let begin = (self.at + self.bytes.len() as u64).checked_sub(position);
        let begin = begin.and_then(|begin| usize::try_from(begin).ok());
        if let Some(piece) = begin.and_then(|begin| bytes.get(begin..)) {
            let most = usize::try_from(missing).unwrap_or(usize::MAX);
            self.bytes.extend_from_slice(&piece[..piece.len().min(most)]);
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.bytes.len() as u64 == self.length
    }

    /// So many bytes at `offset` of the file, where they were kept.
    pub(super) fn get(&self, offset: u64, length: u64) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.at)?).ok()?;
        let to = from.checked_add(usize::try_from(length).ok()?)?;
        self.bytes.get(from..to)
    }

    /// Whether what is missing has passed already.
    pub(super) fn is_lost(&self, position: u64) -> bool {
        !self.is_whole() && self.at + (self.bytes.len() as u64) < position
    }
}

/// A segment that is loaded: where it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) is_writable: bool,
}

impl Load {
    /// Behind its last byte.
    pub(super) fn end(self) -> u64 {
        self.offset.saturating_add(self.length)
    }
}

/// The beginning of a program, kept until its segments are known.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) form: Form,
    pub(super) bytes: Vec<u8>,
}

/// What the beginning of a program says so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Loads {
    /// More of it is needed.
    Unknown,
    /// There are none, or they are out of reach.
    None,
    /// In the order of the headers.
    Found(Vec<Load>),
}

impl Beginning {
    pub(super) fn new(form: Form) -> Self {
        let bytes = Vec::new();
        Self { form, bytes }
    }

    /// Takes what it is missing; the rest of `bytes`, and what is known now.
    pub(super) fn read<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], Loads) {
        let room = MAX_TABLE.saturating_sub(self.bytes.len()).min(bytes.len());
        let (piece, rest) = bytes.split_at(room);
        self.bytes.extend_from_slice(piece);
        (rest, self.loads().unwrap_or(Loads::Unknown))
    }

    fn loads(&self) -> Option<Loads> {
        let (form, head) = (self.form, self.bytes.as_slice());
        let entry: u64 = if form.is_64 { 56 } else { 32 };
        let offset = form.address(head, 28, 32)?;
        let (size, count) = if form.is_64 { (54, 56) } else { (42, 44) };
        let (size, count) = (form.number(head, size, 2)?, form.number(head, count, 2)?);
        let end = offset.saturating_add(size * count);
        if count == 0 || size < entry || end > MAX_TABLE as u64 {
            return Some(Loads::None);
        }
        let table = head.get(offset as usize..end as usize)?;
        let mut loads = Vec::new();
        for header in table.chunks_exact(size as usize) {
            if form.number(header, 0, 4)? == PT_LOAD {
                let flags = form.number(header, if form.is_64 { 4 } else { 24 }, 4)?;
                loads.push(Load {
                    offset: form.address(header, 4, 8)?,
                    length: form.address(header, 16, 32)?,
                    is_writable: flags & PF_W != 0,
                });
            }
        }
        Some(Loads::Found(loads))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A program of 64 bit: segments that are loaded, one behind the other, and what stands behind them.
    pub(in super::super) fn program(loads: &[(bool, &[u8])], behind: &[u8]) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(64, 0);
        file[16] = 3;
        file[32] = 64;
        file[54] = 56;
        file[56] = loads.len() as u8;
        let mut at = 64 + 56 * loads.len() as u64;
        for (is_writable, body) in loads {
            let flags = if *is_writable { PF_W | 4 } else { 4 };
            let length = body.len() as u64;
            for number in [flags << 32 | PT_LOAD, at, at, at, length, length, 1] {
                file.extend(number.to_le_bytes());
            }
            at += length;
        }
        for (_, body) in loads {
            file.extend_from_slice(body);
        }
        file.extend_from_slice(behind);
        file
    }

    #[test]
    fn segments_are_those_of_the_headers() {
        let file = program(&[(false, b"text"), (true, b"data!")], b"tail");
        let load = |offset, length, is_writable| Load {
            offset,
            length,
            is_writable,
        };
        let want = Loads::Found(vec![load(176, 4, false), load(180, 5, true)]);
        for piece in [1, 50, 1000] {
            let mut beginning = Beginning::new(Form::of_program(&file).unwrap());
            let mut found = Loads::Unknown;
            for bytes in file.chunks(piece) {
                if found == Loads::Unknown {
                    found = beginning.read(bytes).1;
                }
            }
            assert_eq!(found, want, "in pieces of {piece}");
        }
        for (at, byte) in [(56, 0), (54, 55), (35, 1)] {
            let mut file = file.clone();
            file[at] = byte;
            let mut beginning = Beginning::new(Form::of_program(&file).unwrap());
            assert_eq!(beginning.read(&file).1, Loads::None, "{at}");
        }
    }
}
