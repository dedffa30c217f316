//! Two versions of a file, line by line.
//!
//! Of its own because it needs nothing of images: two contents in, what differs out. It is bounded by what it is given
//! and by a time: what is not found out by then is shown as replaced.

use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices_deadline, group_diff_ops};

use super::body::Body;

/// How much of a file must be without NUL bytes for it to be text, as git has it.
const TEXT_HEAD: usize = 8000;
/// How long the shortest difference is looked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What differs between two contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Nothing, as far as both were read.
    None,
    /// Lines.
    Text(Vec<Hunk>),
    /// Bytes of what is no text.
    Binary {
        /// Where the first byte is that differs, or that only one of them has.
        first: u64,
    },
}

/// Lines that differ, and some around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The first line of the old file, from 1, and how many there are.
    pub old: (usize, usize),
    /// The same of the new file.
    pub new: (usize, usize),
    /// The lines, in order.
    pub lines: Vec<Line>,
}

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What became of it.
    pub sign: Sign,
    /// The line without its end; not escaped. Bytes that are no UTF-8 are `\u{fffd}`.
    pub text: String,
    /// Whether it ends with a line feed: the last one of a file may not.
    pub is_ended: bool,
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It is in both.
    Same,
    /// It is in the old file.
    Old,
    /// It is in the new file.
    New,
}

impl Sign {
    /// As a unified diff has it.
    pub fn as_char(self) -> char {
        match self {
            Self::Same => ' ',
            Self::Old => '-',
            Self::New => '+',
        }
    }
}

impl Hunk {
    /// The line above it in a unified diff: `@@ -1,3 +1,4 @@`.
    pub fn title(&self) -> String {
        // As GNU diff has it: of no lines, the one before.
        let range = |(start, count): (usize, usize)| match count {
            0 => format!("{},0", start - 1),
            1 => start.to_string(),
            _ => format!("{start},{count}"),
        };
        format!("@@ -{} +{} @@", range(self.old), range(self.new))
    }
}

/// Compares what was read of two files; `context` lines around what differs are kept.
pub fn compare(old: &Body, new: &Body, context: usize) -> Difference {
    if old.bytes == new.bytes && old.is_cut() == new.is_cut() {
        return Difference::None;
    }
    if !is_text(&old.bytes) || !is_text(&new.bytes) {
        let same = old.bytes.iter().zip(&new.bytes).take_while(|(a, b)| a == b);
        return Difference::Binary {
            first: same.count() as u64,
        };
    }
    let (old, new) = (lines(&old.bytes), lines(&new.bytes));
    let deadline = Instant::now().checked_add(PATIENCE);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, deadline);
    let groups = group_diff_ops(ops, context);
    Difference::Text(groups.iter().map(|ops| hunk(ops, &old, &new)).collect())
}

/// Whether bytes may be shown as lines of text.
fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().take(TEXT_HEAD).any(|&byte| byte == 0)
}

/// The lines, each with its end.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').collect()
}

fn hunk(ops: &[DiffOp], old: &[&[u8]], new: &[&[u8]]) -> Hunk {
    let mut lines = Vec::new();
    for op in ops {
        let (before, after) = (&old[op.old_range()], &new[op.new_range()]);
        match op.tag() {
            DiffTag::Equal => lines.extend(after.iter().map(|line| Line::new(Sign::Same, line))),
            DiffTag::Delete | DiffTag::Insert | DiffTag::Replace => {
                lines.extend(before.iter().map(|line| Line::new(Sign::Old, line)));
                lines.extend(after.iter().map(|line| Line::new(Sign::New, line)));
            }
        }
    }
    let first = ops
        .first()
        .map_or((0, 0), |op| (op.old_range().start, op.new_range().start));
    let count = |sign: Sign| {
        lines
            .iter()
            .filter(|line| line.sign == Sign::Same || line.sign == sign)
            .count()
    };
    Hunk {
        old: (first.0 + 1, count(Sign::Old)),
        new: (first.1 + 1, count(Sign::New)),
        lines,
    }
}

impl Line {
    fn new(sign: Sign, bytes: &[u8]) -> Self {
        let text = bytes.strip_suffix(b"\n");
        Self {
            sign,
            text: String::from_utf8_lossy(text.unwrap_or(bytes)).into_owned(),
            is_ended: text.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::super::pass::Checked;
    use super::*;

    fn body(bytes: &[u8]) -> Body {
        Body {
            bytes: bytes.to_vec(),
            total: bytes.len() as u64,
            layer: 0,
            checked: Checked::NotAgain,
        }
    }

    /// The difference as `diff -u` writes it, without its two first lines.
    fn unified(old: &str, new: &str) -> String {
        let Difference::Text(hunks) = compare(&body(old.as_bytes()), &body(new.as_bytes()), 1) else {
            return "no text".to_owned();
        };
        let mut out = String::new();
        for hunk in hunks {
            writeln!(out, "{}", hunk.title()).unwrap();
            for line in hunk.lines {
                let end = if line.is_ended { "" } else { "\n\\" };
                writeln!(out, "{}{}{end}", line.sign.as_char(), line.text).unwrap();
            }
        }
        out
    }

    /// Against what GNU diff prints for the same with `-U1`.
    #[test]
    fn lines_are_compared_as_diff_does() {
        for (old, new, want) in [
            ("a\nb\nc\n", "a\nB\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"),
            ("", "a\n", "@@ -0,0 +1 @@\n+a\n"),
            ("a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n"),
            ("a\nb", "a\nb\n", "@@ -1,2 +1,2 @@\n a\n-b\n\\\n+b\n"),
            (
                "1\n2\n3\n4\n5\n6\n7\n",
                "1\nx\n3\n4\n5\n6\n7\n8\n",
                "@@ -1,3 +1,3 @@\n 1\n-2\n+x\n 3\n@@ -7 +7,2 @@\n 7\n+8\n",
            ),
        ] {
            assert_eq!(unified(old, new), want, "{old:?} {new:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_only_told_apart() {
        let compared = |old: &[u8], new: &[u8]| compare(&body(old), &body(new), 3);
        assert_eq!(compared(b"\0ab", b"\0ab"), Difference::None);
        assert_eq!(compared(b"\0ab", b"\0aB"), Difference::Binary { first: 2 });
        assert_eq!(compared(b"\0ab", b"\0abc"), Difference::Binary { first: 3 });
        assert_eq!(compared(b"text", b"te\0t"), Difference::Binary { first: 2 });
        let cut = Body {
            total: 9,
            ..body(b"same")
        };
        assert_eq!(
            compare(&cut, &body(b"same"), 3),
            Difference::Text(Vec::new()),
            "there is more of one of them, and nobody knows what"
        );
    }
}
