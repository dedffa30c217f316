//! The tests that run the built executable and ask judges that are not ours. One binary: one link, one place to look.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]
#![expect(clippy::print_stderr, reason = "what a machine cannot run is said aloud")]

mod advice;
mod builders;
mod cache;
mod check;
mod ci_docs;
mod commands;
mod comment;
mod determinism;
mod diff;
mod disk;
mod dive;
mod engine;
mod engine_faults;
mod errors;
mod escaping;
mod faults;
mod floors;
mod fuzz_regressions;
mod hostile;
mod html;
mod identities;
mod imports;
mod indexes;
mod inside;
mod kills;
mod kit;
mod leftovers;
mod limits;
mod lists;
mod logins;
mod media;
mod modes;
mod oracles;
mod owners;
mod packages;
mod properties;
mod reclaimable;
mod registry;
mod rpm;
mod saved_plan;
mod saved_report;
mod scaling;
mod slimming;
mod spec_vectors;
mod startup;
mod strip;
mod suggestions;
mod support;
mod survival;
#[cfg(feature = "tui")]
mod tui;
#[cfg(feature = "tui")]
mod tui_terminal;

use std::path::Path;

#[test]
fn no_file_is_forgotten() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (dir, list) in [(here.clone(), "all.rs"), (here.join("support"), "mod.rs")] {
        let text = std::fs::read_to_string(dir.join(list)).unwrap();
        for name in support::cmd::names(&dir) {
            let module = name
                .strip_suffix(".rs")
                .filter(|module| format!("{module}.rs") != list);
            let listed = |module: &str| text.lines().any(|line| line.ends_with(&format!("mod {module};")));
            assert!(
                module.is_none_or(listed),
                "{name} is not in {list}: its tests would never run"
            );
        }
    }
}
