//! What must hold of any input whatever: one check for each fuzz target.
//!
//! Apart from the targets because two crates take these files in: the fuzz targets, and the package's own tests, which
//! run every kept finding and every seed (`tests/fuzz_regressions.rs`). A check panics where it finds something. It
//! assumes nothing of its input, and that one process runs one check at a time in each thread.

mod algebra;
mod archive;
mod blob;
mod bytes;
mod layer;
mod manifest;
mod owners;
mod pax;
mod plan;
mod profile;
mod stack;
mod strip;
mod tar;

/// What is run on an input.
type Check = fn(&[u8]);

/// Every target.
pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("tar", tar::check),
    ("pax", pax::check),
    ("algebra", algebra::check),
    ("manifest", manifest::check),
    ("archive", archive::check),
    ("layer", layer::check),
    ("profile", profile::check),
    ("plan", plan::check),
    ("owners", owners::check),
    ("strip", strip::check),
];

/// Runs one input through the check of a target.
pub(crate) fn check(target: &str, input: &[u8]) {
    let known = CHECKS.iter().find(|(name, _)| *name == target);
    let (_, check) = known.unwrap_or_else(|| panic!("there is no target `{target}`"));
    check(input);
}
