//! Small images in memory, for the tests of this room: a layer is a line of words.

use std::sync::atomic::AtomicBool;

use super::Source;
use crate::content::ContentMap;
use crate::image::Image;
use crate::image::testing::archive;
use crate::layer::{self, Limits};
use crate::progress::Progress;
use crate::tar::{self, Header, Kind};

/// An image that was read.
pub(super) struct Made {
    pub(super) image: Image,
    pub(super) map: ContentMap,
    pub(super) stop: AtomicBool,
    progress: Progress,
}

impl Made {
    /// Layers of words: `a=content`, `a->symlink`, `a=>hard-link`, `dir/`, `a!c` for a device, and names of whiteouts.
    pub(super) fn new(layers: &[&str]) -> Self {
        let image = image(layers);
        let map = ContentMap::merge(layer::testing::read(&image));
        Self {
            image,
            map,
            stop: AtomicBool::new(false),
            progress: Progress::none(),
        }
    }

    /// What was read, over other layers.
    pub(super) fn with_layers(self, layers: &[&str]) -> Self {
        Self {
            image: image(layers),
            ..self
        }
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source {
            image: &self.image,
            map: &self.map,
            limits: Limits::default(),
            progress: &self.progress,
            stop: &self.stop,
        }
    }
}

fn image(layers: &[&str]) -> Image {
    let tars: Vec<Vec<u8>> = layers.iter().map(|words| tar(words)).collect();
    let config =
        serde_json::json!({"architecture": "amd64", "os": "linux", "created": "2023-11-14T22:13:20Z"});
    archive("docker-archive:made", config, &tars)
}

fn tar(words: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for word in words.split_whitespace() {
        let (header, body) = member(word);
        tar::write_header(&mut out, &header);
        out.extend_from_slice(body);
        out.extend_from_slice(&[0; 512][..tar::padding(body.len() as u64)]);
    }
    out.extend_from_slice(&tar::END);
    out
}

fn member(word: &str) -> (Header, &[u8]) {
    let link = |kind, path: &str, target: &str| {
        let mut header = Header::new(kind, path.as_bytes(), 0o777);
        header.link = target.as_bytes().to_vec();
        (header, &b""[..])
    };
    if let Some((path, target)) = word.split_once("->") {
        return link(Kind::Symlink, path, target);
    }
    if let Some((path, target)) = word.split_once("=>") {
        return link(Kind::HardLink, path, target);
    }
    if let Some(path) = word.strip_suffix("!c") {
        let mut header = Header::new(Kind::CharDevice, path.as_bytes(), 0o600);
        header.device = (1, 3);
        return (header, b"");
    }
    if word.ends_with('/') {
        return (Header::new(Kind::Directory, word.as_bytes(), 0o750), b"");
    }
    let (path, body) = word.split_once('=').unwrap_or((word, ""));
    let mut header = Header::new(Kind::Regular, path.as_bytes(), 0o4644);
    (header.size, header.logical_size) = (body.len() as u64, body.len() as u64);
    header.mtime.secs = 1_000_000_000;
    (header, body.as_bytes())
}
