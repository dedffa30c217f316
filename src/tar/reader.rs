//! The reader: bytes in, entries out.
//!
//! Of its own because it is the one place that decides which byte is a header, content, or framing. It is fed
//! slices of any length and keeps no more than a partial block and the extension headers of one entry. Bodies
//! pass through as slices of the input.

use super::BLOCK;
use super::block::{self, Block};
use super::error::{TarError, shown};
use super::header::Header;
use super::pax;
use super::resolve::{Next, Pending, Resolver, map_error};
use super::sparse::{self, BodyMap, OldBlock};
use super::warning::{Warning, WarningCode};

/// What an archive may ask for before it is refused. Nothing is allocated on an archive's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a path, and of a link target.
    pub path: usize,
    /// Bytes of PAX and GNU extension bodies before one entry.
    pub extension: usize,
    /// Entries of the map of one sparse file.
    pub sparse_map_entries: usize,
    /// Bytes of one sparse file when it is expanded.
    pub sparse_expansion: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            path: 64 << 10,
            extension: 1 << 20,
            sparse_map_entries: 1 << 20,
            sparse_expansion: 64 << 30,
        }
    }
}

/// What an archive is made of. `framing` and the bytes of all bodies together are `total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Bytes fed.
    pub total: u64,
    /// Bytes that were not shown to [`Visitor::body`]: headers, padding, sparse maps, skipped bodies, the end
    /// marker and whatever follows it.
    pub framing: u64,
    /// Entries shown to [`Visitor::entry`].
    pub entries: u64,
}

/// Receives what a [`Reader`] reads, in the order of the archive.
pub trait Visitor {
    /// How a visitor fails; the reader's own errors travel in it too.
    type Error: From<TarError>;

    /// An entry begins. Its header stays valid until the call returns.
    fn entry(&mut self, header: &Header) -> Result<(), Self::Error>;

