//! Small ELF files for tests, laid out as linkers do it and as they do not.
//!
//! Beside the reader because it writes what that reads; written apart from it, number by number.

/// 64 and 32 bit, little-endian and big-endian.
pub(crate) const FORMS: [(bool, bool); 4] = [(true, false), (true, true), (false, false), (false, true)];

/// A file to be made: sections in the order in which they stand, each with a header, the names of them last.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) is_64: bool,
    pub(crate) is_big: bool,
    /// `e_type`.
    pub(crate) kind: u64,
    pub(crate) sections: Vec<Piece>,
    /// A second segment, over the section with this name.
    pub(crate) second_segment: Option<&'static str>,
    /// `p_type` of that.
    pub(crate) second_kind: u64,
    /// Whether the names of sections stand right behind what is loaded.
    pub(crate) names_first: bool,
    /// What stands behind everything.
    pub(crate) tail: Vec<u8>,
}

/// A section.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) name: &'static str,
    pub(crate) kind: u64,
    pub(crate) flags: u64,
    pub(crate) body: Vec<u8>,
    /// The section that it speaks of, by name.
    pub(crate) link: &'static str,
}

pub(crate) fn piece(name: &'static str, kind: u64, flags: u64, size: usize, link: &'static str) -> Piece {
    let body = (0..size).map(|at| (at * 7 + name.len()) as u8).collect();
    Piece {
        name,
        kind,
        flags,
        body,
        link,
    }
}

impl Draft {
    pub(crate) fn new((is_64, is_big): (bool, bool)) -> Self {
        Self {
            is_64,
            is_big,
            kind: 3,
            sections: vec![
                piece(".text", 1, 6, 301, ""),
                piece(".rela.plt", 4, 2, 48, ".symtab"),
                piece(".comment", 1, 0x30, 27, ""),
                piece(".debug_info", 1, 0, 5001, ""),
                piece(".rela.debug_info", 4, 0, 480, ".symtab"),
                piece(".symtab", 2, 0, 4800, ".strtab"),
                piece(".strtab", 3, 0, 6007, ""),
                piece(".note.x", 7, 0, 20, ""),
            ],
            second_segment: None,
            second_kind: 1,
            names_first: false,
            tail: Vec::new(),
        }
    }

    pub(crate) fn section(&mut self, name: &str) -> &mut Piece {
        self.sections.iter_mut().find(|piece| piece.name == name).unwrap()
    }

    /// Index of a section; 0 for no name.
    fn index(&self, name: &str) -> u64 {
        let all = self.sections.iter().position(|piece| piece.name == name);
        all.map_or(0, |at| at as u64 + 1)
    }

    fn put(&self, out: &mut Vec<u8>, number: u64, width: usize) {
        let mut bytes = number.to_le_bytes()[..width].to_vec();
        if self.is_big {
            bytes.reverse();
        }
        out.extend(bytes);
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let (ehdr, phdr) = if self.is_64 { (64, 56) } else { (52, 32) };
        let segments = 1 + usize::from(self.second_segment.is_some());
        let mut body = vec![0; ehdr + phdr * segments];
        let (mut names, mut name_offsets) = (vec![0], Vec::new());
        for name in self.sections.iter().map(|piece| piece.name).chain([".shstrtab"]) {
            name_offsets.push(names.len() as u64);
            names.extend(name.bytes());
            names.push(0);
        }
        let (mut places, mut loaded, mut names_at) = (Vec::new(), body.len(), None);
        for piece in &self.sections {
            if piece.flags & 2 == 0 && self.names_first && names_at.is_none() {
                names_at = Some(body.len());
                body.extend(&names);
            }
            body.resize(body.len().next_multiple_of(8), 0);
            places.push(body.len() as u64);
            if piece.kind != 8 {
                body.extend(&piece.body);
            }
            if piece.flags & 2 != 0 {
                loaded = body.len();
            }
        }
        let names_at = names_at.unwrap_or_else(|| {
            body.extend(&names);
            body.len() - names.len()
        });
        body.resize(body.len().next_multiple_of(8), 0);
        let table = body.len() as u64;
        self.table(
            &mut body,
            &places,
            &name_offsets,
            (names_at as u64, names.len() as u64),
        );
        let mut head = self.head(table);
        self.segment(&mut head, 1, 0, loaded as u64);
        if let Some(name) = self.second_segment {
            let at = self.index(name) as usize - 1;
            let length = self.sections[at].body.len() as u64;
            self.segment(&mut head, self.second_kind, places[at], length);
        }
        body[..head.len()].copy_from_slice(&head);
        [body, self.tail.clone()].concat()
    }

    /// The ELF header; `table` is where the section headers stand.
    fn head(&self, table: u64) -> Vec<u8> {
        let wide = if self.is_64 { 8 } else { 4 };
        let (ehdr, phdr, shdr) = if self.is_64 { (64, 56, 64) } else { (52, 32, 40) };
        let segments = 1 + usize::from(self.second_segment.is_some());
        let mut head = vec![
            0x7f,
            b'E',
            b'L',
            b'F',
            1 + u8::from(self.is_64),
            1 + u8::from(self.is_big),
            1,
        ];
        head.resize(16, 0);
        self.put(&mut head, self.kind, 2);
        self.put(&mut head, 62, 2);
        self.put(&mut head, 1, 4);
        for address in [0, ehdr as u64, table] {
            self.put(&mut head, address, wide);
        }
        self.put(&mut head, 0, 4);
        for number in [
            ehdr,
            phdr,
            segments,
            shdr,
            self.sections.len() + 2,
            self.sections.len() + 1,
        ] {
            self.put(&mut head, number as u64, 2);
        }
        head
    }

    fn table(&self, out: &mut Vec<u8>, places: &[u64], names: &[u64], name_table: (u64, u64)) {
        out.resize(out.len() + if self.is_64 { 64 } else { 40 }, 0);
        let all = self.sections.iter().zip(places).zip(names);
        for ((piece, place), name) in all {
            let link = self.index(piece.link);
            self.row(
                out,
                *name,
                [piece.kind, piece.flags, *place, piece.body.len() as u64, link],
            );
        }
        let name = names.last().copied().unwrap_or(0);
        self.row(out, name, [3, 0, name_table.0, name_table.1, 0]);
    }

    fn row(&self, out: &mut Vec<u8>, name: u64, [kind, flags, place, size, link]: [u64; 5]) {
        let wide = if self.is_64 { 8 } else { 4 };
        self.put(out, name, 4);
        self.put(out, kind, 4);
        for number in [flags, 0, place, size] {
            self.put(out, number, wide);
        }
        self.put(out, link, 4);
        self.put(out, 0, 4);
        self.put(out, 1, wide);
        self.put(out, 0, wide);
    }

    fn segment(&self, out: &mut Vec<u8>, kind: u64, at: u64, length: u64) {
        let wide = if self.is_64 { 8 } else { 4 };
        self.put(out, kind, 4);
        if self.is_64 {
            self.put(out, 5, 4);
        }
        for number in [at, at, at, length, length] {
            self.put(out, number, wide);
        }
        if !self.is_64 {
            self.put(out, 5, 4);
        }
        self.put(out, 4096, wide);
    }
}
