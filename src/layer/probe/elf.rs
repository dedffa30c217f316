//! Reads ELF files as they stream past: which dynamic linker and which libraries they ask for.
//!
//! A module of its own because it follows offsets in a file that it may see only once. The names that the dynamic section
//! speaks of lie before it as a rule, so the beginning of the file is kept until that section has come, up to a bound.
//! Nothing an ELF file says is believed further than its bytes reach. Spec: System V ABI, chapters 4 and 5.

use super::Reader;
use super::parts::{PT_LOAD, Part};
use crate::elf::Form;
use crate::layer::elf::ElfFacts;

/// Bytes of a file's beginning that are kept while its dynamic section has not come.
const MAX_PREFIX: usize = 16 << 20;
/// Bytes of a dynamic section: 65,536 tags in 64 bit, where real ones have 30.
const MAX_DYNAMIC: u64 = 1 << 20;
/// Bytes of one name or path, as Linux has it (`PATH_MAX`), and how many libraries one file may ask for.
const MAX_NAME: u64 = 4096;
const MAX_NEEDED: usize = 4096;

const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;

/// A reader for an ELF program or library.
pub(super) fn begin(_path: &[u8], _size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    Some(Box::new(Elf::new(Form::of_program(head)?)))
}

/// A segment that is loaded: where it is in memory and in the file.
#[derive(Debug, Clone, Copy)]
struct Segment {
    address: u64,
    offset: u64,
    length: u64,
}

/// Offsets into the table of names.
#[derive(Debug, Default)]
struct Names {
    needed: Vec<u64>,
    soname: Option<u64>,
    rpath: Option<u64>,
    runpath: Option<u64>,
    /// Where the part of the table that was kept begins.
    base: u64,
}

/// What is read next.
#[derive(Debug)]
enum Stage {
    Headers,
    Dynamic(Part),
    Names(Names, Part),
    Done,
}

struct Elf {
    form: Form,
    facts: ElfFacts,
    /// Bytes that have passed.
    position: u64,
    /// The beginning of the file.
    prefix: Vec<u8>,
    segments: Vec<Segment>,
    interpreter: Option<Part>,
    stage: Stage,
}

impl Elf {
    fn new(form: Form) -> Self {
        Self {
            form,
            facts: ElfFacts::default(),
            position: 0,
            prefix: Vec::new(),
            segments: Vec::new(),
            interpreter: None,
            stage: Stage::Headers,
        }
    }

    fn unknown(&mut self) -> Stage {
        self.facts.is_unknown = true;
        Stage::Done
    }

    /// One step, or `None` where more bytes are needed for it.
    fn step(&mut self) -> Option<Stage> {
        // `Headers` stands in its place while it is looked at.
        match std::mem::replace(&mut self.stage, Stage::Headers) {
            Stage::Headers => self.headers(),
            Stage::Dynamic(part) if part.is_lost(self.position) => Some(self.unknown()),
            Stage::Dynamic(part) if part.is_whole() => Some(self.dynamic(&part)),
            Stage::Names(_, part) if part.is_lost(self.position) => Some(self.unknown()),
            Stage::Names(names, part) if part.is_whole() => Some(self.names(&names, &part.bytes)),
            stage => {
                self.stage = stage;
                None
            }
        }
    }

    /// The ELF header and the program headers; `None` while they are not all there.
    fn headers(&mut self) -> Option<Stage> {
        let (form, head) = (self.form, self.prefix.as_slice());
        let entry: u64 = if form.is_64 { 56 } else { 32 };
        let machine = form.number(head, 18, 2)?;
        let offset = form.address(head, 28, 32)?;
        let (size, count) = if form.is_64 { (54, 56) } else { (42, 44) };
        let (size, count) = (form.number(head, size, 2)?, form.number(head, count, 2)?);
        self.facts.machine = (1 + u8::from(form.is_64), machine as u16);
        if count == 0 {
            return Some(Stage::Done);
        }
        let end = offset.saturating_add(size * count);
        if size < entry || end > MAX_PREFIX as u64 {
            return Some(self.unknown());
        }
        if (head.len() as u64) < end {
            return None;
        }
        let mut dynamic = None;
        for header in head[offset as usize..end as usize].chunks_exact(size as usize) {
            let segment = Segment {
                address: form.address(header, 8, 16)?,
                offset: form.address(header, 4, 8)?,
                length: form.address(header, 16, 32)?,
            };
            match form.number(header, 0, 4)? {
                PT_LOAD => self.segments.push(segment),
                PT_DYNAMIC => dynamic = Some(segment),
                PT_INTERP if segment.length <= MAX_NAME => {
                    self.interpreter = Some(Part::new(segment.offset, segment.length));
                }
                PT_INTERP => self.facts.is_unknown = true,
                _ => {}
            }
        }
        let Some(dynamic) = dynamic else {
            return Some(Stage::Done);
        };
        if dynamic.length > MAX_DYNAMIC {
            return Some(self.unknown());
        }
        Some(Stage::Dynamic(Part::new(dynamic.offset, dynamic.length)))
    }

