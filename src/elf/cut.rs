//! What stripping takes of a file, and where the rest comes to stand.
//!
//! Everything up to the last byte that a program header or a loaded section speaks of stays where it is, byte for byte;
//! what is taken lies behind that. So nothing that is loaded moves, and no relocation is ever looked at. Which sections
//! go is what GNU `strip` takes of a linked file: the symbol table with its names, and what is there for debuggers.

use std::collections::BTreeMap;

use super::{
    Head, SHF_EXECINSTR, SHF_INFO_LINK, SHT_NOBITS, SHT_NULL, SHT_STRTAB, SHT_SYMTAB, SHT_SYMTAB_SHNDX,
    Section, segment,
};

/// Bytes of a file that is stripped, at most: it is held in memory.
pub const MAX_BYTES: u64 = 1 << 30;
/// Bytes of the names of sections, at most.
const MAX_NAMES: u64 = 1 << 20;
/// Bytes of one of them, at most.
const MAX_NAME: usize = 4096;
/// The widest alignment that a section which is not loaded may ask for.
const MAX_ALIGN: u64 = 4096;

/// Why a file is not stripped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[repr(u8)]
pub enum Refused {
    /// Occurs when the file is no program and no shared library in ELF: an object, an archive, a kernel module, a script.
    #[error("is no program and no shared library in ELF")]
    NotLoadable = 1,
    /// Occurs when no byte would go.
    #[error("has nothing to strip")]
    Nothing,
    /// Occurs when the file is larger than [`MAX_BYTES`].
    #[error("is larger than 1 GiB")]
    TooLarge,
    /// Occurs when headers contradict each other, or the length of the file.
    #[error("has headers that do not hold together")]
    Damaged,
    /// Occurs when there is more in the file than the headers speak of: archives of self-extracting programs, bundles of
    /// interpreters, signatures.
    #[error("has data behind what its headers describe, which it may look for at its place")]
    Appended,
    /// Occurs when a section that would move is none that tools know.
    #[error("has a section of its own, which it may look for at its place")]
    Payload,
    /// Occurs when a segment lies behind the symbols, as patchelf leaves it: what is loaded would have to move.
    #[error("has symbols before what is loaded, which would have to move")]
    Between,
    /// Occurs when the file holds only what a debugger needs of another one.
    #[error("is debug information of another file")]
    Detached,
    /// Occurs when what was written is not what it should be.
    #[error("did not come out as it should")]
    Unsure,
}

impl Refused {
    /// The reason whose number it is; a number is written as `refused as u8`, and is never 0.
    pub fn from_number(number: u8) -> Option<Self> {
        [
            Self::NotLoadable,
            Self::Nothing,
            Self::TooLarge,
            Self::Damaged,
            Self::Appended,
            Self::Payload,
            Self::Between,
            Self::Detached,
            Self::Unsure,
        ]
        .into_iter()
        .find(|reason| *reason as u8 == number)
    }
}

/// Bytes that stand elsewhere afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Offset in the old file.
    pub from: u64,
    /// Offset in the new file.
    pub to: u64,
    /// How many.
    pub length: u64,
}

/// How the stripped file comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Bytes from the beginning that stay.
    pub prefix: u64,
    /// What is not loaded and stays, in the order of the new file.
    pub moved: Vec<Moved>,
    /// The names of sections, and their offset.
    pub names: (u64, Vec<u8>),
    /// The section headers, and their offset: the end of the file.
    pub headers: (u64, Vec<u8>),
    /// How many section headers there are.
    pub count: u64,
    /// The index of the one with the names.
    pub names_index: u64,
}

impl Cut {
    /// What stripping makes of a file of `length` bytes: from its program headers, section headers and the names of
    /// sections, each as [`Head`] says where it stands.
    pub fn new(
        head: &Head,
        segments: &[u8],
        sections: &[u8],
        names: &[u8],
        length: u64,
    ) -> Result<Self, Refused> {
        let file = File::new(head, segments, sections, length)?;
        let named = file.named(names)?;
        let mut goes: Vec<bool> = (0..named.len())
            .map(|at| file.goes(at) || file.may_go(at) && is_debugging(named[at]))
            .collect();
        file.take_names_of_symbols(&mut goes);
        file.check(&goes)?;
        Layout::new(&file, &named, &goes)?.finish()
    }

