//! The image: two layers in memory, read and classified, from either kind of medium.

use std::num::NonZeroUsize;

use super::super::*;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::image::{Image, testing};
use crate::plan::{Plan, Selection};
use crate::profile::{Choice, Pattern, Place, Profiles};
use crate::tar;

pub(super) const BASE: &[&str] = &[
    "d|usr/",
    "f|usr/bin/tool|5000",
    "f|usr/share/doc/tool/changelog.gz|3000",
    "f|usr/share/doc/tool/copyright|100",
    "f|var/lib/apt/lists/deb_dists_InRelease|2000",
    "h|var/lib/apt/lists/second|var/lib/apt/lists/deb_dists_InRelease",
    "l|usr/bin/t|tool",
    "f|opt/a\u{1b}[31m\u{202e}b\\c|700",
];
pub(super) const UPPER: &[&str] = &[
    "f|usr/bin/tool|6000",
    "f|usr/share/doc/tool/README|1500",
    "h|opt/linked|usr/share/doc/tool/changelog.gz",
    "f|usr/share/doc/tool/linked|50",
    "l|srv/link|/usr/share/doc/tool/linked",
    "f|opt/.wh.a\u{1b}[31m\u{202e}b\\c|0",
];

pub(super) struct Case {
    image: Image,
    pub(super) map: ContentMap,
    attribution: Attribution,
    classifier: Classifier,
}

/// Which medium an image comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    Layout,
    Archive,
}

pub(super) fn case(medium: Medium, layers: &[&[&str]]) -> Case {
    let layers: Vec<Vec<u8>> = layers.iter().map(|lines| layer(lines)).collect();
    let history: Vec<_> = (0..layers.len())
        .map(|at| serde_json::json!({"created_by": format!("RUN |1 A=b /bin/sh -c make {at}\u{1b}[2J   && make install {} # buildkit", "x".repeat(300))}))
        .collect();
    let config = serde_json::json!({"os": "linux", "architecture": "arm64", "created": "2024-01-01T00:00:00Z", "history": history});
    let image = match medium {
        Medium::Archive => testing::archive("docker-archive:/tmp/x y.tar", config, &layers),
        Medium::Layout => testing::layout("oci:shop/frontend:1.4", config, &layers),
    };
    let map = ContentMap::merge(crate::layer::testing::read(&image));
    let classifier = Classifier::new(Profiles::builtin().unwrap().catalog().clone()).unwrap();
    let attribution = classifier.classify(&map, &image.config, &[], NonZeroUsize::MIN);
    Case {
        image,
        map,
        attribution,
        classifier,
    }
}

impl Case {
    pub(super) fn report(&self, by: &str) -> Report {
        let by = if by.is_empty() {
            Vec::new()
        } else {
            Dimension::list(by).unwrap()
        };
        let options = ReportOptions {
            by,
            ..ReportOptions::default()
        };
        self.report_of(&options)
    }

    pub(super) fn report_of(&self, options: &ReportOptions) -> Report {
        Report::new(
            &self.image,
            &self.map,
            &self.attribution,
            &self.classifier,
            options,
        )
    }

    pub(super) fn plan(&self, force: &[&str]) -> PlanDocument {
        self.plan_of(Profiles::builtin().unwrap().resolve(&["default"]).unwrap(), force)
    }

    pub(super) fn plan_of(&self, choice: Choice, force: &[&str]) -> PlanDocument {
        let place = || Place::flag("--force-path");
        let force = force
            .iter()
            .map(|glob| Pattern::new(glob, place()).unwrap())
            .collect();
        let selection = Selection::new(choice, force).unwrap();
        let plan = Plan::new(&self.map, &self.attribution, &self.classifier, &selection);
        PlanDocument::new(&self.image, &self.map, &plan, &self.classifier, &selection, None)
    }
}

/// A line of a layer: `f PATH SIZE`, `d PATH`, `l PATH TARGET`, `h PATH TARGET`, `wh PATH`.
pub(super) fn layer(lines: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        let mut words = line.split('|');
        let (kind, path, rest) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap_or("0"),
        );
        let kind = match kind {
            "d" => tar::Kind::Directory,
            "l" => tar::Kind::Symlink,
            "h" => tar::Kind::HardLink,
            _ => tar::Kind::Regular,
        };
        let mut header = tar::Header::new(kind, path.as_bytes(), 0o644);
        let size = if kind == tar::Kind::Regular {
            rest.parse().unwrap()
        } else {
            0
        };
        (header.size, header.logical_size) = (size, size);
        if size == 0 {
            header.link = if kind == tar::Kind::Regular {
                Vec::new()
            } else {
                rest.as_bytes().to_vec()
            };
        }
        tar::write_header(&mut out, &header);
        out.resize(out.len() + size as usize, b'x');
        out.resize(out.len() + tar::padding(size), 0);
    }
    out.extend_from_slice(&tar::END);
    out
}
