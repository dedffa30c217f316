//! `--plan FILE`: the selection is a plan that was made before.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::exit::Failure;
use super::plan::Decided;
use super::session::Session;
use crate::classify::Classifier;
use crate::image::Image;
use crate::layer::NodeId;
use crate::pipeline::{self, Analysis};
use crate::plan::{Change, Plan, Selection};
use crate::profile::{Choice, Pattern, Place, ProfileError};
use crate::report::{PlanFile, SavedChange, SavedPlan, bytes_of_json_path, json_path};
use crate::rewrite::StripWhich;

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
        Self::parse(name, &text)
    }

    /// Reads a document that was found elsewhere; `name` is what errors call it.
    pub(super) fn parse(name: String, text: &[u8]) -> Result<Self, Failure> {
        let file = PlanFile::parse(text).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        Ok(Self { name, file })
    }

    /// What errors call it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is for the image.
    pub(super) fn is_for(&self, image: &Image) -> bool {
        self.file.of(image).is_ok()
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
        let stripped = stripped(analysis, saved);
        if !stripped.is_empty() {
            let which = StripWhich::Only(&stripped);
            pipeline::strip(analysis, &mut plan, which, &session.settings)?;
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

/// The paths of what the list strips.
fn stripped(analysis: &Analysis, saved: &SavedPlan) -> HashSet<NodeId> {
    let rows = saved.changes.iter().filter(|change| change.kind == "strip");
    let paths = rows.filter_map(|change| bytes_of_json_path(&change.path));
    paths
        .filter_map(|path| analysis.map.tree().find(path.strip_prefix(b"/").unwrap_or(&path)))
        .collect()
}

/// Leaves of what would change what the list has; what it has must become what it says.
fn changes(analysis: &Analysis, saved: &SavedPlan, plan: &mut Plan) -> Result<(), String> {
    let made = std::mem::take(&mut plan.changes).into_iter();
    let name = |change: &Change| json_path(&analysis.map.tree().path(change.node));
    let mut made: HashMap<_, _> = made
        .map(|change| ((change.kind.as_str().to_owned(), name(&change)), change))
        .collect();
    let take = |wanted: &SavedChange| {
        let found = made.remove(&(wanted.kind.clone(), wanted.path.clone()));
        let is_it = |change: &Change| change.new_digest.hex() == wanted.new_sha256;
        found.filter(is_it).ok_or_else(|| {
            format!(
                "{} does not become {} by the change `{}`",
                wanted.path, wanted.new_sha256, wanted.kind
            )
        })
    };
    let taken: Result<Vec<Change>, String> = saved.changes.iter().map(take).collect();
    plan.add_changes(taken?);
    Ok(())
}