    /// The tags of the dynamic section.
    fn dynamic(&mut self, section: &Part) -> Stage {
        let form = self.form;
        let (mut names, mut table, mut table_length) = (Names::default(), None, u64::MAX);
        for entry in section.bytes.chunks_exact(if form.is_64 { 16 } else { 8 }) {
            let (tag, value) = (form.address(entry, 0, 0), form.address(entry, 4, 8));
            let (Some(tag), Some(value)) = (tag, value) else {
                break;
            };
            match tag {
                0 => break,
                1 => names.needed.push(value),
                5 => table = Some(value),
                10 => table_length = value,
                14 => names.soname = Some(value),
                15 => names.rpath = Some(value),
                29 => names.runpath = Some(value),
                _ => {}
            }
        }
        let single = [names.soname, names.rpath, names.runpath];
        let wanted = || names.needed.iter().copied().chain(single.into_iter().flatten());
        let (Some(first), Some(last)) = (wanted().min(), wanted().max()) else {
            return Stage::Done;
        };
        // Names are read to their zero byte: the last one ends somewhere behind where it begins.
        let end = last.saturating_add(MAX_NAME).min(table_length);
        let begin = table.and_then(|address| self.offset_of(address)?.checked_add(first));
        let (Some(begin), Some(length)) = (begin, end.checked_sub(first)) else {
            return self.unknown();
        };
        if names.needed.len() > MAX_NEEDED || length > MAX_PREFIX as u64 {
            return self.unknown();
        }
        // Kept from before, or still to come; the same however the file is cut into pieces.
        let (kept, passed) = (MAX_PREFIX as u64, section.at + section.length);
        if begin.saturating_add(length) > kept && begin < passed && passed > kept {
            return self.unknown();
        }
        names.base = first;
        Stage::Names(names, Part::new(begin, length))
    }

    /// Where an address of memory lies in the file.
    fn offset_of(&self, address: u64) -> Option<u64> {
        let inside = |segment: &Segment| {
            let into = address.checked_sub(segment.address)?;
            (into < segment.length).then(|| segment.offset.checked_add(into))?
        };
        self.segments.iter().find_map(inside)
    }

    /// The names themselves.
    fn names(&mut self, names: &Names, table: &[u8]) -> Stage {
        let name = |at: u64| {
            let from = table.get(usize::try_from(at - names.base).ok()?..)?;
            let length = from.iter().take(MAX_NAME as usize).position(|&byte| byte == 0)?;
            Some(from[..length].to_vec())
        };
        let needed: Vec<_> = names.needed.iter().map(|&at| name(at)).collect();
        let single = [names.soname, names.rpath, names.runpath].map(|at| at.map(name));
        let is_cut = |one: &Option<Option<Vec<u8>>>| *one == Some(None);
        self.facts.is_unknown |= needed.contains(&None) || single.iter().any(is_cut);
        self.facts.needed = needed.into_iter().flatten().collect();
        let [soname, rpath, runpath] = single.map(Option::flatten);
        (self.facts.soname, self.facts.rpath, self.facts.runpath) = (soname, rpath, runpath);
        Stage::Done
    }

    /// Gives the part that is waited for what came before it was asked for.
    fn refill(&mut self) {
        if let Stage::Dynamic(part) | Stage::Names(_, part) = &mut self.stage {
            part.feed(0, &self.prefix);
        }
        if let Some(part) = &mut self.interpreter {
            part.feed(0, &self.prefix);
        }
    }

    fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done) && self.interpreter.as_ref().is_none_or(Part::is_whole)
    }
}