    /// Bytes of the stripped file.
    pub fn length(&self) -> u64 {
        self.headers.0 + self.headers.1.len() as u64
    }
}

/// Bytes that stripping takes, as the headers say without the names of sections: all of what is not loaded and large.
pub fn estimate(head: &Head, segments: &[u8], sections: &[u8], length: u64) -> Result<u64, Refused> {
    let file = File::new(head, segments, sections, length)?;
    let all = 0..file.sections.len();
    let is_large = |at: usize| file.sections[at].is_stored() && file.sections[at].size > MAX_ALIGN;
    let mut goes: Vec<bool> = all
        .map(|at| file.goes(at) || file.may_go(at) && is_large(at))
        .collect();
    file.take_names_of_symbols(&mut goes);
    file.check(&goes)?;
    let taken = file.sections.iter().zip(&goes).filter(|(_, goes)| **goes);
    Ok(taken.map(|(section, _)| section.size).sum())
}

/// The headers of a file, compared with its length.
struct File<'a> {
    head: &'a Head,
    rows: Vec<&'a [u8]>,
    sections: Vec<Section>,
    length: u64,
    /// Bytes from the beginning that must stay where they are.
    prefix: u64,
}

impl<'a> File<'a> {
    fn new(head: &'a Head, segments: &[u8], sections: &'a [u8], length: u64) -> Result<Self, Refused> {
        if !head.is_loadable() {
            return Err(Refused::NotLoadable);
        }
        if length > MAX_BYTES {
            return Err(Refused::TooLarge);
        }
        if head.sections.length == 0 {
            return Err(Refused::Nothing);
        }
        let rows: Vec<&[u8]> = sections.chunks_exact(head.section_bytes()).collect();
        let parsed: Option<Vec<Section>> = rows.iter().map(|row| Section::parse(head.form, row)).collect();
        let mut file = Self {
            head,
            sections: parsed.ok_or(Refused::Damaged)?,
            rows,
            length,
            prefix: head.bytes().max(head.segments.end()),
        };
        let is_whole =
            segments.len() as u64 == head.segments.length && sections.len() as u64 == head.sections.length;
        let segments = segments.chunks_exact(head.segment_bytes());
        let ends = segments.map(|row| {
            segment(head, row).map_or(u64::MAX, |part| match part.length {
                0 => 0,
                _ => part.end(),
            })
        });
        file.prefix = ends.fold(file.prefix, u64::max);
        let mut end = head.sections.end();
        for section in file.sections.iter().filter(|section| section.is_stored()) {
            let section_end = section.end().ok_or(Refused::Damaged)?;
            end = end.max(section_end);
            if section.is_loaded() {
                file.prefix = file.prefix.max(section_end);
            }
        }
        end = end.max(file.prefix);
        if !is_whole || end > length {
            return Err(Refused::Damaged);
        }
        Ok(file)
    }

