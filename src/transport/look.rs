//! Who looks at layers that stream past once, before their image is known.
//!
//! A module of its own because a medium knows archives and nothing of what layers mean: what is learnt of them is for
//! the floors above, and handed in.

use std::error::Error;
use std::io::Read;

use crate::oci::DiffId;

/// Why who looked on could not go on.
pub type LookError = Box<dyn Error + Send + Sync>;

/// Looks at layers while they stream past.
pub trait LookOn: Send + Sync {
    /// Takes the bytes of the `number`-th layer, as stored, whose member is called `name`. Gives the hash of its
    /// uncompressed tar; `None` where it was not looked at.
    fn layer(
        &self,
        number: usize,
        name: &str,
        bytes: &mut (dyn Read + Send),
    ) -> Result<Option<DiffId>, LookError>;
}

/// Looks at nothing: for who wants the documents of an image alone.
#[derive(Debug, Clone, Copy)]
pub struct Unseen;

impl LookOn for Unseen {
    fn layer(&self, _: usize, _: &str, _: &mut (dyn Read + Send)) -> Result<Option<DiffId>, LookError> {
        Ok(None)
    }
}
