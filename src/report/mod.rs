//! Documents about images, and their renderings: one complete model each, and renderers that compute nothing.
//!
//! A floor of its own because everything below decides and everything here only tells. [`Report`],
//! [`Diff`], [`PlanDocument`], [`VerifyDocument`] and [`WriteDocument`] are serde values whose keys are a contract
//! (`schema_version`); a renderer lays out what stands in them. A new format is one file and one row in
//! [`FORMATS`]. Nothing here opens a blob, prints, or reads the environment.

mod advice;
mod breakdown;
mod build;
mod cache;
mod check;
mod csv;
mod csv_cell;
mod diff;
mod escape;
mod findings;
mod format;
mod html;
mod inodes;
mod instruction;
mod json;
mod markdown;
mod markdown_words;
mod model;
mod modes;
mod outcome;
mod path;
mod plan;
mod saved;
mod suggestions;
pub mod text;
mod trace;
mod tree;
mod unstripped;
mod wire;

#[cfg(test)]
mod tests;

pub use breakdown::Dimension;
pub use build::ReportOptions;
pub use cache::{CacheCount, CacheDocument, CacheEntry};
pub use check::{AgainstRow, Amount, Blame, CheckDocument, CheckRow, CheckState, Unit};
pub use diff::{
    BrokeCache, BudgetRow, BudgetState, Cause, Change, Comment, Diff, DiffCategory, DiffDirectory, DiffImage,
    DiffLayer, DiffOwner, DiffPath, DiffTotals, LayerChanges, LayerPath, LayerStatus, LayerTally,
    OwnerChange, PathChange, PathTally, RebuiltUnchanged, Side, Transfer, csv as diff_csv,
    markdown as diff_markdown,
};
pub use escape::{printable, printable_lines};
pub use format::{Document, FORMATS, FormatRow, Page, Renderer, choose, format, format_of, shows_tree};
pub(crate) use inodes::{Inode, inodes, naming_path};
pub use instruction::instruction;
pub use json::json;
pub use model::{
    Advice, CategoryRow, DiveRow, Finding, Group, ImageRow, Largest, LayerRow, OwnerRow, Report,
    SCHEMA_VERSION, Totals, Unstripped, WarningRow,
};
pub use modes::{BaseRow, ModeRow, Modes};
pub use outcome::{
    BeforeAfter, Count, ImageRef, LayerCounts, Unexpected, VerifyCounts, VerifyDocument, WireBeforeAfter,
    WriteDocument, Written,
};
pub use path::{bytes_of_json_path, json_path};
pub use plan::{
    ChangeRow, Example, PackageRow, PlanDocument, PlanFile, PlanFileError, PlanGroup, PlanList, PlanTotals,
    RefusalRow, RemovalRow, SavedChange, SavedPlan, SavedSelection, SelectionRow, SizesRow, SourceRow,
    TransferRow,
};
pub use saved::{SavedReportError, is_document, saved_reports};
pub use suggestions::{SuggestionRow, Suggestions};
pub use trace::{CauseRow, DifferenceRow, ShownRow, TraceDocument, TraceRow};
pub use tree::Tree;

/// Why a document cannot be made or rendered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Occurs when a document cannot be written as JSON.
    #[error("a document cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Occurs when a word is no dimension of a breakdown.
    #[error("`{0}` is not a dimension; there are {list}", list = Dimension::LIST)]
    UnknownDimension(String),
    /// Occurs when a breakdown names a dimension twice.
    #[error("the dimension `{0}` is named twice")]
    RepeatedDimension(&'static str),
    /// Occurs when a word is no format.
    #[error("`{0}` is not a format; there are {list}", list = format::all_names())]
    UnknownFormat(String),
    /// Occurs when a format does not show documents of a kind.
    #[error("{document} has no form `{format}`; there are {formats}")]
    NoSuchRendering {
        /// What was to be shown.
        document: &'static str,
        /// The format.
        format: &'static str,
        /// The formats that it has.
        formats: String,
    },
}
