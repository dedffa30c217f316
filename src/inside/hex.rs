//! Bytes as lines of hex digits, as `hexdump -C` shows them.
//!
//! Of its own because a command writes them and a viewer shows them, and both count the same sixteen to a line.

use std::fmt::Write;

/// Bytes in one line.
pub const LINE: usize = 16;

/// One line without its end: the offset, the bytes in hex, and those that are printable ASCII. `bytes` are at most
/// [`LINE`].
pub fn line(offset: u64, bytes: &[u8]) -> String {
    let mut out = format!("{offset:08x} ");
    for at in 0..LINE {
        if at % 8 == 0 {
            out.push(' ');
        }
        // Writing into a `String` cannot fail.
        let _ = match bytes.get(at) {
            Some(byte) => write!(out, "{byte:02x} "),
            None => write!(out, "   "),
        };
    }
    let shown = |&byte: &u8| {
        if byte.is_ascii_graphic() || byte == b' ' {
            char::from(byte)
        } else {
            '.'
        }
    };
    out.push_str(" |");
    out.extend(bytes.iter().map(shown));
    out.push('|');
    out
}

#[cfg(test)]
mod tests {
    use super::line;

    /// What util-linux's `hexdump -C` prints.
    #[test]
    fn lines_are_as_hexdump_has_them() {
        for (offset, bytes, want) in [
            (
                0,
                &b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"[..],
                "00000000  7f 45 4c 46 02 01 01 00  00 00 00 00 00 00 00 00  |.ELF............|",
            ),
            (
                0x1_2345_6780,
                b"a b|\xe9",
                "123456780  61 20 62 7c e9                                    |a b|.|",
            ),
        ] {
            assert_eq!(line(offset, bytes), want);
        }
    }
}
