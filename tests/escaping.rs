//! Names from images on a terminal (rule 33): a hostile text in every place that an image has for one, and no command
//! that writes a raw control character or bidi mark of it.

use std::fmt::Write as _;
use std::fs;

use serde_json::json;

use crate::support::cmd::{Outcome, Sandbox};
use crate::support::medium::{Codec, Stored, layout};
use crate::support::recipe::{Recipe, digest};

/// Colour, title and clear-screen sequences, C1, line ends, bidi marks, tags of HTML, a formula.
const NASTY: &str = "=1+1\u{1b}[31m\u{1b}]0;x\u{7}\r\n\u{9b}2J\u{7f}\u{202e}\u{2066}\u{200f}<b>|`";
/// The same, as far as a name in a tar can hold it, with bytes that are no UTF-8.
const NAME: &[u8] =
    b"=1+1\x1b[31m\x1b]0;x\x07\r\n\xc2\x9b2J\x7f\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f<b>|`\xff";

fn check(outcome: &Outcome, line: &str) {
    let bad = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    for (name, text) in [("stdout", &outcome.stdout), ("stderr", &outcome.stderr)] {
        let found = text.chars().find(bad);
        assert_eq!(found, None, "{line}: {name}: {text:?}");
        let forged = text
            .lines()
            .any(|line| line.starts_with("\u{9b}2J") || line.starts_with("2J"));
        assert!(!forged, "{line}: a name begins a line of {name}: {text:?}");
    }
}

/// A layer with the name as file, directory, symlink, target, whiteout, hard link to nothing, owner name and xattr.
fn tar_of_names() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut put = |kind, path: &[u8], link: &[u8], body: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path);
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(body.len() as u64);
        header.set_cksum();
        archive.append(&header, body).unwrap();
    };
    let below = |directory: &str| [directory.as_bytes(), NAME].concat();
    let (file, link) = (tar::EntryType::Regular, tar::EntryType::Symlink);
    put(file, &below("srv/"), b"", b"body");
    put(file, &below("../"), b"", b"body");
    put(file, &below("app/__pycache__/"), b"", b"body");
    put(file, &below("var/cache/apt/archives/"), b"", b"body");
    put(link, &below("to/"), &below("/srv/"), b"");
    put(link, &below("cut/"), &below("/var/cache/apt/archives/"), b"");
    put(file, &below("etc/.wh.."), b"", b"");
    put(file, &[NAME, b"/.wh."].concat(), b"", b"");
    put(tar::EntryType::Link, b"nothing", NAME, b"");
    put(link, &below("dir"), &below("dir2"), b"");
    put(file, &[&below("dir")[..], b"/x"].concat(), b"", b"body");
    archive.into_inner().unwrap()
}

#[test]
fn names_and_documents_in_every_command() {
    let sandbox = Sandbox::new();
    let base = Recipe::new("layer\nf etc/passwd 10\nl old srv").layers.remove(0);
    let layers = [base, tar_of_names()];
    let ids: Vec<_> = layers.iter().map(|tar| digest(tar)).collect();
    let config = json!({
        "architecture": format!("amd64{NASTY}"), "os": "linux", "variant": NASTY, "author": NASTY, "created": NASTY,
        "config": {"Env": [format!("LANG={NASTY}"), format!("PATH=/{NASTY}")], "Entrypoint": [format!("/{NASTY}")], "Labels": {NASTY: NASTY}},
        "history": [{"created_by": NASTY, "comment": NASTY}, {"created_by": format!("RUN {NASTY}")}],
        "rootfs": {"type": "layers", "diff_ids": ids},
    });
    let stored: Vec<_> = layers
        .into_iter()
        .map(|bytes| Stored {
            codec: Codec::Plain,
            bytes,
        })
        .collect();
    layout(&sandbox.path("src"), "t", &config, &stored);
    for line in [
        "report oci:src",
        "report oci:src --by layer,category,directory",
        "report oci:src --format json",
        "report oci:src --tree --format json",
        "report oci:src --advice --by layer,category,owner,directory --format markdown",
        "report oci:src --format html",
        "plan oci:src",
        "plan oci:src --profile aggressive",
        "plan oci:src --profile aggressive --format json",
        "plan oci:src --profile aggressive --format markdown",
        "plan oci:src --remove-path /etc/**",
        "plan oci:src --force-path /srv/**",
        "save oci:src oci:out:t",
        "save oci:src oci:out2:t --format json",
        "verify oci:src oci:out:t",
        "verify oci:src oci:out:t --profile none",
        "verify oci:src oci:out:t --profile none --format json",
        "diff oci:src oci:out:t",
        "diff oci:src oci:out:t --format json",
        "diff oci:src oci:out:t --format markdown",
        "trace oci:src /srv",
        "trace oci:src /dir --format json",
        "trace oci:src / --diff",
        "cat oci:src /srv",
        "cat oci:src /srv --layer 0",
        "extract oci:src / taken",
        "extract oci:src / taken",
        "report oci:src --platform linux/arm64",
        "save oci:src docker-archive:out.tar",
    ] {
        let outcome = sandbox.slim(line);
        assert!(!outcome.stdout.is_empty() || !outcome.stderr.is_empty(), "{line}");
        check(&outcome, line);
    }
}

