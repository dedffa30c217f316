//! The house: which module may use which, and what no source file may do.
//!
//! The table of floors stands here and in `docs/architecture.md`; both are compared with each other and with `src/**`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `(floor, module, what it may use)`, top floor first. `ALL` is every row below.
type Row = (u8, &'static str, &'static [&'static str]);
const ALL: &[&str] = &["every row below"];
#[rustfmt::skip] // a table
const FLOORS: &[Row] = &[
    (7, "main", &["cli"]),
    (7, "cli", ALL),
    (7, "pipeline", ALL),
    (7, "tui", &["inside", "report", "plan", "classify", "owners", "content", "profile", "layer", "image", "bytesize", "progress"]),
    (6, "budget", &["report", "plan", "classify", "owners", "content", "profile", "bytesize"]),
    (6, "inside", &["content", "layer", "image", "oci", "tar", "progress", "scratch", "limits"]),
    (6, "report", &["plan", "classify", "owners", "content", "profile", "layer", "image", "oci", "bytesize"]),
    (6, "verify", &["plan", "content", "layer", "image", "oci", "progress"]),
    (6, "rewrite", &["plan", "transform", "content", "layer", "store", "image", "oci", "tar", "codec", "progress"]),
    (5, "transform", &["elf"]),
    (5, "plan", &["classify", "packages", "owners", "content", "profile", "layer", "image", "oci", "tar"]),
    (4, "classify", &["packages", "owners", "content", "profile", "layer", "image", "oci"]),
    (3, "packages", &["owners", "content", "layer"]),
    (3, "owners", &["content", "layer", "oci"]),
    (3, "profile", &["layer"]),
    (3, "content", &["layer", "oci"]),
    (2, "layer", &["image", "oci", "tar", "codec", "elf", "progress", "scratch", "shelf", "limits"]),
    (1, "forge", &["http"]),
    (1, "transport", &["http", "store", "image", "oci", "tar", "codec", "progress", "scratch", "limits"]),
    (1, "store", &["oci", "scratch", "shelf"]),
    (1, "image", &["oci"]),
    (0, "codec", &["oci"]),
    (0, "http", &["oci"]),
    (0, "oci", &[]),
    (0, "tar", &["limits"]),
    (0, "elf", &[]),
    (0, "bytesize", &[]),
    (0, "progress", &[]),
    (0, "scratch", &[]),
    (0, "shelf", &[]),
    (0, "limits", &[]),
];

#[test]
fn every_module_uses_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for source in sources() {
        // lib.rs is the whole house.
        let Some(module) = source.module.first() else {
            continue;
        };
        let Some((floor, _, may)) = FLOORS.iter().find(|(_, name, _)| name == module) else {
            wrong.push(format!("{}: `{module}` has no floor", source.path.display()));
            continue;
        };
        for part in source.parts() {
            for used in part.uses() {
                let lower = || {
                    FLOORS
                        .iter()
                        .any(|(other, name, _)| *name == used && other < floor)
                };
                // Tests beside the code build what they need from any lower floor.
                let allowed = *may == ALL || may.contains(&used.as_str()) || (part.is_test && lower());
                if used != *module && !allowed {
                    wrong.push(format!(
                        "{}: `{module}` may not use `{used}`",
                        source.path.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_goes_down() {
    for (number, (floor, module, may)) in FLOORS.iter().enumerate() {
        let below = &FLOORS[number + 1..];
        for used in may.iter().filter(|_| *may != ALL) {
            assert!(
                below.iter().any(|(_, name, _)| name == used),
                "{module} → {used} does not go down"
            );
        }
        assert!(
            below.iter().all(|(lower, ..)| lower <= floor),
            "{module} stands in the wrong place"
        );
    }
}

#[test]
fn the_document_shows_the_same_table() {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let shown: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit())
        .map(|line| line.replace('`', ""))
        .collect();
    let table: Vec<_> = FLOORS
        .iter()
        .map(|(floor, module, may)| {
            format!("| {floor} | {module} | {} |", may.join(" ")).replace("|  |", "| |")
        })
        .collect();
    assert_eq!(shown, table);
}

#[test]
fn every_source_file_opens_with_what_it_is() {
    for source in sources() {
        assert!(
            source.text.starts_with("//! "),
            "{} does not open with `//!`",
            source.path.display()
        );
    }
}

#[test]
fn the_library_neither_reads_the_environment_nor_exits() {
    // `env::temp_dir` is the place where a caller names none, as for every temporary file.
    let forbidden = [
        "env::var",
        "env::args",
        "env::home_dir",
        "env::current_dir",
        "process::exit",
    ];
    for source in sources() {
        // cli/ and main.rs are the executable.
        if source
            .module
            .first()
            .is_some_and(|module| module == "cli" || module == "main")
        {
            continue;
        }
        for part in source.parts().iter().filter(|part| !part.is_test) {
            for word in forbidden {
                assert!(!part.text.contains(word), "{}: {word}", source.path.display());
            }
        }
    }
}

#[test]
fn imports_are_seen_in_every_spelling() {
    let cases = [
        ("use crate::oci::Digest;", &["a", "b"][..], &["oci"][..]),
        (
            "use crate::{oci::{Digest, Name}, tar, codec::Kind};",
            &["a"],
            &["codec", "oci", "tar"],
        ),
        ("use super::super::image::Image;", &["a", "b"], &["image"]),
        ("use super::image::Image;", &["a", "b"], &[]),
        ("fn f() -> crate::progress::Event {}", &["a"], &["progress"]),
        (
            "use super::*;\nmod tests {\n use super::*;\n use super::super::oci::Digest;\n}",
            &["a"],
            &["oci"],
        ),
    ];
    for (code, module, want) in cases {
        let source = Source::new(
            PathBuf::from("case"),
            module.iter().map(ToString::to_string),
            code.to_owned(),
        );
        let used: BTreeSet<_> = source.parts().iter().flat_map(Part::uses).collect();
        assert_eq!(Vec::from_iter(used), want, "{code}");
    }
}

struct Source {
    path: PathBuf,
    /// `src/a/b.rs` is `["a", "b"]`, `src/lib.rs` is empty.
    module: Vec<String>,
    text: String,
    /// The text without comments.
    code: String,
}

impl Source {
    fn new(path: PathBuf, module: impl Iterator<Item = String>, text: String) -> Self {
        let code = text
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default());
        let code = code.collect::<Vec<_>>().join("\n");
        Self {
            path,
            module: module.collect(),
            text,
            code,
        }
    }

    /// A `mod tests` at the end of a file is one module deeper than the file.
    fn parts(&self) -> [Part<'_>; 2] {
        let (code, tests) = self.code.split_once("\nmod tests").unwrap_or((&self.code, ""));
        let depth = self.module.len();
        let is_test = self.module.iter().any(|module| module == "tests");
        [
            Part {
                text: code,
                depth,
                is_test,
            },
            Part {
                text: tests,
                depth: depth + 1,
                is_test: true,
            },
        ]
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut dirs = vec![root().join("src")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root().join("src")).unwrap().with_extension("");
                let parts = name.iter().map(|part| part.to_string_lossy().into_owned());
                if parts
                    .clone()
                    .any(|part| part.starts_with("tests") || part == "testing")
                {
                    continue; // tests of a module may build what it is given
                }
                let text = fs::read_to_string(&path).unwrap();
                let module: Vec<_> = parts.filter(|part| part != "mod" && part != "lib").collect();
                found.push(Source::new(path, module.into_iter(), text));
            }
        }
    }
    assert!(found.len() > 2, "src/ has source files");
    found
}

/// Code, or tests beside it.
struct Part<'a> {
    text: &'a str,
    /// How many `super::` lead to the root of the crate.
    depth: usize,
    is_test: bool,
}

impl Part<'_> {
    /// The modules at the root of the crate that it names by `crate::`, `layerslim::` or enough `super::`.
    fn uses(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let goes_on = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
        for start in [
            "crate::".to_owned(),
            "layerslim::".to_owned(),
            "super::".repeat(self.depth),
        ] {
            for (at, _) in self.text.match_indices(&start) {
                if !self.text[..at].ends_with(goes_on) {
                    found.extend(heads(&self.text[at + start.len()..]));
                }
            }
        }
        found.retain(|used| FLOORS.iter().any(|(_, name, _)| name == used));
        found
    }
}

/// The first names of a path or of a group of paths: `{a::b, c::{d, e}}` → a, c.
fn heads(text: &str) -> Vec<String> {
    let name = |text: &str| {
        let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
        text[..end.unwrap_or(text.len())].to_owned()
    };
    let Some(group) = text.strip_prefix('{') else {
        return vec![name(text)];
    };
    let (mut depth, mut from, mut found) = (0, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                found.push(name(group[from..at].trim_start()));
                from = at + 1;
                if letter == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found
}
