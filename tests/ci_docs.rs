//! What the documents on CIs and `action.yml` promise: YAML that parses, commands and flags that exist, budgets that are read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::cmd::Sandbox;
use crate::support::judges;
use crate::support::recipe::Recipe;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<(String, String)> {
    let names = ["docs/ci.md", "docs/check.md", "action.yml", "README.md"];
    names
        .map(|name| (name.to_owned(), fs::read_to_string(root().join(name)).unwrap()))
        .to_vec()
}

/// The blocks of a document in a language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    let open = format!("```{language}\n");
    let parts = text.split(open.as_str()).skip(1);
    parts.map(|part| part.split("```").next().unwrap()).collect()
}

#[test]
fn every_flag_that_is_shown_exists() {
    let sandbox = Sandbox::new();
    let mut helps = BTreeMap::new();
    let mut seen = 0;
    for (name, text) in documents() {
        // A line that goes on is one line, and a shell's array of arguments is the command's that takes it.
        let text = text.replace("\\\n", " ").replace("\"$SLIM\" ", "slim ");
        for line in text.lines() {
            let Some((_, command)) = line.split_once("slim ").filter(|_| !line.starts_with('#')) else {
                continue;
            };
            let words: Vec<&str> = command.split([' ', '`', '"', '\'', ')', ',']).collect();
            let known = ["check", "comment", "report", "diff"];
            let Some(verb) = known.into_iter().find(|verb| words[0] == *verb) else {
                continue;
            };
            let help = helps
                .entry(verb)
                .or_insert_with(|| sandbox.slim(&format!("{verb} --help")).ok().stdout);
            for flag in words
                .iter()
                .filter(|word| word.starts_with("--") && word.len() > 2)
            {
                let flag = flag.split('=').next().unwrap();
                assert!(help.contains(flag), "{name}: slim {verb} has no {flag}: {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "{seen} flags");
}

#[test]
fn the_yaml_parses() {
    let has_yaml = Command::new("python3").args(["-c", "import yaml"]).output();
    if !has_yaml.is_ok_and(|done| done.status.success()) {
        return judges::skipped("PyYAML not installed");
    }
    let sandbox = Sandbox::new();
    let mut files: Vec<PathBuf> = vec![root().join("action.yml")];
    for (name, text) in documents() {
        for (at, block) in blocks(&text, "yaml").into_iter().enumerate() {
            files.push(sandbox.write(&format!("{at}-{}.yml", name.replace('/', "-")), block));
        }
    }
    assert!(files.len() > 5, "{files:?}");
    let script = "import sys, yaml
for path in sys.argv[1:]:
    with open(path) as file:
        assert yaml.safe_load(file), path
action = yaml.safe_load(open(sys.argv[1]))
assert action['runs']['using'] == 'composite'
for step in action['runs']['steps']:
    assert step['shell'] == 'bash' and '${{' not in step['run'], step
print(sorted(action['inputs']))
";
    let mut python = Command::new("python3");
    let inputs = judges::run(python.args(["-c", script]).args(&files));
    assert_eq!(
        inputs,
        "['against', 'comment', 'config', 'image', 'key', 'slim', 'token']\n"
    );
}

#[test]
fn the_documented_budgets_are_read() {
    let text = fs::read_to_string(root().join("docs/check.md")).unwrap();
    let [toml] = blocks(&text, "toml")[..] else {
        panic!("one file is shown");
    };
    let sandbox = Sandbox::with(&Recipe::new("layer\nf app/a 10"));
    sandbox.write("slim.toml", toml);
    let document = sandbox.slim("check oci:src:t --format json").json();
    assert_eq!(document["budgets"].as_array().unwrap().len(), 15);
    // The same file is a profile as well.
    sandbox.slim("plan oci:src:t --profile slim.toml").ok();
}

/// The steps of the action, run as a runner runs them.
#[test]
fn the_action_runs() {
    if !judges::have(&["bash", "python3"]) {
        return;
    }
    let sandbox = Sandbox::with(&Recipe::new("layer\nf app/a 1000"));
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    let (_, check) = action.split_once("- name: Check").unwrap();
    let (_, script) = check.split_once("run: |\n").unwrap();
    let run = |name: &str| {
        sandbox.write("output", "");
        let mut bash = Command::new("bash");
        bash.args(["-eo", "pipefail", "-c", script])
            .current_dir(sandbox.path(""))
            .env("SLIM", env!("CARGO_BIN_EXE_slim"))
            .env("IMAGE", "oci:src:t")
            .env("AGAINST", "")
            .env("CONFIG", "")
            .env("RUNNER_TEMP", sandbox.path("tmp"))
            .env("SLIM_CACHE", sandbox.path("cache"))
            .env("GITHUB_OUTPUT", sandbox.path("output"));
        let done = bash.output().unwrap();
        let output = fs::read_to_string(sandbox.path("output")).unwrap();
        assert!(output.starts_with("report="), "{name}: {output}");
        assert!(sandbox.path("tmp/slim-report.json").is_file(), "{name}");
        (done.status.code(), String::from_utf8(done.stdout).unwrap())
    };
    assert_eq!(run("no budget").0, Some(0));
    sandbox.write("slim.toml", "remove = [\"headers\"]\n[budget]\nmax-disk = 1\n");
    let (code, said) = run("over");
    assert_eq!(code, Some(1));
    assert!(said.starts_with("::error file=Dockerfile"), "{said}");
    sandbox.write("slim.toml", "[budget.category]\napt-cache = 0\n");
    assert_eq!(run("kept").0, Some(0));
}
