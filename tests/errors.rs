//! Bad input: one clear line on stderr that names the thing, and the right exit code.

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use crate::support::cmd::Sandbox;
use crate::support::judges::have;
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, PASSWORD, Registry};

fn sandbox() -> Sandbox {
    let recipe = Recipe::new("layer RUN one\nf a 5000\nf b 6000\nlayer RUN two\nf c 7000");
    let sandbox = Sandbox::with(&recipe);
    sandbox.write("good.tar", recipe.docker_archive("app:1"));
    sandbox
}

#[test]
fn an_image_that_cannot_be_read_is_3() {
    let sandbox = sandbox();
    let archive = fs::read(sandbox.path("good.tar")).unwrap();
    sandbox.write("short.tar", &archive[..archive.len() / 2]);
    sandbox.write("text.txt", "not an image\n");
    sandbox.write("empty", "");
    fs::create_dir(sandbox.path("dir")).unwrap();
    for (image, words) in [
        ("docker-archive:nothing.tar", &["nothing.tar"][..]),
        ("oci:nothing:t", &["nothing"]),
        ("oci-archive:nothing.tar", &["nothing.tar"]),
        ("docker-archive:text.txt", &["text.txt"]),
        ("oci-archive:text.txt", &["text.txt"]),
        ("docker-archive:empty", &["empty"]),
        ("oci:dir:t", &["dir"]),
        ("docker-archive:short.tar", &["short.tar"]),
        ("oci:src:nope", &["nope"]),
        ("docker-archive:good.tar:app:nope", &["app:nope"]),
        ("./text.txt", &["text.txt"]),
    ] {
        sandbox
            .slim(&format!("report --quiet {image}"))
            .one_line(3, words);
        sandbox
            .slim(&format!("save --quiet {image} oci:out:t"))
            .one_line(3, words);
        assert!(!sandbox.path("out").exists(), "{image}: nothing was written");
    }
    sandbox
        .slim_from("report --quiet -", b"not an image")
        .one_line(3, &[]);
    sandbox
        .slim_from("report --quiet -", &archive[..archive.len() / 2])
        .one_line(3, &[]);
    sandbox.slim_from("report --quiet -", b"").one_line(3, &[]);
}

#[test]
fn a_blob_with_another_digest_names_both() {
    let sandbox = sandbox();
    let report = sandbox.slim("report --format json oci:src:t").json();
    let digest = report
        .pointer("/layers/0/digest")
        .and_then(|digest| digest.as_str())
        .unwrap()
        .to_owned();
    fs::remove_dir_all(sandbox.path("cache")).ok();
    let blob = sandbox.path("src/blobs").join(digest.replace(':', "/"));
    let mut bytes = fs::read(&blob).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&blob, &bytes).unwrap();
    sandbox.slim("report --quiet oci:src:t").one_line(3, &[&digest]);
    fs::write(&blob, &bytes[..last]).unwrap();
    sandbox.slim("report --quiet oci:src:t").one_line(3, &[&digest]);
    fs::remove_file(&blob).unwrap();
    sandbox.slim("report --quiet oci:src:t").one_line(3, &[&digest]);
}

#[test]
fn a_config_that_lies_about_a_layer_is_refused() {
    let mut recipe = Recipe::new("layer\nf a 10");
    let lie = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";
    recipe.config["rootfs"]["diff_ids"][0] = lie.into();
    let sandbox = Sandbox::with(&recipe);
    sandbox.slim("report --quiet oci:src:t").one_line(3, &[lie]);
}

#[test]
fn a_registry_that_is_not_there_is_3_and_4() {
    let sandbox = sandbox();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    sandbox
        .slim(&format!("report --quiet docker://{host}/app:1"))
        .one_line(3, &[&host]);
    sandbox
        .slim(&format!("push --quiet oci:src:t docker://{host}/app:1"))
        .one_line(4, &[&host]);
}

#[test]
fn a_registry_that_says_no_is_3_and_4() {
    if !have(&["docker-registry", "htpasswd"]) {
        return;
    }
    let sandbox = sandbox();
    let registry = Registry::start(&Login::Needed);
    let host = &registry.host;
    let read = sandbox
        .slim(&format!("report --quiet docker://{host}/app:1"))
        .one_line(3, &[host, "login"]);
    let write = sandbox
        .slim(&format!("push --quiet oci:src:t docker://{host}/app:1"))
        .one_line(4, &[host, "login"]);
    assert!(!read.contains(PASSWORD) && !write.contains(PASSWORD));
}

#[test]
fn an_unknown_tag_in_a_registry_is_3() {
    if !have(&["docker-registry"]) {
        return;
    }
    let sandbox = sandbox();
    let registry = Registry::start(&Login::Anyone);
    let host = &registry.host;
    sandbox
        .slim(&format!("report --quiet docker://{host}/app:nope"))
        .one_line(3, &[host, "app:nope"]);
}

