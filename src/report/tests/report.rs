//! Reports: their sums, breakdowns, keys and trees, and the page that people read.

use super::super::text::Style;
use super::super::*;
use super::keys;
use super::made::{BASE, Medium, UPPER, case, layer};
use crate::plan::Plan;

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

#[test]
fn the_keys_of_a_report_are_the_contract() {
    let case = case(Medium::Layout, &[BASE, UPPER]);
    let json: serde_json::Value =
        serde_json::from_str(&crate::report::json(&[case.report("layer")]).unwrap()).unwrap();
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
    let without = crate::report::json(&[case.report("")]).unwrap();
    assert!(!without.contains("\"breakdown\""));
    let two = crate::report::json(&[case.report(""), case.report("")]).unwrap();
    let two: serde_json::Value = serde_json::from_str(&two).unwrap();
    assert_eq!(
        (keys(&two).as_str(), two["platforms"].as_array().unwrap().len()),
        ("schema_version platforms", 2)
    );
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