/// The text where a document is wrong, so that an error speaks of it.
#[test]
fn documents_that_are_refused() {
    let recipe = Recipe::new("layer\nf a 1");
    let escaped = serde_json::to_string(NASTY).unwrap().trim_matches('"').to_owned();
    for (from, to) in [
        ("application/vnd.oci.image.manifest.v1+json", escaped.clone()),
        ("sha256:", format!("{escaped}:")),
        ("\"t\"", format!("\"{escaped}\"")),
        ("2,", format!("2, \"x{escaped}\" ")),
        (
            "\"manifests\":[",
            format!("\"manifests\":[{{\"mediaType\":\"{escaped}\",\"digest\":\"{escaped}\",\"size\":1}},"),
        ),
    ] {
        let sandbox = Sandbox::new();
        recipe.oci(&sandbox.path("src"), "t", Codec::Plain);
        let index = fs::read_to_string(sandbox.path("src/index.json")).unwrap();
        assert!(index.contains(from), "{index}");
        sandbox.write("src/index.json", index.replacen(from, &to, 1));
        for line in [
            "report oci:src",
            "report oci:src:t",
            "report oci:src:other",
            "save oci:src docker-archive:x.tar",
        ] {
            check(&sandbox.slim(line), line);
        }
    }
}

#[test]
fn docker_archives() {
    let recipe = Recipe::new("layer\nf a 1");
    let escaped = serde_json::to_string(NASTY).unwrap().trim_matches('"').to_owned();
    let manifest = |config: &str, tag: &str, layer: &str| {
        format!(
            "[{{\"Config\":\"{config}\",\"RepoTags\":[\"{tag}\"],\"Layers\":[\"{layer}\"]}},{{\"Config\":\"x\",\"RepoTags\":[\"{tag}2\"]}}]"
        )
    };
    for (config, tag, layer) in [
        (escaped.as_str(), "t", "l"),
        ("c", &escaped, "l"),
        ("c", "t", &escaped),
    ] {
        let sandbox = Sandbox::new();
        let mut archive = tar::Builder::new(Vec::new());
        for (name, body) in [
            ("manifest.json", manifest(config, tag, layer)),
            ("c", recipe.config.to_string()),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(body.len() as u64);
            archive.append_data(&mut header, name, body.as_bytes()).unwrap();
        }
        sandbox.write("a.tar", archive.into_inner().unwrap());
        for line in [
            "report docker-archive:a.tar",
            "report docker-archive:a.tar:@0",
            "report docker-archive:a.tar:other",
            "report a.tar",
        ] {
            check(&sandbox.slim(line), line);
        }
    }
}

#[test]
fn profile_files() {
    let sandbox = Sandbox::new();
    let mut title = String::new();
    for letter in NASTY.chars() {
        write!(title, "\\U{:08x}", u32::from(letter)).unwrap();
    }
    for text in [
        format!("schema_version = 1\nname = \"mine\"\ntitle = \"{title}\"\nremove = [\"{title}\"]\n"),
        format!("schema_version = 1\nname = \"{title}\"\n"),
        format!("\"{title}\" = 1\n"),
        NASTY.to_owned(),
    ] {
        sandbox.write("mine.toml", text);
        let line = "profiles ./mine.toml";
        check(&sandbox.slim(line), line);
    }
}
