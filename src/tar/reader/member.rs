//! What the reader does with a whole block: begin an extension header, an entry, a sparse map, or the end.
//!
//! Apart from the state machine because this half thinks in members of the archive, the other in bytes.

use std::ops::Range;

use super::{Reader, State, padding_of, skip, warn};
use crate::limits::Limit;
use crate::tar::BLOCK;
use crate::tar::block::{self, Block};
use crate::tar::error::{TarError, shown};
use crate::tar::pax;
use crate::tar::resolve::{Next, Pending, Resolver, bad_sparse};
use crate::tar::sparse::{self, BodyMap, OldBlock};
use crate::tar::visitor::Visitor;
use crate::tar::warning::WarningCode;

impl Reader {
    /// Begins what the block is the header of.
    pub(super) fn on_header<V: Visitor>(
        &mut self,
        bytes: &[u8; BLOCK],
        visitor: &mut V,
    ) -> Result<(), V::Error> {
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
            b'x' | b'g' | b'L' | b'K' => self.begin_extension(block, visitor),
            _ => self.on_entry(block, offset, visitor),
        }
    }

    fn begin_extension<V: Visitor>(&mut self, block: Block, visitor: &mut V) -> Result<(), V::Error> {
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
        let value = self.extension_bytes;
        self.limits
            .check(Limit::Extension, value)
            .map_err(|exceeded| TarError::Limit {
                exceeded,
                value,
                path: path(),
                offset,
            })?;
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
            return self.end_extension(flag, start..start, visitor);
        }
        Ok(())
    }

    /// Takes an extension's body, a range of `header.raw`, in.
    pub(super) fn end_extension<V: Visitor>(
        &mut self,
        flag: u8,
        body: Range<usize>,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
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
    fn keep_extension(&mut self, flag: u8, body: Range<usize>) {
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

    /// Takes a further block of an old GNU sparse map in.
    pub(super) fn on_old_map<V: Visitor>(
        &mut self,
        bytes: &[u8; BLOCK],
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let mut extents = self.header.sparse.take().unwrap_or_default();
        let more = sparse::take_old_block(bytes, OldBlock::Extension, &mut extents);
        let more = more.map_err(|reason| bad_sparse(reason, &self.header.path, self.position))?;
        self.header.sparse = Some(extents);
        if more { Ok(()) } else { self.begin_sparse(visitor) }
    }

    /// Takes a block of a 1.0 sparse map in, which counts as part of the body that the header claims.
    pub(super) fn on_body_map<V: Visitor>(
        &mut self,
        bytes: &[u8; BLOCK],
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let error = |reason| bad_sparse(reason, &self.header.path, self.position);
        let size = self.header.size.checked_sub(BLOCK as u64);
        self.header.size = size.ok_or_else(|| error("its map reaches past its body"))?;
        match self.map.take_block(bytes).map_err(error)? {
            Some(extents) => self.header.sparse = Some(extents),
            None => return Ok(()),
        }
        self.begin_sparse(visitor)
    }

    fn begin_sparse<V: Visitor>(&mut self, visitor: &mut V) -> Result<(), V::Error> {
        let mut extents = self.header.sparse.take().unwrap_or_default();
        sparse::check(&mut extents, self.header.logical_size, self.header.size)
            .map_err(|reason| bad_sparse(reason, &self.header.path, self.position))?;
        self.header.sparse = Some(extents);
        self.begin_entry(visitor)
    }

    /// Warns of a header-only entry with a size, now that it is known what the size meant.
    pub(super) fn warn_claimed<V: Visitor>(&self, is_body: bool, visitor: &mut V) {
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

    /// Warns of extension headers that the end of the archive left without an entry.
    pub(super) fn warn_dangling<V: Visitor>(&mut self, visitor: &mut V) {
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
}
