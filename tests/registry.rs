//! A real registry: from one repository to another, and what is on the wire meanwhile.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::cmd::{Outcome, Sandbox};
use crate::support::judges::{have, have_umoci, run, skopeo_copy, umoci};
use crate::support::medium::{Codec, layout_layers};
use crate::support::overlay::{have_overlay, overlay};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, PASSWORD, Registry, USER};

fn recipe() -> Recipe {
    Recipe::new(
        "config {\"Env\":[\"LANG=C.UTF-8\"]}
         layer ADD rootfs\nd usr\nd usr/bin\nf usr/bin/a 900000 mode=755\nf old 300000\nd usr/share\nd usr/share/man
         d usr/share/man/man1\nf usr/share/man/man1/a.1 5000
         layer RUN change\nwh old\nf new 10",
    )
}

/// A registry with the recipe as `app:1`, and a sandbox.
fn ready(recipe: &Recipe) -> Option<(Registry, Sandbox)> {
    if !have(&["docker-registry", "skopeo"]) {
        return None;
    }
    let registry = Registry::start(&Login::Anyone);
    let sandbox = Sandbox::with(recipe);
    let source = sandbox.path("src");
    skopeo_copy(
        &format!("oci:{}:t", source.display()),
        &format!("docker://{}/app:1", registry.host),
    );
    Some((registry, sandbox))
}

/// The one line that a write prints: `REPO@sha256:…`.
#[track_caller]
fn printed(outcome: Outcome, repository: &str) -> String {
    let line = outcome.ok().stdout;
    let digest = line
        .trim_end()
        .strip_prefix(&format!("{repository}@"))
        .unwrap_or_else(|| panic!("`{line}`"));
    assert!(
        digest.starts_with("sha256:") && digest.len() == 71 && line.lines().count() == 1,
        "`{line}`"
    );
    digest.to_owned()
}

#[test]
fn a_push_is_read_by_skopeo_and_umoci() {
    let recipe = recipe();
    let Some((registry, sandbox)) = ready(&recipe) else {
        return;
    };
    let app = format!("{}/app", registry.host);
    let digest = printed(
        sandbox.slim(&format!(
            "push docker://{app}:1 docker://{app}:plain --profile none"
        )),
        &app,
    );
    let inspected = run(Command::new("skopeo")
        .args(["inspect", "--tls-verify=false", "--format", "{{.Digest}}"])
        .arg(format!("docker://{app}:plain")));
    assert_eq!(inspected.trim(), digest, "what skopeo finds under the tag");
    skopeo_copy(
        &format!("docker://{app}:plain"),
        &format!("oci:{}:t", sandbox.path("read").display()),
    );
    if have_umoci() && have_overlay() {
        umoci(&sandbox.path("read"), "t").assert_same(&overlay(&recipe.layers), "pushed");
    }
    sandbox
        .slim(&format!("verify docker://{app}:1 docker://{app}@{digest}"))
        .ok();
}

#[test]
fn a_target_left_out_is_the_tag_with_slim() {
    let recipe = recipe();
    let Some((registry, sandbox)) = ready(&recipe) else {
        return;
    };
    let app = format!("{}/app", registry.host);
    let digest = printed(sandbox.slim(&format!("push docker://{app}:1")), &app);
    skopeo_copy(
        &format!("docker://{app}:1-slim"),
        &format!("oci:{}:t", sandbox.path("read").display()),
    );
    let tar = &layout_layers(&sandbox.path("read"), Some("t"), "linux/amd64")[0];
    let names: Vec<_> = tar::Archive::new(tar.as_slice())
        .entries()
        .unwrap()
        .map(|entry| String::from_utf8(entry.unwrap().path_bytes().into_owned()).unwrap())
        .collect();
    assert!(
        names
            .iter()
            .any(|name| name.trim_end_matches('/') == "usr/share/man/man1"),
        "{names:?}"
    );
    assert!(
        !names.iter().any(|name| name.ends_with("a.1")),
        "the manual page went: {names:?}"
    );
    assert_ne!(digest, "");
}

#[test]
fn the_tag_moves_last_and_blobs_go_once() {
    let recipe = recipe();
    let Some((registry, sandbox)) = ready(&recipe) else {
        return;
    };
    let app = format!("{}/app", registry.host);
    let before = registry.writes().len();
    let line = format!("push docker://{app}:1 docker://{app}:slim");
    let first = printed(sandbox.slim(&line), &app);
    let writes = registry.writes().split_off(before);
    let last = writes.last().expect("something was written");
    assert_eq!(last, "PUT /v2/app/manifests/slim 201", "{writes:#?}");
    let manifests = writes.iter().filter(|line| line.contains("/manifests/")).count();
    assert_eq!(
        manifests, 3,
        "the image, its list, and what refers to it: {writes:#?}"
    );
    assert!(
        writes
            .iter()
            .any(|line| line.starts_with("PUT /v2/app/blobs/uploads/")),
        "{writes:#?}"
    );

    let before = registry.writes().len();
    let second = printed(sandbox.slim(&line), &app);
    assert_eq!(first, second, "two runs, one digest");
    let writes = registry.writes().split_off(before);
    let uploads: Vec<_> = writes.iter().filter(|line| line.contains("/blobs/")).collect();
    assert!(
        uploads.is_empty(),
        "the second push uploads no blob: {uploads:#?}"
    );
}

