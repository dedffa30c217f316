//! Any file as an image archive: told apart, opened, and its layers read.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use layerslim::image::Image;
use layerslim::layer::Detail;
use layerslim::progress::Progress;
use layerslim::transport::{self, ReadOptions, Source};
use tempfile::NamedTempFile;

use super::blob::{is_quick, read, squashes};
use super::bytes::repaired;
use crate::support::laws::in_memory;

pub(super) fn check(input: &[u8]) {
    let file = File::new();
    file.holds(input);
    let repaired = repaired(input);
    if repaired != input {
        file.holds(&repaired);
    }
}

/// A file that no disk is behind.
struct File(NamedTempFile);

impl File {
    fn new() -> Self {
        let directory = in_memory().map_or_else(std::env::temp_dir, PathBuf::from);
        let file = NamedTempFile::new_in(directory);
        Self(file.unwrap_or_else(|error| panic!("{error}")))
    }

    fn holds(&self, bytes: &[u8]) {
        let path = self.0.path().to_owned();
        let written = fs::File::create(&path).and_then(|mut file| file.write_all(bytes));
        written.unwrap_or_else(|error| panic!("{error}"));
        let sources = [
            Source::Archive {
                path: path.clone(),
                choice: None,
            },
            Source::DockerArchive {
                path: path.clone(),
                choice: Some("@0".to_owned()),
            },
            Source::OciArchive {
                path: path.clone(),
                tag: Some("@0".to_owned()),
            },
        ];
        for source in sources {
            let options = ReadOptions {
                platform: None,
                spool_dir: in_memory(),
                progress: &Progress::none(),
                limits: layerslim::limits::Limits::default(),
                look: None,
                #[cfg(feature = "registry")]
                client: None,
                #[cfg(feature = "engine")]
                engine: None,
            };
            match transport::open(&source, &options) {
                Ok(opened) => image(&opened.image),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        let _ = path.to_str().map(Source::parse);
    }
}

fn image(image: &Image) {
    let ids = image.config.diff_ids().map(|ids| ids.len()).ok();
    assert_eq!(ids, Some(image.layers.len()), "an image without diff ids");
    let is_quick = read(image, Detail::Facts, 1).is_ok_and(|changesets| is_quick(&changesets));
    if is_quick && let Ok(changesets) = read(image, Detail::Fingerprints, 1) {
        squashes(image, changesets);
    }
}
