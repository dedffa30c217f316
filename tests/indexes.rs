//! Indexes: every platform in, every platform out, and what stands beside them (rule 20).

use std::process::Command;

use serde_json::{Value, json};

use crate::support::cmd::Sandbox;
use crate::support::corpus::corpus;
use crate::support::index::{Layout, OCI_INDEX, OCI_MANIFEST, blob, rows, tagged};
use crate::support::judges::{have, run, skopeo_copy};
use crate::support::medium::layout_layers;
use crate::support::recipe::{Recipe, digest};
use crate::support::registry::{Login, Registry};

/// An image of two layers with a manual page to remove; the first layer is the same for every platform.
fn recipe(architecture: &str) -> Recipe {
    Recipe::new(&format!(
        "top {{\"architecture\":\"{architecture}\"}}
         layer ADD base\nd usr\nd usr/share\nd usr/share/man\nd usr/share/man/man1\nf usr/share/man/man1/a.1 5000
         layer COPY app\nd opt\nf opt/app 20000 seed={architecture}"
    ))
}

/// What every row of an index says but for the manifest that it points at.
fn kept(index: &Value) -> Vec<Value> {
    let mut rows = rows(index);
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        for key in ["digest", "size", "mediaType"] {
            row.remove(key);
        }
    }
    rows
}

fn digests(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["digest"].as_str().unwrap()).collect()
}

/// Every dropped manifest of a write's document, of all platforms.
fn dropped(document: &Value) -> Vec<String> {
    let one = std::slice::from_ref(document);
    let platforms = document["platforms"].as_array().map_or(one, Vec::as_slice);
    let listed = platforms
        .iter()
        .flat_map(|one| one["dropped_manifests"].as_array().unwrap());
    listed.map(|digest| digest.as_str().unwrap().to_owned()).collect()
}

fn paths(tar: &[u8]) -> Vec<String> {
    let name = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap()
    };
    tar::Archive::new(tar).entries().unwrap().map(name).collect()
}

/// A sandbox with `src:t`, an index of amd64 and arm64, each with an attestation; and its rows.
fn two_platforms() -> (Sandbox, Vec<Value>) {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let mut amd64 = layout.image(&recipe("amd64"));
    amd64["annotations"] = json!({"com.example.row": "first"});
    let mut arm64 = layout.image(&recipe("arm64"));
    arm64["platform"] = json!({"os.version": "6.1", "architecture": "arm64", "os": "linux", "variant": "v8", "os.features": ["x"]});
    arm64["com.example.unknown"] = json!({"b": 1, "a": [2]});
    let rows = vec![
        layout.attestation(&amd64),
        amd64.clone(),
        arm64.clone(),
        layout.attestation(&arm64),
    ];
    let index = layout.index(
        &rows,
        &json!({"annotations": {"z": "1", "a": "2"}, "com.example.top": true}),
    );
    layout.tag(&index, "t");
    (sandbox, rows)
}

#[test]
fn every_platform_in_order_with_its_annotations() {
    let (sandbox, rows) = two_platforms();
    let source = tagged(&sandbox.path("src"), "t").0;
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let (index, index_digest) = tagged(&sandbox.path("out"), "t");
    assert_eq!(
        kept(&index),
        kept(&source)[1..3],
        "order, platforms, annotations, unknown keys"
    );
    let without = |index: &Value| {
        let mut index = index.clone();
        index.as_object_mut().unwrap().remove("manifests");
        serde_json::to_string(&index).unwrap()
    };
    assert_eq!(without(&index), without(&source), "every other key, in order");
    assert_eq!(
        dropped(&document),
        [&rows[0], &rows[3]].map(|row| row["digest"].as_str().unwrap())
    );

    let platforms = document["platforms"].as_array().unwrap();
    assert_eq!(
        (document["schema_version"].as_u64(), platforms.len()),
        (Some(1), 2)
    );
    for (at, (name, architecture)) in [("linux/amd64", "amd64"), ("linux/arm64/v8", "arm64")]
        .iter()
        .enumerate()
    {
        let one = &platforms[at];
        assert_eq!(one["source"]["platform"], *name);
        assert_eq!(one["source"]["digest"], rows[at + 1]["digest"]);
        assert_eq!(one["result"]["digest"], index["manifests"][at]["digest"]);
        assert_eq!(one["result"]["index"], index_digest.as_str());
        let layers = layout_layers(&sandbox.path("out"), Some("t"), &format!("linux/{architecture}"));
        assert_eq!(layers.len(), 1);
        let paths = paths(&layers[0]);
        assert!(paths.contains(&"opt/app".to_owned()), "{paths:?}");
        assert!(!paths.iter().any(|path| path.ends_with("a.1")), "{paths:?}");
        let manifest = blob(&sandbox.path("out"), &index["manifests"][at]);
        assert_eq!(
            blob(&sandbox.path("out"), &manifest["config"])["architecture"],
            *architecture
        );
    }
    if have(&["skopeo"]) {
        let [from, to] = ["out", "copied"].map(|dir| format!("oci:{}:t", sandbox.path(dir).display()));
        skopeo_copy(&from, &to);
        assert_eq!(tagged(&sandbox.path("copied"), "t").1, index_digest);
    }
    sandbox.slim("verify oci:src:t oci:out:t").ok();
}

