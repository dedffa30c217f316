//! A small image with a bit of everything, and what its documents must say.

mod schema;

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;

use unicode_width::UnicodeWidthStr;

use super::text::{ColorMode, Style, Symbols};
use super::*;
use crate::classify::{Attribution, Classifier};
use crate::content::ContentMap;
use crate::image::{BlobRef, Config, Image, ImageError, ImageName, Manifest, OpenBlob};
use crate::layer::{Detail, Limits, ReadOptions, Warning};
use crate::oci::Digest;
use crate::plan::{Plan, Selection};
use crate::profile::{Choice, Pattern, Pick, Place, Profiles};
use crate::progress::{Progress, Stage};
use crate::tar;

/// Blobs and members by digest or name.
struct Memory(HashMap<String, Vec<u8>>);

impl OpenBlob for Memory {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let key = match blob {
            BlobRef::Stored(descriptor) => descriptor.digest.to_string(),
            BlobRef::Member(name) => name.clone(),
        };
        Ok(Box::new(Cursor::new(self.0[&key].clone())))
    }
}

/// A line of a layer: `f PATH SIZE`, `d PATH`, `l PATH TARGET`, `h PATH TARGET`, `wh PATH`.
fn layer(lines: &[&str]) -> Vec<u8> {
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

const BASE: &[&str] = &[
    "d|usr/",
    "f|usr/bin/tool|5000",
    "f|usr/share/doc/tool/changelog.gz|3000",
    "f|usr/share/doc/tool/copyright|100",
    "f|var/lib/apt/lists/deb_dists_InRelease|2000",
    "h|var/lib/apt/lists/second|var/lib/apt/lists/deb_dists_InRelease",
    "l|usr/bin/t|tool",
    "f|opt/a\u{1b}[31m\u{202e}b\\c|700",
];
const UPPER: &[&str] = &[
    "f|usr/bin/tool|6000",
    "f|usr/share/doc/tool/README|1500",
    "h|opt/linked|usr/share/doc/tool/changelog.gz",
    "f|usr/share/doc/tool/linked|50",
    "l|srv/link|/usr/share/doc/tool/linked",
    "f|opt/.wh.a\u{1b}[31m\u{202e}b\\c|0",
];

struct Case {
    image: Image,
    map: ContentMap,
    attribution: Attribution,
    classifier: Classifier,
}

/// Which medium an image comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Medium {
    Layout,
    Archive,
}

