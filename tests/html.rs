//! `slim report --format html` in a real browser: `tests/html-browser.py` clicks, types and reads as a person does.

use std::path::Path;
use std::process::Command;

use crate::support::cmd::Sandbox;
use crate::support::judges::{have, run};
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

/// Names that would be tags, scripts, entities, and text that runs backwards.
const HOSTILE: &str = r#"
config {"Cmd":["/bin/app"]}
layer RUN echo "</script><script>window.ran=1</script><img src=x onerror=window.ran=1>" # buildkit
f bin/app 300000
f srv/<img\x20src=x\x20onerror=window.ran=1> 200000
f srv/<svg\x20onload=window.ran=1> 150000
f srv/&lt;b&gt;&#60;i&#62; 120000
f srv/\xe2\x80\xaegpj.exe 90000
f srv/\x1b[31mred 80000
f srv/not\xffutf8 70000
f srv/__proto__ 60000
f srv/constructor 50000
f var/cache/apt/archives/a.deb 400000
f usr/share/doc/a/README 100000
f usr/share/doc/a/changelog 50000
h srv/again bin/app
layer COPY . /srv
f srv/constructor 55000
wh usr/share/doc/a/changelog
f app/node_modules/a/package.json text="{\"name\":\"a\",\"version\":\"1.0.0\"}"
f app/node_modules/a/index.js 30000
f root/.ssh/id_rsa 1700
"#;

/// Runs every check of the browser on a page; `more` are flags of the script.
fn browse(page: &Path, more: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/html-browser.py");
    run(Command::new("python3").arg(script).arg(page).args(more))
}

#[test]
fn a_page_works_in_a_browser() {
    if !have(&["chromium", "python3"]) {
        return;
    }
    let sandbox = Sandbox::with(&Recipe::new(HOSTILE));
    sandbox.slim("report oci:src --advice -o page.html").ok();
    browse(&sandbox.path("page.html"), &[]);
}

/// Comparisons and plans are pages of the same house.
#[test]
fn pages_of_comparisons_and_plans_work_in_a_browser() {
    if !have(&["chromium", "python3"]) {
        return;
    }
    let sandbox = Sandbox::with(&Recipe::new(HOSTILE));
    let after = HOSTILE
        .replace(
            "f srv/constructor 55000",
            "f srv/constructor 66000\nf srv/<b>new 40000",
        )
        .replace("f srv/not\\xffutf8 70000\n", "");
    Recipe::new(&after).oci(&sandbox.path("new"), "t", Codec::Gzip);
    sandbox.slim("diff oci:src oci:new -o diff.html").ok();
    browse(&sandbox.path("diff.html"), &[]);
    sandbox
        .slim("plan oci:src --remove docs,apt-cache --remove-path /srv/** -o plan.html")
        .ok();
    browse(&sandbox.path("plan.html"), &[]);
}

/// Where nothing changed and nothing goes there is no map, and the page says so.
#[test]
fn pages_without_a_path_work_too() {
    if !have(&["chromium", "python3"]) {
        return;
    }
    let sandbox = Sandbox::with(&Recipe::new("layer COPY\nf bin/app 3000\n"));
    sandbox.slim("diff oci:src oci:src -o diff.html").ok();
    browse(&sandbox.path("diff.html"), &["--empty"]);
    sandbox.slim("plan oci:src --profile none -o plan.html").ok();
    browse(&sandbox.path("plan.html"), &["--empty"]);
}

/// What was saved without its paths has tables and a map of its sums.
#[test]
fn a_page_of_a_saved_report_works_too() {
    if !have(&["chromium", "python3"]) {
        return;
    }
    let sandbox = Sandbox::with(&Recipe::new(HOSTILE));
    sandbox.slim("report oci:src --format json -o saved.json").ok();
    sandbox.slim("report saved.json -o page.html").ok();
    browse(&sandbox.path("page.html"), &[]);
}

/// The bound is for a machine that does much else; `docs/measured.md` has what it takes.
#[test]
fn a_hundred_thousand_files_open_at_once() {
    if !have(&["chromium", "python3"]) {
        return;
    }
    let sandbox = Sandbox::new();
    Recipe::from_tars(vec![many(100_000)]).oci(&sandbox.path("src"), "t", Codec::Gzip);
    sandbox.slim("report oci:src -o page.html").ok();
    let said = browse(&sandbox.path("page.html"), &["--within", "10", "--record"]);
    eprintln!("{said}");
}

/// A layer of so many files of several hundred bytes, a hundred a directory, as package managers of scripts leave them.
fn many(files: usize) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for at in 0..files {
        let (package, module) = (at / 1000, at / 100);
        let kind = ["js", "d.ts", "json", "md"][at % 4];
        let path = format!("srv/app/node_modules/package-{package}/lib/module-{module}/file-{at}.{kind}");
        let body = vec![b'x'; 100 + (at * 7919) % 900];
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(body.len() as u64);
        archive.append_data(&mut header, path, &body[..]).unwrap();
    }
    archive.into_inner().unwrap()
}