#[test]
fn archive_layout_and_threads_give_one_digest() {
    let (sandbox, _) = two_platforms();
    let want = {
        sandbox.slim("save oci:src:t oci:one:t --threads 1").ok();
        tagged(&sandbox.path("one"), "t").1
    };
    sandbox
        .slim("save oci:src:t oci:two:t --threads 2 --platform all")
        .ok();
    assert_eq!(tagged(&sandbox.path("two"), "t").1, want);
    sandbox.slim("save oci:src:t oci-archive:a.tar:t").ok();
    sandbox.slim("save oci-archive:a.tar:t oci:three:t").ok();
    assert_eq!(
        tagged(&sandbox.path("three"), "t").1,
        want,
        "what is slim stays, index and all"
    );
    // A layout that is there keeps its other tags.
    sandbox.slim("save oci:src:t oci:one:u --profile none").ok();
    assert_eq!(tagged(&sandbox.path("one"), "t").1, want);
}

/// arm64 is slim already: its manifest stays byte for byte, and so does what speaks of it.
#[test]
fn what_speaks_of_an_unchanged_platform_stays() {
    let sandbox = Sandbox::with(&recipe("arm64"));
    sandbox.slim("save oci:src:t oci:slim:t").ok();
    let mut layout = Layout::new(sandbox.path("mixed"));
    let arm64 = layout.adopt(&sandbox.path("slim"));
    let amd64 = layout.image(&recipe("amd64"));
    let (of_amd64, of_arm64) = (layout.attestation(&amd64), layout.attestation(&arm64));
    let (note, of_gone) = (layout.artifact(&arm64), layout.artifact(&of_amd64));
    let rows = [amd64, arm64, of_amd64, of_arm64, note, of_gone];
    layout.tag(&layout.index(&rows, &json!({})), "t");

    let document = sandbox.slim("save oci:mixed:t oci:out:t --format json").json();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    let new = self::rows(&index);
    assert_eq!(
        new[1..],
        [&rows[1], &rows[3], &rows[4]].map(Clone::clone),
        "rows as they were"
    );
    assert_ne!(new[0]["digest"], rows[0]["digest"]);
    for row in &new[2..] {
        for layer in blob(&sandbox.path("out"), row)["layers"].as_array().unwrap() {
            blob(&sandbox.path("out"), layer);
        }
    }
    // An artifact of the attestation that went goes with it.
    assert_eq!(
        dropped(&document),
        [&rows[2], &rows[5]].map(|row| row["digest"].as_str().unwrap())
    );

    let all = tagged(&sandbox.path("out"), "t").1;
    let again = sandbox.slim("save oci:out:t oci:again:t --format json").json();
    assert_eq!(
        tagged(&sandbox.path("again"), "t").1,
        all,
        "nothing changes, the index's digest neither"
    );
    assert!(dropped(&again).is_empty(), "{again:#}");
}

#[test]
fn what_held_or_located_the_old_manifest_goes_and_is_said() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let mut amd64 = layout.image(&recipe("amd64"));
    amd64["data"] = json!("e30=");
    amd64["urls"] = json!(["https://example.com/m"]);
    amd64["annotations"] = json!({"org.opencontainers.image.base.name": "base", "keep": "me"});
    layout.tag(
        &layout.index(&[amd64, layout.image(&recipe("arm64"))], &json!({})),
        "t",
    );
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let row = rows(&tagged(&sandbox.path("out"), "t").0)[0].clone();
    assert_eq!((row.get("data"), row.get("urls")), (None, None));
    assert_eq!(row["annotations"], json!({"keep": "me"}));
    let warnings = document["platforms"][0]["warnings"].to_string();
    for key in ["`data`", "`urls`", "`org.opencontainers.image.base.name`"] {
        assert!(warnings.contains(key), "{key}: {warnings}");
    }
}

