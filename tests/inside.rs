//! Looking into images: what `slim extract` puts onto the disk and `slim cat` shows is what the kernel shows of the same
//! layers, and what `slim trace` tells is what the layers did.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::cmd::{Sandbox, names};
use crate::support::corpus::{REAL, corpus, image_and_flags};
use crate::support::judges::run;
use crate::support::overlay::{have_overlay, overlay};
use crate::support::recipe::{Recipe, digest};
use crate::support::tree::Tree;

/// Whiteouts, opaque markers, links over layers, changes of kind, odd names, parents that are not named.
const LAYERS: &str = "layer FROM scratch
d etc mode=751 uid=3
f etc/passwd text=\"root:x:0\\nbin:x:1\\n\" mtime=1600000000.25
f etc/shadow 20 mode=640 gid=42
d opt
f opt/tool 3000 mode=4755 uid=7 xattr:user.note=6869
h opt/tool2 opt/tool
l opt/link ../etc/passwd
l bin usr/bin
d usr/bin
f usr/bin/sh 900 mode=755
d gone
f gone/a 5
f gone/b/c 6
d var/cache mode=700
f var/cache/x 7
f kind 8
c dev/null 1 3
p run/fifo
layer RUN one
f etc/passwd text=\"root:x:0\\nbin:x:1\\nsvc:x:2\\n\"
wh gone
f opt/tool 10
h opt/again opt/tool2
opq var/cache
f var/cache/y 9
d kind mode=711
f kind/of 3
f deep/er/file 4
layer RUN two
f gone/new 2
wh etc/shadow
l opt/loop loop
f we\\xffird\\x1b[31m 1
h opt/linklink opt/link";

fn without_what_is_left_out(mut tree: Tree) -> Tree {
    tree.0
        .retain(|_, row| !matches!(row.columns[0].as_str(), "c" | "b" | "p"));
    tree
}

#[test]
fn what_is_extracted_is_what_the_kernel_shows() {
    if !have_overlay() {
        return;
    }
    let recipe = Recipe::new(LAYERS);
    let sandbox = Sandbox::with(&recipe);
    for (count, view) in [
        (3, ""),
        (3, "--up-to 2"),
        (2, "--up-to 1"),
        (1, "--up-to 0"),
        (1, "--layer 0"),
    ] {
        fs::remove_dir_all(sandbox.path("out")).ok();
        let done = sandbox
            .slim(&format!("extract oci:src / out --owners {view}"))
            .ok();
        let want = without_what_is_left_out(overlay(&recipe.layers[..count]));
        Tree::read(&sandbox.path("out")).assert_same(&want, view);
        assert!(
            done.stdout.contains("left out /dev/null: a character device"),
            "{}",
            done.stdout
        );
        assert!(
            done.stdout.contains("left out /run/fifo: a named pipe"),
            "{}",
            done.stdout
        );
    }
}

#[test]
fn what_one_layer_holds_is_extracted_alone() {
    let sandbox = Sandbox::with(&Recipe::new(LAYERS));
    sandbox.slim("extract oci:src / out --layer 1").ok();
    let all = |dir: &str| names(&sandbox.path(dir));
    assert_eq!(all("out"), ["deep", "etc", "kind", "opt", "var"]);
    assert_eq!(all("out/etc"), ["passwd"]);
    assert_eq!(all("out/opt"), ["again", "tool"]);
    let again = fs::read(sandbox.path("out/opt/again")).unwrap();
    assert_eq!(
        again.len(),
        3000,
        "a link to a file of a lower layer has its content"
    );
    let mode = |path: &str| fs::metadata(sandbox.path(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("out/etc"), 0o751, "as below: this layer does not name it");
    assert_eq!(mode("out/kind"), 0o711);
}

/// Every file by itself, from the merged image and from each layer that has it.
#[test]
fn the_content_of_a_file_is_that_of_the_kernel() {
    if !have_overlay() {
        return;
    }
    let recipe = Recipe::new(LAYERS);
    let sandbox = Sandbox::with(&recipe);
    for count in 1..=3 {
        let tree = overlay(&recipe.layers[..count]);
        for (path, row) in tree.0.iter().filter(|(_, row)| row.columns[0] == "f") {
            if path.contains('\\') {
                continue; // no argument of these tests
            }
            let line = format!("cat oci:src /{path} --up-to {}", count - 1);
            let file = sandbox.path("content");
            sandbox.slim_into(&line, &file).ok();
            let hash = digest(&fs::read(&file).unwrap());
            assert_eq!(hash["sha256:".len()..][..16], row.columns[4], "{line}");
        }
    }
    let shown = |line: &str| sandbox.slim(line).ok().stdout;
    assert_eq!(
        shown("cat oci:src /opt/link"),
        "root:x:0\nbin:x:1\nsvc:x:2\n",
        "followed"
    );
    assert_eq!(shown("cat oci:src etc/passwd --layer 0"), "root:x:0\nbin:x:1\n");
    let hex = shown("cat oci:src etc/passwd --hex --max-bytes 3");
    assert_eq!(hex, format!("00000000  72 6f 6f{}|roo|\n", " ".repeat(42)));
}

#[test]
fn real_images_are_extracted_as_the_kernel_shows_them() {
    let Some(corpus) = corpus() else { return };
    if !have_overlay() {
        return;
    }
    for real in REAL {
        let sandbox = Sandbox::new();
        let source = real.reference(&corpus, &sandbox);
        let (image, flags) = image_and_flags(&source);
        sandbox
            .slim(&format!("extract {image} / out --owners {flags}"))
            .ok();
        let want = without_what_is_left_out(overlay(&real.layers(&corpus, &sandbox)));
        Tree::read(&sandbox.path("out")).assert_same(&want, &real.name());
    }
}

/// As GNU tar writes them, in every form that it knows.
#[test]
fn sparse_files_are_whole_when_read_and_sparse_on_the_disk() {
    let scratch = TempDir::new().unwrap();
    let file = fs::File::create(scratch.path().join("sparse")).unwrap();
    for (offset, byte) in [(3 << 20, b'x'), (7 << 20, b'y')] {
        file.write_all_at(&[byte; 5000], offset).unwrap();
    }
    file.set_len(20 << 20).unwrap();
    let want = fs::read(scratch.path().join("sparse")).unwrap();
    for form in [
        &["--format=gnu"][..],
        &["--format=posix", "--sparse-version=0.0"],
        &["--format=posix", "--sparse-version=0.1"],
        &["--format=posix", "--sparse-version=1.0"],
    ] {
        let tar = scratch.path().join("layer.tar");
        let mut make = Command::new("tar");
        make.args(["-c", "-S"]).args(form).arg("-f").arg(&tar);
        run(make.arg("-C").arg(scratch.path()).arg("sparse"));
        let layer = fs::read(&tar).unwrap();
        assert!(layer.len() < 1 << 20, "tar found the holes");
        let sandbox = Sandbox::with(&Recipe::from_tars(vec![layer]));
        sandbox.slim("extract oci:src /sparse out").ok();
        let out = sandbox.path("out/sparse");
        assert!(fs::read(&out).unwrap() == want, "{form:?}");
        assert!(fs::metadata(&out).unwrap().blocks() * 512 < 1 << 20, "{form:?}");
        sandbox
            .slim_into("cat oci:src /sparse", &sandbox.path("content"))
            .ok();
        assert!(fs::read(sandbox.path("content")).unwrap() == want, "{form:?}");
    }
}

#[test]
fn errors_name_the_path_and_the_way_out() {
    let sandbox = Sandbox::with(&Recipe::new(LAYERS));
    for (line, words) in [
        (
            "cat oci:src /etc/paswd",
            &["/etc/paswd", "did you mean /etc/passwd?"][..],
        ),
        ("cat oci:src /etcc/passwd", &["did you mean /etc/passwd?"]),
        (
            "cat oci:src /etc",
            &["is a directory", "slim extract oci:src /etc"],
        ),
        ("cat oci:src /opt/loop", &["symlink to loop"]),
        ("cat oci:src /dev/null", &["a character device"]),
        (
            "cat oci:src /opt/link --layer 0",
            &["symlink to ../etc/passwd", "layer 0"],
        ),
        ("cat oci:src /etc/passwd --layer 7", &["3 layers, 0 to 2"]),
        (
            "extract oci:src /nothing/like/it out",
            &["/nothing/like/it is not in the image"],
        ),
        ("trace oci:src /etc/paswd", &["did you mean /etc/passwd?"]),
    ] {
        sandbox.slim(&format!("{line} --quiet")).one_line(2, words);
    }
    let gone = sandbox.slim("cat oci:src /etc/shadow --quiet").code(2).stderr;
    assert!(gone.contains("layer 0 has it"), "{gone}");
    let elsewhere = sandbox.slim("cat oci:src /sh --quiet").code(2).stderr;
    assert!(elsewhere.contains("there is /usr/bin/sh"), "{elsewhere}");
}

#[test]
fn nothing_is_overwritten_unless_asked() {
    let sandbox = Sandbox::with(&Recipe::new(LAYERS));
    fs::create_dir_all(sandbox.path("out/etc")).unwrap();
    sandbox.write("out/etc/passwd", "mine");
    sandbox.write("out/etc/other", "mine");
    sandbox
        .slim("extract oci:src /etc out --quiet")
        .one_line(2, &["out/etc", "--overwrite"]);
    let read = |path: &str| fs::read_to_string(sandbox.path(path)).unwrap();
    assert_eq!(read("out/etc/passwd"), "mine");
    sandbox.slim("extract oci:src /etc out --overwrite").ok();
    assert!(read("out/etc/passwd").ends_with("svc:x:2\n"));
    assert_eq!(read("out/etc/other"), "mine");
    assert_eq!(names(&sandbox.path("out")), ["etc"], "nothing is left over");
}

/// What others put where an image's names lead is not followed, and what is outside stays as it is.
#[test]
fn a_symlink_in_the_target_leads_nowhere() {
    let sandbox = Sandbox::with(&Recipe::new("layer\nf a/b/c 10\nf d 3"));
    fs::create_dir_all(sandbox.path("out/a")).unwrap();
    fs::create_dir_all(sandbox.path("outside")).unwrap();
    let outside = sandbox.path("outside");
    std::os::unix::fs::symlink(&outside, sandbox.path("out/a/b")).unwrap();
    std::os::unix::fs::symlink(outside.join("d"), sandbox.path("out/d")).unwrap();
    sandbox.slim("extract oci:src / out --overwrite").ok();
    assert_eq!(names(&outside), [""; 0]);
    assert_eq!(names(&sandbox.path("out/a/b")), ["c"]);
    assert!(fs::symlink_metadata(sandbox.path("out/d")).unwrap().is_file());
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing() {
    let sandbox = Sandbox::with(&Recipe::new(&format!("layer\nf large {}", 30 << 20)));
    let out = sandbox.path("out");
    let has_begun = || out.exists() && !names(&out).is_empty();
    let done = sandbox.slim_signalled("extract oci:src / out", "INT", || {
        let begin = Instant::now();
        while !has_begun() && begin.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(
        matches!(done.code, Some(130 | 0)),
        "{:?} {}",
        done.code,
        done.stderr
    );
    let left = if done.code == Some(130) {
        &[][..]
    } else {
        &["large"]
    };
    assert_eq!(names(&out), left, "{}", done.stderr);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let sandbox = Sandbox::with(&Recipe::new("layer\nf large 3000000"));
    let into = format!(
        "{} -q cat oci:src:t /large | head -c 10 | wc -c",
        env!("CARGO_BIN_EXE_slim")
    );
    let mut shell = Command::new("bash");
    let output = shell
        .args(["-o", "pipefail", "-c", &into])
        .current_dir(sandbox.path(""))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "10");
}

fn trace(sandbox: &Sandbox, path: &str) -> Vec<String> {
    let document = sandbox
        .slim(&format!("trace oci:src {path} --diff --format json"))
        .json();
    let rows = document["layers"].as_array().unwrap().iter();
    let words = |row: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut words = vec![text(&row["what"])];
        words.extend(row["changed"].as_array().unwrap().iter().map(text));
        if row["cause"].is_object() {
            words.push(format!(
                "{}={}",
                text(&row["cause"]["kind"]),
                text(&row["cause"]["path"])
            ));
        }
        words.extend((row["opaque"] == true).then(|| "hides".to_owned()));
        words.join(" ")
    };
    rows.map(words).collect()
}

#[test]
fn the_life_of_a_path_is_told() {
    let sandbox = Sandbox::with(&Recipe::new(LAYERS));
    for (path, want) in [
        ("/etc/passwd", ["added", "modified content time", "untouched"]),
        (
            "/etc/shadow",
            ["added", "untouched", "removed whiteout=/etc/shadow"],
        ),
        ("/gone/b/c", ["added", "removed whiteout=/gone", "absent"]),
        ("/gone", ["added", "removed whiteout=/gone", "added"]),
        ("/kind", ["added", "replaced", "untouched"]),
        ("/var/cache", ["added", "untouched hides", "untouched"]),
        ("/var/cache/x", ["added", "removed opaque=/var/cache", "absent"]),
        (
            "/opt/tool",
            ["added", "modified content mode owner attributes", "untouched"],
        ),
        ("/opt/tool2", ["added", "untouched", "untouched"]),
        ("/deep", ["absent", "added", "untouched"]),
        ("/bin/sh", ["added", "untouched", "untouched"]),
        ("/", ["added", "untouched", "untouched"]),
    ] {
        assert_eq!(trace(&sandbox, path), want, "{path}");
    }
    let text = sandbox.slim("trace oci:src /etc/passwd --diff").ok().stdout;
    for line in [
        "modified: content, time",
        "@@ -1,2 +1,3 @@",
        "+svc:x:2",
        "RUN one",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let binary = sandbox.slim("trace oci:src /opt/tool --diff").ok().stdout;
    assert!(
        binary.contains("no text; the first byte that differs is at 0"),
        "{binary}"
    );
}
