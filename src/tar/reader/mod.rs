//! The reader: bytes in, entries out.
//!
//! Of its own because it is the one place that decides which byte is a header, content, or framing. It is fed
//! slices of any length and keeps no more than a partial block and the extension headers of one entry. Bodies
//! pass through as slices of the input.

mod member;

use super::BLOCK;
use super::block::{self, Block};
use super::error::{TarError, shown};
use super::header::Header;
use super::resolve::Pending;
use super::sparse::BodyMap;
use super::visitor::{Totals, Visitor};
use super::warning::{Warning, WarningCode};
use crate::limits::Limits;

/// Reads an archive from slices of any length.
///
/// After an error the reader is spent: every further call fails.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    totals: Totals,
    state: State,
    failed: bool,
    /// Bytes consumed so far: where the reader stands.
    position: u64,
    partial: [u8; BLOCK],
    partial_len: usize,
    header: Header,
    pending: Pending,
    /// What the pending extension headers count towards the limit, in bytes.
    extension_bytes: u64,
    map: BodyMap,
    warnings: Vec<Warning>,
    spare: Vec<(Vec<u8>, Vec<u8>)>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// A header block is due.
    Header,
    /// One zero block was read; a header or a second zero block is due.
    AfterZero,
    /// An extension header's body, then its padding. `start` is where it lies in `header.raw`.
    Extension {
        flag: u8,
        start: usize,
        size: usize,
        left: usize,
    },
    /// A block of an old GNU sparse map is due.
    OldMap,
    /// A block of a 1.0 sparse map is due.
    BodyMap,
    /// A header, or the first block of a body that should not be there, is due.
    Claimed { size: u64 },
    /// The current entry's content.
    Body { left: u64 },
    /// A body that is not content.
    Skip { left: u64, padding: u64 },
    /// Padding.
    Padding { left: u64 },
    /// After the end marker. `warned`: whether bytes other than zero were seen there.
    End { warned: bool },
}

impl Reader {
    /// A reader at the start of an archive.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            totals: Totals::default(),
            state: State::Header,
            failed: false,
            position: 0,
            partial: [0; BLOCK],
            partial_len: 0,
            header: Header::default(),
            pending: Pending::default(),
            extension_bytes: 0,
            map: BodyMap::default(),
            warnings: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Reads the next bytes of the archive.
    pub fn feed<V: Visitor>(&mut self, input: &[u8], visitor: &mut V) -> Result<(), V::Error> {
        if self.failed {
            return Err(TarError::AlreadyFailed.into());
        }
        self.totals.total += input.len() as u64;
        self.failed = true;
        let mut rest = input;
        while !rest.is_empty() {
            let used = self.step(rest, visitor)?;
            rest = &rest[used..];
        }
        self.failed = false;
        Ok(())
    }

    /// Ends the archive: the input has no more bytes. Missing padding and end blocks are accepted.
    pub fn finish<V: Visitor>(&mut self, visitor: &mut V) -> Result<Totals, V::Error> {
        if self.failed {
            return Err(TarError::AlreadyFailed.into());
        }
        self.failed = true;
        self.check_end(visitor)?;
        self.warn_dangling(visitor);
        self.state = State::End { warned: false };
        self.failed = false;
        Ok(self.totals)
    }