#[test]
fn nested_indexes_and_repeated_rows() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let [amd64, arm64, riscv] = ["amd64", "arm64", "riscv64"].map(|name| layout.image(&recipe(name)));
    let mut inner = layout.index(&[riscv, arm64.clone()], &json!({"annotations": {"inner": "yes"}}));
    inner["annotations"] = json!({"row": "of the inner one"});
    let mut twice = arm64;
    twice["platform"]["variant"] = json!("v8");
    layout.tag(&layout.index(&[amd64, inner, twice], &json!({})), "t");
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    assert_eq!(
        document["platforms"].as_array().unwrap().len(),
        3,
        "each image once"
    );
    let out = sandbox.path("out");
    let (source, (index, _)) = (tagged(&sandbox.path("src"), "t").0, tagged(&out, "t"));
    assert_eq!(kept(&index), kept(&source));
    let inner = blob(&out, &index["manifests"][1]);
    assert_eq!(inner["annotations"], json!({"inner": "yes"}));
    assert_eq!(inner["manifests"][1]["digest"], index["manifests"][2]["digest"]);
    sandbox.slim("verify oci:src:t oci:out:t").ok();
}

/// A layout whose `index.json` lists the platforms itself.
#[test]
fn platforms_that_index_json_lists() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(sandbox.path("src"));
    let images = ["amd64", "arm64"].map(|name| layout.image(&recipe(name)));
    layout.list(&images);
    sandbox.slim("save oci:src oci:out:t").ok();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(
        kept(&index),
        images.map(|row| json!({"platform": row["platform"]}))
    );

    // Two images for one platform are not two platforms of one.
    layout.list(&[
        layout.image(&recipe("amd64")),
        layout.image(&Recipe::new("layer\nf a 1")),
    ]);
    sandbox
        .slim("save --quiet oci:src oci:none:t")
        .one_line(3, &["several images"]);
}

#[test]
fn an_index_of_one_stays_an_index() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let arm64 = layout.image(&recipe("arm64"));
    let attestation = layout.attestation(&arm64);
    layout.tag(&layout.index(&[arm64, attestation.clone()], &json!({})), "t");
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(
        (index["mediaType"].as_str(), rows(&index).len()),
        (Some(OCI_INDEX), 1)
    );
    assert_eq!(dropped(&document), digests(std::slice::from_ref(&attestation)));

    // A docker archive holds that one, and says so.
    let saved = sandbox.slim("save oci:src:t docker-archive:a.tar --format json");
    assert!(saved.stderr.contains("linux/arm64"), "{}", saved.stderr);
    assert_eq!(dropped(&saved.json()), digests(&[attestation]));
}

