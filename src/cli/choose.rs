//! The selection flags, made into a [`Selection`] over compiled categories.

use std::fs;
use std::path::Path;

use super::args::SelectionArgs;
use super::exit::Failure;
use crate::classify::Classifier;
use crate::plan::Selection;
use crate::profile::{Choice, Pattern, Place, ProfileError, Profiles};

/// Categories, compiled, and what was chosen of them.
pub(super) struct Chosen {
    pub(super) classifier: Classifier,
    pub(super) selection: Selection,
}

/// The categories alone, for commands that remove nothing.
pub(super) fn classifier() -> Result<Classifier, Failure> {
    Classifier::new(Profiles::builtin()?.catalog().clone()).map_err(Failure::usage)
}

/// Reads profile files, resolves names, applies the flags in their order of strength.
pub(super) fn chosen(args: &SelectionArgs) -> Result<Chosen, Failure> {
    let mut profiles = Profiles::builtin()?;
    let mut names = Vec::new();
    for word in &args.profile {
        names.push(profile(&mut profiles, word)?);
    }
    if names.is_empty() {
        names.push("default".to_owned());
    }
    let mut choice = profiles.resolve(&names)?;
    apply(&profiles, args, &mut choice)?;
    let force = patterns("--force-path", &args.force_path)?;
    let selection = Selection::new(choice, force).map_err(Failure::usage)?;
    let classifier = Classifier::new(profiles.catalog().clone()).map_err(Failure::usage)?;
    Ok(Chosen {
        classifier,
        selection,
    })
}

/// A profile by name, or a file that holds one.
pub(super) fn profile(profiles: &mut Profiles, word: &str) -> Result<String, Failure> {
    let looks_like_file = word.contains('/')
        || Path::new(word)
            .extension()
            .is_some_and(|extension| extension == "toml");
    if !looks_like_file {
        return Ok(word.to_owned());
    }
    let text =
        fs::read_to_string(word).map_err(|error| Failure::usage(format!("profile {word}: {error}")))?;
    Ok(profiles.add(word, &text)?)
}

fn apply(profiles: &Profiles, args: &SelectionArgs, choice: &mut Choice) -> Result<(), Failure> {
    let catalog = profiles.catalog();
    for word in &args.remove {
        catalog
            .to_remove(word, &Place::flag("--remove"))?
            .into_iter()
            .for_each(|pick| choice.add(pick));
    }
    for word in &args.keep {
        catalog
            .to_keep(word, &Place::flag("--keep"))?
            .into_iter()
            .for_each(|pick| choice.spare(pick));
    }
    choice
        .remove_paths
        .extend(patterns("--remove-path", &args.remove_path)?);
    choice
        .keep_paths
        .extend(patterns("--keep-path", &args.keep_path)?);
    Ok(())
}

fn patterns(flag: &str, globs: &[String]) -> Result<Vec<Pattern>, ProfileError> {
    globs
        .iter()
        .map(|glob| Pattern::new(glob, Place::flag(flag)))
        .collect()
}
