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
    let rooms = support::cmd::names(&here).into_iter().map(|name| here.join(name));
    let rooms = rooms.filter(|room| is_room(room)).map(|room| (room, "mod.rs"));
    for (dir, list) in [(here.clone(), "all.rs")].into_iter().chain(rooms) {
        let text = std::fs::read_to_string(dir.join(list)).unwrap();
        for name in support::cmd::names(&dir) {
            let room = Some(name.as_str()).filter(|name| is_room(&dir.join(name)));
            let module = name
                .strip_suffix(".rs")
                .filter(|module| format!("{module}.rs") != list)
                .or(room);
            let listed = |module: &str| text.lines().any(|line| line.ends_with(&format!("mod {module};")));
            assert!(
                module.is_none_or(listed),
                "{name} is not in {}: its tests would never run",
                dir.join(list).display()
            );
        }
    }
}

/// Whether a directory is a module.
fn is_room(path: &Path) -> bool {
    path.join("mod.rs").is_file()
}
