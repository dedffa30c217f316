//! Tests that code outside them imports stay (rule 27): what counts as an import, from where, and that the image works.
//!
//! Each case is a recipe; what its profile takes is marked `gone`. Paths of the first cases lie in `site-packages`, which
//! the recipes call `S`, and in an application's `node_modules`, `N`.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::medium::layout_layers;
use crate::support::recipe::Recipe;

const SITE: &str = "usr/lib/python3.13/site-packages";
/// Without this nothing is an installed package.
const RECORD: &str = "f S/x-1.dist-info/RECORD 1";

/// What is removed, and the warnings of imported tests: `directory <- importer`.
fn plan(text: &str, flags: &str) -> (BTreeSet<String>, BTreeSet<String>, Vec<String>) {
    let recipe = Recipe::new(
        &text
            .replace(" S/", &format!(" {SITE}/"))
            .replace(" N/", " app/node_modules/"),
    );
    let sandbox = Sandbox::with(&recipe);
    let plan = sandbox
        .slim(&format!("plan oci:src:t {flags} --format json"))
        .json();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let removed = plan["removals"].as_array().unwrap().iter();
    let removed = removed
        .map(|row| text(row, "path").trim_start_matches('/').to_owned())
        .collect();
    let warnings = plan["warnings"].as_array().unwrap().iter();
    let warnings = warnings
        .filter(|row| row["code"] == "test-directory-imported")
        .map(|row| {
            let (path, message) = (text(row, "path"), text(row, "message"));
            let importer = message.split('`').nth(1).unwrap();
            format!("{path} <- {importer}")
                .replace(&format!("/{SITE}/"), "S/")
                .replace("/app/node_modules/", "N/")
        })
        .collect();
    (removed, recipe.gone.into_iter().collect(), warnings)
}

/// Exactly what is marked goes, and these are the warnings.
#[track_caller]
fn takes(profile: &str, text: &str, want: &[&str]) {
    let text = format!("layer\n{RECORD}\n{text}");
    let (removed, gone, warnings) = plan(&text, &format!("--profile {profile}"));
    assert_eq!(removed, gone, "{text}");
    assert_eq!(warnings, want, "{text}");
}

/// A package that is imported from a place that another one's tests are.
#[track_caller]
fn is_imported(profile: &str, tests: &str, importer: &str, import: &str) {
    let (directory, _) = tests.rsplit_once('/').unwrap();
    let text = format!("f {tests} 10\nf {importer} text=\"{import}\"");
    takes(profile, &text, &[&format!("{directory} <- {}", shown(importer))]);
}

#[track_caller]
fn is_not_imported(profile: &str, tests: &str, importer: &str, import: &str) {
    takes(
        profile,
        &format!("f {tests} 10 gone\nf {importer} text=\"{import}\""),
        &[],
    );
}

fn shown(path: &str) -> String {
    if path.starts_with("S/") || path.starts_with("N/") {
        return path.to_owned();
    }
    format!("/{path}")
}

#[test]
fn python_names_a_directory_from_its_own_or_from_a_search_path() {
    for (tests, importer, import) in [
        ("S/x/tests/a.py", "S/y/b.py", "from x.tests.a import c"),
        ("S/x/tests/a.py", "S/y.py", "import os, x.tests"),
        (
            "S/x/tests/a.py",
            "S/x/__init__.py",
            "def t():\\n  from .tests import a",
        ),
        ("S/x/tests/a.py", "S/x/y/b.py", "from .. import tests"),
        ("S/x/y/tests/a.py", "app/main.py", "from x.y.tests.a import c"),
        (
            "S/x/tests/a.py",
            "usr/bin/x",
            "#!/usr/bin/python3\\nimport x.tests.a",
        ),
        (
            "S/x/tests/a.py",
            "app/main.py",
            "importlib.import_module('x.tests.a')",
        ),
        ("S/x/test/test_a.py", "S/x/b.py", "from x.test.test_a import c"),
        ("S/tests/a.py", "app/main.py", "import tests.a"),
    ] {
        is_imported("python", tests, importer, import);
    }
    for (tests, importer, import) in [
        ("S/x/tests/a.py", "S/y/b.py", "from y.tests.a import c"),
        ("S/x/tests/a.py", "S/y/b.py", "from .tests.a import c"),
        ("S/x/tests/a.py", "app/main.py", "import tests.a"),
        ("S/x/tests/a.py", "S/y/b.js", "import x.tests"),
        ("S/x/tests/a.py", "S/y/b.py", "# import x.tests"),
        ("S/x/tests/a.py", "S/x/testing.py", "from x.testing import c"),
    ] {
        let init = "f S/x/__init__.py 10\n";
        takes(
            "python",
            &format!("{init}f {tests} 10 gone\nf {importer} text=\"{import}\""),
            &[],
        );
    }
}

