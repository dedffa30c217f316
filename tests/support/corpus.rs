//! The shared corpus: real images made by others, and what others say of them.
//!
//! A module of its own because the corpus is not in this repository: it is looked for in `LAYERSLIM_CORPUS`, else beside
//! the checkout, and a machine without it skips what needs it, aloud, CI too.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::cmd::Sandbox;
use super::judges::note;
use super::medium::{archive_layers, layout_layers, unpack_layout};

/// Where the corpus is, if it is.
pub(crate) fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("LAYERSLIM_CORPUS").map(PathBuf::from);
    let dir = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"));
    if !dir.join("real").is_dir() {
        note("no shared corpus");
        return None;
    }
    Some(dir)
}

/// What kind of medium a real image lies in.
#[derive(Clone, Copy)]
enum Kind {
    DockerArchive,
    OciArchive,
    Layout(Option<&'static str>),
}
use Kind::{DockerArchive, Layout, OciArchive};

/// One real image and the names of its oracles.
pub(crate) struct Real {
    kind: Kind,
    path: &'static str,
    /// `oracles/flatten/NAME.tsv.gz`
    pub(crate) flatten: Option<&'static str>,
    /// `oracles/dive/NAME.json`
    pub(crate) dive: Option<&'static str>,
}

const fn real(
    kind: Kind,
    path: &'static str,
    flatten: Option<&'static str>,
    dive: Option<&'static str>,
) -> Real {
    Real {
        kind,
        path,
        flatten,
        dive,
    }
}

/// Every real image that is complete. (dive's numbers for OCI archives hold for one layer only: it takes layers in no order.)
#[rustfmt::skip] // a table
pub(crate) const REAL: &[Real] = &[
    real(DockerArchive, "wagoodman+dive/.data/test-docker-image.tar", Some("dive-test-docker-image.umoci"), Some("dive-test-docker-image")),
    real(DockerArchive, "wagoodman+dive/.data/test-kaniko-image.tar", Some("dive-test-kaniko-image.umoci"), Some("dive-test-kaniko-image")),
    real(OciArchive, "wagoodman+dive/.data/test-oci-gzip-image.tar", Some("dive-oci-gzip.umoci"), Some("dive-test-oci-gzip-image")),
    real(OciArchive, "wagoodman+dive/.data/test-oci-zstd-image.tar", Some("dive-oci-zstd.buildah"), Some("dive-test-oci-zstd-image")),
    real(OciArchive, "wagoodman+dive/.data/test-oci-uncompressed-image.tar", Some("dive-oci-plain.umoci"), Some("dive-test-oci-uncompressed-image")),
    real(OciArchive, "wagoodman+dive/.data/test-oci-estargz-image.tar", Some("dive-oci-estargz.umoci"), Some("dive-test-oci-estargz-image")),
    real(DockerArchive, "aquasecurity+trivy/pkg/fanal/test/testdata/alpine-310.tar.gz", Some("alpine-310.umoci"), Some("alpine-310")),
    real(DockerArchive, "aquasecurity+trivy/pkg/fanal/test/testdata/alpine-311.tar.gz", Some("alpine-311.umoci"), Some("alpine-311")),
    real(DockerArchive, "google+go-containerregistry/pkg/v1/tarball/testdata/hello-world-v25.tar", Some("ggcr-hello-world-v25.umoci"), Some("ggcr-hello-world-v25")),
    real(DockerArchive, "google+go-containerregistry/pkg/v1/mutate/testdata/overwritten_file.tar", Some("ggcr-overwritten_file.umoci"), Some("ggcr-overwritten_file")),
    real(DockerArchive, "google+go-containerregistry/pkg/v1/mutate/testdata/source_image.tar", Some("ggcr-source_image.umoci"), Some("ggcr-source_image")),
    real(DockerArchive, "google+go-containerregistry/pkg/v1/mutate/testdata/source_image_with_empty_layer_history.tar", Some("ggcr-source_image_with_empty_layer_history.umoci"), None),
    real(DockerArchive, "google+go-containerregistry/pkg/v1/mutate/testdata/whiteout_dir.tar", Some("ggcr-whiteout_dir.umoci"), Some("ggcr-whiteout_dir")),
    real(DockerArchive, "google+go-containerregistry/pkg/v1/mutate/testdata/whiteout_image.tar", Some("ggcr-whiteout_image.umoci"), Some("ggcr-whiteout_image")),
    real(DockerArchive, "google+go-containerregistry/pkg/v1/tarball/testdata/test_image_1.tar", None, None),
    real(Layout(None), "docker-library+busybox/latest/glibc/amd64", Some("busybox-glibc.umoci"), None),
    real(Layout(None), "docker-library+busybox/latest/musl/amd64", Some("busybox-musl-multi.docker"), None),
    real(Layout(None), "docker-library+busybox/latest/uclibc/amd64", None, None),
    real(Layout(Some("v1")), "regclient+regclient/testdata/testrepo", Some("regclient-v1.docker"), None),
    real(Layout(Some("v3")), "regclient+regclient/testdata/testrepo", Some("regclient-v3.docker"), None),
];

/// The platform that is asked for where an image has several.
const PLATFORM: &str = "linux/amd64";

impl Real {
    /// The image as `slim` is told it, and the flags that go with it.
    pub(crate) fn reference(&self, corpus: &Path, sandbox: &Sandbox) -> String {
        let path = self.path(corpus);
        match self.kind {
            DockerArchive => format!("docker-archive:{}", path.display()),
            OciArchive => format!("oci-archive:{}", path.display()),
            Layout(None) => format!("oci:{}", with_links(&path, &sandbox.path("layout")).display()),
            Layout(Some(tag)) => format!("oci:{}:{tag} --platform {PLATFORM}", path.display()),
        }
    }

