//! Writes one new layer: directories from the first reading, everything else from a second one.
//!
//! Layers are streamed one after the other, base first, because the output is one stream; decompression runs
//! ahead in its own thread and compression in several, so that all cores work. Headers go out byte for byte
//! where they can (rule 15a).

use std::io::{self, Write};

use super::change::apply;
use super::{Options, RewriteError};
use crate::codec::{self, Encoder, Encoding};
use crate::content::{ContentMap, EntryId};
use crate::image::Image;
use crate::layer::{self, Kind, LayerError, Member, Role, Stop};
use crate::oci::{Algorithm, DiffId, Digest, Hasher};
use crate::plan::{self, Action, NewLayer, Plan};
use crate::progress::Stage;
use crate::store::{BlobWriter, Store};
use crate::tar;

/// A layer as staged.
pub(super) struct Layer {
    /// Hash of the blob.
    pub(super) digest: Digest,
    /// Bytes of the blob.
    pub(super) size: u64,
    /// Hash of the uncompressed tar.
    pub(super) diff_id: DiffId,
}

/// Writes `layer` into `store`.
pub(super) fn write(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    layer: &NewLayer,
    store: &Store,
    encoding: Encoding,
    options: &Options<'_>,
) -> Result<Layer, RewriteError> {
    let mut out = Output::new(store, encoding, options)?;
    write_directories(map, layer, &mut out, image).map_err(RewriteError::Write)?;
    for &index in layer.layers() {
        out = copy_layer(image, map, plan, layer, index, out, options)?;
    }
    out.write(&tar::END).map_err(RewriteError::Write)?;
    out.finish()
}

/// Stores a layer's tar as it is, for a medium that has none of its own form to give.
pub(super) fn transcode(
    image: &Image,
    index: usize,
    store: &Store,
    encoding: Encoding,
    options: &Options<'_>,
) -> Result<Layer, RewriteError> {
    let mut out = Output::new(store, encoding, options)?;
    let mut failed = None;
    let streamed = layer::stream(
        image,
        index,
        Stage::Write,
        options.progress,
        &options.limits,
        Stop::when(options.stop),
        &mut |bytes| {
            out.write(bytes).map_err(|error| {
                failed = Some(error);
                LayerError::Cancelled
            })
        },
    );
    if let Some(error) = failed {
        return Err(RewriteError::Write(error));
    }
    streamed?;
    out.finish()
}

/// Directories first, sorted by bytes (rule 15b), then what hides the layers below; a directory that no layer names
/// is 755, 0:0 and as old as the image. A time before 1970, such as Go's zero time for "not known", is 1970, as
/// engines make it when they unpack.
fn write_directories(map: &ContentMap, layer: &NewLayer, out: &mut Output, image: &Image) -> io::Result<()> {
    let made = tar::Time {
        secs: image.config.created_secs().unwrap_or(0).max(0),
        nanos: 0,
    };
    let mut blocks = Vec::new();
    for (node, entry) in &layer.directories {
        if let Some(header) = entry.and_then(|id| map.directory_header(id)) {
            out.write(&header)?;
        } else {
            blocks.clear();
            tar::write_header(
                &mut blocks,
                &tar::Header::directory(&map.tree().path(*node), 0o755, made),
            );
            out.write(&blocks)?;
        }
    }
    let opaques = layer.opaques.iter().map(|&node| plan::opaque_path(map, node));
    let whiteouts = layer.whiteouts.iter().map(|&node| plan::whiteout_path(map, node));
    for path in opaques.chain(whiteouts) {
        let mut marker = plan::marker(&path);
        marker.mtime = made;
        blocks.clear();
        tar::write_header(&mut blocks, &marker);
        out.write(&blocks)?;
    }
    Ok(())
}

/// Streams layer `index` once more and writes what the new layer takes from it.
fn copy_layer(
    image: &Image,
    map: &ContentMap,
    plan: &Plan,
    layer: &NewLayer,
    index: usize,
    out: Output,
    options: &Options<'_>,
) -> Result<Output, RewriteError> {
    let ids = map.layer_ids(index);
    let (member, current, scratch) = (Member::default(), Current::default(), Vec::new());
    let mut copier = Copier {
        map,
        plan,
        layer,
        out,
        ids,
        member,
        current,
        scratch,
    };
    let mut reader = tar::Reader::new(options.limits);
    let mut failed = None;
    let streamed = layer::stream(
        image,
        index,
        Stage::Write,
        options.progress,
        &options.limits,
        Stop::when(options.stop),
        &mut |bytes| {
            reader.feed(bytes, &mut copier).map_err(|error| {
                failed = Some(error);
                LayerError::Cancelled
            })
        },
    );
    let failure = |failed| match failed {
        Failed::Write(error) => RewriteError::Write(error),
        Failed::Unplanned(path) => RewriteError::Unplanned(path),
        Failed::Tar | Failed::Changed => RewriteError::Changed(index),
    };
    if let Some(failed) = failed {
        return Err(failure(failed));
    }
    streamed?;
    reader.finish(&mut copier).map_err(failure)?;
    if !copier.ids.is_empty() {
        return Err(RewriteError::Changed(index));
    }
    Ok(copier.out)
}

