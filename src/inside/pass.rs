//! A layer read once more, as far as somebody wants: each member with the entry that it is.
//!
//! Of its own because reading one file and extracting many differ only in who takes what comes. Members are told by
//! their order, as the first reading kept it; sparse files come as pieces with their places.

use std::ops::{ControlFlow, Range};

use super::{InsideError, Source};
use crate::content::EntryId;
use crate::layer::{self, Kind, LayerError, Member, Role, Stop};
use crate::progress::Stage;
use crate::tar;

/// How far what was read is known to be what the image's documents say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// The layer was read to its end: its size, digest and diff id are right.
    Whole,
    /// Reading ended before the layer did: it was checked when the image was read first, and not this time.
    NotAgain,
}

/// Whether the body of a member is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Body,
    Nothing,
}

/// Takes what a layer holds. `Break` ends the reading.
pub(super) trait Taker {
    /// A member that is content.
    fn entry(&mut self, id: EntryId, header: &tar::Header) -> Result<Want, InsideError>;
    /// Bytes of a wanted body, ascending, at their place in the file; what no call speaks of is zeros.
    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<ControlFlow<()>, InsideError>;
    /// The end of a wanted body; `logical` is the size of the file in bytes.
    fn end(&mut self, logical: u64) -> Result<ControlFlow<()>, InsideError>;
}

/// Reads layer `index` until its end, or until the taker has enough.
pub(super) fn pass(
    source: &Source<'_>,
    index: usize,
    taker: &mut impl Taker,
) -> Result<Checked, InsideError> {
    let mut visitor = Visitor {
        source,
        ids: source.map.layer_ids(index),
        member: Member::default(),
        taker,
        body: None,
    };
    let mut reader = tar::Reader::new(source.limits);
    let mut halted = None;
    let streamed = layer::stream(
        source.image,
        index,
        Stage::Read,
        source.progress,
        &source.limits,
        Stop::when(source.stop),
        &mut |bytes| {
            reader.feed(bytes, &mut visitor).map_err(|halt| {
                halted = Some(halt);
                LayerError::Cancelled
            })
        },
    );
    match (halted, streamed) {
        (Some(halt), _) => halt.of(index).map(|()| Checked::NotAgain),
        (None, Err(error)) => Err(error.into()),
        (None, Ok(_)) => match reader.finish(&mut visitor) {
            Ok(_) if visitor.ids.is_empty() => Ok(Checked::Whole),
            Ok(_) => Err(InsideError::Changed(index)),
            Err(halt) => halt.of(index).map(|()| Checked::Whole),
        },
    }
}

/// Why the reader is told to stop.
enum Halt {
    /// The taker has enough.
    Enough,
    /// The second reading shows something else than the first.
    Changed,
    Failed(InsideError),
}

impl Halt {
    fn of(self, layer: usize) -> Result<(), InsideError> {
        match self {
            Self::Enough => Ok(()),
            Self::Changed => Err(InsideError::Changed(layer)),
            Self::Failed(error) => Err(error),
        }
    }
}

impl From<tar::TarError> for Halt {
    fn from(_: tar::TarError) -> Self {
        Self::Changed
    }
}

impl From<InsideError> for Halt {
    fn from(error: InsideError) -> Self {
        Self::Failed(error)
    }
}

struct Visitor<'a, T> {
    source: &'a Source<'a>,
    /// Entries whose members are still to come.
    ids: Range<u32>,
    member: Member,
    taker: &'a mut T,
    /// Where the wanted body stands.
    body: Option<Place>,
}

/// Where the next stored byte of a body belongs.
struct Place {
    extents: Vec<tar::Extent>,
    /// The extent that it belongs to.
    extent: usize,
    /// Bytes of that extent that were read.
    read: u64,
    logical: u64,
}

impl<T: Taker> tar::Visitor for Visitor<'_, T> {
    type Error = Halt;

    fn entry(&mut self, header: &tar::Header) -> Result<(), Halt> {
        self.body = None;
        if self.member.role(header) != Role::Content {
            return Ok(());
        }
        let id = self.ids.next().map(EntryId).ok_or(Halt::Changed)?;
        let kind = Kind::of(header.kind);
        if kind != self.source.map.entry(id).kind {
            return Err(Halt::Changed);
        }
        if self.taker.entry(id, header)? == Want::Body && kind == Kind::File {
            self.body = Some(Place::new(header));
        }
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Halt> {
        let Some(place) = &mut self.body else {
            return Ok(());
        };
        let mut rest = bytes;
        while let Some((offset, piece)) = place.next(&mut rest) {
            if self.taker.data(offset, piece)?.is_break() {
                return Err(Halt::Enough);
            }
        }
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), Halt> {
        match self.body.take() {
            Some(place) if self.taker.end(place.logical)?.is_break() => Err(Halt::Enough),
            _ => Ok(()),
        }
    }

    fn warning(&mut self, _: tar::Warning) {}
}

impl Place {
    fn new(header: &tar::Header) -> Self {
        let whole = tar::Extent {
            offset: 0,
            len: header.size,
        };
        Self {
            extents: header.sparse.clone().unwrap_or_else(|| vec![whole]),
            extent: 0,
            read: 0,
            logical: header.logical_size,
        }
    }

    /// Takes as many of the stored bytes as lie beside each other in the file.
    fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<(u64, &'b [u8])> {
        if bytes.is_empty() {
            return None;
        }
        let extent = *self.extents.get(self.extent)?;
        let left = extent.len - self.read;
        let (piece, rest) =
            bytes.split_at(usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len())));
        let offset = extent.offset + self.read;
        self.read += piece.len() as u64;
        if self.read == extent.len {
            (self.extent, self.read) = (self.extent + 1, 0);
        }
        *bytes = rest;
        Some((offset, piece))
    }
}