fn case(medium: Medium, layers: &[&[&str]]) -> Case {
    let layers: Vec<Vec<u8>> = layers.iter().map(|lines| layer(lines)).collect();
    let digests: Vec<Digest> = layers.iter().map(|blob| Digest::of(blob)).collect();
    let history: Vec<_> = (0..layers.len())
        .map(|at| serde_json::json!({"created_by": format!("RUN |1 A=b /bin/sh -c make {at}\u{1b}[2J   && make install {} # buildkit", "x".repeat(300))}))
        .collect();
    let config = serde_json::json!({"os": "linux", "architecture": "arm64", "created": "2024-01-01T00:00:00Z",
        "rootfs": {"type": "layers", "diff_ids": digests}, "history": history});
    let config = Config::parse(config.to_string().into_bytes()).unwrap();
    let blobs = Memory(
        digests
            .iter()
            .map(ToString::to_string)
            .zip(layers.iter().cloned())
            .collect(),
    );
    let image = match medium {
        Medium::Archive => {
            let name = ImageName {
                transport: "docker-archive",
                reference: "docker-archive:/tmp/x y.tar".to_owned(),
            };
            let members = digests.iter().map(ToString::to_string).collect();
            Image::from_archive(name, members, config, Arc::new(blobs)).unwrap()
        }
        Medium::Layout => {
            let row = |(digest, blob): (&Digest, &Vec<u8>)| serde_json::json!({"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": blob.len()});
            let rows: Vec<_> = digests.iter().zip(&layers).map(row).collect();
            let manifest = serde_json::json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": rows,
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.id(), "size": config.raw().len()}});
            let manifest = Manifest::parse(manifest.to_string().into_bytes(), None).unwrap();
            let name = ImageName {
                transport: "oci",
                reference: "oci:shop/frontend:1.4".to_owned(),
            };
            Image::from_manifest(name, manifest, config, Arc::new(blobs)).unwrap()
        }
    };
    let (progress, stop) = (Progress::none(), std::sync::atomic::AtomicBool::new(false));
    let options = ReadOptions {
        threads: NonZeroUsize::MIN,
        detail: Detail::Facts,
        cache: None,
        progress: &progress,
        stage: Stage::Read,
        limits: Limits::default(),
        stop: &stop,
    };
    let map = ContentMap::merge(crate::layer::read(&image, &options).unwrap());
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
    fn report(&self, by: &str) -> Report {
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

    fn report_of(&self, options: &ReportOptions) -> Report {
        Report::new(
            &self.image,
            &self.map,
            &self.attribution,
            &self.classifier,
            options,
        )
    }

    fn plan(&self, force: &[&str]) -> PlanDocument {
        self.plan_of(Profiles::builtin().unwrap().resolve(&["default"]).unwrap(), force)
    }

    fn plan_of(&self, choice: Choice, force: &[&str]) -> PlanDocument {
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

const ALL_ORDERS: [&str; 5] = [
    "layer",
    "category",
    "directory",
    "layer,category,directory",
    "directory,layer,category",
];

#[test]
fn sums_are_what_the_definitions_say() {
    let case = case(Medium::Layout, &[BASE, UPPER]);
    let report = case.report("");
    let totals = &report.totals;
    assert_eq!(
        (totals.layers, totals.files),
        (2, 10),
        "hard links are names, not files"
    );
    assert_eq!(
        (totals.disk_bytes, totals.shadowed_bytes, totals.visible_bytes),
        (18_350, 5_700, 12_650)
    );
    let blobs = (layer(BASE).len() + layer(UPPER).len()) as u64;
    assert_eq!(totals.uncompressed_bytes, blobs);
    assert_eq!(totals.disk_bytes + totals.framing_bytes, blobs);
    assert_eq!(
        (totals.wire_bytes, totals.wire_bytes_estimate),
        (Some(blobs), blobs),
        "the blobs are plain tars"
    );
    let squash = crate::plan::NewLayer::squash(&case.map, &Plan::empty(&case.map));
    assert_eq!(totals.reclaimable_bytes, blobs - squash.uncompressed_bytes);
    let of_layers = |of: fn(&LayerRow) -> u64| report.layers.iter().map(of).sum::<u64>();
    let of_categories = |of: fn(&CategoryRow) -> u64| report.categories.iter().map(of).sum::<u64>();
    assert_eq!(of_layers(|row| row.disk_bytes), totals.disk_bytes);
    assert_eq!(of_layers(|row| row.files), totals.files);
    assert_eq!(of_layers(|row| row.shadowed_bytes), totals.shadowed_bytes);
    assert_eq!(of_categories(|row| row.disk_bytes), totals.disk_bytes);
    assert_eq!(of_categories(|row| row.visible_bytes), totals.visible_bytes);
    assert_eq!(of_categories(|row| row.files), totals.files);
    assert!(of_categories(|row| row.wire_bytes_estimate) <= blobs);
    assert_eq!(report, case.report(""), "the same again");
}

#[test]
fn bytes_go_by_the_name_that_is_hardest_to_remove() {
    let report = case(Medium::Layout, &[BASE, UPPER]).report("");
    let docs = report.categories.iter().find(|row| row.name == "docs").unwrap();
    assert_eq!(
        (docs.files, docs.disk_bytes, docs.safety.as_deref()),
        (2, 1_550, Some("safe")),
        "not the changelog"
    );
    let changelog = report.largest.iter().find(|file| file.bytes == 3000).unwrap();
    assert_eq!((changelog.path.as_str(), changelog.layer), ("/opt/linked", 0));
    let order: Vec<(u64, bool)> = report
        .largest
        .iter()
        .take(3)
        .map(|file| (file.bytes, file.shadowed))
        .collect();
    assert_eq!(order, [(6000, false), (5000, true), (3000, false)]);
    assert_eq!(
        report.totals.removable_bytes,
        docs.visible_bytes - 50 + 2000,
        "apt's lists are safe too; what a symlink leads to stays"
    );
}

#[test]
fn a_blob_is_downloaded_once() {
    let twice = case(Medium::Layout, &[BASE, UPPER, BASE]).report("").totals;
    let once = (layer(BASE).len() + layer(UPPER).len()) as u64;
    assert_eq!((twice.wire_bytes, twice.wire_bytes_estimate), (Some(once), once));
    assert!(twice.uncompressed_bytes > once);
    let archive = case(Medium::Archive, &[BASE, UPPER, BASE]).report("");
    assert_eq!(archive.totals.wire_bytes, None);
    assert_eq!((&archive.image.digest, &archive.layers[0].digest), (&None, &None));
    let estimate = archive.totals.wire_bytes_estimate;
    assert!(estimate > 0 && estimate < once, "{estimate}");
    assert_eq!(
        estimate,
        case(Medium::Archive, &[BASE, UPPER])
            .report("")
            .totals
            .wire_bytes_estimate
    );
}

#[test]
fn breakdowns_add_up_at_every_level() {
    fn check(groups: &[Group], whole: (u64, u64, u64), by: &str) {
        let sum = |of: fn(&Group) -> u64| groups.iter().map(of).sum::<u64>();
        let sums = (sum(|g| g.files), sum(|g| g.disk_bytes), sum(|g| g.visible_bytes));
        assert_eq!(sums, whole, "{by}");
        assert!(
            groups
                .windows(2)
                .all(|pair| pair[0].disk_bytes >= pair[1].disk_bytes),
            "{by}"
        );
        for group in groups.iter().filter(|group| !group.children.is_empty()) {
            check(
                &group.children,
                (group.files, group.disk_bytes, group.visible_bytes),
                by,
            );
        }
    }
    let case = case(Medium::Layout, &[BASE, UPPER]);
    for by in ALL_ORDERS {
        let report = case.report(by);
        let totals = &report.totals;
        let whole = (totals.files, totals.disk_bytes, totals.visible_bytes);
        check(report.breakdown.as_ref().unwrap(), whole, by);
    }
    let groups = case.report("directory").breakdown.unwrap();
    let keys: Vec<&str> = groups.iter().map(|group| group.key.as_str()).collect();
    assert_eq!(keys, ["/usr/bin", "/opt", "/var/lib", "/usr/share", "/srv"]);
}

#[test]
fn dimensions_are_read_from_lists() {
    assert_eq!(
        Dimension::list("category, layer").unwrap(),
        [Dimension::Category, Dimension::Layer]
    );
    let message = |text: &str| Dimension::list(text).unwrap_err().to_string();
    assert_eq!(
        message("layer,owners"),
        "`owners` is not a dimension; there are layer, category, owner and directory"
    );
    assert_eq!(message("layer,layer"), "the dimension `layer` is named twice");
    assert_eq!(
        format("xml").unwrap_err().to_string(),
        "`xml` is not a format; there are text, markdown, json, html, csv, junit, github and sarif"
    );
}

/// The keys of an object, in order.
fn keys(value: &serde_json::Value) -> String {
    value
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_keys_of_a_report_are_the_contract() {
    let case = case(Medium::Layout, &[BASE, UPPER]);
    let json: serde_json::Value =
        serde_json::from_str(&super::json(&[case.report("layer")]).unwrap()).unwrap();
    let want = "schema_version image totals dive layers categories owners largest unstripped breakdown advice findings warnings";
    assert_eq!(keys(&json), want);
    for (row, want) in [
        (
            &json["image"],
            "reference transport digest platform media_type config_digest created",
        ),
        (
            &json["totals"],
            "layers files wire_bytes wire_bytes_estimate disk_bytes framing_bytes uncompressed_bytes visible_bytes shadowed_bytes reclaimable_bytes removable_bytes",
        ),
        (&json["dive"], "efficiency wasted_bytes user_wasted_ratio"),
        (
            &json["layers"][0],
            "index digest diff_id media_type created_by wire_bytes disk_bytes framing_bytes shadowed_bytes files",
        ),
        (
            &json["categories"][0],
            "name title safety removable files disk_bytes visible_bytes wire_bytes_estimate",
        ),
        (&json["largest"][0], "path layer category owner bytes shadowed"),
        (
            &json["breakdown"][0],
            "dimension key files disk_bytes visible_bytes children",
        ),
    ] {
        assert_eq!(keys(row), want);
    }
    let paths: Vec<&str> = json["largest"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"/opt/a\u{1b}[31m\u{202e}b\\\\c"), "{paths:?}");
    assert!(json["totals"]["disk_bytes"].is_u64());
    let without = super::json(&[case.report("")]).unwrap();
    assert!(!without.contains("\"breakdown\""));
    let two = super::json(&[case.report(""), case.report("")]).unwrap();
    let two: serde_json::Value = serde_json::from_str(&two).unwrap();
    assert_eq!(
        (keys(&two).as_str(), two["platforms"].as_array().unwrap().len()),
        ("schema_version platforms", 2)
    );
}

#[test]
fn a_plan_tells_what_goes_and_what_stays() {
    let case = case(Medium::Layout, &[BASE, UPPER]);
    let plan = case.plan(&["/usr/bin/t"]);
    assert_eq!(plan.refused.len(), 1, "{:?}", plan.refused);
    assert_eq!(plan.refused[0].path, "/usr/share/doc/tool/linked");
    assert_eq!(plan.refused[0].needed_by, ["/srv/link"]);
    let groups: Vec<_> = plan
        .groups
        .iter()
        .map(|g| (g.category.as_deref(), g.files, g.disk_bytes))
        .collect();
    let apt = plan.groups[0].category.as_deref();
    assert_eq!(
        groups,
        [(apt, 2, 2000), (Some("docs"), 2, 1500), (None, 1, 0)],
        "a link's bytes go with its last name"
    );
    assert_eq!(
        plan.groups[1].examples[0],
        Example {
            path: "/usr/share/doc/tool/README".to_owned(),
            bytes: 1500
        }
    );
    assert_eq!((plan.totals.files, plan.totals.disk_bytes), (5, 3500));
    assert_eq!(
        plan.removals.iter().map(|removal| removal.bytes).sum::<u64>(),
        3500
    );
    let report = case.report("");
    assert_eq!(report.totals.removable_bytes, 3500, "what the default plan says");
    assert_eq!(plan.before.disk_bytes, report.totals.disk_bytes);
    assert_eq!(
        plan.modes.squash.sizes.disk_bytes,
        report.totals.visible_bytes - 3500
    );
    assert!(
        plan.modes.squash.sizes.uncompressed_bytes
            < plan.before.uncompressed_bytes - report.totals.shadowed_bytes
    );
    let (before, after) = (
        plan.before.wire_bytes_estimate,
        plan.modes.squash.sizes.wire_bytes_estimate,
    );
    assert!(
        after > 0 && after < before / 3,
        "the source's plain tars would be compressed: {before}, {after}"
    );
    let removed = plan.totals.wire_bytes_estimate;
    assert!(removed > 0 && removed < plan.totals.disk_bytes / 2, "{removed}");
    let json: serde_json::Value = serde_json::from_str(&super::json(&[plan]).unwrap()).unwrap();
    let want = "schema_version source selection removals changes packages refused groups totals before modes warnings";
    assert_eq!(keys(&json), want);
    assert_eq!(
        keys(&json["source"]),
        "reference digest config_digest diff_ids platform"
    );
    assert_eq!(
        keys(&json["selection"]),
        "profiles remove remove_words keep_words remove_packages remove_paths keep_paths force_paths locales strip"
    );
    assert_eq!(keys(&json["removals"][0]), "path layer category rule bytes");
    assert_eq!(json["selection"]["force_paths"][0], "/usr/bin/t");
    assert_eq!(json["selection"]["profiles"][0], "default");
}

fn outcomes() -> (VerifyDocument, WriteDocument) {
    let image = |reference: &str| ImageRef {
        reference: reference.to_owned(),
        digest: Some(format!("sha256:{}", "ab".repeat(32))),
        transport: "oci".to_owned(),
        platform: "linux/amd64".to_owned(),
        index: None,
    };
    let count = Count {
        files: 1234,
        bytes: 5_000_000,
    };
    let unexpected = (0..120).map(|at| {
        (
            format!("usr/\u{1b}]0;{}{at}", "long/".repeat(60)).into_bytes(),
            "mode 755 → 644".to_owned(),
        )
    });
    let counts = VerifyCounts {
        identical: count,
        removed: count,
        changed: Count::default(),
    };
    let verify = VerifyDocument::new(
        image("oci:a"),
        image("oci:b"),
        Some("plan.json".to_owned()),
        counts,
        unexpected,
    );
    let written = Written {
        layers: LayerCounts {
            before: 3,
            after: 1,
            reused: 0,
            rewritten: 1,
            dropped: 3,
        },
        wire_bytes: WireBeforeAfter {
            before: Some(400_000_000),
            after: None,
        },
        disk_bytes: BeforeAfter {
            before: 1_000_000_000,
            after: 800_000_000,
        },
        removed: count,
        ..Written::default()
    };
    let warning = Warning {
        code: "odd".into(),
        path: b"a\xff\nb".to_vec(),
        message: "is\u{202e} odd".to_owned(),
    };
    let write = WriteDocument::new(
        image("docker://ghcr.io/o/app:1.4"),
        image("oci:out:slim"),
        written,
        &[warning],
    );
    (verify, write)
}

#[test]
fn outcomes_have_the_keys_of_the_contract() {
    let (verify, write) = outcomes();
    assert!(!verify.ok);
    let json: serde_json::Value = serde_json::from_str(&super::json(&[verify]).unwrap()).unwrap();
    assert_eq!(
        keys(&json),
        "schema_version original slimmed plan identical removed changed unexpected ok"
    );
    let json: serde_json::Value = serde_json::from_str(&super::json(&[write]).unwrap()).unwrap();
    let want = "schema_version source result layers wire_bytes disk_bytes removed changed dropped_manifests leftovers warnings";
    assert_eq!(keys(&json), want);
    assert_eq!(json["warnings"][0]["path"], "/a\\xff\nb");
    assert_eq!(keys(&json["wire_bytes"]), "before after");
}

/// Text without colours.
fn without_colors(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, code)) = rest.split_once("\u{1b}[") {
        out.push_str(plain);
        rest = code.split_once('m').unwrap().1;
    }
    out + rest
}

