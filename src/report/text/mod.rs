//! Documents as text for a terminal: aligned tables, proportion bars, sizes in decimal units.
//!
//! A format of its own in a folder of its own; one file lays out one document. It computes nothing but
//! percentages and lengths of bars. Everything that comes from an image is escaped where it enters a line
//! (rule 33), no line is wider than the width (40 to 300 columns), and nothing is told by colour alone.

mod advice;
mod cache;
mod changes;
mod check;
mod diff;
mod outcome;
mod plan;
mod report;
mod sheet;
mod style;
mod table;
mod trace;
mod words;

pub use cache::cache;
pub use check::check;
pub use diff::diff;
pub use outcome::{verify, write_summary};
pub use plan::plan;
pub use report::report;
pub use style::{ColorMode, Style, Symbols};
pub use trace::{deed, trace};
pub use words::{GLUE, count, number, signed_size};

pub(super) use report::argument;
pub(super) use words::{percent, percent_change, short_digest, signed_number, size};
