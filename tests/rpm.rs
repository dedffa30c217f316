//! rpm's databases, through the executable: the same packages in each of its forms, and rpm's own word for them.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::judges::{have, run};
use crate::support::recipe::Recipe;

/// The file in `testdata/rpm`, and where such a one lies in an image.
const DATABASES: [(&str, &str); 4] = [
    ("rpmdb.sqlite.gz", "usr/lib/sysimage/rpm/rpmdb.sqlite"),
    ("Packages.db.gz", "usr/share/rpm/Packages.db"),
    ("Packages.little.gz", "var/lib/rpm/Packages"),
    ("Packages.big.gz", "var/lib/rpm/Packages"),
];

/// What the packages of `testdata/rpm/make.sh` bring, and what is none of theirs.
const FILES: &str = r"
    d usr
    d usr/bin
    l bin usr/bin
    f usr/bin/sh 100
    f usr/bin/bash 200
    f etc/profile 50
    f var/log/bash.log 70
    f usr/share/doc/bash/README 30
    f usr/bin/zero 300
    l usr/bin/nil zero
    f usr/lib64/libc++.so.1 400
    f usr/share/gru\xc3\x9f/ein\x20name\x20mit\x20raum 500
    f usr/share/many/3/file-101.txt 600
    f usr/share/many/0/file-101.txt 5
    f usr/bin/removed 6
";

#[test]
fn packages_of_every_form_own_their_files() {
    for (name, path) in DATABASES {
        let sandbox = Sandbox::with(&image(name, path, ""));
        let report = sandbox.slim("report --format json --by owner oci:src:t").json();
        let shown: Vec<String> = rows(&report, "/owners")
            .iter()
            .filter(|row| row["files"] != 0)
            .map(|row| {
                let words = [
                    "kind",
                    "name",
                    "version",
                    "arch",
                    "installed",
                    "files",
                    "disk_bytes",
                ];
                words.map(|key| row[key].to_string().replace('"', "")).join(" ")
            })
            .collect();
        let want = [
            "rpm lib+c++ 13~rc1^git5-1.el9 x86_64 true 2 900",
            "rpm many 1.0-1.el9 noarch true 1 600",
            "rpm bash 2:5.2-1.el9 x86_64 true 3 350",
            "rpm zero 0:1.0-1.el9 x86_64 true 2 300",
            "rpm filesystem 1.0-1.el9 noarch true 1 0",
        ];
        assert_eq!(shown, want, "{name}");
        // Those whose files are not here are installed all the same; keys and what was removed again are not.
        assert_eq!(rows(&report, "/owners").len(), 18, "{name}");
        let nobodys = [
            "/usr/bin/removed",
            "/usr/share/doc/bash/README",
            "/usr/share/many/0/file-101.txt",
            "/var/log/bash.log",
        ];
        let owners = owners(&report);
        for path in nobodys {
            assert!(owners.contains(&format!("{path} null")), "{name}: {path}");
        }
        let (sh, space) = (
            "/usr/bin/sh \"rpm:bash\"",
            "/usr/share/gruß/ein name mit raum \"rpm:lib+c++\"",
        );
        assert!(owners.iter().any(|row| row == sh), "{name}: {owners:?}");
        assert!(owners.iter().any(|row| row == space), "{name}: {owners:?}");
    }
}

#[test]
fn packages_of_a_database_that_is_gone_are_not_installed() {
    let (name, path) = DATABASES[2];
    let sandbox = Sandbox::with(&image(name, path, "layer\nwh var/lib/rpm\nwh usr/bin/zero\n"));
    let report = sandbox.slim("report --format json oci:src:t").json();
    let zero = rows(&report, "/owners")
        .iter()
        .find(|row| row["name"] == "zero")
        .unwrap();
    assert_eq!(
        (&zero["installed"], &zero["disk_bytes"], &zero["visible_bytes"]),
        (&Value::from(false), &Value::from(300), &Value::from(0))
    );
}

/// A database that is damaged is reported on like any: it says less.
#[test]
fn damaged_databases_do_no_harm() {
    for (name, path) in DATABASES {
        let whole = database(name);
        for length in [100, 5000, whole.len() / 2, whole.len() - 1] {
            let sandbox = Sandbox::with(&image_of(&whole[..length], path, ""));
            let report = sandbox.slim("report --format json oci:src:t").json();
            assert!(rows(&report, "/owners").len() <= 18, "{name} up to {length}");
        }
    }
}

/// `testdata/rpm/installed`, which the tests compare with, is what rpm says of the databases that it can read: Debian's
/// reads no ndb.
#[test]
fn rpm_says_the_same() {
    if !have(&["rpm", "awk"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let installed = fs::read_to_string(testdata("installed")).unwrap();
    for (name, path) in DATABASES
        .into_iter()
        .filter(|(name, _)| *name != "Packages.db.gz")
    {
        let directory = sandbox.path(name);
        fs::create_dir(&directory).unwrap();
        let file = Path::new(path).file_name().unwrap();
        fs::write(directory.join(file), database(name)).unwrap();
        let said = run(Command::new(testdata("list.sh")).arg(&directory));
        assert_eq!(said, installed, "{name}");
    }
}

fn image(name: &str, path: &str, more: &str) -> Recipe {
    image_of(&database(name), path, more)
}

fn image_of(database: &[u8], path: &str, more: &str) -> Recipe {
    let mut hex = String::new();
    for byte in database {
        let _ = write!(hex, "{byte:02x}");
    }
    Recipe::new(&format!("layer\n{FILES}\nf {path} hex={hex}\n{more}"))
}

/// Path and owner of the largest files.
fn owners(report: &Value) -> Vec<String> {
    let row = |row: &Value| format!("{} {}", row["path"].as_str().unwrap(), row["owner"]);
    rows(report, "/largest").iter().map(row).collect()
}

fn rows<'a>(report: &'a Value, pointer: &str) -> &'a [Value] {
    report.pointer(pointer).and_then(Value::as_array).expect("a list")
}

fn database(name: &str) -> Vec<u8> {
    let (file, mut bytes) = (fs::File::open(testdata(name)).unwrap(), Vec::new());
    flate2::read::GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/rpm")
        .join(name)
}
