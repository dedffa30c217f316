//! Copies what a new layer takes from one layer of the source.
//!
//! Apart from the layer around it because this is the one place that goes member by member: headers go out byte for byte
//! where they can (rule 15a), a file that changes is collected first, and links follow the body that they share.

use std::io;

use super::RewriteError;
use super::change::apply;
use super::new_layer::Output;
use super::second::{Entries, Failed, Source};
use crate::content::{ContentMap, EntryId};
use crate::layer::{self, Kind};
use crate::oci::Digest;
use crate::plan::{Action, NewLayer, Plan};
use crate::tar;

/// Copies what survives of one layer.
pub(super) struct Copier<'a> {
    map: &'a ContentMap,
    plan: &'a Plan,
    layer: &'a NewLayer,
    out: Output,
    /// The layer that is read.
    index: usize,
    entries: Entries<'a>,
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

impl tar::Visitor for Copier<'_> {
    type Error = Failed;

    fn entry(&mut self, header: &tar::Header) -> Result<(), Failed> {
        self.current.is_written = false;
        let Some(id) = self.entries.of(header)? else {
            return Ok(());
        };
        if Kind::of(header.kind) == Kind::Directory {
            return Ok(());
        }
        // Its name may lead through a symlink of its own layer: the first reading knows.
        let node = self.map.entry(id).node;
        self.map.tree().write_path(node, &mut self.entries.member.path);
        match self.layer.action(id) {
            Action::Skip => return Ok(()),
            Action::Write if self.plan.change(id).is_some() => self.collect(header, id, id),
            Action::WriteAs(name) if self.plan.change(id).is_some() => self.collect(header, id, name),
            Action::Write => {
                self.out.write(layer::output_blocks(
                    header,
                    &self.entries.member.path,
                    &mut self.scratch,
                ))?;
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

impl<'a> Copier<'a> {
    pub(super) fn new(
        map: &'a ContentMap,
        plan: &'a Plan,
        layer: &'a NewLayer,
        index: usize,
        out: Output,
    ) -> Self {
        Self {
            map,
            plan,
            layer,
            out,
            index,
            entries: Entries::new(map, index),
            current: Current::default(),
            scratch: Vec::new(),
        }
    }

    /// Reads the layer once more, and gives the output back.
    pub(super) fn copy(mut self, source: &Source<'_>) -> Result<Output, RewriteError> {
        source.members(self.index, &mut self)?;
        self.entries.end(self.index)?;
        Ok(self.out)
    }

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
            return self.out.write(layer::output_blocks(
                header,
                &self.entries.member.path,
                &mut self.scratch,
            ));
        }
        let mut made = header.clone();
        made.rename(&self.entries.member.path);
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
