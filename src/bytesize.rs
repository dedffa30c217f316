//! Sizes for people: decimal units, as Docker and registries print them.
//!
//! A module of its own so that every renderer prints a size in the same words, and every budget is read in them.

use std::fmt;
use std::str::FromStr;

/// Bytes, shown as `0 B`, `999 B`, `1.00 kB`, `45.3 MB`, `1.21 GB`: three significant digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];

/// What is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ByteSizeError {
    /// Occurs when a text is no number with a unit.
    #[error("`{0}` is no size; write 300 MB, 1.5 GB, 512 KiB or a number of bytes")]
    NoSize(String),
    /// Occurs when a size does not fit in 64 bits.
    #[error("`{0}` is larger than any image")]
    TooLarge(String),
}

/// The units that are read, in lower case: decimal ones, the same in short, and binary ones.
const READ: [(&str, u64); 20] = [
    ("", 1),
    ("b", 1),
    ("k", 1_000),
    ("kb", 1_000),
    ("ki", 1 << 10),
    ("kib", 1 << 10),
    ("m", 1_000_000),
    ("mb", 1_000_000),
    ("mi", 1 << 20),
    ("mib", 1 << 20),
    ("g", 1_000_000_000),
    ("gb", 1_000_000_000),
    ("gi", 1 << 30),
    ("gib", 1 << 30),
    ("t", 1_000_000_000_000),
    ("tb", 1_000_000_000_000),
    ("ti", 1 << 40),
    ("tib", 1 << 40),
    ("pb", 1_000_000_000_000_000),
    ("pib", 1 << 50),
];

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    /// Reads `300 MB`, `1.5GB`, `512 KiB`, `4096`: units in any case, with a space before them or none; a part of a byte is dropped.
    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let no_size = || ByteSizeError::NoSize(text.to_owned());
        let too_large = || ByteSizeError::TooLarge(text.to_owned());
        let trimmed = text.trim();
        let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, unit) = trimmed.split_at(end.unwrap_or(trimmed.len()));
        let unit = unit.trim().to_ascii_lowercase();
        let (_, factor) = READ.iter().find(|(word, _)| *word == unit).ok_or_else(no_size)?;
        if number.is_empty() || number.starts_with('.') || number.ends_with('.') {
            return Err(no_size());
        }
        if !number.contains('.') {
            let whole: u64 = number.parse().map_err(|_| too_large())?;
            return whole.checked_mul(*factor).map(Self).ok_or_else(too_large);
        }
        let bytes = number.parse::<f64>().map_err(|_| no_size())? * *factor as f64;
        // 2^64 as a float: what is below it fits.
        if bytes < 18_446_744_073_709_551_616.0 {
            Ok(Self(bytes as u64))
        } else {
            Err(too_large())
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text(self.0))
    }
}

fn text(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    for unit in UNITS {
        // 999.5 kB would round to "1000 kB": it is the next unit's 1.00.
        if value < 999.5 || unit == "EB" {
            let digits = if value < 9.995 {
                2
            } else {
                usize::from(value < 99.95)
            };
            return format!("{value:.digits$} {unit}");
        }
        value /= 1000.0;
    }
    unreachable!("the last unit always returns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_significant_digits() {
        for (bytes, want) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.00 kB"),
            (9_994, "9.99 kB"),
            (9_996, "10.0 kB"),
            (99_960, "100 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (1_212_345_678, "1.21 GB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(ByteSize(bytes).to_string(), want, "{bytes}");
        }
        assert_eq!(format!("{:>8}", ByteSize(5)), "     5 B");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, want) in [
            ("0", 0),
            ("4096", 4096),
            ("300 MB", 300_000_000),
            ("300mb", 300_000_000),
            ("1.5 GB", 1_500_000_000),
            ("20K", 20_000),
            (" 512 KiB ", 524_288),
            ("1.0015 kB", 1001),
            ("2GiB", 2_147_483_648),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(want)), "{text}");
        }
        for text in [
            "", "MB", "-1", "1 MBit", "1,5 MB", ".5 MB", "5. MB", "1.2.3", "3 %", "1e3",
        ] {
            assert_eq!(
                text.parse::<ByteSize>(),
                Err(ByteSizeError::NoSize(text.to_owned())),
                "{text}"
            );
        }
        for text in ["18446744073709551616", "20000 PB", "99999999999999999999.5"] {
            assert_eq!(
                text.parse::<ByteSize>(),
                Err(ByteSizeError::TooLarge(text.to_owned())),
                "{text}"
            );
        }
    }
}
