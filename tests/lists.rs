//! The list of what went is attached to the result (rule 21): in a registry by what refers to it, in a layout as a blob
//! that the image names; and `slim verify` finds it there.

use serde_json::Value;

use crate::support::cmd::Sandbox;
use crate::support::index::{rows, tagged};
use crate::support::judges::{have, skopeo_copy};
use crate::support::recipe::{Recipe, digest};
use crate::support::registry::{Login, Registry};

const LIST: &str = "io.github.layerslim.plan";
const TYPE: &str = "application/vnd.layerslim.plan.v1+json";

fn sandbox() -> Sandbox {
    Sandbox::with(&Recipe::new(
        "layer\nf usr/share/man/man1/a.1 500\nf opt/app 2000\nf opt/more 30\nlayer\nf opt/late 4",
    ))
}

fn removed(list: &Value) -> Vec<&str> {
    let rows = list["removals"].as_array().unwrap().iter();
    rows.map(|row| row["path"].as_str().unwrap()).collect()
}

#[test]
fn a_layout_holds_the_list_beside_one_image() {
    let sandbox = sandbox();
    for (out, target) in [("out", "oci:out:t"), ("unpacked", "oci-archive:out.tar:t")] {
        sandbox
            .slim(&format!("save oci:src:t {target} --remove-path /opt/more"))
            .ok();
        if out == "unpacked" {
            crate::support::medium::unpack_layout(&sandbox.path("out.tar"), sandbox.path(out));
        }
        let dir = sandbox.path(out);
        let (manifest, slim) = tagged(&dir, "t");
        let named = manifest["annotations"][LIST].as_str().unwrap();
        let read = |digest: &str| std::fs::read(dir.join("blobs").join(digest.replace(':', "/"))).unwrap();
        let list = read(named);
        assert_eq!(digest(&list), named);
        let list: Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(removed(&list), ["/usr/share/man/man1/a.1", "/opt/more"]);
        assert_eq!(
            list["source"]["reference"],
            Value::Null,
            "names differ from machine to machine"
        );
        let index: Value = serde_json::from_slice(&std::fs::read(dir.join("index.json")).unwrap()).unwrap();
        assert_eq!(
            rows(&index).len(),
            1,
            "two rows would be two images to most tools"
        );
        let artifacts = std::fs::read_dir(dir.join("blobs/sha256")).unwrap();
        let manifests = artifacts
            .filter_map(|blob| {
                serde_json::from_slice::<Value>(&std::fs::read(blob.unwrap().path()).unwrap()).ok()
            })
            .filter(|document| document["artifactType"] == TYPE);
        let subjects: Vec<Value> = manifests
            .map(|manifest| manifest["subject"]["digest"].clone())
            .collect();
        assert_eq!(subjects, [slim], "the artifact is there too");
    }
}

#[test]
fn verify_takes_the_list_where_no_selection_is_given() {
    let sandbox = sandbox();
    for target in ["oci:out:t", "oci-archive:out.tar:t"] {
        sandbox
            .slim(&format!(
                "save oci:src:t {target} --profile none --remove-path /opt/more"
            ))
            .ok();
        let document = sandbox
            .slim(&format!("verify oci:src:t {target} --format json"))
            .json();
        let plan = document["plan"].as_str().unwrap();
        assert!(plan.starts_with("attached list sha256:"), "{plan}");
        sandbox
            .slim(&format!("verify oci:src:t {target} --profile default"))
            .code(1);
        sandbox
            .slim(&format!(
                "verify oci:src:t {target} --profile none --remove-path /opt/more"
            ))
            .ok();
    }
}

#[test]
fn a_list_that_does_not_fit_is_told_of_and_left_aside() {
    let sandbox = sandbox();
    sandbox
        .slim("save oci:src:t oci:out:t --remove-path /opt/more")
        .ok();
    let other = Recipe::new("layer\nf usr/share/man/man1/a.1 500\nf opt/other 2000");
    other.oci(&sandbox.path("other"), "t", crate::support::medium::Codec::Gzip);
    let said = sandbox.slim("verify oci:other:t oci:out:t").code(1);
    assert!(said.stderr.contains("is for another image"), "{}", said.stderr);

    let (manifest, _) = tagged(&sandbox.path("out"), "t");
    let named = manifest["annotations"][LIST].as_str().unwrap();
    let blob = sandbox.path("out/blobs").join(named.replace(':', "/"));
    std::fs::write(&blob, "{}").unwrap();
    let said = sandbox.slim("verify oci:src:t oci:out:t").code(1);
    assert!(
        said.stderr.contains("is not there"),
        "of another digest: {}",
        said.stderr
    );
    std::fs::remove_file(&blob).unwrap();
    let said = sandbox.slim("verify oci:src:t oci:out:t").code(1);
    assert!(
        said.stderr.contains(named) && said.stderr.contains("is not there"),
        "{}",
        said.stderr
    );
}

#[test]
fn slimming_again_names_the_new_list() {
    let sandbox = sandbox();
    sandbox.slim("save oci:src:t oci:one:t").ok();
    sandbox
        .slim("save oci:one:t oci:two:t --remove-path /opt/more")
        .ok();
    let named = |dir: &str| tagged(&sandbox.path(dir), "t").0["annotations"][LIST].clone();
    assert_ne!(named("one"), named("two"));
    sandbox.slim("verify oci:one:t oci:two:t").ok();
    sandbox
        .slim("save oci:src:t oci:same:t --profile none --layers keep")
        .ok();
    assert_eq!(named("same"), Value::Null, "the source itself says nothing");
}

#[test]
fn in_a_registry_of_either_family() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let (registry, sandbox) = (Registry::start(&Login::Anyone), sandbox());
    let app = format!("{}/app", registry.host);
    let source = format!("oci:{}:t", sandbox.path("src").display());
    skopeo_copy(&source, &format!("docker://{app}:oci"));
    // A docker archive has no manifest: what is pushed from one is of Docker's family.
    sandbox
        .slim("save oci:src:t docker-archive:src.tar --profile none")
        .ok();
    for (from, at) in [
        (format!("docker://{app}:oci"), "a"),
        ("docker-archive:src.tar".to_owned(), "b"),
    ] {
        let line = sandbox
            .slim(&format!("push {from} {app}:{at} --remove-path /opt/more"))
            .ok()
            .stdout;
        let slim = line.trim_end().split_once('@').unwrap().1.to_owned();
        let said = sandbox
            .slim(&format!("verify {from} {app}:{at} --format json"))
            .json();
        assert!(
            said["plan"].as_str().unwrap().starts_with("attached list"),
            "{said:#}"
        );
        let path = format!("app/manifests/{}", slim.replace(':', "-"));
        let (status, index) = registry.ask(
            "GET",
            &path,
            &["Accept: application/vnd.oci.image.index.v1+json"],
            b"",
        );
        assert_eq!(status, 200, "the tag for registries without the referrers API");
        let row = rows(&serde_json::from_slice(&index).unwrap())[0].clone();
        assert_eq!(row["artifactType"], TYPE);
        let artifact = registry.manifest("app", row["digest"].as_str().unwrap()).unwrap();
        let artifact: Value = serde_json::from_slice(&artifact).unwrap();
        assert_eq!(artifact["subject"]["digest"], slim.as_str());
        assert_eq!(
            artifact["layers"][0]["annotations"]["org.opencontainers.image.title"],
            "plan.json"
        );
    }
}
