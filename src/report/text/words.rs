//! Numbers and names in words, the same in every layout.

use crate::bytesize::ByteSize;

/// A size that is not split at the end of a line: `1.21 GB` with a space that does not break.
pub(in crate::report) fn size(bytes: u64) -> String {
    ByteSize(bytes).to_string().replace(' ', GLUE)
}

/// The space that does not break a line; it is written as a space.
pub const GLUE: &str = "\u{a0}";

/// `12,345`.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `2,000 files`.
pub fn count(count: u64, noun: &str) -> String {
    let stem = noun.strip_suffix('y').filter(|stem| !stem.ends_with('a'));
    let noun = match (count, stem) {
        (1, _) => noun.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{noun}s"),
    };
    format!("{}{GLUE}{noun}", number(count))
}

/// `+1.21 GB`, `−3.00 kB`, `±0 B`: a change of sizes.
pub fn signed_size(delta: i64) -> String {
    format!("{}{}", sign(delta), size(delta.unsigned_abs()))
}

/// `+12`, `−3`, `±0`: a change of numbers.
pub(in crate::report) fn signed_number(delta: i64) -> String {
    format!("{}{}", sign(delta), number(delta.unsigned_abs()))
}

fn sign(delta: i64) -> &'static str {
    match delta {
        0 => "±",
        1.. => "+",
        _ => "−",
    }
}

/// `+4.1 %`, `−0.2 %`: how much a number grew; `None` where it was 0, and where it is too little to be told.
pub(in crate::report) fn percent_change(old: u64, new: u64) -> Option<String> {
    let share = new.abs_diff(old) as f64 / (old > 0).then_some(old as f64)? * 100.0;
    let shown = match share {
        share if share < 0.05 => return None,
        share if share < 99.95 => format!("{share:.1}"),
        share => format!("{share:.0}"),
    };
    Some(format!(
        "{}{shown}{GLUE}%",
        sign(crate::report::diff::delta(old, new))
    ))
}

/// `18 %`; `<1 %` and `>99 %` where rounding would hide something.
pub(in crate::report) fn percent(part: u64, whole: u64) -> String {
    let exact = if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64 * 100.0
    };
    let shown = match exact {
        _ if part == 0 => "0".to_owned(),
        exact if exact < 1.0 => "<1".to_owned(),
        exact if exact > 99.0 && part < whole => ">99".to_owned(),
        exact => format!("{exact:.0}"),
    };
    format!("{shown}{GLUE}%")
}

/// The algorithm and the first twelve digits of a digest, as engines print them.
pub(in crate::report) fn short_digest(digest: &str) -> &str {
    let end = digest.find(':').map_or(12, |colon| colon + 13);
    digest.get(..end).unwrap_or(digest)
}

/// The first twelve digits of a digest, for tables.
pub(in crate::report) fn short_hex(digest: &str) -> &str {
    let short = short_digest(digest);
    short.split_once(':').map_or(short, |(_, hex)| hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        for (number_of, want) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(number_of), want);
        }
        let plain = |text: String| text.replace(GLUE, " ");
        assert_eq!(plain(count(1, "file")), "1 file");
        assert_eq!(plain(count(0, "directory")), "0 directories");
        for (part, whole, want) in [
            (0, 0, "0 %"),
            (1, 1000, "<1 %"),
            (18, 100, "18 %"),
            (9999, 10_000, ">99 %"),
            (7, 7, "100 %"),
        ] {
            assert_eq!(plain(percent(part, whole)), want, "{part} of {whole}");
        }
        for (old, new, want) in [
            (0, 5, None),
            (100, 100, None),
            (1000, 1041, Some("+4.1 %")),
            (100_000, 99_999, None),
            (1000, 999, Some("−0.1 %")),
            (100, 350, Some("+250 %")),
        ] {
            assert_eq!(
                percent_change(old, new).map(plain).as_deref(),
                want,
                "{old} {new}"
            );
        }
        assert_eq!(plain(signed_size(-1500)), "−1.50 kB");
        assert_eq!(
            (signed_number(12).as_str(), signed_number(0).as_str()),
            ("+12", "±0")
        );
        assert_eq!(short_digest("sha256:0123456789abcdef"), "sha256:0123456789ab");
        assert_eq!(short_hex("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(short_hex("odd"), "odd");
    }
}
