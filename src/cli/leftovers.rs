//! `--leftovers`: where what was removed is kept.
//!
//! A module of its own because the leftovers are written beside the image, and before it: an image that was promised to be
//! reversible is not published without them.

use super::exit::{Code, Failure};
use super::session::Session;
use crate::image::{Image, ImageIndex};
use crate::oci::{Digest, Reference};
use crate::transport::{Target, Written};

/// Where leftovers go.
pub(super) struct Keeping {
    target: Target,
    /// In a registry: the repository alone was named, where they are found by what they refer to.
    is_untagged: bool,
}

impl Keeping {
    /// Reads the flag's value; `image` is where the slim image goes.
    pub(super) fn parse(text: &str, image: &Target) -> Result<Self, Failure> {
        let target = Target::parse(text).map_err(Failure::writing)?;
        if matches!(target, Target::DockerArchive { .. } | Target::Engine { .. }) {
            return Err(Failure::usage(format!(
                "--leftovers {text}: docker archives and engines cannot say whose leftovers they hold; use oci-archive:PATH or oci:DIRECTORY"
            )));
        }
        let is_untagged = matches!(&target, Target::Registry(reference)
            if reference.digest.is_none() && !text.ends_with(":latest") && reference.tag.as_deref() == Some("latest"));
        if !is_untagged && is_one_place(&target, image) {
            return Err(Failure::usage(format!(
                "--leftovers {text}: the slim image goes there; name another tag or path"
            )));
        }
        Ok(Self { target, is_untagged })
    }

    /// Writes the leftovers of each platform: of one image an image, of an index an index.
    pub(super) fn write(
        &self,
        leftovers: &[Image],
        session: &Session,
        lender: Option<&Reference>,
    ) -> Result<Option<Written>, Failure> {
        match leftovers {
            [] => {
                session.note("nothing was removed: there are no leftovers to keep");
                Ok(None)
            }
            [one] => {
                let target = self.of(one.digest());
                session.write(one, &target, lender).map(Some)
            }
            several => {
                let index = ImageIndex::of(several).map_err(|error| Failure::new(Code::Write, error))?;
                let target = self.of(Some(index.digest()));
                session.write_index(&index, &target, lender).map(Some)
            }
        }
    }

    /// The target, by digest where no tag was named.
    fn of(&self, digest: Option<&Digest>) -> Target {
        match &self.target {
            Target::Registry(reference) if self.is_untagged => Target::Registry(Reference {
                tag: None,
                digest: digest.cloned(),
                ..reference.clone()
            }),
            target => target.clone(),
        }
    }
}

/// Whether what is written to one is lost when the other is written.
fn is_one_place(a: &Target, b: &Target) -> bool {
    let file = |target: &Target| match target {
        Target::OciArchive { path, .. } | Target::DockerArchive { path, .. } => Some(path.clone()),
        _ => None,
    };
    a == b || (file(a).is_some() && file(a) == file(b))
}
