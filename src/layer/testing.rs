//! Layers of images in memory, read as for a document, for the tests of the floors above.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use super::{Changeset, Detail, Limits, ReadOptions};
use crate::image::Image;
use crate::progress::{Progress, Stage};

/// What each layer holds, base first; in the detail that sums need, one after the other.
pub(crate) fn read(image: &Image) -> Vec<Changeset> {
    let options = ReadOptions {
        threads: NonZeroUsize::MIN,
        detail: Detail::Facts,
        cache: None,
        progress: &Progress::none(),
        stage: Stage::Read,
        limits: Limits::default(),
        stop: &AtomicBool::new(false),
    };
    super::read(image, &options).unwrap()
}
