//! What stripping would take of a program or a library, as a fact's value.
//!
//! A module of its own because the probe that writes the value and the floors that read it share nothing else. The form
//! is one byte and eight: why not, or 0, and how many bytes, little-endian.

use crate::elf::Refused;

/// What stripping would do to a file that has symbols or debug information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbols {
    /// Bytes that would go, as the headers say; 0 where the file is refused.
    pub saved_bytes: u64,
    /// Why the file is not stripped, where it is not.
    pub refused: Option<Refused>,
}

impl Symbols {
    /// The value of a fact.
    pub(super) fn encode(&self) -> Box<[u8]> {
        let number = self.refused.map_or(0, |reason| reason as u8);
        [&[number][..], &self.saved_bytes.to_le_bytes()].concat().into()
    }

    /// Reads the value of a [`FactKind::Symbols`](super::FactKind::Symbols) fact; `None` where it is none.
    pub fn decode(value: &[u8]) -> Option<Self> {
        let (&number, bytes) = value.split_first()?;
        let refused = match number {
            0 => None,
            number => Some(Refused::from_number(number)?),
        };
        Some(Self {
            saved_bytes: u64::from_le_bytes(bytes.try_into().ok()?),
            refused,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        for refused in [None, Some(Refused::NotLoadable), Some(Refused::Unsure)] {
            let symbols = Symbols {
                saved_bytes: 0x0102_0304_0506,
                refused,
            };
            assert_eq!(Symbols::decode(&symbols.encode()), Some(symbols));
        }
        for bad in [&[][..], &[0; 8], &[0; 10], &[200, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(Symbols::decode(bad), None);
        }
    }
}
