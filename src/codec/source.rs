//! The compressed input, read in large pieces that can be looked at before they are taken.
//!
//! A module of its own because every format needs the same three things of its input: look ahead at
//! magic bytes, take what was used, and know that the end was really reached. It may assume nothing
//! of how many bytes one read of the input gives.

use std::io::{self, Read};

/// Bytes asked of the input at a time.
const PIECE: usize = 256 * 1024;
/// Reads at least this large go past the buffer.
const DIRECT: usize = 16 * 1024;

/// A buffered input of any kind.
pub(super) struct Source<'a> {
    input: Box<dyn Read + Send + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(input: impl Read + Send + 'a) -> Self {
        Self {
            input: Box::new(input),
            buffer: vec![0; PIECE],
            start: 0,
            end: 0,
            at_end: false,
        }
    }

    /// The bytes at hand; empty only at the end of the input.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.read_piece()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// The next `count` bytes without taking them; fewer only at the end of the input.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.end - self.start < count && self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < count && !self.at_end {
            self.read_piece()?;
        }
        let end = self.end.min(self.start + count);
        Ok(&self.buffer[self.start..end])
    }

    /// Takes `count` of the bytes last seen.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Takes exactly `N` bytes; none where the input ends before.
    pub(super) fn take_array<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let taken = self.peek(N)?.first_chunk::<N>().copied();
        if taken.is_some() {
            self.consume(N);
        }
        Ok(taken)
    }

    /// Reads to the end of the input and says how many bytes that were.
    pub(super) fn drain(&mut self) -> io::Result<u64> {
        let mut drained = 0;
        loop {
            let count = self.fill()?.len();
            if count == 0 {
                return Ok(drained);
            }
            self.consume(count);
            drained += count as u64;
        }
    }

    fn read_piece(&mut self) -> io::Result<()> {
        if !self.at_end {
            let count = read_retrying(&mut self.input, &mut self.buffer[self.end..])?;
            self.end += count;
            self.at_end = count == 0;
        }
        Ok(())
    }
}

impl Read for Source<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end && out.len() >= DIRECT && !self.at_end {
            let count = read_retrying(&mut self.input, out)?;
            self.at_end = count == 0;
            return Ok(count);
        }
        let at_hand = self.fill()?;
        let count = at_hand.len().min(out.len());
        out[..count].copy_from_slice(&at_hand[..count]);
        self.consume(count);
        Ok(count)
    }
}

fn read_retrying(input: &mut dyn Read, out: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(out) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte a read, an interruption before each.
    struct Trickle(Vec<u8>, bool);

    impl Read for Trickle {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.0.is_empty() || out.is_empty() {
                return Ok(0);
            }
            out[0] = self.0.remove(0);
            Ok(1)
        }
    }

    #[test]
    fn looking_ahead_takes_nothing_and_the_end_is_the_end() {
        let mut source = Source::new(Trickle(b"abcdefg".to_vec(), false));
        assert_eq!(source.peek(3).unwrap(), b"abc");
        assert_eq!(source.take_array::<2>().unwrap(), Some(*b"ab"));
        assert_eq!(source.peek(4).unwrap(), b"cdef");
        assert_eq!(source.take_array::<9>().unwrap(), None);
        assert_eq!(source.peek(9).unwrap(), b"cdefg");
        assert_eq!(source.drain().unwrap(), 5);
        assert_eq!(source.fill().unwrap(), b"");
        assert_eq!(source.read(&mut [0; 4]).unwrap(), 0);
    }
}
