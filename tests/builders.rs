//! Archives that real builders made (`testdata/`): read, slimmed, and judged like the images of recipes.

use std::fs;
use std::path::Path;

use crate::support::cmd::{Sandbox, names};
use crate::support::judges::{have_umoci, umoci};
use crate::support::medium::{archive_layers, layout_layers, unpack_layout};
use crate::support::overlay::{have_overlay, overlay};

/// The archive, its transport, and what the default profile takes.
const ARCHIVES: &[(&str, &str, &[&str])] = &[
    ("buildah.oci.tar", "oci-archive", JUNK),
    (
        "docker-save.tar",
        "docker-archive",
        &[JUNK[0], JUNK[1], JUNK[2], "tmp/scratch"],
    ),
    ("skopeo-zstd.oci.tar", "oci-archive", JUNK),
    ("skopeo.docker.tar", "docker-archive", JUNK),
    ("umoci.oci.tar", "oci-archive", JUNK),
];
const JUNK: &[&str] = &[
    "app/__pycache__/main.cpython-312.pyc",
    "usr/share/man/man1/app.1",
    "var/cache/apk/APKINDEX.tar.gz",
];

#[test]
fn what_builders_write_is_read_slimmed_and_verified() {
    if !have_umoci() || !have_overlay() {
        return;
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for (name, transport, junk) in ARCHIVES {
        let sandbox = Sandbox::new();
        let archive = dir.join(name);
        let layers = match *transport {
            "docker-archive" => archive_layers(&fs::read(&archive).unwrap()),
            _ => layout_layers(
                &unpack_layout(&archive, sandbox.path("unpacked")),
                None,
                "linux/amd64",
            ),
        };
        assert_eq!(layers.len(), 2, "{name}");
        let want = overlay(&layers);
        assert_eq!(
            want.0.contains_key("etc/passwd"),
            *name == "docker-save.tar",
            "{name}: a whiteout"
        );
        let image = format!("{transport}:{}", archive.display());
        for (out, flags, gone) in [("all", "--profile none", &[][..]), ("less", "", *junk)] {
            sandbox
                .slim(&format!("save {image} oci:{out}:t {flags} --compression gzip"))
                .ok();
            let gone: Vec<_> = gone.iter().map(|path| (*path).to_owned()).collect();
            let want = want.clone().without(&gone);
            umoci(&sandbox.path(out), "t").assert_same(&want, &format!("{name} {flags}"));
            sandbox.slim(&format!("verify {image} oci:{out}:t {flags}")).ok();
        }
    }
}

#[test]
fn every_archive_is_listed_and_described() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let readme = fs::read_to_string(dir.join("README.md")).unwrap();
    let archives: Vec<_> = names(&dir)
        .into_iter()
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "tar")
        })
        .collect();
    assert_eq!(
        archives,
        ARCHIVES.iter().map(|(name, ..)| *name).collect::<Vec<_>>()
    );
    for name in archives {
        assert!(
            readme.contains(&format!("`{name}`")),
            "testdata/README.md does not say how {name} was made"
        );
    }
}
