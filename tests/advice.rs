//! What a report says to a person beside numbers: findings, and how a build avoids bytes.

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::recipe::Recipe;

fn report(recipe: &str, flags: &str) -> Value {
    let sandbox = Sandbox::with(&Recipe::new(recipe));
    let line = format!("report oci:src:t --format json {flags}");
    sandbox.slim(&line).json()
}

/// `(layer, category, fix)` of every row, most bytes first.
fn advice(document: &Value) -> Vec<(u64, String, String)> {
    let rows = document["advice"].as_array().unwrap().iter();
    rows.map(|row| {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        (row["layer"].as_u64().unwrap(), text("category"), text("fix"))
    })
    .collect()
}

const CONTEXT: &str = r#"
layer COPY . /app # buildkit
d app/.git/objects
f app/.git/HEAD text="ref: refs/heads/a\n"
f app/.git/objects/a 9000
f app/a 5000 uid=0
layer RUN /bin/sh -c rm -rf /app/.git && chown -R 5:5 /app # buildkit
wh app/.git
f app/a 5000 uid=5
"#;

#[test]
fn what_a_later_layer_hides_is_told_with_both_instructions() {
    let document = report(CONTEXT, "--advice");
    let rows = advice(&document);
    let fix = |category: &str, word: &str| {
        let row = rows
            .iter()
            .find(|(_, name, fix)| name == category && fix.contains(word));
        row.unwrap_or_else(|| panic!("no {category} with {word}: {rows:?}"))
            .clone()
    };
    assert_eq!(fix("git-dir", "`**/.git`").0, 0);
    let deleted = fix("shadowed", "--mount=type=bind");
    assert!(
        deleted
            .2
            .contains("Layer 1 (`RUN rm -rf /app/.git && chown -R 5:5 /app`)"),
        "{deleted:?}"
    );
    assert_eq!(fix("shadowed", "COPY --chown").0, 0);
    assert_eq!(document["dockerignore"], serde_json::json!(["**/.git"]));
    assert!(
        report(CONTEXT, "").get("dockerignore").is_none(),
        "only where it was asked for"
    );
}

#[test]
fn a_category_says_how_the_layer_that_brought_it_avoids_it() {
    let document = report(
        "layer RUN /bin/sh -c apt-get update # buildkit\nf var/lib/apt/lists/a_Packages 70000\nlayer ADD base.tar.xz /\nf x/__pycache__/m.cpython-313.pyc 900\nf x/m.py 900",
        "--advice",
    );
    let rows = advice(&document);
    assert!(
        rows[0].2.contains("/var/lib/apt/lists in the same RUN"),
        "{rows:?}"
    );
    let pyc = rows.iter().find(|(_, name, _)| name == "pycache").unwrap();
    assert!(
        !pyc.2.contains(".dockerignore"),
        "an archive is no build context: {pyc:?}"
    );
    assert_eq!(document["dockerignore"], serde_json::json!([]));
}

#[test]
fn dependencies_belong_before_the_sources() {
    let sources =
        "f app/a.js 10\nf app/b.js 10\nf app/c.js 10\nf app/d.js 10\nf app/e.js 10\nf app/package.json 10\n";
    let install = "layer RUN /bin/sh -c npm ci # buildkit\nf app/node_modules/x/i.js 9000\n";
    let late = report(&format!("layer COPY . /app # buildkit\n{sources}{install}"), "");
    let row = advice(&late)
        .into_iter()
        .find(|(_, name, _)| name == "layer-order")
        .unwrap();
    assert!(
        row.0 == 1 && row.2.contains("copy only `package.json`"),
        "{row:?}"
    );
    let early = report(
        &format!(
            "layer COPY package.json /app # buildkit\nf app/package.json 10\n{install}layer COPY . /app # buildkit\n{sources}"
        ),
        "",
    );
    assert!(advice(&early).iter().all(|(_, name, _)| name != "layer-order"));
}

/// Paths and layers, never contents.
#[test]
fn secrets_are_found_in_every_layer() {
    let document = report(
        "layer COPY . /app\nf root/.ssh/id_rsa 20\nf srv/k text=\"-----BEGIN RSA PRIVATE KEY-----\\nMII\"\nf srv/c text=\"-----BEGIN CERTIFICATE-----\\nMII\"\nf etc/machine-id 0\nf app/.env 5\nlayer RUN x\nwh app/.env\nf etc/ssh/ssh_host_rsa_key 9",
        "",
    );
    let findings = document["findings"].as_array().unwrap().iter();
    let found: Vec<String> = findings
        .map(|row| {
            format!(
                "{} {} {} {}",
                row["kind"], row["path"], row["layer"], row["hidden_by"]
            )
        })
        .collect();
    let want = [
        r#""private-key" "/root/.ssh/id_rsa" 0 null"#,
        r#""private-key" "/srv/k" 0 null"#,
        r#""environment-file" "/app/.env" 0 1"#,
        r#""host-key" "/etc/ssh/ssh_host_rsa_key" 1 null"#,
    ];
    assert_eq!(found, want);
    let sandbox = Sandbox::with(&Recipe::new("layer\nf app/.env 5\nlayer\nwh app/.env"));
    let text = sandbox.slim("report oci:src:t").ok().stdout;
    assert!(
        text.contains("/app/.env in layer 0, hidden by layer 1: everybody"),
        "{text}"
    );
}
