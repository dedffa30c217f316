//! `slim check`: budgets over, under, allowed and expired, in every format, and dive's verdicts.

use std::process::Command;

use serde_json::Value;

use crate::support::cmd::{Sandbox, int};
use crate::support::corpus::{REAL, corpus};
use crate::support::index::Layout;
use crate::support::judges;
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

/// An image with something of everything that has a budget: 1,000 bytes of a package, 3,000 of a cache, 2,000 that are
/// shadowed, 5,000 of an application.
const IMAGE: &str = "layer RUN apt-get install curl
    f var/lib/dpkg/status text=\"Package: curl\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 7.88\\n\"
    f var/lib/dpkg/info/curl.list text=\"/usr/bin/curl\\n\"
    f usr/bin/curl 1000
    f var/cache/apt/pkgcache.bin 3000
    layer COPY app /app
    f app/main.py 4000
    f app/old.bin 2000
    layer RUN rm /app/old.bin
    wh app/old.bin
    f app/new.py 1000";

/// The same, smaller: what growth is measured against.
const BASE: &str = "layer RUN apt-get install curl
    f var/lib/dpkg/status text=\"Package: curl\\nStatus: install ok installed\\nArchitecture: amd64\\nVersion: 7.88\\n\"
    f var/lib/dpkg/info/curl.list text=\"/usr/bin/curl\\n\"
    f usr/bin/curl 1000
    f var/cache/apt/pkgcache.bin 3000
    layer COPY app /app
    f app/main.py 4000";

fn sandbox(config: &str) -> Sandbox {
    let sandbox = Sandbox::with(&Recipe::new(IMAGE));
    sandbox.write("slim.toml", config);
    sandbox
}

/// The verdict as JSON, whatever it is.
fn verdict(sandbox: &Sandbox, line: &str) -> Value {
    let done = sandbox.slim(&format!("check oci:src:t --format json {line}"));
    assert!(matches!(done.code, Some(0 | 1)), "{}", done.stderr);
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        document["ok"],
        done.code == Some(0),
        "the exit code says the same"
    );
    document
}

fn words(document: &Value, key: &str) -> Vec<String> {
    let rows = document["budgets"].as_array().unwrap().iter();
    rows.map(|row| row[key].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn each_budget_is_kept_at_its_limit_and_over_one_below() {
    let sandbox = sandbox("");
    let report = sandbox.slim("report --format json oci:src:t").json();
    let total = |key: &str| int(&report, &format!("/totals/{key}"));
    let cases = [
        ("max-wire", total("wire_bytes"), "on the wire"),
        ("max-disk", total("disk_bytes"), "on disk"),
        ("max-layers", 3, "3 layers"),
        ("max-shadowed", 2000, "shadowed"),
        ("max-reclaimable", total("reclaimable_bytes"), "squashing alone"),
        (
            "max-removable",
            total("removable_bytes"),
            "can go without changing",
        ),
        ("category.apt-cache", 3000, "of apt-cache in 1 file"),
        ("path./app/**", 7000, "of `/app/**` in 3 files"),
    ];
    for (name, value, message) in cases {
        assert!(value > 0, "{name}: the image has something of it");
        for (limit, state) in [(value, "ok"), (value - 1, "over")] {
            let document = verdict(&sandbox, &format!("--budget {name}={limit}"));
            let budget = &document["budgets"][0];
            assert_eq!((&budget["name"], &budget["state"]), (&name.into(), &state.into()));
            assert_eq!(
                (int(budget, "/value"), int(budget, "/limit")),
                (value, limit),
                "{name}"
            );
            let said = budget["message"].as_str().unwrap();
            assert!(said.contains(message), "{name}: {said}");
            let blame = budget["blame"].as_array().unwrap();
            assert_eq!(
                blame.is_empty(),
                state == "ok",
                "{name}: what is over has somebody to blame"
            );
        }
    }
}

#[test]
fn what_is_to_blame_is_named_with_its_instruction() {
    let sandbox = sandbox("");
    let blame = |name: &str| verdict(&sandbox, &format!("--budget {name}=0"))["budgets"][0]["blame"].clone();
    let shadowed = blame("max-shadowed");
    assert_eq!(shadowed.as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &shadowed[0]["path"],
            &shadowed[0]["bytes"],
            &shadowed[0]["instruction"]
        ),
        (&"/app/old.bin".into(), &2000.into(), &"COPY app /app".into())
    );
    let removable = blame("max-removable");
    assert_eq!(removable[0]["path"], "/var/cache/apt/pkgcache.bin");
    let paths = blame("path./app/**");
    let paths: Vec<_> = paths
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["bytes"].as_u64().unwrap())
        .collect();
    assert_eq!(paths, [4000, 2000, 1000], "the largest first");
    assert_eq!(blame("max-disk")[0]["instruction"], "COPY app /app");
    let cache = verdict(&sandbox, "--budget category.apt-cache=0");
    let fixes = cache["budgets"][0]["fixes"].as_array().unwrap();
    assert_eq!(fixes.len(), 1, "the way out");
}