/// A push reads every layer once: what it staged and verified is on its own disk (rule 34a).
#[test]
fn a_push_downloads_each_layer_once_and_nothing_that_it_uploaded() {
    let recipe = recipe();
    let Some((registry, sandbox)) = ready(&recipe) else {
        return;
    };
    let app = format!("{}/app", registry.host);
    let before = registry.requests().len();
    sandbox
        .slim(&format!("push docker://{app}:1 docker://{app}:slim"))
        .ok();
    let requests = registry.requests().split_off(before);
    let mut downloads: Vec<_> = requests
        .iter()
        .filter(|line| line.starts_with("GET /v2/app/blobs/sha256:"))
        .collect();
    let count = downloads.len();
    downloads.sort();
    downloads.dedup();
    assert_eq!(count, downloads.len(), "a blob came twice: {requests:#?}");
    assert!(count <= recipe.layers.len() + 1, "{requests:#?}");
}

/// Three layers, of which `keep` rewrites the last one alone.
fn last_changes() -> Recipe {
    Recipe::new(
        "layer ADD rootfs\nd usr\nf usr/a 900000 mode=755\nlayer COPY\nf b 400000\nlayer RUN\nd tmp\nf tmp/x 5000\nf c 70000",
    )
}

/// Digests of the layers of `app:TAG`, and that of the config.
fn blobs_of(registry: &Registry, repository: &str, tag: &str) -> (Vec<String>, String) {
    let manifest = registry.manifest(repository, tag).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let named = |row: &serde_json::Value| row["digest"].as_str().unwrap().to_owned();
    let layers = manifest["layers"].as_array().unwrap().iter().map(named);
    (layers.collect(), named(&manifest["config"]))
}

/// An image that was looked at before: only what changes travels, in both directions, and a dry run says so.
#[test]
fn keep_moves_the_changed_layer_and_nothing_else() {
    let Some((registry, sandbox)) = ready(&last_changes()) else {
        return;
    };
    let app = format!("{}/app", registry.host);
    sandbox.slim(&format!("report docker://{app}:1")).ok();
    let (old, old_config) = blobs_of(&registry, "app", "1");
    let line = format!("push docker://{app}:1 docker://{app}:slim --layers keep");

    let (taken, given) = (registry.taken().len(), registry.given().len());
    let plan = sandbox.slim(&format!("{line} --dry-run --format json")).json();
    let moved = &plan["transfer"];
    assert_eq!(registry.taken().len(), taken, "a dry run sends nothing");
    assert_eq!(registry.given()[given..].len(), 1, "and reads the config alone");
    let text = sandbox.slim(&format!("{line} --dry-run")).ok().stdout;
    assert!(
        text.contains("What would travel") && text.contains("down: 1 layer"),
        "{text}"
    );

    let given = registry.given().len();
    sandbox.slim(&line).ok();
    let (new, config) = blobs_of(&registry, "app", "slim");
    assert_eq!(new[..2], old[..2]);
    let taken = registry.taken().split_off(taken);
    // Blobs travel side by side: which of them ends first is chance.
    let own: BTreeSet<_> = taken
        .iter()
        .filter(|blob| new.contains(blob) || **blob == config)
        .collect();
    assert_eq!(own, BTreeSet::from([&new[2], &config]), "{taken:#?}");
    assert_eq!(
        taken.len(),
        4,
        "and the list of what went, with its config: {taken:#?}"
    );
    let given = registry.given().split_off(given);
    let layers: Vec<_> = given.iter().filter(|(blob, _)| *blob != old_config).collect();
    assert_eq!(layers.len(), 1, "{given:#?}");
    assert_eq!(layers[0].0, old[2]);
    let number = |key: &str| moved[key].as_u64().unwrap();
    assert_eq!((number("down_layers"), number("down_bytes")), (1, layers[0].1));
    assert_eq!((number("up_layers"), number("cached_bytes")), (1, 0));
    let stays: u64 = last_changes_sizes(&registry, &old[..2]);
    assert_eq!((number("skipped_bytes"), number("mounted_bytes")), (stays, 0));
    let made = last_changes_sizes(&registry, &new[2..]);
    let estimate = number("up_bytes_estimate");
    assert!((made / 2..made * 2).contains(&estimate), "{estimate} for {made}");
}

fn last_changes_sizes(registry: &Registry, blobs: &[String]) -> u64 {
    let size = |blob: &String| {
        registry
            .ask("GET", &format!("app/blobs/{blob}"), &[], b"")
            .1
            .len() as u64
    };
    blobs.iter().map(size).sum()
}