    /// Its uncompressed layers, read by the tests' own reader.
    pub(crate) fn layers(&self, corpus: &Path, sandbox: &Sandbox) -> Vec<Vec<u8>> {
        let path = self.path(corpus);
        match self.kind {
            DockerArchive => archive_layers(&fs::read(path).unwrap()),
            OciArchive => layout_layers(&unpack_layout(&path, sandbox.path("unpacked")), None, PLATFORM),
            Layout(None) => layout_layers(&with_links(&path, &sandbox.path("layout")), None, PLATFORM),
            Layout(tag) => layout_layers(&path, tag, PLATFORM),
        }
    }

    /// What to call it in a message.
    pub(crate) fn name(&self) -> String {
        let Layout(Some(tag)) = self.kind else {
            return self.path.to_owned();
        };
        format!("{}:{tag}", self.path)
    }

    fn path(&self, corpus: &Path) -> PathBuf {
        corpus.join("real").join(self.path)
    }
}

/// The image and the flags of a [`Real::reference`].
pub(crate) fn image_and_flags(reference: &str) -> (&str, &str) {
    reference.split_once(' ').unwrap_or((reference, ""))
}

/// A copy of a layout whose blobs are symlinks inside the layout again, as its repository has them: the corpus keeps a
/// symlink as a file with the target in it.
pub(crate) fn with_links(from: &Path, to: &Path) -> PathBuf {
    if to.exists() {
        return to.to_owned();
    }
    let blobs = to.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    for entry in fs::read_dir(from)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_file())
    {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    for entry in fs::read_dir(from.join("blobs/sha256"))
        .unwrap()
        .map(Result::unwrap)
    {
        let target = fs::read(entry.path()).unwrap();
        let blob = blobs.join(entry.file_name());
        match str::from_utf8(&target)
            .ok()
            .filter(|text| text.starts_with("../../"))
        {
            Some(target) => symlink(target, blob).unwrap(),
            None => fs::write(blob, target).unwrap(),
        }
    }
    to.to_owned()
}
