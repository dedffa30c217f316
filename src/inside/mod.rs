//! What an image holds, looked into: the content of one path, a file or a directory taken out, two versions compared.
//!
//! A room of its own because this alone reads layers a second time for a person and not for an image: it ends as soon as
//! it has what is wanted, it knows views of an image that are no image (what one layer holds, what is there up to a
//! layer), and it is the only place that puts what an image holds onto a disk under the names that the image has for it.
//! It may assume that the image was read before: the map says what is where, a second reading that says something else
//! is an error. Where a layer is read to its end it is checked again; else [`Checked`] says that it was not.

mod body;
mod compare;
mod extract;
pub mod hex;
mod pass;
mod sight;
#[cfg(test)]
mod testing;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

pub use body::{Body, copy, read};
pub use compare::{Difference, Hunk, Line, Sign, compare};
pub use extract::{Existing, ExtractOptions, Extracted, Owners, Skipped, extract};
pub use pass::Checked;
pub use sight::{Follow, Sight, View};

use crate::content::ContentMap;
use crate::image::Image;
use crate::layer::{Kind, LayerError, Limits};
use crate::progress::Progress;

/// Why nothing could be looked at, or taken out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InsideError {
    /// Occurs when a layer cannot be read a second time, or the work was cancelled.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// Occurs when the second reading of a layer shows other members than the first.
    #[error("layer {0} changed between two readings")]
    Changed(usize),
    /// Occurs when content is asked of what has none.
    #[error("{path} is {}, which has no content", kind_in_words(*kind))]
    NoFile {
        /// The path, escaped.
        path: String,
        /// What is there.
        kind: Kind,
    },
    /// Occurs when whoever wants the content does not take it.
    #[error("failed to pass the content on: {0}")]
    Sink(std::io::Error),
    /// Occurs when there is something already where a path is to be put.
    #[error("{} is there already; nothing was written", .0.display())]
    Exists(PathBuf),
    /// Occurs when what is taken out cannot be written: a full disk, a directory where a file is to be.
    #[error("failed to write {}: {source}", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// An image that was read, and how its layers are read again.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The image.
    pub image: &'a Image,
    /// What the first reading found.
    pub map: &'a ContentMap,
    /// What a layer may ask for.
    pub limits: Limits,
    /// Who watches.
    pub progress: &'a Progress,
    /// Set from elsewhere to end the work early, with [`LayerError::Cancelled`].
    pub stop: &'a AtomicBool,
}

/// `a directory`, `a symlink`: for sentences.
pub fn kind_in_words(kind: Kind) -> &'static str {
    match kind {
        Kind::File => "a file",
        Kind::HardLink => "a hard link",
        Kind::Symlink => "a symlink",
        Kind::CharDevice => "a character device",
        Kind::BlockDevice => "a block device",
        Kind::Directory => "a directory",
        Kind::Fifo => "a named pipe",
    }
}

/// A path of an image as messages show it.
fn shown(path: &[u8]) -> String {
    format!("/{}", String::from_utf8_lossy(path))
}
