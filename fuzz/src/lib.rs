//! What the targets check. The package's own tests check the same on kept inputs (`tests/fuzz_regressions.rs`).
//!
//! The checks lie in `checks/` and name nothing of libFuzzer, so that both crates can take them in.
#![allow(dead_code, reason = "tests/support has more than targets need")]

#[path = "../checks/mod.rs"]
mod checks;
mod support;

/// Runs one input through the check of a target; panics where it finds something.
pub fn check(target: &str, input: &[u8]) {
    checks::check(target, input);
}