/// Every document in every format row called `text`, for a page.
fn pages(page: &Page) -> Vec<String> {
    let text = format("text").unwrap();
    let (verify, write) = outcomes();
    let mut pages = vec![
        (text.verify.unwrap())(&[verify], page).unwrap(),
        (text.write.unwrap())(&[write], page).unwrap(),
    ];
    for medium in [Medium::Layout, Medium::Archive] {
        for layers in [&[BASE, UPPER][..], &[]] {
            let case = case(medium, layers);
            pages.push((text.plan.unwrap())(&[case.plan(&["/usr/bin/t"])], page).unwrap());
            for by in ["", "directory,layer,category"] {
                pages.push((text.report.unwrap())(&[case.report(by)], page).unwrap());
            }
        }
    }
    pages
}

#[test]
fn no_line_is_wider_than_the_page_and_nothing_writes_into_the_terminal() {
    for width in [40, 41, 57, 80, 120, 300] {
        for symbols in [Symbols::Unicode, Symbols::Ascii] {
            let page = Page {
                style: Style {
                    color: ColorMode::None,
                    symbols,
                },
                width,
                dockerfile: "Dockerfile",
            };
            let colored = Page {
                style: Style {
                    color: ColorMode::Ansi,
                    symbols,
                },
                width,
                dockerfile: "Dockerfile",
            };
            for (text, colored) in pages(&page).into_iter().zip(pages(&colored)) {
                assert_eq!(without_colors(&colored), text, "colours add nothing");
                for line in text.lines() {
                    assert!(line.width() <= width, "{width}: {line}");
                    assert!(!line.ends_with(' '), "{width}: {line:?}");
                    let is_harmless = |c: char| !c.is_control() && c != '\u{202e}' && c != '\u{a0}';
                    assert!(line.chars().all(is_harmless), "{line:?}");
                }
            }
        }
    }
}

