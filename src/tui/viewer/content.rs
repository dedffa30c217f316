//! The content that is viewed: its lines, found as far as they are needed, and cut into cells.
//!
//! Of its own because a file may be one line of megabytes or millions of empty ones: lines are cut into pieces of a few
//! thousand bytes, and only the place of every sixty-fourth is kept.

use unicode_width::UnicodeWidthChar;

use crate::report::printable;
use crate::tui::text;

/// Bytes of a piece, at most.
const PIECE: usize = 4096;
/// Pieces from one kept place to the next.
const STEP: usize = 64;
/// Cells from one tab stop to the next.
const TAB: usize = 8;

/// Bytes, and where their lines are.
#[derive(Debug, Clone)]
pub struct Content {
    bytes: Vec<u8>,
    /// Offset and line, from 0, of every [`STEP`]th piece that was found so far.
    places: Vec<Place>,
    /// Where the next piece begins that was not found yet, and how many there are before it.
    next: Place,
    found: usize,
}

/// Where a piece begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    offset: usize,
    line: usize,
}

/// A line, or a part of a very long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Where it begins.
    pub offset: usize,
    /// Its line, from 0.
    pub line: usize,
    /// Whether the line begins here.
    pub is_first: bool,
    /// The bytes, without the end of the line.
    pub bytes: &'a [u8],
}

impl Content {
    /// Bytes of which no line was looked for yet.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            places: vec![Place::default()],
            next: Place::default(),
            found: 0,
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Piece `at`, from 0; `None` behind the last. What was not found yet costs the way there.
    pub fn piece(&self, at: usize) -> Option<Piece<'_>> {
        let kept = (at / STEP).min(self.places.len() - 1);
        let mut place = self.places[kept];
        for _ in kept * STEP..at {
            if place.offset >= self.bytes.len() {
                return None;
            }
            place = self.after(place);
        }
        (place.offset < self.bytes.len()).then(|| self.read(place))
    }

    /// Finds the pieces up to this one, and remembers where they are.
    pub fn find_to(&mut self, at: usize) {
        while self.found <= at && self.find_next().is_some() {}
    }

    /// The piece that holds the byte at `offset`, or the last one.
    pub fn at_offset(&mut self, offset: usize) -> usize {
        while self.next.offset <= offset && self.find_next().is_some() {}
        let kept = self.places.partition_point(|place| place.offset <= offset) - 1;
        self.walk(kept, |place| place.offset <= offset)
    }

    /// The first piece of a line, from 0, or of the last one.
    pub fn at_line(&mut self, line: usize) -> usize {
        while self.next.line <= line && self.find_next().is_some() {}
        // The first piece of a long line may stand before a place that is in it.
        let kept = self.places.partition_point(|place| place.line < line).max(1) - 1;
        let before = self.walk(kept, |place| place.line < line);
        let is_there = self.piece(before).is_some_and(|piece| piece.line >= line);
        let after = if is_there { before } else { before + 1 };
        if self.piece(after).is_some() {
            after
        } else {
            before
        }
    }

    /// The last piece.
    pub fn last(&mut self) -> usize {
        while self.find_next().is_some() {}
        self.found.saturating_sub(1)
    }

    /// Lines that were found so far, and whether that is all.
    pub fn lines(&self) -> (usize, bool) {
        let is_all = self.next.offset >= self.bytes.len();
        let is_open = is_all && !self.bytes.is_empty() && !self.bytes.ends_with(b"\n");
        (self.next.line + usize::from(is_open), is_all)
    }

    /// The last piece from a kept place on that `is_before` holds for.
    fn walk(&self, kept: usize, is_before: impl Fn(Place) -> bool) -> usize {
        let (mut at, mut place) = (kept * STEP, self.places[kept]);
        while at + 1 < self.found {
            let after = self.after(place);
            if !is_before(after) {
                break;
            }
            (at, place) = (at + 1, after);
        }
        at
    }

    fn find_next(&mut self) -> Option<()> {
        if self.next.offset >= self.bytes.len() {
            return None;
        }
        if self.found.is_multiple_of(STEP) && self.found > 0 {
            self.places.push(self.next);
        }
        self.next = self.after(self.next);
        self.found += 1;
        Some(())
    }

    /// Where the piece behind the one at `place` begins.
    fn after(&self, place: Place) -> Place {
        let (end, is_ended) = self.end(place.offset);
        Place {
            offset: end + usize::from(is_ended),
            line: place.line + usize::from(is_ended),
        }
    }

    /// Where the piece at `offset` ends, and whether a line feed stands there.
    fn end(&self, offset: usize) -> (usize, bool) {
        let rest = &self.bytes[offset..];
        let head = &rest[..rest.len().min(PIECE)];
        if let Some(at) = memchr::memchr(b'\n', head) {
            return (offset + at, true);
        }
        if rest.get(head.len()) == Some(&b'\n') || head.len() == rest.len() {
            return (offset + head.len(), head.len() < rest.len());
        }
        // A character is not torn apart.
        let tail = (1..4).find(|&back| head[head.len() - back] < 0x80 || head[head.len() - back] >= 0xc0);
        let back = tail.filter(|&back| head[head.len() - back] >= 0xc0).unwrap_or(0);
        (offset + head.len() - back, false)
    }

    fn read(&self, place: Place) -> Piece<'_> {
        let (end, _) = self.end(place.offset);
        Piece {
            offset: place.offset,
            line: place.line,
            is_first: place.offset == 0 || self.bytes[place.offset - 1] == b'\n',
            bytes: &self.bytes[place.offset..end],
        }
    }
}

