//! What was verified and what was written.

use super::super::text::Style;
use super::super::*;
use super::keys;
use crate::layer::Warning;

#[test]
fn outcomes_have_the_keys_of_the_contract() {
    let (verify, write) = outcomes();
    assert!(!verify.ok);
    let json: serde_json::Value = serde_json::from_str(&crate::report::json(&[verify]).unwrap()).unwrap();
    assert_eq!(
        keys(&json),
        "schema_version original slimmed plan identical removed changed unexpected ok"
    );
    let json: serde_json::Value = serde_json::from_str(&crate::report::json(&[write]).unwrap()).unwrap();
    let want = "schema_version source result layers wire_bytes disk_bytes removed changed dropped_manifests leftovers warnings";
    assert_eq!(keys(&json), want);
    assert_eq!(json["warnings"][0]["path"], "/a\\xff\nb");
    assert_eq!(keys(&json["wire_bytes"]), "before after");
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

pub(super) fn outcomes() -> (VerifyDocument, WriteDocument) {
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
