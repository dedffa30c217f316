//! The headers of an ELF file: numbers in either order and width, and what of a file stripping takes.
//!
//! A floor of its own because two that may not know each other need the same answer: a probe, which sees a file once
//! as it streams past, and the transform, which has it whole. Nothing a header says is believed before it was compared
//! with the length of the file. Spec: System V ABI, chapters 4 and 5.

mod cut;
#[cfg(test)]
pub(crate) mod testing;

pub use cut::{Cut, MAX_BYTES, Moved, Refused, estimate};

/// `e_type` of programs that are loaded at fixed addresses.
const ET_EXEC: u64 = 2;
/// `e_type` of shared libraries, and of programs that are loaded anywhere.
const ET_DYN: u64 = 3;

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Whether addresses have eight bytes.
    pub is_64: bool,
    /// Whether the first byte of a number is the greatest.
    pub is_big: bool,
}

impl Form {
    /// That of an ELF file, by its first bytes.
    pub fn of(first: &[u8]) -> Option<Self> {
        let [0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2, ..] = *first else {
            return None;
        };
        Some(Self {
            is_64: class == 2,
            is_big: order == 2,
        })
    }

    /// That of a program or a library; objects and core dumps are none.
    pub fn of_program(first: &[u8]) -> Option<Self> {
        let form = Self::of(first)?;
        matches!(form.number(first, 16, 2), Some(ET_EXEC | ET_DYN)).then_some(form)
    }

    /// The number of `width` bytes, at most eight, at `at`; `None` where there are fewer.
    pub fn number(self, bytes: &[u8], at: usize, width: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(width)?)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_big {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        })
    }

    /// The number `narrow` bytes into a structure of 32 bit, `wide` bytes into one of 64 bit, as wide as an address.
    pub fn address(self, bytes: &[u8], narrow: usize, wide: usize) -> Option<u64> {
        if self.is_64 {
            self.number(bytes, wide, 8)
        } else {
            self.number(bytes, narrow, 4)
        }
    }

    /// Overwrites a number; its place must be there.
    fn put(self, bytes: &mut [u8], at: usize, width: usize, number: u64) {
        let Some(place) = bytes.get_mut(at..at + width) else {
            return;
        };
        let little = number.to_le_bytes();
        place.copy_from_slice(&little[..width]);
        if self.is_big {
            place.reverse();
        }
    }

    fn put_address(self, bytes: &mut [u8], narrow: usize, wide: usize, number: u64) {
        if self.is_64 {
            self.put(bytes, wide, 8, number);
        } else {
            self.put(bytes, narrow, 4, number);
        }
    }
}

/// A table of a file: where it begins, and bytes of all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Offset of its first byte.
    pub at: u64,
    /// Bytes.
    pub length: u64,
}

impl Table {
    /// Offset behind its last byte.
    pub fn end(self) -> u64 {
        self.at.saturating_add(self.length)
    }
}

/// What the ELF header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    form: Form,
    kind: u64,
    /// The program headers.
    pub segments: Table,
    /// The section headers; no bytes where the file has none.
    pub sections: Table,
    /// Index of the section with the names of sections.
    names: u64,
}

impl Head {
    /// Bytes that [`Head::parse`] may look at.
    pub const BYTES: usize = 64;

    /// Reads the beginning of a file. `None` where it is no ELF file, or one with tables that are counted in another way
    /// than in the header, or with rows of another length than the class has.
    pub fn parse(first: &[u8]) -> Option<Self> {
        let form = Form::of(first)?;
        let counts = |at: usize| form.number(first, if form.is_64 { at } else { at - 12 }, 2);
        let (segment, segments) = (counts(54)?, counts(56)?);
        let (section, sections, names) = (counts(58)?, counts(60)?, counts(62)?);
        let rows = |row: u64, count: u64, narrow: u64, wide: u64| {
            let right = if form.is_64 { wide } else { narrow };
            (count == 0 || (row == right && count < 0xff00)).then_some(right * count)
        };
        let head = Self {
            form,
            kind: form.number(first, 16, 2)?,
            segments: Table {
                at: form.address(first, 28, 32)?,
                length: rows(segment, segments, 32, 56)?,
            },
            sections: Table {
                at: form.address(first, 32, 40)?,
                length: rows(section, sections, 40, 64)?,
            },
            names,
        };
        Some(head)
    }