#[test]
fn packages_that_must_not_be_there_are_found() {
    for (deny, state, message) in [
        ("curl", "over", "`deb:curl 7.88` is in the image, and must not be"),
        (
            "deb:curl",
            "over",
            "`deb:curl 7.88` is in the image, and must not be",
        ),
        ("cur*", "over", "`deb:curl 7.88` is in the image, and must not be"),
        ("apk:curl", "ok", "no package `apk:curl`"),
        ("gcc", "ok", "no package `gcc`"),
    ] {
        let sandbox = sandbox(&format!("[budget.packages]\ndeny = [\"{deny}\"]\n"));
        let document = verdict(&sandbox, "");
        assert_eq!(words(&document, "state"), [state], "{deny}");
        assert_eq!(words(&document, "message"), [message], "{deny}");
        assert_eq!(words(&document, "name"), [format!("package.{deny}")]);
    }
}

#[test]
fn an_allowance_counts_until_its_day() {
    for (until, state, code) in [("2999-12-31", "allowed", 0), ("2020-01-01", "expired", 1)] {
        let sandbox = sandbox(&format!(
            "[budget]\nmax-layers = 3\n[budget.category]\napt-cache = 0\n\
             [[budget.allow]]\nbudget = \"category.apt-cache\"\nreason = \"until the mirror moves\"\nuntil = {until}\n\
             [[budget.allow]]\nbudget = \"max-layers\"\nreason = \"not needed\"\nuntil = {until}\n"
        ));
        let document = verdict(&sandbox, "");
        assert_eq!(words(&document, "state"), ["ok", state]);
        assert_eq!(document["budgets"][1]["until"], until);
        let text = sandbox.slim("check oci:src:t").code(code).stdout;
        let said = format!("allowed until {until}: until the mirror moves");
        assert!(
            text.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .contains(&said),
            "{text}"
        );
    }
}

#[test]
fn growth_is_measured_against_an_image_or_its_saved_report() {
    let sandbox = sandbox("[budget]\nmax-growth = [\"2 kB\", \"50 %\"]\nmax-wire-growth = \"100 kB\"\n");
    Recipe::new(BASE).oci(&sandbox.path("base"), "t", Codec::Gzip);
    sandbox.slim("report oci:base:t --format json -o base.json").ok();
    let by_image = verdict(&sandbox, "--against oci:base:t");
    let by_report = verdict(&sandbox, "--against base.json");
    assert_eq!(by_image["budgets"], by_report["budgets"]);
    assert_eq!(words(&by_image, "state"), ["over", "ok", "ok"]);
    assert_eq!(int(&by_image, "/budgets/0/value"), 3000);
    assert_eq!(by_image["against"]["reference"], "oci:base:t");
    let blame = by_image["budgets"][0]["blame"].as_array().unwrap();
    let layers: Vec<_> = blame.iter().filter_map(|row| row["layer"].as_u64()).collect();
    assert_eq!(
        layers,
        [1, 2],
        "the layers that the base does not have, the largest first"
    );
    assert!(blame.iter().any(|row| row["category"].is_string()), "{blame:?}");

    let alone = verdict(&sandbox, "");
    assert_eq!(
        words(&alone, "state"),
        ["skipped", "skipped", "skipped"],
        "said, not forgotten"
    );
    let same = verdict(&sandbox, "--against oci:src:t --max-growth 0 --max-wire-growth 0");
    assert_eq!(words(&same, "state"), ["ok", "ok"]);
    sandbox
        .slim("check oci:src:t --against gone.json")
        .one_line(3, &["gone.json"]);
    sandbox.write("odd.json", "{\"a\": 1}");
    sandbox
        .slim("check oci:src:t --against odd.json")
        .one_line(2, &["odd.json"]);
}