/// The tar as it is written: hashed, compressed, stored.
struct Output {
    encoder: Encoder<BlobWriter>,
    hasher: Hasher,
}

impl Output {
    fn new(store: &Store, encoding: Encoding, options: &Options<'_>) -> Result<Self, RewriteError> {
        Ok(Self {
            encoder: codec::encoder(store.writer()?, encoding, options.threads),
            hasher: Hasher::new(Algorithm::Sha256),
        })
    }

    fn finish(self) -> Result<Layer, RewriteError> {
        let diff_id = DiffId(self.hasher.finish());
        let blob = self.encoder.finish().map_err(RewriteError::Write)?;
        let (digest, size) = blob.commit()?;
        Ok(Layer {
            digest,
            size,
            diff_id,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.encoder.write_all(bytes)
    }
}

/// Copies what survives of one layer.
struct Copier<'a> {
    map: &'a ContentMap,
    plan: &'a Plan,
    layer: &'a NewLayer,
    out: Output,
    /// The entries that the next content members are.
    ids: std::ops::Range<u32>,
    member: Member,
    current: Current,
    scratch: Vec<u8>,
}

#[derive(Default)]
struct Current {
    is_written: bool,
    sparse: Option<Vec<tar::Extent>>,
    logical: u64,
    written: u64,
    extent: usize,
    /// Links to be written behind the body.
    behind: Vec<tar::Header>,
    /// Of a file that changes.
    changing: Option<Changing>,
}

/// A file whose body is collected, because what is written is another one.
struct Changing {
    carrier: EntryId,
    /// As it is written, but for the size.
    header: tar::Header,
    body: Vec<u8>,
}

enum Failed {
    Write(io::Error),
    Tar,
    Changed,
    /// The path of a file that did not become what was planned.
    Unplanned(String),
}

impl From<tar::TarError> for Failed {
    fn from(_: tar::TarError) -> Self {
        Self::Tar
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl tar::Visitor for Copier<'_> {
    type Error = Failed;

    fn entry(&mut self, header: &tar::Header) -> Result<(), Failed> {
        self.current.is_written = false;
        if self.member.role(header) != Role::Content {
            return Ok(());
        }
        let id = self.ids.next().map(EntryId).ok_or(Failed::Changed)?;
        if Kind::of(header.kind) != self.map.entry(id).kind {
            return Err(Failed::Changed);
        }
        if Kind::of(header.kind) == Kind::Directory {
            return Ok(());
        }
        // Its name may lead through a symlink of its own layer: the first reading knows.
        let node = self.map.entry(id).node;
        self.map.tree().write_path(node, &mut self.member.path);
        match self.layer.action(id) {
            Action::Skip => return Ok(()),
            Action::Write if self.plan.change(id).is_some() => self.collect(header, id, id),
            Action::WriteAs(name) if self.plan.change(id).is_some() => self.collect(header, id, name),
            Action::Write => {
                self.out
                    .write(layer::output_blocks(header, &self.member.path, &mut self.scratch))?;
            }
            Action::WriteAs(name) => {
                let mut renamed = header.clone();
                renamed.rename(&self.map.path(name));
                self.write_made(&renamed)?;
            }
            Action::Link(target) => self.write_link(header, target)?,
        }
        self.begin_body(header, id);
        Ok(())
    }

    fn body(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        if !self.current.is_written {
            return Ok(());
        }
        let mut changing = self.current.changing.take();
        let mut at = expansion(&mut self.current);
        let Some(collected) = &mut changing else {
            return pour(|sink| layer::expand(&mut at, bytes, sink), &mut self.out);
        };
        layer::expand(&mut at, bytes, &mut |bytes| {
            collected.body.extend_from_slice(bytes);
        });
        self.current.changing = changing;
        Ok(())
    }

    fn end_entry(&mut self) -> Result<(), Failed> {
        if !self.current.is_written {
            return Ok(());
        }
        self.current.is_written = false;
        if let Some(changing) = self.current.changing.take() {
            self.write_changed(changing)?;
        } else {
            let (mut at, out) = (expansion(&mut self.current), &mut self.out);
            pour(|sink| layer::expand_tail(&mut at, sink), out)?;
            self.out.write(&[0; 512][..tar::padding(self.current.written)])?;
        }
        for header in std::mem::take(&mut self.current.behind) {
            self.write_made(&header)?;
        }
        Ok(())
    }

    fn warning(&mut self, _: tar::Warning) {}
}

impl Copier<'_> {
    /// The file that begins changes: its body is needed before its header can be written.
    fn collect(&mut self, header: &tar::Header, carrier: EntryId, name: EntryId) {
        let mut header = header.clone();
        header.rename(&self.map.path(name));
        let body = Vec::new();
        self.current.changing = Some(Changing {
            carrier,
            header,
            body,
        });
    }

