//! What an ELF file asks of the dynamic linker, as a fact's value.
//!
//! A module of its own because the probe that writes the value and the floors that read it share nothing else. The form
//! is a list of fields, each a letter, a length in two bytes (little-endian) and so many bytes.

/// Bytes of one encoded value, at most; what asks for more is written as unknown.
const MAX_BYTES: usize = 256 << 10;

/// What the program headers and the dynamic section of an ELF file say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ElfFacts {
    /// `EI_CLASS` (1: 32 bit, 2: 64 bit) and `e_machine`: files of another machine are passed over by the dynamic linker.
    pub machine: (u8, u16),
    /// `PT_INTERP`: the dynamic linker; `None` for libraries and for programs that are linked statically.
    pub interpreter: Option<Vec<u8>>,
    /// `DT_SONAME`.
    pub soname: Option<Vec<u8>>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<Vec<u8>>,
    /// `DT_RPATH`: directories joined by colons.
    pub rpath: Option<Vec<u8>>,
    /// `DT_RUNPATH`: directories joined by colons.
    pub runpath: Option<Vec<u8>>,
    /// Whether some of it could not be read: the file is damaged, or asks for more than a probe keeps.
    pub is_unknown: bool,
}

impl ElfFacts {
    /// The value of a fact; nothing but the machine and that the rest is unknown where it would be too large.
    pub(super) fn encode(&self) -> Box<[u8]> {
        let mut out = Vec::new();
        let [low, high] = self.machine.1.to_le_bytes();
        field(&mut out, b'm', &[self.machine.0, low, high]);
        let one = |letter, value: &Option<Vec<u8>>, out: &mut Vec<u8>| {
            if let Some(value) = value {
                field(out, letter, value);
            }
        };
        one(b'i', &self.interpreter, &mut out);
        if self.is_unknown {
            field(&mut out, b'?', b"");
        }
        let least = out.len();
        one(b's', &self.soname, &mut out);
        one(b'p', &self.rpath, &mut out);
        one(b'r', &self.runpath, &mut out);
        for name in &self.needed {
            field(&mut out, b'n', name);
        }
        if out.len() > MAX_BYTES {
            out.truncate(least);
            field(&mut out, b'?', b"");
        }
        out.into()
    }

    /// Reads the value of a [`FactKind::Elf`](super::FactKind::Elf) fact; `None` where it is none. Fields that this
    /// version does not know are passed over.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (mut facts, mut rest) = (Self::default(), value);
        while let Some((&letter, after)) = rest.split_first() {
            let (length, after) = after.split_first_chunk::<2>()?;
            let (bytes, after) = after.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            rest = after;
            match letter {
                b'm' => {
                    let &[class, low, high] = bytes else { return None };
                    facts.machine = (class, u16::from_le_bytes([low, high]));
                }
                b'i' => facts.interpreter = Some(bytes.to_vec()),
                b's' => facts.soname = Some(bytes.to_vec()),
                b'p' => facts.rpath = Some(bytes.to_vec()),
                b'r' => facts.runpath = Some(bytes.to_vec()),
                b'n' => facts.needed.push(bytes.to_vec()),
                b'?' => facts.is_unknown = true,
                _ => {}
            }
        }
        Some(facts)
    }
}

/// Values are names of at most some thousand bytes; a longer one would not fit and is cut.
fn field(out: &mut Vec<u8>, letter: u8, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.push(letter);
    out.extend((value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ElfFacts {
        ElfFacts {
            machine: (2, 0xb7),
            interpreter: Some(b"/lib/ld-linux-aarch64.so.1".to_vec()),
            soname: Some(b"libx.so.1".to_vec()),
            needed: vec![b"libc.so.6".to_vec(), b"".to_vec(), b"lib\xff.so".to_vec()],
            rpath: Some(b"$ORIGIN:/opt".to_vec()),
            runpath: Some(Vec::new()),
            is_unknown: false,
        }
    }

    #[test]
    fn values_come_back() {
        let unknown = ElfFacts {
            machine: (1, 3),
            is_unknown: true,
            ..ElfFacts::default()
        };
        for facts in [full(), unknown, ElfFacts::default()] {
            assert_eq!(ElfFacts::decode(&facts.encode()), Some(facts));
        }
    }

    #[test]
    fn what_is_cut_short_is_no_value() {
        let value = full().encode();
        let whole: Vec<usize> = (0..=value.len())
            .filter(|&length| ElfFacts::decode(&value[..length]).is_some())
            .collect();
        assert_eq!(whole.len(), 9, "only between two fields, of eight: {whole:?}");
        assert_eq!(
            ElfFacts::decode(b"z\x01\0a"),
            Some(ElfFacts::default()),
            "passed over"
        );
    }

    #[test]
    fn what_asks_for_too_much_is_unknown() {
        let facts = ElfFacts {
            needed: vec![vec![b'x'; 4000]; 70],
            ..full()
        };
        let value = facts.encode();
        let read = ElfFacts::decode(&value).unwrap();
        assert!(read.is_unknown && read.needed.is_empty() && value.len() < 100);
        assert_eq!(read.interpreter, facts.interpreter);
    }
}
