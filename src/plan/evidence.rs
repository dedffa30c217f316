//! Which profiles an image gives reason for: a profile names files that only images of its kind have.
//!
//! A module of its own because it is the one thing here that is asked before anything is selected.

use globset::{Candidate, GlobSetBuilder};

use crate::content::ContentMap;
use crate::layer::{Kind, NodeId};
use crate::profile::{Profile, Profiles};

/// A profile, and the file that speaks for it.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// The first visible path, in entry order, that one of its globs matches.
    pub node: NodeId,
}

/// The profiles that the image has evidence for, in the order of [`Profiles::iter`]. Fails only where a glob cannot be
/// compiled, which [`Profiles::add`] has ruled out.
pub fn evident<'a>(map: &ContentMap, profiles: &'a Profiles) -> Result<Vec<Evidence<'a>>, globset::Error> {
    let mut set = GlobSetBuilder::new();
    let mut of_glob = Vec::new();
    for (at, profile) in profiles.iter().enumerate() {
        for glob in &profile.evidence {
            set.add(glob.compile()?);
            of_glob.push(at);
        }
    }
    let set = set.build()?;
    let mut found: Vec<Option<NodeId>> = vec![None; profiles.iter().count()];
    let wanted = profiles.iter().filter(|profile| !profile.evidence.is_empty());
    let mut missing = wanted.count();
    let (mut path, mut matches) = (Vec::new(), Vec::new());
    for id in map.entries() {
        if missing == 0 {
            break;
        }
        if map.entry(id).kind == Kind::Directory || !map.is_visible(id) {
            continue;
        }
        let node = map.entry(id).node;
        map.tree().write_absolute(node, &mut path);
        set.matches_candidate_into(&Candidate::from_bytes(&path), &mut matches);
        for &glob in &matches {
            let slot = &mut found[of_glob[glob]];
            missing -= usize::from(slot.is_none());
            slot.get_or_insert(node);
        }
    }
    let both = profiles.iter().zip(found);
    Ok(both
        .filter_map(|(profile, node)| Some(Evidence { profile, node: node? }))
        .collect())
}