/// Another repository of the registry is lent what stays; another registry is sent it.
#[test]
fn a_dry_run_knows_what_is_mounted_and_what_is_sent() {
    let Some((registry, sandbox)) = ready(&last_changes()) else {
        return;
    };
    let other = Registry::start(&Login::Anyone);
    let app = format!("{}/app", registry.host);
    sandbox.slim(&format!("report docker://{app}:1")).ok();
    let (old, _) = blobs_of(&registry, "app", "1");
    let stays = last_changes_sizes(&registry, &old[..2]);
    for (to, mounted) in [
        (format!("{}/team/app", registry.host), stays),
        (format!("{}/app", other.host), 0),
    ] {
        let line = format!("push docker://{app}:1 docker://{to}:slim --layers keep");
        let moved = sandbox.slim(&format!("{line} --dry-run --format json")).json();
        let moved = &moved["transfer"];
        assert_eq!(moved["mounted_bytes"], mounted, "{to}");
        assert_eq!(moved["skipped_bytes"], 0);
        let up_layers = if mounted > 0 { 1 } else { 3 };
        assert_eq!(
            (&moved["up_layers"], &moved["down_layers"]),
            (&up_layers.into(), &up_layers.into()),
            "{moved:#}"
        );
    }
    let before = registry.taken().len();
    sandbox
        .slim(&format!(
            "push docker://{app}:1 docker://{}/team/app:slim --layers keep",
            registry.host
        ))
        .ok();
    let taken = registry.taken().split_off(before);
    assert!(
        old[..2].iter().all(|blob| taken.contains(blob)),
        "mounted: {taken:#?}"
    );
    let posted = registry
        .requests()
        .iter()
        .filter(|line| line.contains("/v2/team/app/blobs/uploads/"))
        .cloned()
        .collect::<Vec<_>>();
    let mounts = posted
        .iter()
        .filter(|line| line.starts_with("POST") && line.ends_with("201"))
        .count();
    assert_eq!(mounts, 2, "{posted:#?}");
    let plan = sandbox
        .slim("push oci:src:t docker://127.0.0.1:1/x:y --dry-run --format json")
        .json();
    assert_eq!(
        plan["transfer"]["down_layers"], 0,
        "a layout is read from the disk"
    );
}

#[test]
fn threads_do_not_change_the_digest_and_another_repository_works() {
    let recipe = recipe();
    let Some((registry, sandbox)) = ready(&recipe) else {
        return;
    };
    let host = &registry.host;
    let digests = [1, 2].map(|threads| {
        let to = format!("{host}/team/other{threads}");
        let line = format!("push docker://{host}/app:1 docker://{to}:1 --threads {threads}");
        printed(sandbox.slim(&line), &to)
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_layout_is_pushed_and_a_registry_image_saved() {
    let recipe = recipe();
    let Some((registry, sandbox)) = ready(&recipe) else {
        return;
    };
    let host = &registry.host;
    sandbox
        .slim(&format!(
            "push oci:src:t docker://{host}/new/repo:2 --profile none"
        ))
        .ok();
    sandbox
        .slim(&format!(
            "save docker://{host}/new/repo:2 oci:back:t --profile none --compression none"
        ))
        .ok();
    sandbox.slim("verify oci:src:t oci:back:t").ok();
    recipe.oci(&sandbox.path("zstd"), "t", Codec::Zstd);
    sandbox
        .slim(&format!(
            "push oci:zstd:t docker://{host}/new/repo:zstd --compression zstd"
        ))
        .ok();
    sandbox
        .slim(&format!("report docker://{host}/new/repo:zstd"))
        .ok();
}

#[test]
fn a_login_of_the_docker_config_opens_the_registry() {
    if !have(&["docker-registry", "htpasswd", "skopeo"]) {
        return;
    }
    let registry = Registry::start(&Login::Needed);
    let host = &registry.host;
    let mut sandbox = Sandbox::with(&recipe());
    sandbox
        .slim(&format!("push oci:src:t docker://{host}/app:1"))
        .code(4);

    std::fs::create_dir(sandbox.path("docker")).unwrap();
    let login = format!(
        "{{\"auths\":{{\"{host}\":{{\"auth\":\"{}\"}}}}}}",
        base64(&format!("{USER}:{PASSWORD}"))
    );
    sandbox.write("docker/config.json", login);
    sandbox.set("DOCKER_CONFIG", sandbox.path("docker").display().to_string());
    let pushed = sandbox
        .slim(&format!("push oci:src:t docker://{host}/app:1"))
        .ok();
    let report = sandbox.slim(&format!("report docker://{host}/app:1")).ok();
    for text in [pushed.stdout, pushed.stderr, report.stdout, report.stderr] {
        assert!(
            !text.contains(PASSWORD) && !text.contains(&base64(PASSWORD)),
            "{text}"
        );
    }

    let wrong = format!(
        "{{\"auths\":{{\"{host}\":{{\"auth\":\"{}\"}}}}}}",
        base64(&format!("{USER}:{PASSWORD}x"))
    );
    sandbox.write("docker/config.json", wrong);
    let line = sandbox
        .slim(&format!("report --quiet docker://{host}/app:1"))
        .one_line(3, &[host, "401"]);
    assert!(!line.contains(PASSWORD), "{line}");
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
