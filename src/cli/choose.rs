//! The selection flags, made into a [`Selection`] over compiled categories.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::args::SelectionArgs;
use super::exit::Failure;
use super::saved_plan::Saved;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::plan::{self, Plan, Selection, Totals};
use crate::profile::{AUTO, Choice, Pattern, Place, ProfileError, Profiles};
use crate::report::{SuggestionRow, Suggestions};

/// Categories, compiled, and what was chosen of them.
pub(super) struct Chosen {
    pub(super) classifier: Classifier,
    profiles: Profiles,
    /// The profiles as named; [`AUTO`] stands for others that are known with the image.
    names: Vec<String>,
    args: SelectionArgs,
    /// Where no image has a say, what is selected.
    selection: Arc<Selection>,
    /// What is selected instead.
    pub(super) saved: Option<Saved>,
}

impl Chosen {
    /// The locales whose translations stay, beside those of the image's environment.
    pub(super) fn locales(&self) -> &[String] {
        &self.selection.choice().locales
    }

    /// What is selected for an image.
    pub(super) fn selection(&self, map: &ContentMap) -> Result<Arc<Selection>, Failure> {
        if !self.names.iter().any(|name| name == AUTO) {
            return Ok(Arc::clone(&self.selection));
        }
        let evident = plan::evident(map, &self.profiles).map_err(Failure::usage)?;
        let evident: Vec<&str> = evident.iter().map(|one| one.profile.name.as_str()).collect();
        selection(&self.profiles, &names(&self.names, &evident), &self.args).map(Arc::new)
    }

    /// What each profile that the image has evidence for would take off, alone and all together.
    pub(super) fn suggestions(
        &self,
        map: &ContentMap,
        attribution: &Attribution,
    ) -> Result<Suggestions, Failure> {
        let evident = plan::evident(map, &self.profiles).map_err(Failure::usage)?;
        let totals = |names: &[&str]| -> Result<Totals, Failure> {
            let selection = selection(&self.profiles, names, &SelectionArgs::default())?;
            Ok(Plan::new(map, attribution, &self.classifier, &selection).totals(map))
        };
        let rows: Result<Vec<SuggestionRow>, Failure> = evident
            .iter()
            .map(|one| {
                let totals = totals(&[&one.profile.name])?;
                Ok(SuggestionRow::new(one, map, totals))
            })
            .collect();
        let all: Vec<&str> = evident.iter().map(|one| one.profile.name.as_str()).collect();
        Ok(Suggestions::new(rows?, totals(&names(&[AUTO.to_owned()], &all))?))
    }
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
    let selection = selection(&profiles, &self::names(&names, &[]), args)?;
    let classifier = Classifier::new(profiles.catalog().clone()).map_err(Failure::usage)?;
    Ok(Chosen {
        classifier,
        profiles,
        names,
        args: args.clone(),
        selection: Arc::new(selection),
        saved: args.plan.as_deref().map(Saved::read).transpose()?,
    })
}

/// The names with those for which `auto` stands; without evidence that is `default`.
fn names<'a>(names: &'a [String], evident: &[&'a str]) -> Vec<&'a str> {
    let found = if evident.is_empty() {
        &["default"][..]
    } else {
        evident
    };
    let mut all: Vec<&str> = Vec::new();
    for name in names {
        let stands_for = if name == AUTO { found } else { &[name.as_str()][..] };
        for name in stands_for {
            if !all.contains(name) {
                all.push(name);
            }
        }
    }
    all
}

fn selection(profiles: &Profiles, names: &[&str], args: &SelectionArgs) -> Result<Selection, Failure> {
    let mut choice = profiles.resolve(names)?;
    apply(profiles, args, &mut choice)?;
    let force = patterns("--force-path", &args.force_path)?;
    let selection = Selection::new(choice, force).map_err(Failure::usage)?;
    Ok(if args.strip {
        selection.with_strip()
    } else {
        selection
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
    choice.remove_packages.extend(args.remove_package.iter().cloned());
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