#[test]
fn ascii_pages_are_ascii() {
    let page = Page {
        style: Style {
            color: ColorMode::Ansi,
            symbols: Symbols::Ascii,
        },
        width: 100,
        dockerfile: "Dockerfile",
    };
    let case = case(Medium::Archive, &[BASE, UPPER]);
    let text = format("text").unwrap();
    let report = (text.report.unwrap())(&[case.report("layer")], &page).unwrap();
    assert!(report.is_ascii(), "{report}");
    assert!((text.plan.unwrap())(&[case.plan(&[])], &page).unwrap().is_ascii());
}

#[test]
fn a_report_reads_well() {
    let page = Page {
        style: Style::default(),
        width: 100,
        dockerfile: "Dockerfile",
    };
    let report = case(Medium::Layout, &[BASE, UPPER]).report("");
    let text = (format("text").unwrap().report.unwrap())(&[report], &page).unwrap();
    for want in [
        "oci:shop/frontend:1.4 · linux/arm64 · sha256:",
        "18.4 kB on disk, 31.2 kB on the wire · 3.50 kB (19 %) can go without changing what the image does ·",
        "on disk      18.4 kB        10 files in 2 layers",
        "RUN make 1\\u{1b}[2J && make",
        "✓ safe ",
        "/opt/a\\u{1b}[31m\\u{202e}b\\\\c",
        "slim plan oci:shop/frontend:1.4 shows what would go",
    ] {
        assert!(text.contains(want), "{want}\n{text}");
    }
}

