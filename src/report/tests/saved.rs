//! Reports that were saved: they are the same again, and what is no sound report is refused.

use super::super::*;
use super::made::{BASE, Medium, UPPER, case};

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
            changed(|report| report.layers[0].framing_bytes = u64::MAX),
            "its layers contradict",
        ),
        (
            changed(|report| report.tree.as_mut().unwrap().bytes.fill(u64::MAX)),
            "its rows of the tree contradict",
        ),
        (
            changed(|report| report.tree.as_mut().unwrap().hidden_by[1] = Some(1 << 20)),
            "its rows of the tree contradict",
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
