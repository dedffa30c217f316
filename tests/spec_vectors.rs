//! The image specification's own schema vectors: what is valid is read, what is not is refused, or the table says why not.

use std::fs;

use layerslim::image::{Config, Index, Manifest};
use layerslim::oci::Descriptor;

use crate::support::corpus::corpus;

/// Invalid by the schema and read all the same, and why.
const LENIENT: &[(&str, &str)] = &[];
/// Valid by the schema and refused all the same, and why.
const STRICT: &[(&str, &str)] = &[];

#[test]
fn every_vector_is_read_or_refused() {
    let Some(dir) = corpus().map(|corpus| corpus.join("spec-vectors")) else {
        return;
    };
    let (mut count, mut wrong) = (0, Vec::new());
    for row in fs::read_to_string(dir.join("EXPECT.tsv"))
        .unwrap()
        .lines()
        .skip(1)
    {
        let [file, want, comment, _] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("`{row}`")
        };
        let bytes = fs::read(dir.join(file)).unwrap();
        let Some(error) = refusal(file, bytes) else {
            continue;
        };
        count += 1;
        let listed = |list: &[(&str, &str)]| list.iter().any(|(name, _)| *name == file);
        let right = match want {
            "pass" => error.is_none() != listed(STRICT),
            _ => error.is_some() != listed(LENIENT),
        };
        if !right {
            wrong.push(format!(
                "{file} ({want}: {comment}): {}",
                error.unwrap_or("read".to_owned())
            ));
        }
    }
    assert!(count >= 60, "{count} vectors only");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Why slim refuses the document; `None` of a kind that it does not read.
fn refusal(file: &str, bytes: Vec<u8>) -> Option<Option<String>> {
    let shown = |error: &dyn std::fmt::Display| Some(error.to_string());
    Some(match file.split('-').next().unwrap() {
        "manifest" => Manifest::parse(bytes, None).err().and_then(|error| shown(&error)),
        "index" => Index::parse(&bytes, file).err().and_then(|error| shown(&error)),
        "config" => Config::parse(bytes).err().and_then(|error| shown(&error)),
        "descriptor" => serde_json::from_slice::<Descriptor>(&bytes)
            .err()
            .and_then(|error| shown(&error)),
        "compat" => {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if text.contains("\"manifests\"") {
                Index::parse(&bytes, file).err().and_then(|error| shown(&error))
            } else if text.contains("\"layers\"")
                && text.contains("\"config\": {")
                && !text.contains("rootfs")
            {
                Manifest::parse(bytes, None).err().and_then(|error| shown(&error))
            } else {
                Config::parse(bytes).err().and_then(|error| shown(&error))
            }
        }
        // `oci-layout` files: slim writes them, and reads none.
        "layout" => return None,
        other => panic!("vectors of kind {other}"),
    })
}
