//! The rows of a plan: its source, each path that goes, each file that changes, each refusal.

use super::groups::Asker;
use super::model::{ChangeRow, RefusalRow, RemovalRow, SourceRow};
use crate::classify::Classifier;
use crate::content::ContentMap;
use crate::image::Image;
use crate::layer::Kind;
use crate::plan::{Change, Plan, Refusal, Removal};
use crate::report::json_path;

pub(super) fn source(image: &Image) -> SourceRow {
    SourceRow {
        reference: image.name.reference.clone(),
        digest: image.digest().map(ToString::to_string),
        config_digest: image.config.id().to_string(),
        diff_ids: image
            .layers
            .iter()
            .map(|layer| layer.diff_id.to_string())
            .collect(),
        platform: image.platform().to_string(),
    }
}

pub(super) fn removals(map: &ContentMap, plan: &Plan, classifier: &Classifier) -> Vec<RemovalRow> {
    let row = |removal| removal_row(map, plan, classifier, removal);
    plan.removals.iter().map(row).collect()
}

pub(super) fn changes(map: &ContentMap, plan: &Plan) -> Vec<ChangeRow> {
    plan.changes
        .iter()
        .map(|change| change_row(map, change))
        .collect()
}

pub(super) fn refusals(map: &ContentMap, plan: &Plan) -> Vec<RefusalRow> {
    let row = |refusal| refusal_row(map, refusal);
    plan.refused.iter().map(row).collect()
}

fn removal_row(map: &ContentMap, plan: &Plan, classifier: &Classifier, removal: &Removal) -> RemovalRow {
    RemovalRow {
        path: json_path(&map.tree().path(removal.node)),
        layer: removal.entry.map(|id| map.layer_of(id)),
        category: Asker::of(plan, removal).name(classifier),
        rule: removal.rule.clone(),
        bytes: removal.bytes,
    }
}

fn change_row(map: &ContentMap, change: &Change) -> ChangeRow {
    ChangeRow {
        path: json_path(&map.tree().path(change.node)),
        layer: map.layer_of(change.inode),
        kind: change.kind.as_str().to_owned(),
        old_bytes: change.old_bytes,
        new_bytes: change.new_bytes,
        old_sha256: change.old_digest.hex().to_owned(),
        new_sha256: change.new_digest.hex().to_owned(),
    }
}

fn refusal_row(map: &ContentMap, refusal: &Refusal) -> RefusalRow {
    RefusalRow {
        path: json_path(&map.tree().path(refusal.node)),
        rule: refusal.rule.clone(),
        reason: refusal.why(),
        shared: (refusal.reason.clone(), refusal.chain.clone()),
        needed_by: refusal.needed_by.iter().map(|path| json_path(path)).collect(),
    }
}

pub(super) fn is_directory(map: &ContentMap, removal: &Removal) -> bool {
    removal
        .entry
        .is_none_or(|id| map.entry(id).kind == Kind::Directory)
}