#[test]
fn one_platform_where_it_is_asked_for() {
    let (sandbox, rows) = two_platforms();
    let saved = sandbox.slim("save oci:src:t oci:out:t --platform linux/arm64 --format json");
    assert!(
        saved.stderr.contains("linux/arm64") && saved.stderr.contains("index"),
        "{}",
        saved.stderr
    );
    let document = saved.json();
    assert_eq!(
        dropped(&document),
        digests(&rows[3..]),
        "the attestation of this one"
    );
    assert_eq!(document["result"]["index"], Value::Null);
    let (manifest, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(manifest["mediaType"], OCI_MANIFEST);
    // An index beside an image: that image's platform is compared.
    sandbox.slim("verify oci:src:t oci:out:t").ok();
    sandbox.slim("verify oci:src:t oci:out:t --platform all").code(1);
    sandbox
        .slim("save --quiet oci:src:t oci:no:t --platform linux/mips")
        .one_line(3, &["linux/mips", "linux/amd64"]);
    sandbox
        .slim("save --quiet oci:src:t oci:no:t --platform every")
        .code(2);
}

#[test]
fn a_docker_archive_takes_no_index() {
    let (sandbox, _) = two_platforms();
    sandbox
        .slim("save --quiet oci:src:t docker-archive:a.tar")
        .one_line(2, &["2 platforms", "--platform", "linux/amd64, linux/arm64/v8"]);
    assert!(!sandbox.path("a.tar").exists());
    sandbox
        .slim("save oci:src:t docker-archive:a.tar --platform linux/arm64")
        .ok();
    sandbox
        .slim("verify oci:src:t docker-archive:a.tar --platform linux/arm64")
        .ok();
}

#[test]
fn documents_of_every_platform() {
    let (sandbox, _) = two_platforms();
    let platforms = |line: &str, pointer: &str| -> Vec<String> {
        let document = sandbox.slim(&format!("{line} --format json")).json();
        assert_eq!(document["schema_version"], 1);
        let all = document["platforms"].as_array().unwrap();
        all.iter()
            .map(|one| one.pointer(pointer).unwrap().as_str().unwrap().to_owned())
            .collect()
    };
    let both = ["linux/amd64", "linux/arm64"];
    assert_eq!(
        platforms("report oci:src:t --platform all", "/image/platform"),
        both
    );
    assert_eq!(
        platforms("plan oci:src:t --platform all", "/source/platform"),
        both
    );
    assert_eq!(
        platforms("save oci:src:t oci:out:t --dry-run", "/source/platform"),
        both
    );
    assert!(!sandbox.path("out").exists(), "--dry-run writes nothing");
    let text = sandbox.slim("report oci:src:t --platform all").ok().stdout;
    assert!(both.iter().all(|name| text.contains(name)), "{text}");
    // Without --platform a report is on this machine's, and says so.
    let one = sandbox.slim("report oci:src:t --format json");
    assert!(one.stderr.contains("of 2 images"), "{}", one.stderr);
    assert!(one.json()["image"].is_object());
}

#[test]
fn a_platform_that_is_missing_is_a_failure() {
    let (sandbox, source) = two_platforms();
    sandbox.slim("save oci:src:t oci:out:t").ok();
    let mut layout = Layout::new(sandbox.path("half"));
    layout.adopt(&sandbox.path("out"));
    let first = rows(&tagged(&sandbox.path("out"), "t").0)[0].clone();
    layout.tag(&layout.index(&[first], &json!({})), "t");
    for (a, b) in [("src", "half"), ("half", "src")] {
        let failed = sandbox
            .slim(&format!(
                "verify oci:{a}:t oci:{b}:t --format json --profile none"
            ))
            .code(1);
        let document: Value = serde_json::from_str(&failed.stdout).unwrap();
        let missing = &document["platforms"][1];
        assert_eq!(missing["ok"], false);
        assert!(
            missing["unexpected"][0]["what"]
                .as_str()
                .unwrap()
                .contains("linux/arm64/v8"),
            "{missing:#}"
        );
    }
    assert_eq!(source.len(), 4);
}

/// The second platform is damaged: nothing of the first is published.
#[test]
fn nothing_is_published_unless_every_platform_is_good() {
    let (sandbox, source) = two_platforms();
    let manifest = blob(&sandbox.path("src"), &source[2]);
    let layer = manifest["layers"][1]["digest"]
        .as_str()
        .unwrap()
        .replace(':', "/");
    let path = sandbox.path("src").join("blobs").join(layer);
    let size = std::fs::metadata(&path).unwrap().len();
    std::fs::write(&path, vec![0; usize::try_from(size).unwrap()]).unwrap();
    sandbox
        .slim("save --quiet oci:src:t oci:out:t")
        .one_line(3, &["linux/arm64"]);
    assert!(!sandbox.path("out").exists());
    assert_eq!(sandbox.leftovers(), [""; 0]);
    // A blob that is not there at all is found before anything is read.
    std::fs::remove_file(path).unwrap();
    sandbox
        .slim("save --quiet oci:src:t oci:out:t")
        .one_line(3, &["linux/arm64", "--platform"]);
}

#[test]
fn a_registry_gets_blobs_then_manifests_then_the_tag() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let (sandbox, source) = two_platforms();
    let registry = Registry::start(&Login::Anyone);
    let app = format!("{}/app", registry.host);
    let layout = format!("oci:{}:t", sandbox.path("src").display());
    skopeo_copy(&layout, &format!("docker://{app}:1"));
    let before = registry.writes().len();
    let digest = sandbox
        .slim(&format!("push docker://{app}:1 --threads 1"))
        .ok()
        .stdout;
    let digest = digest
        .trim_end()
        .strip_prefix(&format!("{app}@"))
        .unwrap()
        .to_owned();
    let writes = registry.writes().split_off(before);
    let manifests: Vec<_> = writes
        .iter()
        .filter(|line| line.contains("/manifests/"))
        .collect();
    let (last, others) = manifests.split_last().unwrap();
    assert_eq!(**last, "PUT /v2/app/manifests/1-slim 201", "{writes:#?}");
    let by_digest = others.iter().filter(|line| line.contains("/manifests/sha256:"));
    let listed = others.iter().filter(|line| line.contains("/manifests/sha256-"));
    assert_eq!(
        (by_digest.count(), listed.count(), others.len()),
        (4, 2, 6),
        "an image and its list for each platform, and what refers to it: {writes:#?}"
    );
    let blobs = writes.iter().rposition(|line| line.contains("/blobs/")).unwrap();
    assert!(
        writes[..blobs].iter().all(|line| line.contains("/blobs/")),
        "blobs first: {writes:#?}"
    );

    skopeo_copy(
        &format!("docker://{app}:1-slim"),
        &format!("oci:{}:t", sandbox.path("back").display()),
    );
    let (index, pulled) = tagged(&sandbox.path("back"), "t");
    assert_eq!(pulled, digest, "what skopeo pulls is what slim printed");
    assert_eq!(kept(&index), kept(&json!({"manifests": source[1..3]})));
    sandbox
        .slim(&format!("verify docker://{app}:1 docker://{app}@{digest}"))
        .ok();

    // Another repository, from the layout, with more threads: the same index; then again: no blob is sent.
    let other = format!("{}/team/other", registry.host);
    for round in 0..2 {
        let before = registry.writes().len();
        let line = sandbox
            .slim(&format!("push oci:src:t docker://{other}:1 --threads 2"))
            .ok()
            .stdout;
        assert_eq!(line.trim_end(), format!("{other}@{digest}"));
        let sent = registry
            .writes()
            .split_off(before)
            .iter()
            .filter(|line| line.contains("/blobs/"))
            .count();
        assert_eq!(sent == 0, round == 1);
    }
}

