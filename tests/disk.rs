//! Disks that are full, directories that may not be written, signals that ask nicely.
//!
//! The disks are small tmpfs mounts, so most of this runs as root only. After each fault: exit 4, one line that names
//! the place, what was there before is untouched, no temporary files, and a second run with room finishes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support::cmd::{Sandbox, names};
use crate::support::judges::{have, is_root, run, skipped};
use crate::support::medium::Codec;
use crate::support::proxy::{Fault, Proxy, Rule};
use crate::support::recipe::Recipe;
use crate::support::registry::{Login, Registry};

/// A small file system of its own, unmounted on drop.
struct Disk(PathBuf);

impl Disk {
    /// Mounted at `name` in the sandbox; `None`, said aloud, where that is not allowed.
    #[track_caller]
    fn new(sandbox: &Sandbox, name: &str, size: &str) -> Option<Self> {
        let path = sandbox.path(name);
        fs::create_dir_all(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        let is_mounted = is_root() && mount.arg(&path).output().is_ok_and(|out| out.status.success());
        if !is_mounted {
            skipped("a small tmpfs cannot be mounted here");
        }
        is_mounted.then(|| Self(path))
    }

    /// Mounts it again with other options.
    fn change(&self, options: &str) {
        run(Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(&self.0));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with(&Recipe::new("layer\nf a 900000\nf b 2000\nlayer\nf c 100"));
    Recipe::new("layer\nf other 3000").oci(&sandbox.path("other"), "t", Codec::Gzip);
    sandbox
}

#[test]
fn a_full_disk_at_the_target() {
    let sandbox = sandbox();
    for (target, path) in [
        ("oci:disk/out:t", "disk/out"),
        ("oci-archive:disk/out:t", "disk/out"),
        ("docker-archive:disk/out:app:1", "disk/out"),
    ] {
        for exists in [false, true] {
            let Some(disk) = Disk::new(&sandbox, "disk", "200k") else {
                return;
            };
            if exists {
                sandbox.slim(&format!("save --quiet oci:other:t {target}")).ok();
            }
            let before = contents(&disk.0);
            let line = format!("save --quiet oci:src:t {target}");
            let said = sandbox.slim(&line).one_line(4, &[path]);
            assert!(says_full(&said), "{said}");
            assert_eq!(
                index(&contents(&disk.0)),
                index(&before),
                "{target}: the old one is untouched"
            );
            assert_eq!(temporary(&disk.0), [""; 0], "{target}");
            assert_eq!(sandbox.leftovers(), [""; 0], "{target}");
            if exists {
                sandbox.slim(&format!("verify oci:other:t {target}")).ok();
            }
            disk.change("size=8m");
            sandbox.slim(&line).ok();
            sandbox.slim(&format!("verify oci:src:t {target}")).ok();
        }
    }
}

/// The caches are on a full disk: nothing can be staged.
#[test]
fn a_full_disk_where_results_are_staged() {
    let mut sandbox = sandbox();
    for name in ["SLIM_CACHE", "TMPDIR"] {
        let Some(disk) = Disk::new(&sandbox, "disk", "200k") else {
            return;
        };
        if name == "TMPDIR" {
            // Without a cache directory, the system's one for temporary files is all there is.
            sandbox.set("SLIM_CACHE", "");
        }
        sandbox.set(name, disk.0.display().to_string());
        let line = "save --quiet oci:src:t oci:out:t";
        let said = sandbox.slim(line).one_line(4, &["disk/"]);
        assert!(says_full(&said), "{said}");
        assert!(!sandbox.path("out").exists());
        assert_eq!(temporary(&disk.0), [""; 0]);
        disk.change("size=8m");
        sandbox.slim(line).ok();
        sandbox.slim("verify oci:src:t oci:out:t").ok();
        fs::remove_dir_all(sandbox.path("out")).unwrap();
        assert_eq!(temporary(&disk.0), [""; 0]);
    }
}

/// The place where blobs of registries are kept is full: they are read all the same.
#[test]
fn a_full_disk_where_blobs_are_kept() {
    if !have(&["docker-registry"]) {
        return;
    }
    let mut sandbox = sandbox();
    let registry = Registry::start(&Login::Anyone);
    let host = registry.host.clone();
    sandbox
        .slim(&format!(
            "push --quiet oci:src:t docker://{host}/app:1 --profile none"
        ))
        .ok();
    let Some(disk) = Disk::new(&sandbox, "disk", "1300k") else {
        return;
    };
    sandbox.set("SLIM_CACHE", disk.0.display().to_string());
    // The blob fits, the blob and what is staged do not.
    let line = format!("save --quiet docker://{host}/app:1 oci:out:t");
    let said = sandbox.slim(&line).one_line(4, &["disk/"]);
    assert!(says_full(&said), "{said}");
    assert_eq!(temporary(&disk.0), [""; 0]);
    fs::remove_dir_all(disk.0.join("blobs")).unwrap();
    fs::write(disk.0.join("filler"), vec![1; 1_200_000]).unwrap();
    sandbox
        .slim(&format!("report --quiet docker://{host}/app:1"))
        .ok();
    disk.change("size=8m");
    sandbox.slim(&line).ok();
    sandbox.slim("verify oci:src:t oci:out:t").ok();
}

#[test]
fn a_full_disk_for_a_document() {
    let sandbox = sandbox();
    sandbox
        .slim_into("report --quiet oci:src:t", "/dev/full".as_ref())
        .one_line(4, &["standard output"]);
    sandbox
        .slim_into("save --quiet oci:src:t oci:out:t", "/dev/full".as_ref())
        .one_line(4, &["standard output"]);
    let Some(disk) = Disk::new(&sandbox, "disk", "8k") else {
        return;
    };
    fs::write(disk.0.join("report.json"), "old").unwrap();
    let line = "report --quiet --format json -o disk/report.json oci:src:t";
    fs::write(disk.0.join("filler"), vec![1; 4096]).unwrap();
    let said = sandbox.slim(line).one_line(4, &["disk/report.json"]);
    assert!(says_full(&said), "{said}");
    assert_eq!(fs::read(disk.0.join("report.json")).unwrap(), b"old");
    assert_eq!(names(&disk.0), ["filler", "report.json"]);
    disk.change("size=1m");
    sandbox.slim(line).ok();
    assert!(fs::read(disk.0.join("report.json")).unwrap().starts_with(b"{"));
    assert_eq!(names(&disk.0), ["filler", "report.json"]);
}

/// What is no file is written to, never replaced by one.
#[test]
fn a_document_into_a_device_or_through_a_link() {
    let sandbox = sandbox();
    let twin = sandbox.path("null");
    if is_root() {
        run(Command::new("mknod").arg(&twin).args(["c", "1", "3"]));
        sandbox.slim("report --quiet -o null oci:src:t").ok();
        let kind = fs::symlink_metadata(&twin).unwrap().file_type();
        assert!(!kind.is_file(), "the device is still one");
        sandbox
            .slim("save --quiet oci:src:t docker-archive:null")
            .one_line(4, &["null"]);
    }
    sandbox
        .slim("report --quiet -o tmp oci:src:t")
        .one_line(4, &["tmp"]);
    sandbox.write("real", "old");
    std::os::unix::fs::symlink("real", sandbox.path("link")).unwrap();
    sandbox
        .slim("report --quiet --format json -o link oci:src:t")
        .ok();
    assert!(fs::symlink_metadata(sandbox.path("link")).unwrap().is_symlink());
    assert!(fs::read(sandbox.path("real")).unwrap().starts_with(b"{"));
}

#[test]
fn a_directory_that_may_only_be_read() {
    let mut sandbox = sandbox();
    let Some(disk) = Disk::new(&sandbox, "disk", "8m") else {
        return;
    };
    sandbox.slim("save --quiet oci:other:t oci:disk/layout:t").ok();
    disk.change("ro");
    for target in [
        "oci:disk/out:t",
        "oci:disk/layout:t",
        "oci-archive:disk/out.tar:t",
        "docker-archive:disk/out.tar:app:1",
    ] {
        let path = target.split(':').nth(1).unwrap();
        sandbox
            .slim(&format!("save --quiet oci:src:t {target}"))
            .one_line(4, &[path]);
    }
    sandbox
        .slim("report --quiet -o disk/report oci:src:t")
        .one_line(4, &["disk/report"]);
    sandbox.slim("verify oci:other:t oci:disk/layout:t").ok();
    assert_eq!(names(&disk.0), ["layout"]);
    // A cache that cannot be written is done without.
    sandbox.set("SLIM_CACHE", disk.0.join("cache").display().to_string());
    sandbox.slim("save --quiet oci:src:t oci:out:t").ok();
    if have(&["docker-registry"]) {
        let registry = Registry::start(&Login::Anyone);
        let image = format!("docker://{}/app:1", registry.host);
        sandbox.slim(&format!("push --quiet oci:src:t {image}")).ok();
        sandbox.slim(&format!("report --quiet {image}")).ok();
        sandbox.slim(&format!("push --quiet {image} {image}-slim")).ok();
    }
    assert_eq!(sandbox.leftovers(), [""; 0]);
}

/// SIGINT, SIGTERM and SIGHUP while a registry is silent: what waits for it is not waited for, and nothing is left.
#[test]
fn a_signal_while_a_registry_is_silent() {
    if !have(&["docker-registry"]) {
        return;
    }
    let sandbox = sandbox();
    let registry = Registry::start(&Login::Anyone);
    let proxy = Proxy::start(&registry.host);
    let host = &proxy.host;
    sandbox
        .slim(&format!("push --quiet oci:other:t docker://{host}/app:t"))
        .ok();
    let old = registry.whole("app", "t");
    for (signal, method) in [("INT", "HEAD"), ("TERM", "POST"), ("HUP", "PUT")] {
        proxy.set(vec![Rule {
            method,
            path: "*".to_owned(),
            skip: 0,
            times: 1,
            fault: Fault::Delay(Duration::from_secs(20)),
        }]);
        let line = format!("push --quiet oci:src:t docker://{host}/app:t");
        let stopped = sandbox.slim_signalled(&line, signal, || {
            while proxy.hits() == 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        stopped.one_line(130, &["interrupted"]);
        assert_eq!(registry.whole("app", "t"), old, "{signal}");
        assert_eq!(sandbox.leftovers(), [""; 0], "{signal}: temporary files are gone");
    }
    proxy.set(Vec::new());
    sandbox
        .slim(&format!("push --quiet oci:src:t docker://{host}/app:t"))
        .ok();
    assert_ne!(registry.whole("app", "t"), old);
}

fn says_full(line: &str) -> bool {
    ["No space left on device", "no storage space"]
        .iter()
        .any(|words| line.contains(words))
}

/// Every file below, with its bytes.
fn contents(dir: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for name in names(dir) {
        let path = dir.join(name);
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found
}

/// What makes an image: all but blobs of layouts, which nobody sees until an index names them.
fn index(files: &[(PathBuf, Vec<u8>)]) -> Vec<&(PathBuf, Vec<u8>)> {
    let is_blob = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "blobs");
    files.iter().filter(|(path, _)| !is_blob(path)).collect()
}

/// Temporary files anywhere below, staging directories too.
fn temporary(dir: &std::path::Path) -> Vec<String> {
    let mut found = Vec::new();
    for name in names(dir) {
        if dir.join(&name).is_dir() {
            found.extend(temporary(&dir.join(&name)));
        }
        if name.starts_with(".slim-") {
            found.push(name);
        }
    }
    found
}