    /// The next content bytes of the current entry, never none: `header.size` bytes in all.
    fn body(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// The current entry is complete.
    fn end_entry(&mut self) -> Result<(), Self::Error>;

    /// Something is odd. Comes before [`Visitor::entry`] of the entry it is about, or between entries.
    fn warning(&mut self, warning: Warning);
}

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
        match self.state {
            State::Header if self.partial_len > 0 => return Err(self.truncated("a header").into()),
            State::AfterZero if !block::is_zero(&self.partial[..self.partial_len]) => {
                return Err(self.truncated("a header").into());
            }
            State::Extension { size, left, .. } if left > padding_of(size as u64) as usize => {
                return Err(self.truncated("an extension header").into());
            }
            State::Extension {
                flag, start, size, ..
            } => self.end_extension(flag, start, size, visitor)?,
            State::OldMap | State::BodyMap => return Err(self.truncated("a sparse map").into()),
            State::Claimed { size } if self.partial_len > 0 && (self.partial_len as u64) < size => {
                return Err(self.truncated("a body").into());
            }
            State::Claimed { .. } => self.warn_claimed(self.partial_len > 0, visitor),
            State::Body { .. } => return Err(self.truncated("the body").into()),
            State::Skip { left, .. } if left > 0 => return Err(self.truncated("a skipped body").into()),
            _ => (),
        }
        self.warn_dangling(visitor);
        self.state = State::End { warned: false };
        self.failed = false;
        Ok(self.totals)
    }

    /// The totals so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Consumes some bytes of a non-empty input and returns how many.
    fn step<V: Visitor>(&mut self, input: &[u8], visitor: &mut V) -> Result<usize, V::Error> {
        match self.state {
            State::Header | State::AfterZero | State::OldMap | State::BodyMap | State::Claimed { .. } => {
                self.collect_block(input, visitor)
            }
            State::Body { left } => {
                let bytes = up_to(input, left);
                self.position += bytes.len() as u64;
                self.state = State::Body {
                    left: left - bytes.len() as u64,
                };
                visitor.body(bytes)?;
                if left == bytes.len() as u64 {
                    self.state = after_body(self.header.size);
                    visitor.end_entry()?;
                }
                Ok(bytes.len())
            }
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
                    self.end_extension(flag, start, size, visitor)?;
                }
                Ok(bytes.len())
            }
            State::Skip { left, padding } => {
                let bytes = up_to(input, left);
                self.framing(bytes.len());
                self.state = match left - bytes.len() as u64 {
                    0 if padding == 0 => State::Header,
                    0 => State::Padding { left: padding },
                    left => State::Skip { left, padding },
                };
                Ok(bytes.len())
            }
            State::Padding { left } => {
                let bytes = up_to(input, left);
                self.framing(bytes.len());
                self.state = match left - bytes.len() as u64 {
                    0 => State::Header,
                    left => State::Padding { left },
                };
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

    fn on_header<V: Visitor>(&mut self, bytes: &[u8; BLOCK], visitor: &mut V) -> Result<(), V::Error> {
        let is_after_zero = matches!(self.state, State::AfterZero);
        let offset = self.position - BLOCK as u64;
        if block::is_zero(bytes) {
            if is_after_zero {
                self.warn_dangling(visitor);
            }
            self.state = if is_after_zero {
                State::End { warned: false }
            } else {
                State::AfterZero
            };
            return Ok(());
        }
        let block = Block::parse(bytes).ok_or(TarError::NotAHeader { offset })?;
        if is_after_zero {
            warn(
                visitor,
                WarningCode::LoneZeroBlock,
                &[],
                "one zero block between entries",
            );
        }
        if self.pending.is_empty() {
            self.header.clear(&mut self.spare);
        }
        match block.type_flag() {
            b'x' | b'g' | b'L' | b'K' => Ok(self.begin_extension(block)?),
            _ => self.on_entry(block, offset, visitor),
        }
    }

    fn begin_extension(&mut self, block: Block) -> Result<(), TarError> {
        let offset = self.position - BLOCK as u64;
        let path = || shown(block.text(block::NAME));
        let size = block
            .number(block::SIZE)
            .and_then(|size| u64::try_from(size).ok());
        let size = size.ok_or_else(|| TarError::BadNumber {
            field: "size",
            path: path(),
            offset,
        })?;
        let flag = block.type_flag();
        let is_repeated = match flag {
            b'x' => self.pending.pax.is_some(),
            b'L' => self.pending.name.is_some(),
            b'K' => self.pending.link.is_some(),
            _ => false,
        };
        self.pending.repeated |= is_repeated;
        // A repeated header pays for its own block too, so that their number is bounded as well.
        let block_cost = if is_repeated { BLOCK as u64 } else { 0 };
        self.extension_bytes = self
            .extension_bytes
            .saturating_add(size)
            .saturating_add(block_cost);
        let max = self.limits.extension as u64;
        if self.extension_bytes > max {
            let limit = "size of the extension headers";
            return Err(TarError::Limit {
                limit,
                value: self.extension_bytes,
                max,
                path: path(),
                offset,
            });
        }
        self.header.raw.extend_from_slice(block.bytes());
        let (start, size) = (self.header.raw.len(), size as usize);
        let left = size + padding_of(size as u64) as usize;
        self.state = State::Extension {
            flag,
            start,
            size,
            left,
        };
        if left == 0 {
            self.keep_extension(flag, start..start);
        }
        Ok(())
    }

    fn end_extension<V: Visitor>(
        &mut self,
        flag: u8,
        start: usize,
        size: usize,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let body = start..start + size;
        if matches!(flag, b'x' | b'g') {
            for record in pax::records(&self.header.raw[body.clone()]) {
                record.map_err(|reason| TarError::BadPax {
                    reason,
                    offset: self.position,
                })?;
            }
        }
        if flag == b'g' {
            warn(
                visitor,
                WarningCode::GlobalHeader,
                &[],
                "a global PAX header, applied to nothing",
            );
        }
        self.keep_extension(flag, body);
        Ok(())
    }

    /// Remembers an extension's body for the next entry. A global header ends what was pending, as in Go.
    fn keep_extension(&mut self, flag: u8, body: std::ops::Range<usize>) {
        match flag {
            b'x' => self.pending.pax = Some(body),
            b'L' => self.pending.name = Some(body),
            b'K' => self.pending.link = Some(body),
            _ => {
                self.pending = Pending::default();
                self.extension_bytes = 0;
                self.header.raw.clear();
            }
        }
        self.state = State::Header;
    }

    fn on_entry<V: Visitor>(&mut self, block: Block, offset: u64, visitor: &mut V) -> Result<(), V::Error> {
        let pending = std::mem::take(&mut self.pending);
        self.extension_bytes = 0;
        let resolver = Resolver {
            block,
            offset,
            limits: &self.limits,
            header: &mut self.header,
            warnings: &mut self.warnings,
            spare: &mut self.spare,
        };
        let next = resolver.resolve(&pending)?;
        for mut warning in self.warnings.drain(..) {
            warning.path.clone_from(&self.header.path);
            visitor.warning(warning);
        }
        match next {
            Next::Body => self.begin_entry(visitor),
            Next::Claimed(size) => {
                self.begin_entry(visitor)?;
                self.state = State::Claimed { size };
                Ok(())
            }
            Next::NotContent(size) => {
                self.state = if size == 0 { State::Header } else { skip(size) };
                Ok(())
            }
            Next::OldMap => {
                self.state = State::OldMap;
                Ok(())
            }
            Next::BodyMap => {
                self.map = BodyMap::default();
                self.state = State::BodyMap;
                Ok(())
            }
        }
    }

    fn begin_entry<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        self.totals.entries += 1;
        visitor.entry(&self.header)?;
        if self.header.size == 0 {
            self.state = State::Header;
            return visitor.end_entry();
        }
        self.state = State::Body {
            left: self.header.size,
        };
        Ok(())
    }

    fn on_old_map<V: Visitor>(&mut self, bytes: &[u8; BLOCK], visitor: &mut V) -> Result<(), V::Error> {
        let mut extents = self.header.sparse.take().unwrap_or_default();
        let max = self.limits.sparse_map_entries;
        let more = sparse::take_old_block(bytes, OldBlock::Extension, &mut extents, max);
        let more = more.map_err(|error| map_error(error, &self.limits, &self.header.path, self.position))?;
        self.header.sparse = Some(extents);
        if more { Ok(()) } else { self.begin_sparse(visitor) }
    }

    fn on_body_map<V: Visitor>(&mut self, bytes: &[u8; BLOCK], visitor: &mut V) -> Result<(), V::Error> {
        let error = |error| map_error(error, &self.limits, &self.header.path, self.position);
        let size = self.header.size.checked_sub(BLOCK as u64);
        self.header.size =
            size.ok_or_else(|| error(sparse::MapError::Bad("its map reaches past its body")))?;
        match self
            .map
            .take_block(bytes, self.limits.sparse_map_entries)
            .map_err(error)?
        {
            Some(extents) => self.header.sparse = Some(extents),
            None => return Ok(()),
        }
        self.begin_sparse(visitor)
    }

    fn begin_sparse<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        let mut extents = self.header.sparse.take().unwrap_or_default();
        sparse::check(&mut extents, self.header.logical_size, self.header.size).map_err(|reason| {
            TarError::BadSparse {
                reason,
                path: shown(&self.header.path),
                offset: self.position,
            }
        })?;
        self.header.sparse = Some(extents);
        self.begin_entry(visitor)
    }

    fn framing(&mut self, bytes: usize) {
        self.position += bytes as u64;
        self.totals.framing += bytes as u64;
    }

    fn warn_claimed<V: Visitor>(&self, is_body: bool, visitor: &mut V) {
        let (code, message) = if is_body {
            (
                WarningCode::BodySkipped,
                "a link, directory or device with a body, which was skipped",
            )
        } else {
            (
                WarningCode::SizeIgnored,
                "a link, directory or device with a size, which was ignored",
            )
        };
        warn(visitor, code, &self.header.path, message);
    }

    fn warn_dangling<V: Visitor>(&mut self, visitor: &mut V) {
        if !self.pending.is_empty() {
            self.pending = Pending::default();
            warn(
                visitor,
                WarningCode::ExtensionWithoutEntry,
                &[],
                "an extension header with no entry after it",
            );
        }
    }

    fn truncated(&self, part: &'static str) -> TarError {
        TarError::Truncated {
            part,
            path: shown(&self.header.path),
            offset: self.position,
        }
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

fn after_body(size: u64) -> State {
    match padding_of(size) {
        0 => State::Header,
        left => State::Padding { left },
    }
}
