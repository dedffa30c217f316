//! What profiles mean for an image: the file that speaks for each, and what each alone would take off.
//!
//! A module of its own because the menu of profiles shows what a thread finds out, piece by piece: the files at once, the
//! bytes profile by profile. Both are what `slim plan` says of the profiles that it names.

use std::collections::BTreeMap;

use super::scene::{Examined, Scene};
use super::text::name;
use crate::plan::{Plan, Selection, evident};
use crate::profile::{Profile, Profiles};

/// What is known of every profile of the menu.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Advice(BTreeMap<String, Fit>);

/// What is known of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// Why it fits.
    pub reason: Reason,
    /// Stored bytes that go with it alone; `None` until they are counted.
    pub bytes: Option<u64>,
}

/// Why a profile fits an image, in the order of the menu.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A file speaks for it: its path, escaped.
    File(String),
    /// It is for no kind of image in particular.
    Any,
    /// It is for a kind of image that this one is not.
    Nothing,
}

impl Advice {
    /// The files that speak for the profiles; nothing where a glob of theirs cannot be compiled.
    pub fn new(scene: &Scene, profiles: &Profiles) -> Self {
        let image = scene.image();
        let found = image.and_then(|image| evident(&image.map, profiles).ok());
        let found = found.unwrap_or_default();
        let reason = |profile: &Profile| {
            let evidence = found.iter().find(|one| one.profile.name == profile.name);
            match evidence {
                Some(one) => Reason::File(name(&scene.path(one.node))),
                None if profile.evidence.is_empty() => Reason::Any,
                None => Reason::Nothing,
            }
        };
        let fit = |profile: &Profile| {
            let reason = reason(profile);
            (profile.name.clone(), Fit { reason, bytes: None })
        };
        Self(profiles.iter().map(fit).collect())
    }

    /// What is known of a profile.
    pub fn of(&self, profile: &str) -> Option<&Fit> {
        self.0.get(profile)
    }

    /// Counts what the next profile takes off, those first that fit. Whether there was one.
    pub fn count_next(&mut self, scene: &Scene, profiles: &Profiles) -> bool {
        let open = self.0.iter_mut().filter(|(_, fit)| fit.bytes.is_none());
        let Some((profile, fit)) = open.min_by(|a, b| a.1.reason.cmp(&b.1.reason)) else {
            return false;
        };
        fit.bytes = Some(bytes(scene, profiles, profile).unwrap_or(0));
        true
    }
}

/// Stored bytes that go with one profile.
fn bytes(scene: &Scene, profiles: &Profiles, profile: &str) -> Option<u64> {
    let Examined {
        map,
        attribution,
        classifier,
        ..
    } = scene.image()?;
    let selection = Selection::new(profiles.resolve(&[profile]).ok()?, Vec::new()).ok()?;
    Some(
        Plan::new(map, attribution, classifier, &selection)
            .totals(map)
            .disk_bytes,
    )
}