#[test]
fn platforms_are_compared_each_with_its_own() {
    let sandbox = sandbox("");
    for (name, sizes) in [("new", [100, 900]), ("old", [90, 100])] {
        let mut layout = Layout::new(sandbox.path(name));
        let rows = ["amd64", "arm64"].iter().zip(sizes).map(|(arch, size)| {
            let top = format!("top {{\"architecture\":\"{arch}\"}}\nlayer RUN make\nf app/a {size}");
            layout.image(&Recipe::new(&top))
        });
        let index = layout.index(&rows.collect::<Vec<_>>(), &serde_json::json!({}));
        layout.tag(&index, "t");
    }
    sandbox
        .slim("report oci:old:t --platform all --format json -o old.json")
        .ok();
    for against in ["oci:old:t", "old.json"] {
        let line =
            format!("check oci:new:t --platform all --format json --max-growth 100 --against {against}");
        let document: Value = serde_json::from_str(&sandbox.slim(&line).code(1).stdout).unwrap();
        let states: Vec<_> = document["platforms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["ok"].clone())
            .collect();
        assert_eq!(states, [true, false], "{against}");
    }
    // One platform of an index is compared with the same one.
    let arm = sandbox
        .slim("check oci:new:t --platform linux/arm64 --max-growth 800 --against oci:old:t --format json");
    assert_eq!(int(&arm.json(), "/budgets/0/value"), 800);
}

#[test]
fn a_wire_budget_needs_compressed_layers() {
    let sandbox = sandbox("[budget]\nmax-wire = \"1 MB\"\n");
    sandbox.write("src.tar", Recipe::new(IMAGE).docker_archive("a:b"));
    sandbox.slim("check docker-archive:src.tar").one_line(
        2,
        &["slim.toml:2", "max-wire", "docker-archive:src.tar", "max-disk"],
    );
}

#[test]
fn without_a_budget_it_says_what_to_do() {
    let sandbox = Sandbox::with(&Recipe::new(IMAGE));
    let said = sandbox.slim("check oci:src:t").code(2).stderr;
    for word in ["slim.toml", "[budget]", "--config", "--max-disk"] {
        assert!(said.contains(word), "{said}");
    }
    // A profile is no budget, and is none of its business here.
    sandbox.write("slim.toml", "remove = [\"headers\"]\n");
    sandbox.slim("check oci:src:t").code(2);
    sandbox.slim("check oci:src:t --max-disk 1MB").ok();
    sandbox
        .slim("check oci:src:t --config slim.toml")
        .one_line(2, &["slim.toml", "budget"]);
    sandbox
        .slim("check oci:src:t --config gone.toml")
        .one_line(2, &["gone.toml"]);
    sandbox.write("slim.toml", "[budget]\nmax-disc = 1\n");
    sandbox
        .slim("check oci:src:t")
        .one_line(2, &["slim.toml:2", "max-disc", "did you mean `max-disk`?"]);
    sandbox.write("slim.toml", "remvoe = []\n[budget]\nmax-disk = 1\n");
    sandbox
        .slim("check oci:src:t")
        .one_line(2, &["slim.toml:1", "remvoe"]);
}

#[test]
fn a_category_of_the_file_itself_can_have_a_budget() {
    let sandbox = sandbox(
        "[budget.category]\nour-models = 100\n[[category]]\nname = \"our-models\"\ntitle = \"Our models\"\nband = \"tree\"\n\
         reason = \"r\"\nsafety = \"review\"\nglobs = [\"/app/*.bin\"]\nmatches = [\"/app/x.bin\"]\n",
    );
    let document = verdict(&sandbox, "");
    assert_eq!(
        (words(&document, "state"), int(&document, "/budgets/0/value")),
        (vec!["over".to_owned()], 2000)
    );
}

#[test]
fn the_report_comes_out_of_the_same_run() {
    let sandbox = sandbox("[budget]\nmax-disk = 1\n");
    sandbox
        .slim("check oci:src:t --report report.json -o verdict.txt")
        .code(1);
    let report = sandbox.slim("report oci:src:t --format json").ok().stdout;
    assert_eq!(
        std::fs::read_to_string(sandbox.path("report.json")).unwrap(),
        report
    );
    sandbox.slim("check oci:src:t --report report.txt").code(1);
    let text = std::fs::read_to_string(sandbox.path("report.txt")).unwrap();
    assert!(text.contains("on disk"), "{text}");
    let said = std::fs::read_to_string(sandbox.path("verdict.txt")).unwrap();
    assert!(said.contains("max-disk"), "{said}");
}

/// A layer whose instruction and a file whose name try everything.
const EVIL: &str = "layer RUN echo '<b>&\\\"]]>' | tee /x ::error::y
    f app/a\\x0a::error::pwned%0Ax\\x1b[31m 10
    f app/|<img\\x20src=x>`[a](b)@me#1 20
    f app/\\xff\\xef\\xbf\\xbf]]> 30";

#[test]
fn machines_can_read_what_is_for_them() {
    if !judges::have(&["python3"]) {
        return;
    }
    let sandbox = Sandbox::with(&Recipe::new(EVIL));
    let line = "check oci:src:t --budget path./app/**=1 --budget max-disk=1MB --max-growth 1 --format";
    let junit = sandbox.slim(&format!("{line} junit -o out.xml")).code(1);
    assert_eq!(junit.stdout, "");
    let github = sandbox.slim(&format!("{line} github")).code(1).stdout;
    let commands: Vec<_> = github.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(
        commands.len(),
        2,
        "an error and a notice, and no line of the image's:\n{github}"
    );
    assert!(
        commands[1].starts_with("::error file=Dockerfile,title=oci%3Asrc%3At path./app/**::"),
        "{github}"
    );
    let sarif = sandbox.slim(&format!("{line} sarif -o out.sarif")).code(1);
    assert_eq!(sarif.stdout, "");
    let said = python(
        &sandbox,
        "import json, xml.dom.minidom as d
x = d.parse('out.xml')
print([c.getAttribute('name') for c in x.getElementsByTagName('testcase')])
print(len(x.getElementsByTagName('failure')), len(x.getElementsByTagName('skipped')))
log = json.load(open('out.sarif'))
run, = log['runs']
print(log['version'], [(r['ruleId'], r['kind'], r['level']) for r in run['results']])
for r in run['results']:
    assert run['tool']['driver']['rules'][r['ruleIndex']]['id'] == r['ruleId']
    assert r['message']['text'] and r['locations'][0]['physicalLocation']['artifactLocation']['uri'] == 'Dockerfile'
",
    );
    assert_eq!(
        said,
        "['max-growth', 'path./app/**', 'max-disk']\n1 1\n2.1.0 [('max-growth', 'notApplicable', 'none'), \
         ('path./app/**', 'fail', 'error'), ('max-disk', 'pass', 'none')]\n"
    );
    let markdown = sandbox.slim(&format!("{line} markdown")).code(1).stdout;
    assert!(
        !markdown.contains("<img") && !markdown.contains("@me") && !markdown.contains('\u{1b}'),
        "{markdown}"
    );
}

/// What a script prints that runs where `slim` did.
#[track_caller]
fn python(sandbox: &Sandbox, script: &str) -> String {
    judges::run(
        Command::new("python3")
            .args(["-c", script])
            .current_dir(sandbox.path("")),
    )
}

/// Thresholds of dive, and whether dive 0.13.1 itself lets the images of the corpus pass: `CI=true dive --source docker-archive`.
const DIVE: &[(&str, &str)] = &[
    ("default", ""),
    (
        "strict",
        "rules:\n  lowestEfficiency: 0.99\n  highestWastedBytes: 20KB\n  highestUserWastedPercent: 0.5\n",
    ),
    (
        "bytes",
        "rules:\n  lowestEfficiency: disabled\n  highestWastedBytes: 1\n  highestUserWastedPercent: disabled\n",
    ),
];

#[test]
fn dives_rules_give_dives_verdicts() {
    let Some(corpus) = corpus() else { return };
    let table = include_str!("dive-verdicts.tsv");
    let mut judged = 0;
    for real in REAL {
        let sandbox = Sandbox::new();
        for (name, rules) in DIVE {
            let row = format!("{}\t{name}\t", real.name());
            let Some(want) = table.lines().find_map(|line| line.strip_prefix(&row)) else {
                continue;
            };
            sandbox.write(".dive-ci", rules);
            let done = sandbox.slim(&format!(
                "check --format json {}",
                real.reference(&corpus, &sandbox)
            ));
            let found = match done.code {
                Some(0) => "pass",
                Some(1) => "fail",
                other => panic!("{row}{other:?}\n{}", done.stderr),
            };
            assert_eq!(found, want, "{row}\n{}", done.stdout);
            judged += 1;
        }
    }
    assert_eq!(
        judged,
        table.lines().filter(|line| !line.starts_with('#')).count(),
        "every row of the table"
    );
}