#[test]
fn a_manifest_list_stays_one_in_a_registry_and_becomes_an_index_in_a_layout() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let images = ["amd64", "arm64"].map(|name| layout.image(&recipe(name)));
    layout.tag(&layout.index(&images, &json!({})), "t");
    let registry = Registry::start(&Login::Anyone);
    let app = format!("{}/app", registry.host);
    run(Command::new("skopeo")
        .args([
            "copy",
            "-q",
            "--insecure-policy",
            "--all",
            "--format",
            "v2s2",
            "--dest-tls-verify=false",
        ])
        .arg(format!("oci:{}:t", sandbox.path("src").display()))
        .arg(format!("docker://{app}:1")));
    let raw = |tag: &str| -> Value {
        let raw = run(Command::new("skopeo")
            .args(["inspect", "--raw", "--tls-verify=false"])
            .arg(format!("docker://{app}{tag}")));
        serde_json::from_str(&raw).unwrap()
    };
    sandbox
        .slim(&format!("push docker://{app}:1 docker://{app}:2"))
        .ok();
    let (before, after) = (raw(":1"), raw(":2"));
    let list = "application/vnd.docker.distribution.manifest.list.v2+json";
    assert_eq!([&before["mediaType"], &after["mediaType"]], [list, list]);
    assert_eq!(kept(&before), kept(&after));
    for row in rows(&after) {
        let manifest = raw(&format!("@{}", row["digest"].as_str().unwrap()));
        assert_eq!(
            manifest["mediaType"],
            "application/vnd.docker.distribution.manifest.v2+json"
        );
        assert_eq!(manifest["mediaType"], row["mediaType"]);
    }
    sandbox.slim(&format!("save docker://{app}:2 oci:out:t")).ok();
    let (index, _) = tagged(&sandbox.path("out"), "t");
    assert_eq!(index["mediaType"], OCI_INDEX);
    assert!(
        rows(&index).iter().all(|row| row["mediaType"] == OCI_MANIFEST),
        "{index:#}"
    );
    sandbox.slim(&format!("verify docker://{app}:1 oci:out:t")).ok();
}

