//! The JSON Schemas of the documents, which stand in `docs/schema` and are what the types say.
//!
//! A module of its own, and only in tests: the program needs no schema, and who reads its documents takes the files.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::super::{
    CacheDocument, CheckDocument, Diff, PlanDocument, Report, TraceDocument, VerifyDocument, WriteDocument,
};

/// One document as it is, or several in the order of an index.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is wanted")]
enum Documents<D> {
    /// One document.
    One(D),
    /// One for each platform of an index.
    Several {
        /// 1.
        schema_version: u32,
        /// The documents, in the order of the index.
        platforms: Vec<D>,
    },
}

/// The schema of what `--format json` writes.
fn schema<D: JsonSchema>(title: &str) -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Documents<D>>();
    schema.insert("title".to_owned(), title.into());
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    text
}

/// `LAYERSLIM_BLESS=1` writes them anew.
#[test]
fn the_schemas_in_the_repository_are_current() {
    for (name, text) in [
        ("report", schema::<Report>("slim report --format json")),
        ("diff", schema::<Diff>("slim diff --format json")),
        ("check", schema::<CheckDocument>("slim check --format json")),
        ("plan", schema::<PlanDocument>("slim plan --format json")),
        ("trace", schema::<TraceDocument>("slim trace --format json")),
        ("verify", schema::<VerifyDocument>("slim verify --format json")),
        ("cache", schema::<CacheDocument>("slim cache ls --format json")),
        (
            "write",
            schema::<WriteDocument>("slim save --format json, slim push --format json"),
        ),
    ] {
        let path = format!("{}/docs/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("LAYERSLIM_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "docs/schema/{name}.json is stale: run the tests with LAYERSLIM_BLESS=1"
        );
    }
}
