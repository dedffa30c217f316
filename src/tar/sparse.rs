//! Sparse maps: where the stored bytes of a sparse file belong.
//!
//! Of its own because GNU tar has written them in four ways: in the header block and blocks after it (old GNU),
//! in PAX records (0.0 and 0.1), and in front of the body (1.0). All end in the same checked list of extents.
//! GNU tar manual, "Storing Sparse Files".

use super::BLOCK;
use super::block;
use super::header::Extent;
use super::pax::{self, SparseFields};

/// Pieces of one file at most: no file system has more, and a map is kept while its file is read.
const MAX_PIECES: usize = 1 << 20;
/// Why a map is refused that has more.
const TOO_MANY: &str = "its map has more than 1,048,576 pieces";

/// Which encoding the PAX records of an entry announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PaxFormat {
    /// 0.0 or 0.1: the map is in the records.
    InRecords,
    /// 1.0: the map stands before the body.
    InBody,
    /// A version nobody defined, or no map: an ordinary file.
    Unknown,
}

/// The encoding, by the rules of Go: explicit versions count, else a map means 0.x.
pub(super) fn pax_format(fields: &SparseFields) -> PaxFormat {
    match (fields.major, fields.minor) {
        (Some(b"0"), Some(b"0" | b"1")) => PaxFormat::InRecords,
        (Some(b"1"), Some(b"0")) => PaxFormat::InBody,
        (None, None) if fields.map.is_some() || !fields.pairs.is_empty() => PaxFormat::InRecords,
        _ => PaxFormat::Unknown,
    }
}

/// The map of formats 0.0 and 0.1.
pub(super) fn from_records(fields: &SparseFields) -> Result<Vec<Extent>, &'static str> {
    let count = fields
        .blocks
        .and_then(pax::decimal)
        .ok_or("no number of blocks")?;
    if count > MAX_PIECES as u64 {
        return Err(TOO_MANY);
    }
    let mut values = if fields.pairs.is_empty() {
        fields
            .map
            .map(|map| map.split(|&byte| byte == b',').collect())
            .unwrap_or_default()
    } else {
        fields.pairs.clone()
    };
    if values == [b""] {
        values.clear();
    }
    if values.len() as u64 != 2 * count {
        return Err("the number of blocks is not that of the map");
    }
    let number = |text| pax::decimal(text).ok_or("the map holds something else than numbers");
    values
        .chunks_exact(2)
        .map(|pair| {
            Ok(Extent {
                offset: number(pair[0])?,
                len: number(pair[1])?,
            })
        })
        .collect()
}

/// The part of a map that one old GNU block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldBlock {
    /// The header block itself: four slots.
    Header,
    /// A block after it: 21 slots.
    Extension,
}

/// Takes the slots of an old GNU block in. Returns whether another block of the map follows.
pub(super) fn take_old_block(
    bytes: &[u8; BLOCK],
    which: OldBlock,
    extents: &mut Vec<Extent>,
) -> Result<bool, &'static str> {
    const SLOT: usize = 24;
    let (slots, more) = match which {
        OldBlock::Header => (&bytes[386..482], bytes[482]),
        OldBlock::Extension => (&bytes[..504], bytes[504]),
    };
    for slot in slots.chunks_exact(SLOT).take_while(|slot| slot[0] != 0) {
        let number = |field| {
            let value = block::number(field).and_then(|value| u64::try_from(value).ok());
            value.ok_or("the map holds something else than numbers")
        };
        if extents.len() >= MAX_PIECES {
            return Err(TOO_MANY);
        }
        extents.push(Extent {
            offset: number(&slot[..12])?,
            len: number(&slot[12..])?,
        });
    }
    Ok(more != 0)
}

/// The map of format 1.0 while its blocks come in: lines of decimal numbers, first how many pairs there are.
#[derive(Debug, Default)]
pub(super) struct BodyMap {
    /// The number being read, and whether it has digits yet.
    number: u64,
    digits: u32,
    /// Pairs that are still to come; `None` before the first line was read.
    left: Option<u64>,
    offset: Option<u64>,
    extents: Vec<Extent>,
}

impl BodyMap {
    /// Takes one block in. Returns the map when it is complete; the rest of the block is padding.
    pub(super) fn take_block(&mut self, bytes: &[u8; BLOCK]) -> Result<Option<Vec<Extent>>, &'static str> {
        for &byte in bytes {
            if byte == b'\n' {
                if self.line()? {
                    return Ok(Some(std::mem::take(&mut self.extents)));
                }
            } else {
                self.digit(byte)?;
            }
        }
        Ok(None)
    }

    fn digit(&mut self, byte: u8) -> Result<(), &'static str> {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10);
        let value = digit.and_then(|digit| self.number.checked_mul(10)?.checked_add(u64::from(digit)));
        self.number = value.ok_or("the map holds something else than numbers")?;
        self.digits += 1;
        if self.digits > 20 {
            return Err("a number in the map is too long");
        }
        Ok(())
    }

    /// Ends a line. Returns whether it was the map's last.
    fn line(&mut self) -> Result<bool, &'static str> {
        if self.digits == 0 {
            return Err("the map has an empty line");
        }
        let value = std::mem::take(&mut self.number);
        self.digits = 0;
        match (self.left, self.offset.take()) {
            (None, _) if value > MAX_PIECES as u64 => return Err(TOO_MANY),
            (None, _) => self.left = Some(value),
            (Some(_), None) => self.offset = Some(value),
            (Some(left), Some(offset)) => {
                self.extents.push(Extent { offset, len: value });
                self.left = Some(left - 1);
            }
        }
        Ok(self.left == Some(0))
    }
}

/// Checks a map against the file's expanded size and its stored bytes, and drops its empty extents.
pub(super) fn check(extents: &mut Vec<Extent>, logical: u64, stored: u64) -> Result<(), &'static str> {
    let mut end = 0;
    let mut sum = 0;
    for extent in extents.iter() {
        let next = extent
            .offset
            .checked_add(extent.len)
            .filter(|end| *end <= logical);
        let next = next.ok_or("its map reaches past its end")?;
        if extent.offset < end {
            return Err("its map overlaps or is out of order");
        }
        end = next;
        sum += extent.len;
    }
    if sum != stored {
        return Err("its map does not account for its stored bytes");
    }
    extents.retain(|extent| extent.len > 0);
    Ok(())
}