/// Signatures and referrers are not copied; they are named, for an index and for one image alone.
#[test]
fn what_a_registry_attaches_is_listed() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let (sandbox, source) = two_platforms();
    let registry = Registry::start(&Login::Anyone);
    let app = format!("{}/app", registry.host);
    let layout = format!("oci:{}:t", sandbox.path("src").display());
    skopeo_copy(&layout, &format!("docker://{app}:1"));
    let mut attached = Layout::new(sandbox.path("attached"));
    let signature = attached.image(&Recipe::new("layer\nf signature 10"));
    let referrer = attached.image(&Recipe::new("layer\nf referrer 10"));
    attached.tag(&signature, "signature");
    attached.tag(
        &attached.index(std::slice::from_ref(&referrer), &json!({})),
        "referrers",
    );
    let tag = |row: &Value| row["digest"].as_str().unwrap().replace(':', "-");
    for (name, to) in [
        ("signature", format!("{}.sig", tag(&source[1]))),
        ("referrers", tag(&source[2])),
    ] {
        let from = format!("oci:{}:{name}", sandbox.path("attached").display());
        skopeo_copy(&from, &format!("docker://{app}:{to}"));
    }
    let line = format!("push docker://{app}:1 docker://{app}:2 --format json");
    let document = sandbox.slim(&line).json();
    let listed = |at: usize| document["platforms"][at]["dropped_manifests"].clone();
    assert_eq!(listed(0), json!([source[0]["digest"], signature["digest"]]));
    assert_eq!(listed(1), json!([source[3]["digest"], referrer["digest"]]));
    let one = sandbox.slim(&format!("{line} --platform linux/amd64")).json();
    assert_eq!(one["dropped_manifests"], listed(0));
    let text = sandbox
        .slim(&format!("push docker://{app}:1 docker://{app}:2"))
        .ok()
        .stderr;
    assert!(text.contains(signature["digest"].as_str().unwrap()), "{text}");
}

#[test]
fn what_a_layout_attaches_is_listed() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new(sandbox.path("src"));
    let image = layout.image(&recipe("amd64"));
    let [signature, referrer, noted] =
        ["s", "r", "n"].map(|name| layout.image(&Recipe::new(&format!("layer\nf {name} 9"))));
    let tag = image["digest"].as_str().unwrap().replace(':', "-");
    layout.tag(&image, "t");
    layout.tag(&signature, &format!("{tag}.sig"));
    layout.tag(&layout.index(std::slice::from_ref(&referrer), &json!({})), &tag);
    layout.tag(&layout.artifact(&image), "note");
    layout.tag(&noted, "another");
    let document = sandbox.slim("save oci:src:t oci:out:t --format json").json();
    let note = digest(
        &std::fs::read(
            sandbox
                .path("src/blobs")
                .join(tagged(&sandbox.path("src"), "note").1.replace(':', "/")),
        )
        .unwrap(),
    );
    assert_eq!(
        document["dropped_manifests"],
        json!([signature["digest"], referrer["digest"], note])
    );
    // What stays itself loses nothing.
    sandbox.slim("save oci:out:t oci:again:t --format json").json()["dropped_manifests"]
        .as_array()
        .unwrap()
        .is_empty()
        .then_some(())
        .expect("nothing dropped");
}

#[test]
fn real_indexes() {
    let Some(corpus) = corpus() else { return };
    let repository = corpus.join("real/regclient+regclient/testdata/testrepo");
    for (tag, count, gone) in [("v1", 2, 3), ("v2", 3, 5), ("v3", 4, 2), ("b1", 4, 0)] {
        let sandbox = Sandbox::new();
        let image = format!("oci:{}:{tag}", repository.display());
        let document = sandbox
            .slim(&format!("save {image} oci:out:t --format json"))
            .json();
        assert_eq!(document["platforms"].as_array().unwrap().len(), count, "{tag}");
        assert_eq!(dropped(&document).len(), gone, "{tag}: {document:#}");
        let (before, before_digest) = tagged(&repository, tag);
        let (after, after_digest) = tagged(&sandbox.path("out"), "t");
        assert_eq!(kept(&after), kept(&before)[..count], "{tag}");
        assert_eq!(
            before_digest == after_digest,
            tag == "b1",
            "{tag}: its images have one layer each"
        );
        sandbox.slim(&format!("verify {image} oci:out:t")).ok();
    }
    for name in [
        "test_gc_index:3",
        "test_gc_index:4",
        "test_index:3",
        "test_index:4",
    ] {
        let sandbox = Sandbox::new();
        let layouts = corpus.join("real/google+go-containerregistry/pkg/v1/layout/testdata");
        let image = format!("oci:{}/{name}", layouts.display());
        sandbox.slim(&format!("save {image} oci:out:t")).ok();
        let layout = std::fs::read(sandbox.path("out/index.json")).unwrap();
        let layout: Value = serde_json::from_slice(&layout).unwrap();
        assert_eq!(layout["manifests"][0]["mediaType"], OCI_INDEX, "{name}");
        sandbox.slim(&format!("verify {image} oci:out:t")).ok();
    }
}
