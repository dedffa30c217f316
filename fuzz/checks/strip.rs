//! Stripping: any bytes are refused or come out smaller, with what is loaded as it was.
//!
//! The result is looked at with numbers read here, not with the reader that made it.

use layerslim::transform::{Refused, strip};

pub(super) fn check(input: &[u8]) {
    let Ok(new) = strip(input) else { return };
    assert!(new.len() < input.len(), "a stripped file is smaller");
    assert_eq!(strip(&new), Err(Refused::Nothing), "once is enough");
    assert_eq!(strip(input).as_ref(), Ok(&new), "the same each time");
    let (before, after) = (segments(input), segments(&new));
    assert_eq!(before, after, "program headers");
    // Where the fields of the ELF header stand that must change: e_shoff, e_shnum and e_shstrndx.
    let fields = if input[4] == 2 {
        [40..48, 60..62, 62..64]
    } else {
        [32..36, 48..50, 50..52]
    };
    for (at, length) in before {
        for offset in at..at + length {
            let may_differ = fields.iter().any(|field| field.contains(&offset));
            assert!(
                may_differ || input[offset] == new[offset],
                "byte {offset} of a segment"
            );
        }
    }
}

/// Offset and length of each segment.
fn segments(file: &[u8]) -> Vec<(usize, usize)> {
    let is_64 = file[4] == 2;
    let number = |at: usize, width: usize| {
        let bytes = &file[at..at + width];
        let join = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
        if file[5] == 2 {
            bytes.iter().fold(0, join)
        } else {
            bytes.iter().rev().fold(0, join)
        }
    };
    let (table, count) = if is_64 {
        (number(32, 8), number(56, 2))
    } else {
        (number(28, 4), number(44, 2))
    };
    let row = |at: usize| {
        // PT_GNU_RELRO speaks of memory alone.
        if number(at, 4) == 0x6474_e552 {
            (0, 0)
        } else if is_64 {
            (number(at + 8, 8), number(at + 32, 8))
        } else {
            (number(at + 4, 4), number(at + 16, 4))
        }
    };
    let bytes = if is_64 { 56 } else { 32 };
    let rows = (0..count).map(|at| row(table + at * bytes));
    rows.filter(|(_, length)| *length > 0).collect()
}