#[test]
fn node_names_a_path_or_a_package() {
    for (tests, importer, import) in [
        ("N/x/test/a.js", "N/x/lib/b.js", "require('../test/a')"),
        ("N/x/test/a.js", "app/b.mjs", "import a from 'x/test/a.js'"),
        ("N/@s/x/tests/a.js", "app/b.ts", "export * from '@s/x/tests'"),
        (
            "N/x/test/index.js",
            "N/x/b.js",
            "module.exports=require('./test')",
        ),
        (
            "N/x/lib/__tests__/a.js",
            "N/x/b.cjs",
            "require('/app/node_modules/x/lib/__tests__/a')",
        ),
    ] {
        is_imported("node", tests, importer, import);
    }
    for (tests, importer, import) in [
        ("N/x/test/a.js", "N/y/lib/b.js", "require('../test/a')"),
        ("N/x/test/a.js", "app/b.mjs", "import a from 'y/test/a.js'"),
        ("N/x/test/a.js", "N/x/b.js", "path.join('./test/a')"),
        ("N/x/lib/a.test.js", "N/x/lib/b.js", "require('./a')"),
    ] {
        is_not_imported("node", tests, importer, import);
    }
    // A file comes before a directory of its name.
    takes(
        "node",
        "f N/x/test/a.js 10 gone\nf N/x/test.js 10\nf N/x/b.js text=\"require('./test')\"",
        &[],
    );
    takes(
        "node",
        "f N/x/lib/a.test.js 10\nf N/x/lib/c.test.js 10 gone\nf N/x/b.js text=\"require('./lib/a.test')\"",
        &["N/x/lib/a.test.js <- N/x/b.js"],
    );
    let through =
        "l app/node_modules/y x\nf N/x/test/a.js 10\nf app/b.js text=\"require('./node_modules/y/test/a')\"";
    takes("node", through, &["N/x/test <- /app/b.js"]);
}

/// Tests that import each other go together; one that stays keeps what it imports, and so on.
#[test]
fn only_what_stays_imports() {
    let tests = |gone: &str| {
        format!(
            "f S/a/tests/t.py text=\"from a.tests import u\\nimport b.tests\"{gone}
             f S/b/tests/t.py text=\"from c.tests import x\"{gone}
             f S/c/tests/t.py text=\"import a.tests\"{gone}
             f S/d/tests/t.py text=\"import c.tests\" gone"
        )
    };
    takes("python", &tests(" gone"), &[]);
    takes(
        "python",
        &format!("{}\nf S/a/b.py text=\"import a.tests\"", tests("")),
        &[
            "S/a/tests <- S/a/b.py",
            "S/b/tests <- S/a/tests/t.py",
            "S/c/tests <- S/b/tests/t.py",
        ],
    );
    // What is in a directory called `test` and no test by name is code, and imports.
    takes(
        "python",
        "f S/d/test/tests/a.py 10\nf S/d/test/client.py text=\"from .tests import a\"",
        &["S/d/test/tests <- S/d/test/client.py"],
    );
}