    /// The name of each section.
    fn named<'n>(&self, names: &'n [u8]) -> Result<Vec<&'n [u8]>, Refused> {
        let table = self.sections.get(self.names_index()).ok_or(Refused::Damaged)?;
        let is_usual = table.kind == SHT_STRTAB && !table.is_loaded() && table.size <= MAX_NAMES;
        if !is_usual || table.size != names.len() as u64 {
            return Err(Refused::Damaged);
        }
        let name = |section: &Section| {
            let from = names.get(usize::try_from(section.name).ok()?..)?;
            let end = from.iter().take(MAX_NAME).position(|&byte| byte == 0)?;
            Some(&from[..end])
        };
        self.sections
            .iter()
            .map(|section| name(section).ok_or(Refused::Damaged))
            .collect()
    }

    fn names_index(&self) -> usize {
        self.head.names as usize
    }

    /// Whether it is not loaded, and not what the headers themselves need.
    fn may_go(&self, at: usize) -> bool {
        let section = &self.sections[at];
        at != self.names_index() && section.kind != SHT_NULL && !section.is_loaded()
    }

    /// Whether it goes whatever its name is: symbols, and relocations for a linker that comes no more.
    fn goes(&self, at: usize) -> bool {
        let section = &self.sections[at];
        let is_symbols = matches!(section.kind, SHT_SYMTAB | SHT_SYMTAB_SHNDX);
        self.may_go(at) && (is_symbols || section.is_relocation())
    }

    /// The names of symbols go with the symbols, unless what stays needs them.
    fn take_names_of_symbols(&self, goes: &mut [bool]) {
        // Whether symbols that go link to it, and whether anything that stays does.
        let mut links = vec![(false, false); goes.len()];
        for (section, goes) in self.sections.iter().zip(&*goes) {
            let to = usize::try_from(section.link)
                .ok()
                .and_then(|to| links.get_mut(to));
            if let (Some((by_symbols, by_others)), true) = (to, section.kind != SHT_NULL) {
                *by_symbols |= *goes && section.kind == SHT_SYMTAB;
                *by_others |= !*goes;
            }
        }
        for (at, links) in links.into_iter().enumerate() {
            goes[at] |= self.may_go(at) && self.sections[at].kind == SHT_STRTAB && links == (true, false);
        }
    }

    /// Whether what goes can go.
    fn check(&self, goes: &[bool]) -> Result<(), Refused> {
        let gone = || self.sections.iter().zip(goes).filter(|(_, goes)| **goes);
        if gone().all(|(section, _)| !section.is_stored() || section.size == 0) {
            return Err(Refused::Nothing);
        }
        let is_code_without_bytes = |section: &Section| {
            section.kind == SHT_NOBITS && section.is_loaded() && section.flags & SHF_EXECINSTR != 0
        };
        if self.sections.iter().any(is_code_without_bytes) {
            return Err(Refused::Detached);
        }
        if gone().any(|(section, _)| section.is_stored() && section.size > 0 && section.offset < self.prefix)
        {
            return Err(Refused::Between);
        }
        let ends = self.sections.iter().filter(|section| section.is_stored());
        let end = ends.filter_map(Section::end).max().unwrap_or(0);
        if end.max(self.head.sections.end()).max(self.prefix) < self.length {
            return Err(Refused::Appended);
        }
        Ok(())
    }
}

/// Where what stays comes to stand.
struct Layout<'a> {
    file: &'a File<'a>,
    named: &'a [&'a [u8]],
    /// New indices; 0 for what goes.
    indices: Vec<u64>,
    count: u64,
    /// The last section that is loaded, and so keeps its index.
    last: usize,
    /// New offsets of what moves.
    offsets: Vec<Option<u64>>,
    moved: Vec<Moved>,
    /// Behind what was placed.
    end: u64,
}