    /// The totals so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether the input may end where the reader stands.
    fn check_end<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        let partial = &self.partial[..self.partial_len];
        let missing = match self.state {
            State::Header if !partial.is_empty() => "a header",
            State::AfterZero if !block::is_zero(partial) => "a header",
            State::Extension { size, left, .. } if left > padding_of(size as u64) as usize => {
                "an extension header"
            }
            State::Extension {
                flag, start, size, ..
            } => {
                return self.end_extension(flag, start..start + size, visitor);
            }
            State::OldMap | State::BodyMap => "a sparse map",
            State::Claimed { size } if !partial.is_empty() && (partial.len() as u64) < size => "a body",
            State::Claimed { .. } => {
                self.warn_claimed(self.partial_len > 0, visitor);
                return Ok(());
            }
            State::Body { .. } => "the body",
            State::Skip { .. } => "a skipped body",
            _ => return Ok(()),
        };
        let is_between = matches!(self.state, State::Header | State::AfterZero);
        let path = if is_between {
            String::new()
        } else {
            shown(&self.header.path)
        };
        Err(TarError::Truncated {
            part: missing,
            path,
            offset: self.position,
        }
        .into())
    }

    /// Consumes some bytes of a non-empty input and returns how many.
    fn step<V: Visitor>(&mut self, input: &[u8], visitor: &mut V) -> Result<usize, V::Error> {
        match self.state {
            State::Header | State::AfterZero | State::OldMap | State::BodyMap | State::Claimed { .. } => {
                self.collect_block(input, visitor)
            }
            State::Body { left } => self.pass_body(up_to(input, left), left, visitor),
            State::Extension {
                flag,
                start,
                size,
                left,
            } => {
                let bytes = up_to(input, left as u64);
                self.framing(bytes.len());
                self.header.raw.extend_from_slice(bytes);
                let left = left - bytes.len();
                self.state = State::Extension {
                    flag,
                    start,
                    size,
                    left,
                };
                if left == 0 {
                    self.end_extension(flag, start..start + size, visitor)?;
                }
                Ok(bytes.len())
            }
            State::Skip { left, padding } => {
                let bytes = up_to(input, left);
                self.framing(bytes.len());
                self.state = match left - bytes.len() as u64 {
                    0 => padding_state(padding),
                    left => State::Skip { left, padding },
                };
                Ok(bytes.len())
            }
            State::Padding { left } => {
                let bytes = up_to(input, left);
                self.framing(bytes.len());
                self.state = padding_state(left - bytes.len() as u64);
                Ok(bytes.len())
            }
            State::End { warned } => {
                if !warned && !block::is_zero(input) {
                    self.state = State::End { warned: true };
                    warn(
                        visitor,
                        WarningCode::DataAfterEnd,
                        &[],
                        "the archive goes on after its end marker",
                    );
                }
                self.framing(input.len());
                Ok(input.len())
            }
        }
    }

    /// Shows the entry's next bytes, which are some of the `left` that are due.
    fn pass_body<V: Visitor>(&mut self, bytes: &[u8], left: u64, visitor: &mut V) -> Result<usize, V::Error> {
        let left = left - bytes.len() as u64;
        self.position += bytes.len() as u64;
        self.state = State::Body { left };
        visitor.body(bytes)?;
        if left == 0 {
            self.state = padding_state(padding_of(self.header.size));
            visitor.end_entry()?;
        }
        Ok(bytes.len())
    }

    /// Handles a whole block in place, or gathers a partial one.
    fn collect_block<V: Visitor>(&mut self, input: &[u8], visitor: &mut V) -> Result<usize, V::Error> {
        if self.partial_len == 0
            && let Some(block) = input.first_chunk::<BLOCK>()
        {
            self.framing(BLOCK);
            self.on_block(block, visitor)?;
            return Ok(BLOCK);
        }
        let bytes = up_to(input, (BLOCK - self.partial_len) as u64);
        self.partial[self.partial_len..][..bytes.len()].copy_from_slice(bytes);
        self.partial_len += bytes.len();
        self.framing(bytes.len());
        if self.partial_len == BLOCK {
            self.partial_len = 0;
            let block = self.partial;
            self.on_block(&block, visitor)?;
        }
        Ok(bytes.len())
    }

    fn on_block<V: Visitor>(&mut self, bytes: &[u8; BLOCK], visitor: &mut V) -> Result<(), V::Error> {
        match self.state {
            State::OldMap => self.on_old_map(bytes, visitor),
            State::BodyMap => self.on_body_map(bytes, visitor),
            State::Claimed { size } => {
                let is_body = !block::is_zero(bytes) && Block::parse(bytes).is_none();
                self.warn_claimed(is_body, visitor);
                if !is_body {
                    self.state = State::Header;
                    return self.on_header(bytes, visitor);
                }
                let left = size.saturating_sub(BLOCK as u64);
                self.state = if left == 0 { State::Header } else { skip(left) };
                Ok(())
            }
            _ => self.on_header(bytes, visitor),
        }
    }

    fn framing(&mut self, bytes: usize) {
        self.position += bytes as u64;
        self.totals.framing += bytes as u64;
    }
}

fn warn<V: Visitor>(visitor: &mut V, code: WarningCode, path: &[u8], message: &str) {
    visitor.warning(Warning {
        code,
        path: path.to_vec(),
        message: message.to_owned(),
    });
}

fn up_to(input: &[u8], left: u64) -> &[u8] {
    let end = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
    &input[..end]
}

fn padding_of(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn skip(size: u64) -> State {
    State::Skip {
        left: size,
        padding: padding_of(size),
    }
}

fn padding_state(left: u64) -> State {
    match left {
        0 => State::Header,
        left => State::Padding { left },
    }
}
