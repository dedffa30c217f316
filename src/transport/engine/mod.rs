//! `docker-daemon:`: the images of an engine, Docker's or Podman's, over its API.
//!
//! An engine gives an image as the archive of `docker save` and takes it as that of `docker load`: both halves are the
//! docker archive's, over a connection instead of a file. What an engine exports is in no order that anybody may rely
//! on, so documents are known only when all of it has gone past.

mod address;
mod api;
mod error;
mod failure;
mod find;
mod load;
mod near;

pub use address::{Address, Tls, Trust};
pub use api::Engine;
pub use error::EngineError;
pub use find::{Surroundings, find};
pub(super) use load::write;

use super::error::shown;
use super::{Opened, ReadOptions, TransportError, docker_archive, passing, spool};
use crate::image::ImageName;
use crate::oci::Reference;

/// The transport's word, as in containers-transports(5).
pub(super) const TRANSPORT: &str = "docker-daemon";

/// Finds the image that `name` names: a name with or without a tag or a digest, or an id.
pub(super) fn open(name: &str, options: &ReadOptions<'_>) -> Result<Opened, TransportError> {
    let engine = of(options.engine, name)?;
    let found = engine.inspect(name)?;
    let place = format!("{TRANSPORT}:{}", shown(name));
    let export = engine.export(&found.id, options.platform)?;
    let members = match options.look {
        Some(look) => passing::members(export, &place, look, options)?,
        None => spool::stream(export, &place, Some(found.size), options)?,
    };
    let wanted = found.id.strip_prefix("sha256:").unwrap_or(&found.id);
    let is_listed = members.has(&format!("blobs/sha256/{wanted}"));
    let name = ImageName {
        transport: TRANSPORT,
        reference: format!("{TRANSPORT}:{name}"),
    };
    let opened = docker_archive::from_members(members, name, None, options)?;
    let id = opened.image.config.id();
    if id.0.hex() != wanted && !is_listed {
        return Err(TransportError::Damaged {
            what: place,
            reason: format!("the engine was asked for {} and gave {id}", shown(&found.id)),
        });
    }
    Ok(opened)
}

impl Engine {
    /// The name under which the engine has an image, normalised: the tag that was asked for, else the only one. `None`
    /// where it has none, or several of which none was asked for.
    pub fn reference_of(&self, name: &str) -> Result<Option<Reference>, EngineError> {
        let found = self.inspect(name)?;
        let tags: Vec<Reference> = found.tags().iter().filter_map(|tag| tag.parse().ok()).collect();
        let asked = name.parse::<Reference>().ok();
        // Podman calls `app` what it keeps as `localhost/app`.
        let is_asked = |tag: &&Reference| {
            let short = tag.repository.strip_prefix("library/").unwrap_or(&tag.repository);
            let tag_name = format!("{short}:{}", tag.identifier());
            asked.as_ref() == Some(*tag) || name == tag_name || format!("{name}:latest") == tag_name
        };
        let exact = tags.iter().find(is_asked).cloned();
        Ok(exact.or_else(|| match tags.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        }))
    }
}

/// The engine, where there is one to speak to.
fn of<'a>(engine: Option<&'a Engine>, name: &str) -> Result<&'a Engine, TransportError> {
    engine.ok_or_else(|| super::no_engines(name))
}
