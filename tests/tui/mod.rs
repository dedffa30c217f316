//! Journeys through the interface: keys in, the last frame out, by the script that the executable plays.

mod finding;
mod inside;
mod looks;
mod marks;
mod others;
mod settings;

use std::fs;
use std::path::Path;

use crate::support::cmd::{Sandbox, names};
use crate::support::recipe::Recipe;

const IMAGE: &str = r#"
config {"Cmd":["/bin/app"],"WorkingDir":"/srv","Env":["LANG=C"]}
layer ADD rootfs.tar /
f bin/app 3000
f var/lib/dpkg/status text="Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n\nPackage: tool\nStatus: install ok installed\nVersion: 1.0\nArchitecture: amd64\n\n"
f var/lib/dpkg/info/libc6.list text="/lib/libc.so\n"
f var/lib/dpkg/info/tool.list text="/usr/bin/tool\n"
f lib/libc.so 2000000
f usr/bin/tool 300000
f usr/share/doc/tool/README 52000
f usr/share/doc/tool/copyright 1000
layer RUN apt-get update && apt-get install -y tool
f var/cache/apt/archives/a.deb 4000000
f srv/old.bin 700000
f srv/config.ini 120
layer COPY . /srv
f srv/config.ini 240
wh srv/old.bin
f srv/data/large.bin 1500000
f srv/data/small.bin 20
f srv/data/deep/er/and/deeper.txt 77
f srv/漢字/資料.txt 900
f srv/a\x1b[31m\xe2\x80\xaeb\xff 500
h srv/again bin/app
l srv/link data/large.bin
"#;

fn sandbox() -> Sandbox {
    Sandbox::with(&Recipe::new(IMAGE))
}

/// The last frame after these keys.
fn frame(sandbox: &Sandbox, keys: &str, size: &str) -> String {
    let keys = keys.replace(' ', "<space>");
    let keys = if keys.is_empty() {
        String::new()
    } else {
        format!(" --keys={keys}")
    };
    let keys = if keys.is_empty() {
        " --keys=<esc>".to_owned()
    } else {
        keys
    };
    sandbox
        .slim(&format!("explore oci:src --size {size}{keys}"))
        .ok()
        .stdout
}

/// Asserts that the frame after these keys shows all of this.
#[track_caller]
fn shows(sandbox: &Sandbox, keys: &str, wanted: &[&str]) {
    let frame = frame(sandbox, keys, "120x40");
    for text in wanted {
        assert!(frame.contains(text), "{keys}: no `{text}` in\n{frame}");
    }
}

#[test]
fn what_cannot_be_read_ends_with_its_own_exit_code() {
    let sandbox = sandbox();
    sandbox
        .slim("explore oci:nowhere --keys j")
        .one_line(3, &["nowhere"]);
    sandbox
        .slim("explore oci:src --keys <foo>")
        .one_line(2, &["`foo` is no key"]);
}

#[test]
fn without_a_terminal_it_is_the_report() {
    let sandbox = sandbox();
    let report = sandbox.slim("report -q oci:src").ok().stdout;
    assert_eq!(sandbox.slim("explore -q oci:src").ok().stdout, report);
    assert_eq!(sandbox.slim("-q oci:src").ok().stdout, report);
}

/// The floors inside the interface: only what draws or reads the terminal knows the library for it.
#[test]
fn the_state_knows_no_terminal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui");
    let mut directories = vec![root.clone()];
    let mut seen = 0;
    while let Some(directory) = directories.pop() {
        for name in names(&directory) {
            let path = directory.join(&name);
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let inner = path.strip_prefix(&root).unwrap();
            let may = ["draw", "terminal.rs", "app.rs", "tests.rs"];
            let may = may.iter().any(|name| inner.starts_with(name));
            assert!(
                may || !text.contains("ratatui"),
                "{} knows ratatui",
                inner.display()
            );
            seen += 1;
        }
    }
    assert!(seen > 20);
}
