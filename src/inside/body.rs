//! The content of one file, from the layer that holds it: the beginning of it, or all.
//!
//! Of its own because it is what a viewer asks for on every key: it reads no further than it must, and holds no more
//! than it was told to.

use std::io;
use std::ops::ControlFlow;

use super::pass::{self, Checked, Taker, Want};
use super::{InsideError, Source, shown};
use crate::content::EntryId;
use crate::layer::Kind;
use crate::tar;

static ZEROS: [u8; 65536] = [0; 65536];

/// The content of a file, or the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The bytes; holes of sparse files are zeros.
    pub bytes: Vec<u8>,
    /// Bytes of the whole file.
    pub total: u64,
    /// The layer that holds it, which is that of the inode.
    pub layer: usize,
    /// Whether that layer was checked again.
    pub checked: Checked,
}

impl Body {
    /// Whether there is more of the file than was read.
    pub fn is_cut(&self) -> bool {
        (self.bytes.len() as u64) < self.total
    }
}

/// The first bytes of a file, `most` of them where it has as many. `id` may be any entry of it, also a hard link.
///
/// Fails with [`InsideError::NoFile`] for what is no file.
pub fn read(source: &Source<'_>, id: EntryId, most: usize) -> Result<Body, InsideError> {
    let mut bytes = Vec::new();
    let (total, layer, checked) = copy(source, id, most as u64, &mut |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(Body {
        bytes,
        total,
        layer,
        checked,
    })
}

/// Passes the first bytes of a file on, in order. Gives the bytes of the whole file, the layer that holds it, and
/// whether that was checked again.
pub fn copy(
    source: &Source<'_>,
    id: EntryId,
    most: u64,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(u64, usize, Checked), InsideError> {
    let map = source.map;
    let no_file = |kind| InsideError::NoFile {
        path: shown(&map.path(id)),
        kind,
    };
    let inode = map.inode(id).ok_or_else(|| no_file(Kind::HardLink))?;
    let kind = map.entry(inode).kind;
    if kind != Kind::File {
        return Err(no_file(kind));
    }
    let (total, layer) = (map.logical_size(inode), map.layer_of(inode));
    let most = most.min(total);
    if most == 0 {
        return Ok((total, layer, Checked::NotAgain));
    }
    let mut reading = Reading {
        inode,
        most,
        written: 0,
        sink,
    };
    let checked = pass::pass(source, layer, &mut reading)?;
    if reading.written < most {
        return Err(InsideError::Changed(layer));
    }
    Ok((total, layer, checked))
}

struct Reading<'a> {
    inode: EntryId,
    most: u64,
    written: u64,
    sink: &'a mut dyn FnMut(&[u8]) -> io::Result<()>,
}

impl Reading<'_> {
    /// Passes the hole before `offset` on.
    fn zeros(&mut self, offset: u64) -> Result<(), InsideError> {
        let end = offset.min(self.most);
        while self.written < end {
            let take = (end - self.written).min(ZEROS.len() as u64);
            (self.sink)(&ZEROS[..take as usize]).map_err(InsideError::Sink)?;
            self.written += take;
        }
        Ok(())
    }

    fn has_enough(&self) -> ControlFlow<()> {
        if self.written < self.most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }
}

impl Taker for Reading<'_> {
    fn entry(&mut self, id: EntryId, _: &tar::Header) -> Result<Want, InsideError> {
        Ok(if id == self.inode {
            Want::Body
        } else {
            Want::Nothing
        })
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) -> Result<ControlFlow<()>, InsideError> {
        self.zeros(offset)?;
        let left = usize::try_from(self.most - self.written).unwrap_or(usize::MAX);
        let bytes = &bytes[..bytes.len().min(left)];
        if !bytes.is_empty() {
            (self.sink)(bytes).map_err(InsideError::Sink)?;
        }
        self.written += bytes.len() as u64;
        Ok(self.has_enough())
    }

    fn end(&mut self, logical: u64) -> Result<ControlFlow<()>, InsideError> {
        self.zeros(logical)?;
        Ok(ControlFlow::Break(()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Made;
    use super::*;

    fn id(made: &Made, layer: usize, path: &str) -> EntryId {
        let node = made.map.tree().find(path.as_bytes()).unwrap();
        let mut own = made.map.entries_at(node).into_iter();
        own.find(|&id| made.map.layer_of(id) == layer).unwrap()
    }

    #[test]
    fn a_file_is_read_as_far_as_it_is_wanted() {
        let made = Made::new(&["a=hello b=world", "a=again c=>b", "d->a e="]);
        for (layer, path, most, want, total) in [
            (0, "a", 100, "hello", 5),
            (0, "b", 3, "wor", 5),
            (1, "a", 5, "again", 5),
            (1, "c", 100, "world", 5),
            (0, "a", 0, "", 5),
            (2, "e", 9, "", 0),
        ] {
            let body = read(&made.source(), id(&made, layer, path), most).unwrap();
            assert_eq!(
                String::from_utf8(body.bytes.clone()).unwrap(),
                want,
                "{layer} {path}"
            );
            assert_eq!((body.total, body.is_cut()), (total, want.len() as u64 != total));
        }
        let link = read(&made.source(), id(&made, 2, "d"), 9).unwrap_err();
        assert_eq!(link.to_string(), "/d is a symlink, which has no content");
    }

    #[test]
    fn a_sink_that_fails_ends_the_reading() {
        let made = Made::new(&["a=hello"]);
        let full = &mut |_: &[u8]| Err(io::ErrorKind::StorageFull.into());
        let error = copy(&made.source(), id(&made, 0, "a"), 9, full).unwrap_err();
        assert!(matches!(error, InsideError::Sink(_)), "{error}");
    }

    #[test]
    fn what_was_asked_to_stop_stops() {
        let made = Made::new(&["a=hello"]);
        made.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let error = read(&made.source(), id(&made, 0, "a"), 9).unwrap_err();
        assert_eq!(error.to_string(), "cancelled");
    }

    /// Another layer than the one that was read first.
    #[test]
    fn a_layer_that_changed_is_told() {
        let made = Made::new(&["a=hello"]).with_layers(&["b->hello"]);
        let error = read(&made.source(), id(&made, 0, "a"), 9).unwrap_err();
        assert_eq!(error.to_string(), "layer 0 changed between two readings");
    }
}
