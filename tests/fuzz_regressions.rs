//! What fuzzing found stays found: its kept inputs, and the seeds it begins with, through the checks of its targets.
//!
//! Without libFuzzer, in the ordinary run of the tests; how the targets are run is in `docs/fuzzing.md`.

#[path = "../fuzz/checks/mod.rs"]
mod checks;

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_kept_input_passes() {
    let mut count = 0;
    for (target, _) in checks::CHECKS {
        for input in inputs(target) {
            eprintln!("{target}: {}", input.display());
            checks::check(target, &fs::read(&input).unwrap());
            count += 1;
        }
    }
    assert!(count >= checks::CHECKS.len(), "{count} inputs only");
}

#[test]
fn every_target_has_seeds_and_is_built() {
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for (target, _) in checks::CHECKS {
        assert!(
            fs::read_dir(fuzz().join("seeds").join(target))
                .unwrap()
                .next()
                .is_some(),
            "{target} has no seed"
        );
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target} is not in fuzz/Cargo.toml"
        );
    }
}

/// Any bytes are read or refused: a little of what the targets do for hours.
#[test]
fn noise_is_refused() {
    for (target, _) in checks::CHECKS {
        let mut state = 1_u32;
        for length in 0..60 {
            let noise: Vec<u8> = (0..length * 3)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as u8
                })
                .collect();
            checks::check(target, &noise);
        }
    }
}

fn inputs(target: &str) -> Vec<PathBuf> {
    let directories = ["regressions", "seeds"].map(|kind| fuzz().join(kind).join(target));
    let mut inputs: Vec<_> = directories
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flat_map(|entries| entries.map(|entry| entry.unwrap().path()))
        .collect();
    inputs.sort();
    inputs
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}