#[test]
fn a_selection_is_told_in_few_words() {
    let case = case(Medium::Layout, &[BASE]);
    let profiles = Profiles::builtin().unwrap();
    let pick = |name: &str| Pick::Category(profiles.catalog().find(name).unwrap().0);
    let review = |choice: &Choice| {
        let place = Place::flag("--remove");
        let mut choice = choice.clone();
        profiles
            .catalog()
            .to_remove("review", &place)
            .unwrap()
            .into_iter()
            .for_each(|pick| choice.add(pick));
        choice
    };
    let default = profiles.resolve(&["default"]).unwrap();
    let mut without_docs = default.clone();
    without_docs.spare(pick("docs"));
    let mut only_docs = profiles.resolve(&["none"]).unwrap();
    only_docs.add(pick("docs"));
    for (choice, want) in [
        (default.clone(), "profile default; removes safe"),
        (review(&default), "profile default; removes safe, review"),
        (
            without_docs,
            "profile default; removes safe; but keeps docs; force-path /a",
        ),
        (only_docs, "profile none; removes docs; force-path /a"),
    ] {
        let plan = case.plan_of(choice, &["/a"]);
        let text = text_of(&plan);
        assert!(text.contains(want), "{want}\n{text}");
    }
}

fn text_of(plan: &PlanDocument) -> String {
    let page = Page {
        style: Style::default(),
        width: 100,
        dockerfile: "Dockerfile",
    };
    (format("text").unwrap().plan.unwrap())(std::slice::from_ref(plan), &page).unwrap()
}

