//! The life of one path, layer by layer, as a document.
//!
//! A module of its own because it is the one document that speaks of a single path. What differs between two versions
//! is read from layers, which nothing here may: `cli` fills it in.

use serde::Serialize;

use super::model::SCHEMA_VERSION;
use super::outcome::ImageRef;
use super::{instruction, json_path};
use crate::content::{Aspect, Cause, ContentMap, Deed, EntryId, Step, Visible};
use crate::image::Image;
use crate::layer::{Kind, NodeId};

/// What every layer of an image did to one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceDocument {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The image.
    pub image: ImageRef,
    /// The path.
    pub path: String,
    /// Whether the merged image shows something there.
    pub visible: bool,
    /// Every layer, base first.
    pub layers: Vec<TraceRow>,
}

/// What one layer did to the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceRow {
    /// From 0, base first.
    pub layer: usize,
    /// The instruction as the builder wrote it into the history, without what it added; empty where it wrote none.
    pub instruction: String,
    /// `absent`, `untouched`, `added`, `modified`, `replaced` (by another kind) or `removed`.
    pub what: &'static str,
    /// Of what was modified: `content`, `perhaps-content` (not compared), `mode`, `owner`, `attributes`, `time`.
    pub changed: Vec<&'static str>,
    /// What hid what was there before, but for an entry at the path itself.
    pub cause: Option<CauseRow>,
    /// Whether the layer hides what lower layers have in this directory.
    pub opaque: bool,
    /// What the path shows after the layer; `None` where it shows nothing.
    pub shows: Option<ShownRow>,
    /// What differs from the version before; only where it was asked for, and the content is another one.
    pub difference: Option<DifferenceRow>,
}

/// What takes a path away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CauseRow {
    /// `whiteout`, `opaque` (a marker in a directory above), or `no-directory` (something else stands above).
    pub kind: &'static str,
    /// The path whose whiteout, marker or entry it is.
    pub path: String,
}

/// What a path shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShownRow {
    /// `directory`, `file`, `symlink`, `char-device`, `block-device` or `fifo`.
    pub kind: &'static str,
    /// The layer that holds its content: of a hard link, that of the file that it is a name of. `None` for a directory
    /// that no layer names.
    pub layer: Option<usize>,
    /// Bytes of its content.
    pub bytes: u64,
    /// Permissions in octal, as in `4755`; `None` for a directory that no layer names.
    pub mode: Option<String>,
    /// Owner and group, as in `0:0`; likewise.
    pub owner: Option<String>,
    /// Where a symlink leads, as written.
    pub target: Option<String>,
    /// How many names the file has in all layers.
    pub names: usize,
}

/// What differs between two versions of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DifferenceRow {
    /// The layer that holds the version before.
    pub old_layer: usize,
    /// `none`, `text` or `binary`.
    pub form: &'static str,
    /// Of text, the lines of a unified difference, with `@@` lines.
    pub lines: Vec<String>,
    /// Of what is no text, the offset of the first byte that differs.
    pub first: Option<u64>,
    /// Whether only the beginnings were compared, because the files are large.
    pub cut: bool,
}

impl TraceDocument {
    /// The life of `node`.
    pub fn new(image: &Image, map: &ContentMap, node: NodeId, life: &[Step]) -> Self {
        let steps = life.iter().enumerate();
        Self {
            schema_version: SCHEMA_VERSION,
            image: ImageRef::from(image),
            path: json_path(&map.tree().path(node)),
            visible: map.visible(node) != Visible::Nothing,
            layers: steps.map(|(layer, step)| row(layer, step, image, map)).collect(),
        }
    }
}

fn row(layer: usize, step: &Step, image: &Image, map: &ContentMap) -> TraceRow {
    let (what, changed) = match &step.deed {
        Deed::Absent => ("absent", Vec::new()),
        Deed::Untouched => ("untouched", Vec::new()),
        Deed::Added => ("added", Vec::new()),
        Deed::Modified(aspects) => ("modified", aspects.iter().map(|aspect| word(*aspect)).collect()),
        Deed::Replaced { .. } => ("replaced", Vec::new()),
        Deed::Removed => ("removed", Vec::new()),
    };
    TraceRow {
        layer,
        instruction: instruction(&image.created_by(layer)),
        what,
        changed,
        cause: step.cause.map(|cause| cause_row(cause, map)),
        opaque: step.is_opaque,
        shows: match step.after {
            Visible::Nothing => None,
            Visible::Implied => Some(ShownRow {
                kind: kind_word(Kind::Directory),
                layer: None,
                bytes: 0,
                mode: None,
                owner: None,
                target: None,
                names: 1,
            }),
            Visible::Entry(id) => map.inode(id).map(|inode| shown(inode, map)),
        },
        difference: None,
    }
}

fn word(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Content => "content",
        Aspect::PerhapsContent => "perhaps-content",
        Aspect::Mode => "mode",
        Aspect::Owner => "owner",
        Aspect::Attributes => "attributes",
        Aspect::Time => "time",
    }
}

fn cause_row(cause: Cause, map: &ContentMap) -> CauseRow {
    let (kind, node) = match cause {
        Cause::Whiteout(node) => ("whiteout", node),
        Cause::Opaque(node) => ("opaque", node),
        Cause::NoDirectory(node) => ("no-directory", node),
    };
    CauseRow {
        kind,
        path: json_path(&map.tree().path(node)),
    }
}

fn shown(inode: EntryId, map: &ContentMap) -> ShownRow {
    let entry = map.entry(inode);
    let target = || String::from_utf8_lossy(map.link(inode)).into_owned();
    ShownRow {
        kind: kind_word(entry.kind),
        layer: Some(map.layer_of(inode)),
        bytes: map.logical_size(inode),
        mode: Some(format!("{:o}", entry.mode)),
        owner: Some(format!("{}:{}", entry.uid, entry.gid)),
        target: (entry.kind == Kind::Symlink).then(target),
        names: map.names(inode).count(),
    }
}

/// The word for a kind, as in the tree of a report.
fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Directory => "directory",
        Kind::File => "file",
        Kind::HardLink => "hard-link",
        Kind::Symlink => "symlink",
        Kind::CharDevice => "char-device",
        Kind::BlockDevice => "block-device",
        Kind::Fifo => "fifo",
    }
}