#[test]
fn configuration_that_is_wrong_is_2() {
    let sandbox = sandbox();
    sandbox.write(
        "glob.toml",
        "name = \"mine\"\ntitle = \"Mine\"\n\nremove-paths = [\"/fine\", \"/a/[b\"]\n",
    );
    sandbox.write("key.toml", "name = \"mine\"\nremoove = [\"apt-cache\"]\n");
    sandbox.write("broken.toml", "name = \"mine\nremove = [\n");
    for (flags, words) in [
        ("--profile glob.toml", &["glob.toml:4", "/a/[b"][..]),
        ("--profile key.toml", &["key.toml:2", "remoove"]),
        ("--profile broken.toml", &["broken.toml"]),
        ("--profile nothing.toml", &["nothing.toml"]),
        ("--profile defualt", &["defualt", "default"]),
        ("--remove apt-cahce", &["apt-cahce", "apt-cache"]),
        ("--keep apt-cahce", &["apt-cahce", "apt-cache"]),
        ("--remove-path /a/[b", &["/a/[b"]),
    ] {
        sandbox
            .slim(&format!("plan --quiet oci:src:t {flags}"))
            .one_line(2, words);
        sandbox
            .slim(&format!("save --quiet oci:src:t oci:out:t {flags}"))
            .one_line(2, words);
    }
    assert!(!sandbox.path("out").exists(), "nothing was written");
}

#[test]
fn a_command_line_that_is_wrong_is_2() {
    let sandbox = sandbox();
    for (line, word) in [
        ("report --no-such-flag oci:src:t", "--no-such-flag"),
        ("report", "IMAGE"),
        ("save oci:src:t", "TARGET"),
        ("save oci:src:t oci:out:t --compression brotli", "brotli"),
        ("save oci:src:t nowhere:out", "nowhere:out"),
        ("report oci:src:t --by layer,colour", "colour"),
        ("report oci:src:t --format yaml", "yaml"),
        ("push oci:src:t", "oci:src:t"),
    ] {
        let failed = sandbox.slim(line).code(2);
        assert!(
            failed.stderr.contains(word),
            "slim {line}: `{}` does not name `{word}`",
            failed.stderr
        );
        assert_eq!(failed.stdout, "", "slim {line}");
    }
}

#[test]
fn a_target_that_cannot_be_written_is_4() {
    let sandbox = sandbox();
    sandbox.write("file", "in the way");
    for target in [
        "oci:file/out:t",
        "oci-archive:file/out.tar",
        "docker-archive:file/out.tar:a:1",
        "oci:/proc/out:t",
    ] {
        let path = target.split(':').nth(1).unwrap();
        sandbox
            .slim(&format!("save --quiet oci:src:t {target}"))
            .one_line(4, &[path]);
    }
    assert_eq!(fs::read(sandbox.path("file")).unwrap(), b"in the way");
    assert_eq!(sandbox.leftovers(), [""; 0], "temporary files are gone");
}

#[test]
fn a_difference_that_no_plan_names_is_1() {
    let sandbox = sandbox();
    Recipe::new("layer\nf a 5000\nf b text=\"other\"\nf extra 1").oci(
        &sandbox.path("other"),
        "t",
        crate::support::medium::Codec::Gzip,
    );
    let failed = sandbox.slim("verify oci:src:t oci:other:t").code(1);
    let said = failed.stdout + &failed.stderr;
    for path in ["b", "extra"] {
        assert!(said.contains(path), "{said}");
    }
}

/// Ctrl-C in the middle of a write: nothing under the final name, nothing left over, and the next run finishes.
#[test]
fn an_interrupted_write_is_130_and_leaves_nothing() {
    let sandbox = Sandbox::with(&Recipe::new("layer\nf a 5000000"));
    let mut interrupted = 0;
    for (target, name) in [("oci:out:t", "out"), ("oci-archive:out.tar:t", "out.tar")] {
        let line = format!("save --quiet oci:src:t {target} --compression zstd:19");
        for milliseconds in [100, 400] {
            let stopped = sandbox.slim_interrupted(&line, Duration::from_millis(milliseconds));
            if stopped.code == Some(0) {
                break; // it was quicker
            }
            interrupted += 1;
            stopped.one_line(130, &[]);
            assert!(!sandbox.path(name).exists(), "{target}: half-written");
            assert_eq!(sandbox.leftovers(), [""; 0], "{target}: temporary files are gone");
        }
        sandbox.slim(&line).ok();
        assert!(sandbox.path(name).exists(), "{target}");
    }
    assert!(interrupted > 1, "the image is too small to be interrupted");
}