#[test]
fn a_plan_reads_well() {
    let text = text_of(&case(Medium::Layout, &[BASE, UPPER]).plan(&["/usr/bin/t"]));
    for want in [
        "  5.70 kB more that no path shows goes too\n",
        "      0 B  named by hand · 1 file\n           by /usr/bin/t\n",
        "  1 path: a symlink that stays leads to it\n    /usr/share/doc/tool/linked\n      \
         needed by /srv/link · asked for by /usr/share/doc/**\n",
        "\nslim save oci:shop/frontend:1.4 TARGET (or push) with",
    ] {
        assert!(text.contains(want), "{want}\n{text}");
    }
}

#[test]
fn a_write_reads_well() {
    let page = Page {
        style: Style::default(),
        width: 100,
        dockerfile: "Dockerfile",
    };
    let (_, mut write) = outcomes();
    for (before, after, reused, rewritten, dropped, want) in [
        (
            10,
            1,
            0,
            1,
            10,
            "1,234 paths removed (5.00 MB) · 10 layers became 1\n",
        ),
        (12, 3, 2, 1, 10, " · 12 layers became 3, 2 unchanged\n"),
        (12, 11, 4, 7, 1, " · 12 layers became 11, 4 unchanged\n"),
        (1, 1, 1, 0, 0, " · 1 layer unchanged\n"),
    ] {
        write.layers = LayerCounts {
            before,
            after,
            reused,
            rewritten,
            dropped,
        };
        let text = (format("text").unwrap().write.unwrap())(std::slice::from_ref(&write), &page).unwrap();
        assert!(text.contains(want), "{want}\n{text}");
        assert!(text.contains("  !  odd "), "no sign of a safety\n{text}");
    }
}