/// Bytes of a line as cells: characters that a terminal would act on are escaped, tabs go to the next stop. Each with
/// where it stands among the bytes and the cells that it takes.
pub fn cells(bytes: &[u8]) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    let (mut offset, mut column) = (0, 0);
    let mut push = |offset: usize, text: String, column: &mut usize| {
        let width = text::width(&text);
        *column += width;
        cells.push(Cell { offset, text, width });
    };
    for chunk in bytes.utf8_chunks() {
        for (at, c) in chunk.valid().char_indices() {
            let text = match c {
                '\t' => " ".repeat(TAB - column % TAB),
                c if c.width().is_none() => printable(c.encode_utf8(&mut [0; 4])),
                c => printable(c.encode_utf8(&mut [0; 4])),
            };
            push(offset + at, text, &mut column);
        }
        offset += chunk.valid().len();
        for byte in chunk.invalid() {
            push(offset, format!("\\x{byte:02x}"), &mut column);
            offset += 1;
        }
    }
    cells
}

/// What one character of a line looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Where it stands among the bytes of the line.
    pub offset: usize,
    /// What is shown.
    pub text: String,
    /// The cells that it takes.
    pub width: usize,
}

/// Cells in rows of at most `width` columns; at least one row. Gives where each begins among them.
pub fn rows(cells: &[Cell], width: usize) -> Vec<usize> {
    let (mut begins, mut used) = (vec![0], 0);
    for (at, cell) in cells.iter().enumerate() {
        if used > 0 && used + cell.width > width {
            begins.push(at);
            used = 0;
        }
        used += cell.width;
    }
    begins
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every piece, one after the other, is the content again; lines are counted as `str::lines` has them.
    #[test]
    fn pieces_are_the_content_however_it_is_cut() {
        let long = "x".repeat(3 * PIECE + 7);
        let wide = "\u{6f22}".repeat(2 * PIECE);
        let many = "a\n\n".repeat(5 * STEP);
        let mixed = format!("{long}\n{wide}\n{many}end");
        for text in ["", "a", "a\n", "\n\n", "a\nb", &long, &wide, &many, &mixed] {
            let mut content = Content::new(text.as_bytes().to_vec());
            let mut again = String::new();
            let mut at = 0;
            while let Some(piece) = content.piece(at) {
                if piece.is_first && piece.offset > 0 {
                    again.push('\n');
                }
                again += str::from_utf8(piece.bytes).expect("no character is torn apart");
                at += 1;
            }
            let shown = text.strip_suffix('\n').unwrap_or(text);
            assert!(again == shown, "{} bytes", text.len());
            content.last();
            assert_eq!(content.lines(), (text.lines().count(), true));
        }
    }

    #[test]
    fn lines_and_offsets_are_found() {
        let text = format!("{}\n", "y".repeat(PIECE * 70)) + &"ab\n".repeat(1000);
        let mut content = Content::new(text.clone().into_bytes());
        for line in [0, 1, 2, 63, 64, 500, 1000] {
            let at = content.at_line(line);
            let piece = content.piece(at).unwrap();
            assert_eq!((piece.line, piece.is_first), (line, true), "line {line}");
        }
        assert_eq!(content.at_line(99_999), content.last(), "the last one");
        for offset in [
            0,
            1,
            PIECE,
            PIECE * 69 + 5,
            PIECE * 70,
            PIECE * 70 + 1,
            text.len() - 1,
        ] {
            let at = content.at_offset(offset);
            let piece = content.piece(at).unwrap();
            let end = piece.offset + piece.bytes.len();
            assert!(
                (piece.offset..=end).contains(&offset),
                "{offset}: {} to {end}",
                piece.offset
            );
        }
    }

    #[test]
    fn cells_are_measured_and_escaped() {
        let shown = |bytes: &[u8]| {
            let texts: Vec<String> = cells(bytes).into_iter().map(|cell| cell.text).collect();
            texts.concat()
        };
        for (bytes, want) in [
            (&b"a\tb"[..], "a       b"),
            (b"\t\xff\x1b[m", "        \\xff\\u{1b}[m"),
            ("\u{6f22}\tx".as_bytes(), "\u{6f22}      x"),
            (b"x\r", "x\\u{d}"),
        ] {
            assert_eq!(shown(bytes), want, "{bytes:?}");
        }
        let wide = cells("\u{6f22}\u{5b57}ab".as_bytes());
        assert_eq!(rows(&wide, 3), [0, 1, 3]);
        assert_eq!(rows(&[], 3), [0]);
    }
}
