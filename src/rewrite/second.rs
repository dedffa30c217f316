//! The second reading of a layer: the members of the first one, in its order, or an error.
//!
//! A module of its own because all that reads a layer once more must see the same: what is copied, what is stored in
//! another form, and what is measured for stripping. The content map knows the entries; here each member is given its own.

use std::io;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

use super::RewriteError;
use crate::content::{ContentMap, EntryId};
use crate::image::Image;
use crate::layer::{self, Kind, LayerError, Limits, Member, Role, Stop};
use crate::progress::{Progress, Stage};
use crate::tar;

/// An image whose layers are read once more.
pub(super) struct Source<'a> {
    pub(super) image: &'a Image,
    pub(super) stage: Stage,
    pub(super) progress: &'a Progress,
    pub(super) limits: Limits,
    pub(super) stop: &'a AtomicBool,
}

impl Source<'_> {
    /// Every byte of the uncompressed tar of layer `index`.
    pub(super) fn bytes(
        &self,
        index: usize,
        consume: &mut dyn FnMut(&[u8]) -> Result<(), RewriteError>,
    ) -> Result<(), RewriteError> {
        let mut failed = None;
        let streamed = layer::stream(
            self.image,
            index,
            self.stage,
            self.progress,
            &self.limits,
            Stop::when(self.stop),
            &mut |bytes| {
                consume(bytes).map_err(|error| {
                    failed = Some(error);
                    LayerError::Cancelled
                })
            },
        );
        match failed {
            Some(error) => Err(error),
            None => Ok(streamed.map(drop)?),
        }
    }

    /// Every member of layer `index`.
    pub(super) fn members(
        &self,
        index: usize,
        visitor: &mut impl tar::Visitor<Error = Failed>,
    ) -> Result<(), RewriteError> {
        let mut reader = tar::Reader::new(self.limits);
        let failure = |failed: Failed| failed.of(index);
        self.bytes(index, &mut |bytes| reader.feed(bytes, visitor).map_err(failure))?;
        reader.finish(visitor).map(drop).map_err(failure)
    }
}

/// Why a member cannot be dealt with.
pub(super) enum Failed {
    Write(io::Error),
    /// The second reading shows something else than the first.
    Changed,
    /// The path of a file that did not become what was planned.
    Unplanned(String),
}

impl Failed {
    /// As an error of layer `index`.
    pub(super) fn of(self, index: usize) -> RewriteError {
        match self {
            Self::Write(error) => RewriteError::Write(error),
            Self::Unplanned(path) => RewriteError::Unplanned(path),
            Self::Changed => RewriteError::Changed(index),
        }
    }
}

impl From<tar::TarError> for Failed {
    fn from(_: tar::TarError) -> Self {
        Self::Changed
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// The entries of a layer, each for its member.
pub(super) struct Entries<'a> {
    map: &'a ContentMap,
    ids: Range<u32>,
    /// The name of the member.
    pub(super) member: Member,
}

impl<'a> Entries<'a> {
    pub(super) fn new(map: &'a ContentMap, layer: usize) -> Self {
        Self {
            map,
            ids: map.layer_ids(layer),
            member: Member::default(),
        }
    }

    /// The entry that a member is; `None` for one that is no content.
    pub(super) fn of(&mut self, header: &tar::Header) -> Result<Option<EntryId>, Failed> {
        if self.member.role(header) != Role::Content {
            return Ok(None);
        }
        let id = self.ids.next().map(EntryId).ok_or(Failed::Changed)?;
        let is_it = Kind::of(header.kind) == self.map.entry(id).kind;
        if is_it { Ok(Some(id)) } else { Err(Failed::Changed) }
    }

    /// Whether every entry had its member.
    pub(super) fn end(&self, layer: usize) -> Result<(), RewriteError> {
        if self.ids.is_empty() {
            Ok(())
        } else {
            Err(RewriteError::Changed(layer))
        }
    }
}