/// Every form of a hostile case's documents but JSON and HTML, which have tests of their own.
fn forms(name: &str) -> Vec<String> {
    let row = format(name).unwrap();
    let page = Page {
        style: Style::default(),
        width: 80,
        dockerfile: "Dockerfile",
    };
    let case = case(Medium::Archive, &[BASE, UPPER]);
    let options = ReportOptions {
        by: vec![Dimension::Layer, Dimension::Owner],
        largest: 20,
        advice: true,
        tree: true,
    };
    let whole = case.report_of(&options);
    let folded = Report {
        tree: None,
        ..whole.clone()
    };
    vec![
        (row.report.unwrap())(&[whole], &page).unwrap(),
        (row.report.unwrap())(&[folded.clone(), folded], &page).unwrap(),
        (row.plan.unwrap())(&[case.plan(&["/usr/bin/t"])], &page).unwrap(),
    ]
}

#[test]
fn no_name_is_syntax_of_markdown_or_csv() {
    for text in forms("markdown") {
        let bad = |c: char| c != '\n' && super::escape::is_unsafe(c);
        assert_eq!(text.find(bad), None, "{text}");
        let shown = text.contains("opt/a\\u{1b}[31m\\u{202e}b\\\\c");
        assert!(shown || text.contains("slim save"), "{text}");
        let opened = text.matches("<details>").count();
        assert_eq!(text.matches("</details>").count(), opened, "{text}");
    }
    for text in forms("csv") {
        let columns = text.lines().next().unwrap().split(',').count();
        assert!(columns >= 8, "{text}");
        assert!(text.ends_with("\r\n"));
        assert!(
            !text.replace("\r\n", "").contains(super::escape::is_unsafe),
            "{text}"
        );
    }
}

