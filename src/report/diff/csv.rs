//! A comparison as CSV: a row for each path that changed, for spreadsheets and scripts.
//!
//! Columns: `change,path,old_bytes,new_bytes,category,layer`; of several platforms `platform` before them.

use super::model::Diff;
use crate::report::csv_cell::{Cell, line};

const COLUMNS: [&str; 6] = ["change", "path", "old_bytes", "new_bytes", "category", "layer"];

/// The paths of all platforms, in the order of the documents.
pub fn csv(diffs: &[Diff]) -> String {
    let is_several = diffs.len() > 1;
    let first = |name| is_several.then_some(Cell::Text(name)).into_iter();
    let mut out = String::new();
    line(first("platform").chain(COLUMNS.map(Cell::Text)), &mut out);
    for diff in diffs {
        for path in &diff.paths {
            let cells = [
                Cell::Text(path.change.as_str()),
                Cell::from(&path.path),
                Cell::from(path.old_bytes),
                Cell::from(path.new_bytes),
                Cell::from(&path.category),
                Cell::from(path.layer.or(path.old_layer)),
            ];
            line(first(diff.platform.as_str()).chain(cells), &mut out);
        }
    }
    out
}
