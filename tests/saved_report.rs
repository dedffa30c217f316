//! A report is saved and opened again: the same bytes, and every other form of it; and its JSON is what the schema says.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::corpus::{REAL, corpus};
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;
use crate::support::schema;

const IMAGE: &str = r#"
config {"Cmd":["/bin/app"],"Env":["LANG=C"]}
layer RUN apt-get update
f bin/app 3000
f var/lib/dpkg/status text="Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n\n"
f var/lib/dpkg/info/libc6.list text="/lib/libc.so\n"
f lib/libc.so 20000
f var/cache/apt/archives/a.deb 40000
f srv/a\x1b[31m\xe2\x80\xaeb\\c\xff 500
f srv/=1+1 100
h srv/again bin/app
l srv/link ../bin/app
p run/fifo
layer COPY . /srv
f srv/=1+1 200
wh var/cache/apt/archives/a.deb
"#;

/// Flags that add to a report.
const MORE: &str = "--tree --advice --by layer,owner,directory";

/// Saves a report, opens it, and compares the bytes.
fn round(sandbox: &Sandbox, reference: &str, flags: &str) {
    let line = format!("report -q {reference} {flags} --format json");
    let saved = sandbox.slim(&line).ok().stdout;
    sandbox.write("saved.json", &saved);
    let again = sandbox.slim("report -q saved.json --format json").ok().stdout;
    assert!(again == saved, "{line}: what was opened is not what was saved");
}

#[test]
fn a_saved_report_is_the_same_bytes_again() {
    let sandbox = Sandbox::with(&Recipe::new(IMAGE));
    for flags in ["", MORE] {
        round(&sandbox, "oci:src", flags);
    }
    let Some(corpus) = corpus() else { return };
    for real in REAL {
        let sandbox = Sandbox::new();
        let reference = real.reference(&corpus, &sandbox);
        for flags in ["", MORE] {
            round(&sandbox, &reference, flags);
        }
        // Every platform of an index.
        if let Some((index, _)) = reference.split_once(" --platform") {
            round(&sandbox, index, "--platform all --tree");
        }
    }
}

#[test]
fn a_saved_report_has_every_form() {
    let sandbox = Sandbox::with(&Recipe::new(IMAGE));
    sandbox.slim(&format!("report oci:src {MORE} -o saved.json")).ok();
    for form in ["text", "markdown", "json", "html", "csv"] {
        let made = sandbox
            .slim(&format!("report oci:src {MORE} --format {form}"))
            .ok()
            .stdout;
        let opened = sandbox.slim(&format!("report saved.json --format {form}")).ok();
        assert_eq!(opened.stdout, made, "{form}");
        assert_eq!(opened.stderr, "", "{form}: nothing is to be told");
    }
}

#[test]
fn a_file_that_is_no_report_is_refused() {
    let sandbox = Sandbox::with(&Recipe::new(IMAGE));
    sandbox.slim("plan oci:src -o plan.json").ok();
    sandbox.write("other.json", "{\"schema_version\": 7}");
    sandbox.write("no.json", "{\"a\": 1}");
    sandbox.write("cut.json", "{\"schema_version\": 1, ");
    for (file, words) in [
        (
            "plan.json",
            &["plan.json", "it is no report", "missing field"][..],
        ),
        ("other.json", &["schema_version is 7", "reads 1"]),
        ("no.json", &["no schema_version"]),
        ("cut.json", &["cut.json", "it is no report"]),
    ] {
        sandbox.slim(&format!("report {file}")).one_line(2, words);
    }
    sandbox.slim("report oci:src -o saved.json").ok();
    for (flags, words) in [
        ("--tree", &["saved.json", "without --tree"][..]),
        ("--advice", &["without --advice"]),
        ("--by layer", &["without --by"]),
        ("--platform linux/arm64", &["no report on linux/arm64"]),
    ] {
        sandbox
            .slim(&format!("report saved.json {flags}"))
            .one_line(2, words);
    }
    sandbox.slim("report saved.json --platform linux/amd64").ok();
}

#[test]
fn a_form_that_a_document_does_not_have_is_said_before_any_work() {
    let sandbox = Sandbox::with(&Recipe::new(IMAGE));
    for (line, words) in [
        (
            "report oci:src -o x.sarif",
            &["a report", "`sarif`", "text, markdown, json, html and csv"][..],
        ),
        (
            "verify oci:src oci:src -o x.csv",
            &["a comparison", "`csv`", "text and json"],
        ),
        (
            "save oci:src oci:out -o x.md",
            &["what a write made", "`markdown`", "text and json"],
        ),
        ("save oci:src oci:out --dry-run -o x.xml", &["a plan", "`junit`"]),
    ] {
        sandbox.slim(line).one_line(2, words);
    }
    assert!(!sandbox.path("out").exists(), "nothing was written");
    sandbox.slim("report oci:src --format text -o x.json").ok();
    assert!(
        !fs::read_to_string(sandbox.path("x.json"))
            .unwrap()
            .starts_with('{'),
        "--format wins"
    );
    let help = sandbox.slim("report --help").ok().stdout;
    for word in ["markdown", "(.html, .htm)", "(.csv)"] {
        assert!(help.contains(word), "{help}");
    }
}

/// Every document of the executable is what `docs/schema` says, and has no key that the schema does not know.
#[test]
fn documents_are_what_the_schemas_say() {
    let sandbox = Sandbox::with(&Recipe::new(IMAGE));
    Recipe::new(IMAGE).oci(&sandbox.path("plain"), "t", Codec::Plain);
    sandbox
        .slim("save oci:src docker-archive:src.tar:a:b --profile none")
        .ok();
    for (name, lines) in [
        (
            "report",
            &[
                "report oci:src",
                "report plain",
                &format!("report src.tar {MORE}"),
                "report oci:src --platform all --tree",
            ][..],
        ),
        (
            "plan",
            &[
                "plan oci:src",
                "plan src.tar --profile aggressive --strip",
                "save oci:src oci:x --dry-run",
            ],
        ),
        (
            "write",
            &[
                "save oci:src oci:out",
                "save src.tar docker-archive:out.tar:a:b",
                "save oci:src oci:kept --leftovers oci:left",
            ],
        ),
        ("diff", &["diff oci:src oci:out", "diff src.tar oci:src"]),
        (
            "check",
            &[
                "check oci:src --max-disk 9GB",
                "check oci:src --max-disk 9GB --max-growth 9GB --against oci:out",
            ],
        ),
        ("trace", &["trace oci:src /", "trace src.tar / --diff"]),
        ("verify", &["verify oci:src oci:out", "verify oci:src oci:src"]),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/{name}.json"));
        let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        for line in lines {
            let document = sandbox.slim(&format!("{line} --format json")).json();
            schema::check(&schema, &document).unwrap_or_else(|wrong| panic!("{line}: {wrong}"));
            let several = serde_json::json!({"schema_version": 1, "platforms": [document, document]});
            schema::check(&schema, &several).unwrap_or_else(|wrong| panic!("{line}, twice: {wrong}"));
            let mut broken = document.clone();
            broken
                .as_object_mut()
                .unwrap()
                .insert("schema_version".to_owned(), "1".into());
            schema::check(&schema, &broken).unwrap_err();
        }
    }
}
