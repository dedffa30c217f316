//! `slim diff`: what changed between two images, what broke the cache, and what clients download, to the byte.

mod contents;
mod documents;
mod given;
mod layers;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::cmd::{Sandbox, int, names, sum};
use crate::support::medium::{Codec, layout_manifest};
use crate::support::recipe::Recipe;

/// A base, dependencies that are installed, the sources, and what is made of them.
const APP: &str = "
    layer ADD rootfs.tar / # buildkit
    d etc
    f etc/passwd 100
    layer RUN /bin/sh -c pip install flask # buildkit
    f usr/lib/python3/dist-packages/flask/app.py 30000
    empty WORKDIR /app
    layer COPY . /app # buildkit
    d app
    f app/main.py text=\"print(1)\"
    f app/data.bin 20000
    layer RUN /bin/sh -c make assets # buildkit
    f app/assets.bin 40000";

/// A sandbox with two images, `oci:old:t` and `oci:new:t`.
fn sandbox(old: &Recipe, new: &Recipe) -> Sandbox {
    let sandbox = Sandbox::new();
    old.oci(&sandbox.path("old"), "t", Codec::Gzip);
    new.oci(&sandbox.path("new"), "t", Codec::Gzip);
    sandbox
}

fn sandbox_of(old: &str, new: &str) -> Sandbox {
    sandbox(&Recipe::new(old), &Recipe::new(new))
}

fn diff(sandbox: &Sandbox) -> Value {
    sandbox.slim("diff oci:old:t oci:new:t --format json").json()
}

fn markdown(sandbox: &Sandbox) -> String {
    let done = sandbox.slim("diff oci:old:t oci:new:t --format markdown").ok();
    assert_eq!(
        done.stdout.matches("<details>").count(),
        done.stdout.matches("</details>").count()
    );
    done.stdout.replace('\u{a0}', " ")
}

/// Bytes of the blobs that `new`'s manifest names and `old` does not have, as they lie in the layouts.
fn missing_blobs(sandbox: &Sandbox) -> u64 {
    let manifest = layout_manifest(&sandbox.path("new"));
    let rows = manifest["layers"].as_array().unwrap().iter();
    let name = |row: &Value| row["digest"].as_str().unwrap().replace("sha256:", "");
    let named: BTreeSet<String> = rows.chain([&manifest["config"]]).map(name).collect();
    let old: BTreeSet<String> = names(&sandbox.path("old/blobs/sha256")).into_iter().collect();
    let size = |name: &String| {
        fs::metadata(sandbox.path("new/blobs/sha256").join(name))
            .unwrap()
            .len()
    };
    named.difference(&old).map(size).sum()
}

fn column<'a>(rows: &'a Value, key: &str) -> Vec<&'a str> {
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| row[key].as_str().unwrap_or("-"))
        .collect()
}

/// What holds for every comparison.
fn laws(diff: &Value, sandbox: &Sandbox) {
    assert_eq!(int(diff, "/transfer/new_wire_bytes"), missing_blobs(sandbox));
    let old = sandbox.slim("report oci:old:t --format json").json();
    let new = sandbox.slim("report oci:new:t --format json").json();
    for total in diff["totals"].as_object().unwrap().keys() {
        let [change, old, new] =
            [&diff["totals"], &old["totals"], &new["totals"]].map(|totals| totals[total].clone());
        assert_eq!(
            (&change["old"], &change["new"]),
            (&old, &new),
            "{total} is the reports'"
        );
        let delta = new.as_i64().unwrap() - old.as_i64().unwrap();
        assert_eq!(change["delta"].as_i64(), Some(delta), "{total}");
    }
    let delta = |rows: &str| sum(diff, rows, "new_bytes").wrapping_sub(sum(diff, rows, "old_bytes"));
    let total = |name: &str| diff["totals"][name]["delta"].as_i64().unwrap() as u64;
    assert_eq!(delta("categories"), total("disk_bytes"));
    assert_eq!(delta("paths"), total("visible_bytes"));
    assert_eq!(delta("directories"), total("visible_bytes"));
    assert_eq!(
        sum(diff, "directories", "paths"),
        diff["paths"].as_array().unwrap().len() as u64
    );
}