#[test]
fn only_what_is_visible_imports() {
    let text = |more: &str| {
        format!("layer\n{RECORD}\nf S/x/tests/a.py 10\nf S/y.py text=\"import x.tests\"\n{more}")
    };
    for (more, is_kept) in [
        ("layer\nf a 1", true),
        ("layer\nwh S/y.py", false),
        ("layer\nf S/y.py 10", false),
        ("h S/z.py S/y.py\nlayer\nwh S/y.py", true),
    ] {
        let more = more.replace("S/", &format!("{SITE}/"));
        let (removed, _, warnings) = plan(&text(&more), "--profile python");
        let is_removed = removed.contains(&format!("{SITE}/x/tests/a.py"));
        assert_eq!((!is_removed, !warnings.is_empty()), (is_kept, is_kept), "{more}");
    }
}

/// No warning of what nobody asked to remove; the same data of an application's tests.
#[test]
fn a_warning_is_for_what_was_asked() {
    let text = format!("layer\n{RECORD}\nf S/x/tests/a.py 10\nf S/y.py text=\"import x.tests\"");
    assert!(plan(&text, "--profile default").2.is_empty());
    let text = "layer\nf app/spec/fixtures/a.js 10\nf app/b.js text=\"require('./spec/fixtures/a')\"\n\
                f app/tests/data/c.js 10 gone\nf app/tests/t.js text=\"require('../tests/data/c')\"";
    let (removed, gone, warnings) = plan(text, "--profile none --remove test-fixtures");
    assert_eq!(removed, gone);
    assert_eq!(warnings, ["/app/spec <- /app/b.js"]);
}

/// A file that names more than is kept says so: then nothing is sure to be unused.
#[test]
fn what_names_too_much_keeps_everything() {
    let many: Vec<String> = (0..9000)
        .map(|number| format!("import a{number}.tests"))
        .collect();
    let many = many.join("\\n");
    let text = format!("layer\n{RECORD}\nf S/x/tests/a.py 10\nf S/y.py text=\"{many}\"");
    let (removed, _, warnings) = plan(&text, "--profile python");
    assert!(removed.is_empty(), "{removed:?}");
    // Of no path: it is about all of them.
    assert_eq!(warnings, [" <- S/y.py"]);
}

/// What is imported is there after a squash with the profile, and Python, where there is one, finds it.
#[test]
fn the_slimmed_image_imports_it() {
    let text = format!(
        "layer\n{RECORD}
         f S/pkg/__init__.py text=\"from pkg.tests.support import ANSWER\"
         f S/pkg/tests/__init__.py text=\"\"
         f S/pkg/tests/support.py text=\"ANSWER = 42\"
         f S/other/__init__.py text=\"\"
         f S/other/tests/__init__.py text=\"\" gone
         f S/other/tests/test_a.py text=\"from pkg.tests import support\" gone"
    );
    let recipe = Recipe::new(&text.replace(" S/", &format!(" {SITE}/")));
    let sandbox = Sandbox::with(&recipe);
    sandbox
        .slim("save oci:src:t oci:out:t --profile python --compression none")
        .ok();
    let root = sandbox.path("root");
    for tar in layout_layers(&sandbox.path("out"), Some("t"), "linux/amd64") {
        tar::Archive::new(tar.as_slice()).unpack(&root).unwrap();
    }
    assert!(root.join(SITE).join("pkg/tests/support.py").is_file());
    for gone in &recipe.gone {
        assert!(!root.join(gone).exists(), "{gone}");
    }
    let python = |code: &str| {
        let mut command = Command::new("python3");
        command.args(["-I", "-c"]).arg(format!(
            "import sys; sys.path.insert(0, {:?}); {code}",
            root.join(SITE).display().to_string()
        ));
        command.output()
    };
    if let Ok(found) = python("import pkg; print(pkg.ANSWER)") {
        assert!(found.status.success() && found.stdout == b"42\n", "{found:?}");
        assert!(!python("import other.tests.test_a").unwrap().status.success());
    }
}
