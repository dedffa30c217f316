//! What to blame: files, layers and packages, the largest first, with the instruction that brought them and the way out.
//!
//! A module of its own because every budget blames in the same form.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::Subject;
use crate::budget::BudgetError;
use crate::profile::{Pattern, ProfileError};
use crate::report::{Blame, Inode, LayerRow, inodes, instruction, json_path, naming_path};

/// How many things to blame are listed.
const LISTED: usize = 10;
/// How many ways out are listed.
const FIXES: usize = 3;

/// What is to blame for one budget.
#[derive(Default)]
pub(super) struct Blamed {
    /// At most ten.
    pub(super) rows: Vec<Blame>,
    /// How many there are.
    pub(super) all: u64,
    pub(super) fixes: Vec<String>,
}

impl Blamed {
    /// The first rows of what is sorted already.
    pub(super) fn new(mut rows: Vec<Blame>) -> Self {
        let all = rows.len() as u64;
        rows.truncate(LISTED);
        Self {
            rows,
            all,
            fixes: Vec::new(),
        }
    }
}

/// The files of an image, and who made its layers.
pub(super) struct Files<'a> {
    subject: Subject<'a>,
    inodes: Vec<Inode>,
}

impl<'a> Files<'a> {
    pub(super) fn new(subject: &Subject<'a>) -> Self {
        Self {
            subject: *subject,
            inodes: inodes(subject.map, subject.attribution).collect(),
        }
    }

    /// What no path shows.
    pub(super) fn shadowed(&self) -> Blamed {
        self.all(|inode| !inode.is_visible)
    }

    /// The files of a category.
    pub(super) fn of_category(&self, name: &str) -> Blamed {
        let id = self.subject.classifier.catalog().find(name).map(|(id, _)| id);
        self.all(|inode| Some(inode.category) == id)
    }

    /// The files that `is_one` takes.
    pub(super) fn all(&self, is_one: impl Fn(&Inode) -> bool) -> Blamed {
        self.blamed(self.inodes.iter().filter(|inode| is_one(inode)).collect())
    }

    /// The files with a name that the glob matches, in any layer.
    pub(super) fn matching(&self, glob: &Pattern) -> Result<Vec<&Inode>, BudgetError> {
        let compiled = glob.compile().map_err(|error| ProfileError::Glob {
            place: glob.place().clone(),
            glob: glob.as_str().to_owned(),
            reason: error.kind().to_string(),
        })?;
        let matcher = compiled.compile_matcher();
        let map = self.subject.map;
        let takes = |path: Vec<u8>| {
            let path = [b"/", path.strip_prefix(b"/").unwrap_or(&path)].concat();
            matcher.is_match_candidate(&globset::Candidate::from_bytes(&path))
        };
        let is_one = |inode: &&Inode| map.names(inode.id).any(|name| takes(map.path(name)));
        Ok(self.inodes.iter().filter(is_one).collect())
    }

    /// Files as what is to blame.
    pub(super) fn blamed(&self, mut found: Vec<&Inode>) -> Blamed {
        found.retain(|inode| inode.bytes > 0);
        // In tar order where sizes are equal.
        found.sort_by_key(|inode| (Reverse(inode.bytes), inode.id));
        let mut fixes = Vec::new();
        for inode in &found {
            let fix = self.fix(inode).filter(|fix| !fixes.contains(fix));
            fixes.extend(fix);
            if fixes.len() == FIXES {
                break;
            }
        }
        let rows = found.iter().take(LISTED).map(|inode| self.file(inode));
        Blamed {
            rows: rows.collect(),
            all: found.len() as u64,
            fixes,
        }
    }

    /// The layers, those first that a client downloads the most of.
    pub(super) fn layers_by_wire(&self) -> Blamed {
        let mut seen = HashSet::new();
        let mut rows: Vec<(u64, &LayerRow)> = self
            .rows()
            .filter(|row| seen.insert(row.digest.as_deref().unwrap_or(&row.diff_id)))
            .map(|row| (row.wire_bytes.unwrap_or(0), row))
            .collect();
        rows.sort_by_key(|(bytes, row)| (Reverse(*bytes), row.index));
        layers(&rows)
    }

    /// The layers, the largest first.
    pub(super) fn layers_by_disk(&self) -> Blamed {
        let mut rows: Vec<(u64, &LayerRow)> = self.rows().map(|row| (row.disk_bytes, row)).collect();
        rows.sort_by_key(|(bytes, row)| (Reverse(*bytes), row.index));
        layers(&rows)
    }

    /// The layers, the smallest first.
    pub(super) fn smallest_layers(&self) -> Blamed {
        let mut rows: Vec<(u64, &LayerRow)> = self.rows().map(|row| (row.disk_bytes, row)).collect();
        rows.sort_by_key(|(bytes, row)| (*bytes, row.index));
        layers(&rows)
    }

    fn rows(&self) -> impl Iterator<Item = &'a LayerRow> {
        self.subject.report.layers.iter()
    }

    fn file(&self, inode: &Inode) -> Blame {
        let Subject {
            map,
            attribution,
            classifier,
            ..
        } = self.subject;
        let path = map.tree().path(naming_path(map, attribution, inode.id));
        let category = classifier.category(inode.category);
        let package = inode.owner.and_then(|id| attribution.owners().get(id));
        Blame {
            path: Some(json_path(&path)),
            layer: Some(inode.layer),
            instruction: self
                .rows()
                .nth(inode.layer)
                .map(|row| instruction(&row.created_by)),
            category: category.map(|category| category.name.clone()),
            package: package.map(|package| format!("{}:{}", package.manager.as_str(), package.name)),
            bytes: inode.bytes,
        }
    }

    /// How a build avoids a file: what the report's advice says of its layer and category, else what its category says.
    fn fix(&self, inode: &Inode) -> Option<String> {
        let category = self.subject.classifier.category(inode.category)?;
        let topic = if inode.is_visible {
            category.name.as_str()
        } else {
            "shadowed"
        };
        let advice = self.subject.report.advice.iter();
        let said = advice
            .filter(|row| row.layer == inode.layer && row.category == topic)
            .map(|row| row.fix.clone())
            .next();
        let own = Some(category.advice.clone()).filter(|fix| !fix.is_empty() && inode.is_visible);
        said.or(own)
    }
}

/// Layers as what is to blame; those without bytes too.
pub(super) fn layers(rows: &[(u64, &LayerRow)]) -> Blamed {
    let row = |(bytes, row): &(u64, &LayerRow)| Blame {
        layer: Some(row.index),
        instruction: Some(instruction(&row.created_by)),
        bytes: *bytes,
        ..Blame::default()
    };
    Blamed::new(rows.iter().map(row).collect())
}
