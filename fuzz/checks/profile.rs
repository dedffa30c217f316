//! Profiles and categories as a person may write them: refused with a place, or compiled and asked.

use layerslim::classify::Classifier;
use layerslim::plan::{Rule, Selection};
use layerslim::profile::{Pattern, Place};

use crate::support::laws::PROFILES;

pub(super) fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    pattern(text);
    // Several files, which may extend one another.
    let mut profiles = PROFILES.0.clone();
    let mut names = Vec::new();
    for (number, part) in text.split("\n---\n").take(4).enumerate() {
        let file = format!("{number}.toml");
        match profiles.add(&file, part) {
            Ok(name) => names.push(name),
            Err(error) => assert!(
                error.to_string().contains(&file),
                "an error without its file: {error}"
            ),
        }
    }
    if profiles.catalog().len() > PROFILES.0.catalog().len() {
        let compiled = Classifier::new(profiles.catalog().clone());
        assert!(
            compiled.is_ok(),
            "a catalog that was accepted and does not compile: {:?}",
            compiled.err()
        );
    }
    for (id, category) in profiles.catalog().iter() {
        assert_eq!(
            profiles.catalog().find(&category.name).map(|(id, _)| id),
            Some(id),
            "{}",
            category.name
        );
    }
    for name in &names {
        let Ok(choice) = profiles.resolve(&[name]) else {
            continue;
        };
        let (removed, kept) = (choice.remove_paths.clone(), choice.keep_paths.clone());
        let selection = Selection::new(choice, Vec::new());
        let selection = selection.unwrap_or_else(|error| panic!("accepted, and does not compile: {error}"));
        for path in PATHS {
            match selection.rule(path.as_bytes()) {
                Rule::Keep(pattern) => assert!(kept.contains(pattern)),
                Rule::Remove(pattern) => assert!(removed.contains(pattern)),
                Rule::Force(pattern) => panic!("nobody forces {pattern:?}"),
                Rule::ByCategory => {}
            }
        }
    }
    if names.len() > 1 {
        let _ = profiles.resolve(&names);
    }
}

/// A glob alone: what it says of itself is true.
fn pattern(glob: &str) {
    let Ok(pattern) = Pattern::new(glob, Place::flag("--remove-path")) else {
        return;
    };
    let compiled = pattern
        .compile()
        .unwrap_or_else(|error| panic!("accepted, and does not compile: {error}"));
    let matcher = compiled.compile_matcher();
    let prefix = pattern.literal_prefix();
    assert!(glob.starts_with(prefix) && pattern.literal_bytes() <= glob.len());
    for path in PATHS {
        assert!(
            !matcher.is_match(path) || path.starts_with(prefix),
            "`{glob}` leaves its prefix for {path}"
        );
    }
}

const PATHS: &[&str] = &[
    "/",
    "/a",
    "/a/b",
    "/usr/share/doc/x/README",
    "/usr/lib/python3/dist-packages/__pycache__/x.cpython-313.pyc",
    "/app/node_modules/a/.git/objects/ab/cd",
    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/b",
    "/\u{e4}\n",
];