impl<'a> Layout<'a> {
    fn new(file: &'a File<'a>, named: &'a [&'a [u8]], goes: &[bool]) -> Result<Self, Refused> {
        let mut layout = Self {
            file,
            named,
            indices: Vec::new(),
            count: 0,
            last: file.sections.iter().rposition(Section::is_loaded).unwrap_or(0),
            offsets: vec![None; goes.len()],
            moved: Vec::new(),
            end: file.prefix,
        };
        layout.number(goes);
        layout.place(goes)?;
        Ok(layout)
    }

    /// Dynamic symbols name sections by their index, so that those which are loaded keep theirs: before the last of them
    /// what goes leaves an empty row.
    fn number(&mut self, goes: &[bool]) {
        for (at, goes) in goes.iter().enumerate() {
            let has_row = at <= self.last || !goes;
            self.indices.push(if *goes { 0 } else { self.count });
            self.count += u64::from(has_row);
        }
    }

    /// Whether a section keeps a row of the table.
    fn has_row(&self, at: usize) -> bool {
        at <= self.last || self.indices[at] != 0
    }

    /// Gives what is not loaded its place, in the order in which it stood.
    fn place(&mut self, goes: &[bool]) -> Result<(), Refused> {
        let file = self.file;
        let mut order: Vec<usize> = (0..goes.len())
            .filter(|&at| file.may_go(at) && !goes[at] && file.sections[at].is_stored())
            .filter(|&at| file.sections[at].end() > Some(file.prefix))
            .collect();
        order.sort_by_key(|&at| file.sections[at].offset);
        for at in order {
            let section = &file.sections[at];
            if section.offset < file.prefix || !(section.align == 0 || section.align.is_power_of_two()) {
                return Err(Refused::Damaged);
            }
            if section.align > MAX_ALIGN || section.size > 0 && !is_known(self.named[at]) {
                return Err(Refused::Payload);
            }
            let to = self.end.next_multiple_of(section.align.max(1));
            self.moved.push(Moved {
                from: section.offset,
                to,
                length: section.size,
            });
            self.offsets[at] = Some(to);
            self.end = to + section.size;
            if self.end >= file.length {
                return Err(Refused::Nothing);
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Cut, Refused> {
        let file = self.file;
        let (mut names, names_at) = (vec![0], self.end);
        let mut headers = Vec::new();
        let mut places = BTreeMap::from([(&b""[..], 0)]);
        let names_index = file.names_index();
        let mut name_of_names = 0;
        for (at, section) in file.sections.iter().enumerate() {
            if !self.has_row(at) {
                continue;
            }
            let from = headers.len();
            if self.indices[at] == 0 {
                headers.resize(from + file.head.section_bytes(), 0);
                continue;
            }
            headers.extend_from_slice(file.rows[at]);
            let known = places.entry(self.named[at]).or_insert(names.len() as u64);
            let name = *known;
            if name == names.len() as u64 {
                names.extend_from_slice(self.named[at]);
                names.push(0);
            }
            if names.len() as u64 > file.length {
                return Err(Refused::Nothing);
            }
            if at == names_index {
                name_of_names = from;
            }
            self.write_row(&mut headers[from..], at, section, name);
        }
        let form = file.head.form;
        form.put_address(&mut headers[name_of_names..], 16, 24, names_at);
        form.put_address(&mut headers[name_of_names..], 20, 32, names.len() as u64);
        let align = if form.is_64 { 8 } else { 4 };
        let headers_at = (names_at + names.len() as u64).next_multiple_of(align);
        let cut = Cut {
            prefix: file.prefix,
            moved: self.moved,
            names: (names_at, names),
            headers: (headers_at, headers),
            count: self.count,
            names_index: self.indices[names_index],
        };
        if cut.length() >= file.length {
            return Err(Refused::Nothing);
        }
        Ok(cut)
    }

    /// The header of a section that stays: its name, its offset, and what it says of other sections.
    fn write_row(&self, row: &mut [u8], at: usize, section: &Section, name: u64) {
        let form = self.file.head.form;
        form.put(row, 0, 4, name);
        let is_unplaced = section.kind == SHT_NOBITS && !section.is_loaded();
        if let Some(to) = self.offsets[at].or(is_unplaced.then_some(self.end)) {
            form.put_address(row, 16, 24, to);
        }
        let index = |old: u64| {
            let known = usize::try_from(old).ok().and_then(|old| self.indices.get(old));
            known.copied().unwrap_or(old)
        };
        let (link_at, info_at) = if form.is_64 { (40, 44) } else { (24, 28) };
        form.put(row, link_at, 4, index(section.link));
        if section.is_relocation() || section.flags & SHF_INFO_LINK != 0 {
            form.put(row, info_at, 4, index(section.info));
        }
    }
}

/// What is there for debuggers, by name as GNU `strip` knows it (bfd, `_bfd_elf_make_section_from_shdr`).
fn is_debugging(name: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 6] = [
        b".debug",
        b".zdebug",
        b".gnu.debuglto_.debug_",
        b".gnu.linkonce.wi.",
        b".line",
        b".stab",
    ];
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) || name == b".gdb_index"
}

/// What may stand elsewhere: tools look for it by its name.
fn is_known(name: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 19] = [
        b".ARM.attributes",
        b".GCC.command.line",
        b".annobin",
        b".comment",
        b".ctf",
        b".gnu.attributes",
        b".gnu.build.attributes",
        b".gnu.lto_",
        b".gnu.prelink_undo",
        b".gnu.warning",
        b".gnu_debugaltlink",
        b".gnu_debugdata",
        b".gnu_debuglink",
        b".ident",
        b".llvmbc",
        b".llvmcmd",
        b".note",
        b".riscv.attributes",
        b".rustc",
    ];
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}