#[test]
fn a_tree_has_every_path_and_every_byte() {
    let case = case(Medium::Layout, &[BASE, UPPER]);
    let options = ReportOptions {
        tree: true,
        ..ReportOptions::default()
    };
    let report = case.report_of(&options);
    assert_eq!(case.report("").tree, None, "only where it is asked for");
    let tree = report.tree.as_ref().unwrap();
    assert_eq!(tree.bytes.iter().sum::<u64>(), report.totals.disk_bytes);
    let visible = tree.bytes.iter().zip(&tree.visible);
    let visible: u64 = visible.map(|(bytes, shown)| bytes * u64::from(*shown)).sum();
    assert_eq!(visible, report.totals.visible_bytes);
    let mut rows = Vec::new();
    tree.each_path(|path, row| {
        let shadowed = if row.is_visible { "" } else { " shadowed" };
        rows.push(format!(
            "{path} {} {:?} {}{shadowed}",
            row.kind, row.layer, row.bytes
        ));
    });
    let files = rows
        .iter()
        .filter(|row| !row.contains(" directory ") && !row.contains(" hard-link "));
    assert_eq!(files.count() as u64, report.totals.files);
    assert_eq!(rows[..2], ["/ directory None 0", "/opt directory None 0"]);
    let hostile = "/opt/a\u{1b}[31m\u{202e}b\\\\c file Some(0) 700 shadowed";
    assert!(rows.iter().any(|row| row == hostile), "{rows:#?}");
    for want in [
        "/opt/linked file Some(0) 3000",
        "/usr/share/doc/tool/changelog.gz hard-link Some(0) 0",
        "/usr/bin/tool file Some(0) 5000 shadowed",
        "/usr/bin/tool file Some(1) 6000",
        "/srv/link symlink Some(1) 0",
        "/var/lib/apt/lists/second hard-link Some(0) 0",
    ] {
        assert!(rows.iter().any(|row| row == want), "{want}: {rows:#?}");
    }
    let mut sorted: Vec<&str> = rows.iter().map(|row| row.split(' ').next().unwrap()).collect();
    sorted.dedup();
    assert!(sorted.is_sorted(), "{sorted:?}");
}

#[test]
fn a_saved_report_is_the_same_again() {
    for medium in [Medium::Layout, Medium::Archive] {
        let case = case(medium, &[BASE, UPPER]);
        let options = ReportOptions {
            by: vec![Dimension::Layer, Dimension::Directory],
            advice: true,
            tree: true,
            ..ReportOptions::default()
        };
        for reports in [
            vec![case.report("")],
            vec![case.report_of(&options)],
            vec![case.report_of(&options), case.report("category")],
        ] {
            let text = json(&reports).unwrap();
            assert!(is_document(text.as_bytes()));
            let again = saved_reports(text.as_bytes()).unwrap();
            assert_eq!(again, reports);
            assert_eq!(json(&again).unwrap(), text);
        }
    }
    assert!(!is_document(b"{\"a\0"), "an archive whose first member begins so");
}

#[test]
fn what_is_no_sound_report_is_refused() {
    let case = case(Medium::Layout, &[BASE, UPPER]);
    let options = ReportOptions {
        tree: true,
        ..ReportOptions::default()
    };
    let report = case.report_of(&options);
    let changed = |change: fn(&mut Report)| {
        let mut report = report.clone();
        change(&mut report);
        json(&[report]).unwrap()
    };
    for (text, want) in [
        ("{".to_owned(), "it is no report as"),
        ("{}".to_owned(), "no schema_version"),
        ("{\"schema_version\": 1}".to_owned(), "missing field `image`"),
        (
            "{\"schema_version\": 2}".to_owned(),
            "its schema_version is 2; this version of slim reads 1",
        ),
        (
            "{\"schema_version\": 1, \"platforms\": []}".to_owned(),
            "`platforms` is empty",
        ),
        (
            changed(|report| report.layers[0].shadowed_bytes += 1 << 40),
            "its layers contradict",
        ),
        (
            changed(|report| report.categories[0].visible_bytes += 1 << 40),
            "its categories contradict",
        ),
        (
            changed(|report| drop(report.layers.pop())),
            "its rows of the tree contradict",
        ),
        (
            changed(|report| report.tree.as_mut().unwrap().name[1] = 1 << 20),
            "its rows of the tree",
        ),
        (
            changed(|report| report.tree.as_mut().unwrap().parent[1] = Some(1)),
            "its rows of the tree",
        ),
        (
            changed(|report| report.tree.as_mut().unwrap().parent[2] = None),
            "its rows of the tree",
        ),
        (
            changed(|report| report.tree.as_mut().unwrap().bytes.clear()),
            "its rows of the tree",
        ),
    ] {
        let error = saved_reports(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(want), "{want}: {error}");
    }
}