impl Reader for Elf {
    fn read(&mut self, bytes: &[u8]) {
        if self.is_done() {
            return;
        }
        let is_whole = self.position == self.prefix.len() as u64;
        if is_whole && matches!(self.stage, Stage::Headers | Stage::Dynamic(_)) {
            let room = MAX_PREFIX.saturating_sub(self.prefix.len());
            self.prefix.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        if let Stage::Dynamic(part) | Stage::Names(_, part) = &mut self.stage {
            part.feed(self.position, bytes);
        }
        if let Some(part) = &mut self.interpreter {
            part.feed(self.position, bytes);
        }
        let before = self.position;
        self.position += bytes.len() as u64;
        while let Some(stage) = self.step() {
            self.stage = stage;
            self.refill();
            // What the piece at hand holds of it beyond the prefix.
            if let Stage::Dynamic(part) | Stage::Names(_, part) = &mut self.stage {
                part.feed(before, bytes);
            }
            if let Some(part) = &mut self.interpreter {
                part.feed(before, bytes);
            }
            if !matches!(self.stage, Stage::Dynamic(_)) {
                self.prefix = Vec::new();
            }
        }
    }

    fn end(mut self: Box<Self>) -> Option<Box<[u8]>> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => {}
            // The file ends before the last name could have been as long as names may be.
            Stage::Names(names, part) => {
                self.names(&names, &part.bytes);
            }
            Stage::Headers | Stage::Dynamic(_) => self.facts.is_unknown = true,
        }
        if let Some(part) = &self.interpreter {
            let name = part.bytes.split(|&byte| byte == 0).next().unwrap_or_default();
            self.facts.is_unknown |= !part.is_whole();
            self.facts.interpreter = Some(name.to_vec()).filter(|name| !name.is_empty());
        }
        Some(self.facts.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_in_pieces;
    use super::*;

    /// A file in which the dynamic section and the table of names stand where the case wants them.
    struct Layout {
        form: Form,
        names_at: usize,
        dynamic_at: usize,
        /// The tags, `DT_STRTAB` and `DT_STRSZ` aside.
        tags: Vec<(u64, u64)>,
        names: Vec<u8>,
    }

    const BASE: u64 = 0x40_0000;

    impl Layout {
        fn new(form: Form, names_at: usize, dynamic_at: usize) -> Self {
            let names = b"\0liba.so.1\0libb.so\0me.so\0$ORIGIN/../lib:/opt\0/run\0".to_vec();
            let tags = vec![(1, 1), (14, 19), (1, 11), (15, 25), (29, 45)];
            Self {
                form,
                names_at,
                dynamic_at,
                tags,
                names,
            }
        }

        fn put(&self, out: &mut Vec<u8>, number: u64, width: usize) {
            let bytes = number.to_le_bytes();
            let mut bytes = bytes[..width].to_vec();
            if self.form.is_big {
                bytes.reverse();
            }
            out.extend(bytes);
        }

        fn build(&self) -> Vec<u8> {
            let wide = if self.form.is_64 { 8 } else { 4 };
            let (interp, headers) = (b"/lib/ld.so\0", if self.form.is_64 { 64 } else { 52 });
            let interp_at = headers + 3 * (if self.form.is_64 { 56 } else { 32 });
            let mut tags = Vec::new();
            let all = self.tags.iter().copied();
            for (tag, value) in all.chain([
                (5, BASE + self.names_at as u64),
                (10, self.names.len() as u64),
                (0, 0),
            ]) {
                self.put(&mut tags, tag, wide);
                self.put(&mut tags, value, wide);
            }
            let end = (self.names_at + self.names.len()).max(self.dynamic_at + tags.len());
            let mut out = vec![
                0x7f,
                b'E',
                b'L',
                b'F',
                1 + u8::from(self.form.is_64),
                1 + u8::from(self.form.is_big),
                1,
            ];
            out.resize(16, 0);
            for (value, width) in [
                (3, 2),
                (62, 2),
                (1, 4),
                (0, wide),
                (headers as u64, wide),
                (0, wide),
                (0, 4),
            ] {
                self.put(&mut out, value, width);
            }
            let entry = if self.form.is_64 { 56 } else { 32 };
            for value in [headers as u64, entry, 3, 0, 0, 0] {
                self.put(&mut out, value, 2);
            }
            for (kind, at, length) in [
                (PT_INTERP, interp_at, interp.len()),
                (PT_LOAD, 0, end),
                (PT_DYNAMIC, self.dynamic_at, tags.len()),
            ] {
                self.put(&mut out, kind, 4);
                let (at, length) = (at as u64, length as u64);
                let fields: &[u64] = &[at, BASE + at, BASE + at, length, length];
                if self.form.is_64 {
                    self.put(&mut out, 0, 4);
                }
                for &field in fields {
                    self.put(&mut out, field, wide);
                }
                if !self.form.is_64 {
                    self.put(&mut out, 0, 4);
                }
                self.put(&mut out, 0, wide);
            }
            out.extend(interp);
            out.resize(end.max(out.len()), 0xee);
            out[self.names_at..self.names_at + self.names.len()].copy_from_slice(&self.names);
            out[self.dynamic_at..self.dynamic_at + tags.len()].copy_from_slice(&tags);
            out
        }
    }

    /// What the probe says of a file that comes in pieces of this size behind its head.
    fn facts(file: &[u8], piece: usize) -> Option<ElfFacts> {
        let value = read_in_pieces(begin, "x", file, piece)?;
        Some(ElfFacts::decode(&value).unwrap())
    }

    fn want(form: Form) -> ElfFacts {
        ElfFacts {
            machine: (1 + u8::from(form.is_64), 62),
            interpreter: Some(b"/lib/ld.so".to_vec()),
            soname: Some(b"me.so".to_vec()),
            needed: vec![b"liba.so.1".to_vec(), b"libb.so".to_vec()],
            rpath: Some(b"$ORIGIN/../lib:/opt".to_vec()),
            runpath: Some(b"/run".to_vec()),
            is_unknown: false,
        }
    }

    const FORMS: [Form; 4] = [
        Form {
            is_64: true,
            is_big: false,
        },
        Form {
            is_64: true,
            is_big: true,
        },
        Form {
            is_64: false,
            is_big: false,
        },
        Form {
            is_64: false,
            is_big: true,
        },
    ];

    #[test]
    fn names_before_and_behind_the_dynamic_section() {
        for form in FORMS {
            for (names, dynamic) in [(300, 5000), (5000, 300), (400, 460), (5000, 5100)] {
                let file = Layout::new(form, names, dynamic).build();
                for piece in [1, 7, 512, 100_000] {
                    assert_eq!(
                        facts(&file, piece),
                        Some(want(form)),
                        "{form:?} {names} {dynamic} {piece}"
                    );
                }
            }
        }
    }

    #[test]
    fn far_from_the_beginning() {
        let far = MAX_PREFIX + 5000;
        for (names, dynamic, is_unknown) in [
            (300, far, false),
            (far, 300, false),
            (far + 4000, far, false),
            (far, far + 4000, true),
            (MAX_PREFIX - 20, far, true),
        ] {
            let file = Layout::new(FORMS[0], names, dynamic).build();
            for piece in [4096, 100_000, far * 2] {
                let found = facts(&file, piece).unwrap();
                assert_eq!(found.is_unknown, is_unknown, "{names} {dynamic} {piece}");
                assert_eq!(found == want(FORMS[0]), !is_unknown);
                assert_eq!(
                    found.interpreter,
                    want(FORMS[0]).interpreter,
                    "known all the same"
                );
            }
        }
    }

    #[test]
    fn whatever_is_damaged_ends_and_is_told() {
        let good = Layout::new(FORMS[0], 400, 500).build();
        for length in 64..good.len() {
            let found = facts(&good[..length], 64).unwrap();
            assert!(found.is_unknown || found == want(FORMS[0]), "cut at {length}");
        }
        for at in 0..good.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut file = good.clone();
                file[at] = byte;
                let found = facts(&file, 64);
                assert!(found.is_none_or(|found| found.needed.len() <= MAX_NEEDED), "{at}");
            }
        }
        let mut greedy = Layout::new(FORMS[0], 400, 500);
        greedy.tags = vec![(1, 1); MAX_NEEDED + 1];
        assert!(facts(&greedy.build(), 4096).unwrap().is_unknown);
        greedy.tags = vec![(1, u64::MAX), (1, 0)];
        assert!(facts(&greedy.build(), 4096).unwrap().is_unknown);
    }

    #[test]
    fn what_is_linked_statically_needs_nothing() {
        let mut file = Layout::new(FORMS[0], 400, 500).build();
        file[56] = 0;
        let none = ElfFacts {
            machine: (2, 62),
            ..ElfFacts::default()
        };
        assert_eq!(facts(&file, 64), Some(none));
        file[16] = 1;
        assert_eq!(facts(&file, 64), None, "an object");
        assert_eq!(facts(b"#!/bin/sh\n", 64), None);
    }

    #[test]
    fn the_program_that_runs_this_is_one() {
        let Ok(file) = std::env::current_exe().and_then(std::fs::read) else {
            return;
        };
        if !file.starts_with(b"\x7fELF") {
            return;
        }
        let found = facts(&file, 100_000).unwrap();
        assert!(!found.is_unknown, "{found:?}");
        assert!(
            found.needed.iter().any(|name| name.starts_with(b"lib")),
            "{found:?}"
        );
    }
}
