//! `--plan FILE`: the selection is a plan that was made before.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::exit::Failure;
use super::plan::Decided;
use super::session::Session;
use crate::classify::Classifier;
use crate::pipeline::{self, Analysis};
use crate::plan::{Change, Plan, Selection};
use crate::profile::{Choice, Pattern, Place, ProfileError};
use crate::report::{PlanFile, SavedPlan, json_path};

/// A file with plans, and what errors call it.
pub(super) struct Saved {
    name: String,
    file: PlanFile,
}

impl Saved {
    /// Reads a file, or standard input for `-`.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let name = format!("plan {}", path.display());
        let text = if path == Path::new("-") {
            let mut text = Vec::new();
            std::io::stdin().read_to_end(&mut text).map(|_| text)
        } else {
            fs::read(path)
        };
        let text = text.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        let file = PlanFile::parse(&text).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        Ok(Self { name, file })
    }

    /// The plan for an image, checked as if it were made now.
    pub(super) fn decide(
        &self,
        analysis: &Analysis,
        classifier: &Classifier,
        session: &Session,
    ) -> Result<Decided, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{}: {error}", self.name));
        let saved = self.file.of(&analysis.image).map_err(|error| wrong(&error))?;
        let selection = self.selection(saved, classifier)?;
        let listed = saved
            .listed(classifier.catalog())
            .map_err(|error| wrong(&error))?;
        let mut plan = Plan::listed(
            &analysis.map,
            &analysis.attribution,
            classifier,
            &selection,
            &listed,
        )
        .map_err(|error| wrong(&error))?;
        if saved.changes.iter().any(|change| change.kind == "strip") {
            pipeline::strip(analysis, &mut plan, &session.settings)?;
            plan.refused.clear();
        }
        changes(analysis, saved, &mut plan).map_err(|error| wrong(&error))?;
        Ok(Decided {
            plan,
            selection: Arc::new(selection),
        })
    }

    /// What was selected when the plan was made; words that are not known here say nothing.
    fn selection(&self, saved: &SavedPlan, classifier: &Classifier) -> Result<Selection, Failure> {
        let globs = |list: &[String]| -> Result<Vec<Pattern>, ProfileError> {
            let place = Place::flag(&self.name);
            list.iter()
                .map(|glob| Pattern::new(glob, place.clone()))
                .collect()
        };
        let said = &saved.selection;
        let mut choice = Choice::default();
        choice.profiles.clone_from(&said.profiles);
        choice.locales.clone_from(&said.locales);
        choice.remove_packages.clone_from(&said.remove_packages);
        choice.remove_paths = globs(&said.remove_paths)?;
        choice.keep_paths = globs(&said.keep_paths)?;
        for name in &said.remove {
            let picks = classifier.catalog().to_remove(name, &Place::flag(&self.name));
            picks.into_iter().flatten().for_each(|pick| choice.add(pick));
        }
        let selection = Selection::new(choice, globs(&said.force_paths)?).map_err(Failure::usage)?;
        Ok(if said.strip {
            selection.with_strip()
        } else {
            selection
        })
    }
}

/// Leaves of what would change what the list has; what it has must become what it says.
fn changes(analysis: &Analysis, saved: &SavedPlan, plan: &mut Plan) -> Result<(), String> {
    let mut made = std::mem::take(&mut plan.changes);
    let name = |change: &Change| json_path(&analysis.map.tree().path(change.node));
    for wanted in &saved.changes {
        let is_it = |change: &Change| {
            let becomes = change.new_digest.hex() == wanted.new_sha256;
            becomes && change.kind.as_str() == wanted.kind && name(change) == wanted.path
        };
        let at = made.iter().position(is_it).ok_or_else(|| {
            format!(
                "{} does not become {} by the change `{}`",
                wanted.path, wanted.new_sha256, wanted.kind
            )
        })?;
        plan.add_changes([made.swap_remove(at)]);
    }
    Ok(())
}
