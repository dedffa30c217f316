//! What becomes of the content of a file that changes.
//!
//! Apart from the writer of layers so that one place says it for whatever kind of change a plan may hold.

use std::borrow::Cow;

use crate::plan::ChangeKind;
use crate::transform;

/// The new content; `None` where it cannot be made, so that the file is not the one that was planned for.
pub(super) fn apply<'a>(kind: &'a ChangeKind, old: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    match kind {
        ChangeKind::PackageRows(new) => Some(Cow::Borrowed(new)),
        ChangeKind::Strip => transform::strip(old).ok().map(Cow::Owned),
    }
}