    fn write_changed(&mut self, changing: Changing) -> Result<(), Failed> {
        let Changing {
            carrier,
            mut header,
            mut body,
        } = changing;
        let mut at = expansion(&mut self.current);
        layer::expand_tail(&mut at, &mut |bytes| body.extend_from_slice(bytes));
        let change = self.plan.change(carrier).ok_or(Failed::Changed)?;
        let unplanned = || Failed::Unplanned(String::from_utf8_lossy(&self.map.path(carrier)).into_owned());
        if Digest::of(&body) != change.old_digest {
            return Err(unplanned());
        }
        let new = apply(&change.kind, &body).ok_or_else(unplanned)?;
        if Digest::of(&new) != change.new_digest {
            return Err(unplanned());
        }
        (header.size, header.logical_size) = (new.len() as u64, new.len() as u64);
        header.sparse = None;
        self.write_made(&header)?;
        self.out.write(&new)?;
        Ok(self.out.write(&[0; 512][..tar::padding(new.len() as u64)])?)
    }

    fn begin_body(&mut self, header: &tar::Header, id: EntryId) {
        let has_body = Kind::of(header.kind) == Kind::File;
        self.current.is_written = true;
        self.current.sparse = header.sparse.clone().filter(|_| has_body);
        self.current.logical = if has_body { header.logical_size } else { 0 };
        (self.current.written, self.current.extent) = (0, 0);
        let links = self.layer.behind(id).iter();
        self.current.behind = links.map(|&link| self.link_header(header, link, id)).collect();
    }

    /// A link of the inode that `header` carries: it shares everything but the name.
    fn link_header(&self, header: &tar::Header, link: EntryId, carrier: EntryId) -> tar::Header {
        let first = match self.layer.action(carrier) {
            Action::WriteAs(name) => name,
            _ => carrier,
        };
        let mut made = header.clone();
        made.kind = tar::Kind::HardLink;
        (made.size, made.logical_size, made.sparse) = (0, 0, None);
        made.rename(&self.map.path(link));
        made.relink(&self.map.path(first));
        made
    }

    /// A hard link, as it was where it already names its target plainly.
    fn write_link(&mut self, header: &tar::Header, target: EntryId) -> io::Result<()> {
        let target = self.map.path(target);
        let name = header.link.strip_prefix(b"./").unwrap_or(&header.link);
        if name == target {
            return self
                .out
                .write(layer::output_blocks(header, &self.member.path, &mut self.scratch));
        }
        let mut made = header.clone();
        made.rename(&self.member.path);
        made.relink(&target);
        self.write_made(&made)
    }

    fn write_made(&mut self, header: &tar::Header) -> io::Result<()> {
        self.scratch.clear();
        tar::write_header(&mut self.scratch, header);
        self.out.write(&self.scratch)
    }
}

fn expansion(current: &mut Current) -> layer::Expansion<'_> {
    layer::Expansion {
        sparse: current.sparse.as_deref(),
        logical: current.logical,
        written: &mut current.written,
        extent: &mut current.extent,
    }
}

/// Writes what `expand` gives, and keeps the first error.
fn pour(expand: impl FnOnce(&mut dyn FnMut(&[u8])), out: &mut Output) -> Result<(), Failed> {
    let mut result = Ok(());
    expand(&mut |bytes| {
        if result.is_ok() {
            result = out.write(bytes);
        }
    });
    result.map_err(Failed::Write)
}