    /// Whether it is a program or a shared library, and has program headers.
    pub fn is_loadable(&self) -> bool {
        matches!(self.kind, ET_EXEC | ET_DYN) && self.segments.length > 0
    }

    /// Where the names of sections stand, as the section headers (`sections`, all of them) say.
    pub fn names(&self, sections: &[u8]) -> Option<Table> {
        let index = usize::try_from(self.names).ok()?;
        let row = sections.chunks_exact(self.section_bytes()).nth(index)?;
        let section = Section::parse(self.form, row)?;
        Some(Table {
            at: section.offset,
            length: section.size,
        })
    }

    /// Overwrites the fields of the ELF header that speak of section headers: `at`, so many, and the index of the names.
    pub fn write_sections(&self, file: &mut [u8], at: u64, count: u64, names: u64) {
        self.form.put_address(file, 32, 40, at);
        let [count_at, names_at] = self.counts();
        self.form.put(file, count_at, 2, count);
        self.form.put(file, names_at, 2, names);
    }

    /// Offsets of `e_shnum` and `e_shstrndx`.
    fn counts(&self) -> [usize; 2] {
        if self.form.is_64 { [60, 62] } else { [48, 50] }
    }

    fn section_bytes(&self) -> usize {
        if self.form.is_64 { 64 } else { 40 }
    }

    fn segment_bytes(&self) -> usize {
        if self.form.is_64 { 56 } else { 32 }
    }

    /// Bytes of the ELF header itself.
    fn bytes(&self) -> u64 {
        if self.form.is_64 { 64 } else { 52 }
    }
}

/// `p_type` of the part of memory that the dynamic linker makes read-only.
const PT_GNU_RELRO: u64 = 0x6474_e552;

/// A part of a file that is loaded, or says something about that: where it lies in the file. `None` for a row that is cut.
///
/// `PT_GNU_RELRO` speaks of memory, which a `PT_LOAD` fills: of the file it has nothing, and lld lets it reach into what is
/// not loaded.
fn segment(head: &Head, row: &[u8]) -> Option<Table> {
    if head.form.number(row, 0, 4)? == PT_GNU_RELRO {
        return Some(Table { at: 0, length: 0 });
    }
    Some(Table {
        at: head.form.address(row, 4, 8)?,
        length: head.form.address(row, 16, 32)?,
    })
}

/// A section header, as far as stripping asks.
#[derive(Debug, Clone, Copy)]
struct Section {
    name: u64,
    kind: u64,
    flags: u64,
    offset: u64,
    size: u64,
    link: u64,
    info: u64,
    align: u64,
}

const SHT_NULL: u64 = 0;
const SHT_SYMTAB: u64 = 2;
const SHT_STRTAB: u64 = 3;
const SHT_RELA: u64 = 4;
const SHT_NOBITS: u64 = 8;
const SHT_REL: u64 = 9;
const SHT_SYMTAB_SHNDX: u64 = 18;
const SHF_ALLOC: u64 = 2;
const SHF_EXECINSTR: u64 = 4;
const SHF_INFO_LINK: u64 = 0x40;

impl Section {
    fn parse(form: Form, row: &[u8]) -> Option<Self> {
        let small = |narrow: usize, wide: usize| form.number(row, if form.is_64 { wide } else { narrow }, 4);
        Some(Self {
            name: small(0, 0)?,
            kind: small(4, 4)?,
            flags: form.address(row, 8, 8)?,
            offset: form.address(row, 16, 24)?,
            size: form.address(row, 20, 32)?,
            link: small(24, 40)?,
            info: small(28, 44)?,
            align: form.address(row, 32, 48)?,
        })
    }

    fn is_loaded(&self) -> bool {
        self.flags & SHF_ALLOC != 0
    }

    /// Whether it has bytes in the file.
    fn is_stored(&self) -> bool {
        !matches!(self.kind, SHT_NULL | SHT_NOBITS)
    }

    fn is_relocation(&self) -> bool {
        matches!(self.kind, SHT_REL | SHT_RELA)
    }

    fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.size)
    }
}
