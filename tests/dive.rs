//! dive's numbers, to the last digit, on the archives that dive was run on.

use std::fs;

use serde_json::Value;

use crate::support::cmd::{Sandbox, int, sum};
use crate::support::corpus::{REAL, corpus};

#[test]
fn the_report_has_the_numbers_that_dive_prints() {
    let Some(corpus) = corpus() else { return };
    for real in REAL {
        let Some(oracle) = real.dive else { continue };
        let sandbox = Sandbox::new();
        let report = sandbox
            .slim(&format!(
                "report --format json {}",
                real.reference(&corpus, &sandbox)
            ))
            .json();
        let text = fs::read_to_string(corpus.join(format!("oracles/dive/{oracle}.json"))).unwrap();
        let dive: Value = serde_json::from_str(&text).unwrap();
        let name = real.name();

        let ours = report
            .pointer("/dive/efficiency")
            .and_then(Value::as_f64)
            .expect("a number");
        let theirs = dive
            .pointer("/image/efficiencyScore")
            .and_then(Value::as_f64)
            .expect("a number");
        assert_eq!(ours.to_string(), theirs.to_string(), "{name}: efficiency");
        assert_eq!(
            int(&report, "/dive/wasted_bytes"),
            int(&dive, "/image/inefficientBytes"),
            "{name}: wasted"
        );
        assert_eq!(
            sum(&report, "layers", "disk_bytes"),
            int(&dive, "/image/sizeBytes"),
            "{name}: size"
        );
        let sizes = |document: &Value, array: &str, key: &str| -> Vec<u64> {
            let rows = document[array].as_array().unwrap().iter();
            rows.map(|row| int(row, &format!("/{key}"))).collect()
        };
        let (layers, wanted) = (
            sizes(&report, "layers", "disk_bytes"),
            sizes(&dive, "layer", "sizeBytes"),
        );
        assert_eq!(layers, wanted, "{name}: each layer");
    }
}

/// dive's own test of its archive: 32,025 of the 66,237 bytes above the base layer are wasted.
#[test]
fn the_users_share_is_what_dive_tests_for_itself() {
    let Some(corpus) = corpus() else { return };
    let sandbox = Sandbox::new();
    let archive = corpus.join("real/wagoodman+dive/.data/test-docker-image.tar");
    let report = sandbox
        .slim(&format!(
            "report --format json docker-archive:{}",
            archive.display()
        ))
        .json();
    let ratio = report
        .pointer("/dive/user_wasted_ratio")
        .and_then(Value::as_f64)
        .expect("a number");
    assert!((ratio - 32_025.0 / 66_237.0).abs() < 1e-12, "{ratio}");
}
