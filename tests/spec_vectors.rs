//! The image specification's own schema vectors: what is valid is read, what is not is refused, or the table says why not.

use std::fs;

use layerslim::image::{Config, Index, Manifest};
use layerslim::oci::Descriptor;

use crate::support::corpus::corpus;

/// Invalid by the schema and read all the same, and why.
#[rustfmt::skip] // a table
const LENIENT: &[(&str, &str)] = &[
    ("manifest-00.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("manifest-05.fail.json", "an image without layers (`FROM scratch`) is one that docker makes"),
    ("manifest-08.fail.json", "`subject` and `artifactType` are kept as they are and never followed"),
    ("config-00.fail.json", "the config is kept as it is; a value of another type counts as none"),
    ("config-01.fail.json", "the config is kept as it is; a value of another type counts as none"),
    ("config-02.fail.json", "the config is kept as it is; a value of another type counts as none"),
    ("config-03.fail.json", "the config is kept as it is; a value of another type counts as none"),
    ("config-04.fail.json", "the config is kept as it is; a value of another type counts as none"),
    ("config-05.fail.json", "the config is kept as it is; a value of another type counts as none"),
    ("config-09.fail.json", "the config is kept as it is; a value of another type counts as none"),
    ("index-00.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("index-03.fail.json", "a platform without an architecture is one that nobody asks for"),
    ("index-04.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("index-05.fail.json", "old Docker indexes have entries without a media type; the document decides"),
    ("index-11.fail.json", "`subject` and `artifactType` are kept as they are and never followed"),
    ("descriptor-02.fail.json", "old Docker indexes have entries without a media type; the document decides"),
    ("descriptor-03.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("descriptor-04.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("descriptor-05.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("descriptor-07.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("descriptor-08.fail.json", "a media type is compared with those that are known, never with a pattern"),
    ("descriptor-17.fail.json", "`urls` are never followed"),
    ("descriptor-19.fail.json", "`subject` and `artifactType` are kept as they are and never followed"),
    ("descriptor-29.fail.json", "`data` is never read: the blob is"),
];
/// Valid by the schema and refused all the same, and why.
#[rustfmt::skip] // a table
const STRICT: &[(&str, &str)] = &[
    ("manifest-06.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
    ("descriptor-21.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
    ("descriptor-22.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
    ("descriptor-23.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
    ("descriptor-24.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
    ("descriptor-25.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
    ("descriptor-27.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
    ("descriptor-28.pass.json", "its digest cannot be checked: sha256 and sha512 are registered, nothing else"),
];

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
        // `oci-layout` files: slim writes them, and reads none.
        if file.starts_with("layout-") {
            continue;
        }
        let error = refusal(file, bytes);
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

/// Why slim refuses the document, if it does.
fn refusal(file: &str, bytes: Vec<u8>) -> Option<String> {
    let shown = |error: &dyn std::fmt::Display| Some(error.to_string());
    match file.split('-').next().unwrap() {
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
        other => panic!("vectors of kind {other}"),
    }
}
