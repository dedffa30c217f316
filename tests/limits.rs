//! Every limit: what is over it is refused by name, with the flag that raises it, and the flag lets it through.
//!
//! `docs/limits.md` is held to the code here too.

use std::fs;
use std::path::Path;

use layerslim::limits::{Limit, Limits};

use crate::support::cmd::Sandbox;
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

/// An image that is over a limit once a flag lowers it, and a number that lets it through.
struct Over {
    limit: Limit,
    recipe: String,
    low: u64,
    enough: u64,
}

fn cases() -> Vec<Over> {
    let over = |limit, recipe: &str, low, enough| Over {
        limit,
        recipe: recipe.to_owned(),
        low,
        enough,
    };
    vec![
        over(Limit::Entries, "layer\nf a 1\nlayer\nf b/c/d 1", 3, 4),
        over(Limit::Path, "layer\nf usr/share/doc/package/copyright 1", 30, 31),
        over(Limit::Depth, "layer\nf a/b/c 1", 2, 3),
        over(Limit::Extension, "layer\nf a 1 xattr:user.x=00ff", 16, 1024),
        over(Limit::Document, "layer\nf a 1", 100, 10_000),
        over(Limit::Layers, "layer\nf a 1\nlayer\nf b 1", 1, 2),
    ]
}

#[test]
fn what_is_over_a_limit_is_refused_and_the_flag_raises_it() {
    for case in cases() {
        let sandbox = Sandbox::with(&Recipe::new(&case.recipe));
        let (flag, low, enough) = (case.limit.flag(), case.low, case.enough);
        let line = sandbox
            .slim(&format!("report --quiet oci:src:t {flag} {low}"))
            .one_line(3, &[flag, case.limit.what(), &low.to_string()]);
        assert!(line.contains("raise it with"), "{line}");
        sandbox
            .slim(&format!("report --quiet oci:src:t {flag} {enough}"))
            .ok();
        sandbox
            .slim(&format!(
                "save --quiet oci:src:t oci:out:t --profile none {flag} {enough}"
            ))
            .ok();
    }
}

#[test]
fn compressed_data_may_not_expand_for_ever() {
    let sandbox = Sandbox::new();
    let zeros = vec![0; (1 << 30) + (64 << 20)];
    Recipe::from_tars(vec![zeros]).oci(&sandbox.path("src"), "t", Codec::Zstd);
    let flag = Limit::Expansion.flag();
    sandbox
        .slim("report --quiet oci:src:t")
        .one_line(3, &[flag, "1000 to 1", "first GiB"]);
    sandbox
        .slim(&format!("report --quiet oci:src:t {flag} 1000000"))
        .ok();
}

#[test]
fn sparse_files_may_not_expand_for_ever() {
    let sandbox = Sandbox::new();
    Recipe::from_tars(vec![gnu_sparse()]).oci(&sandbox.path("src"), "t", Codec::Plain);
    let flag = Limit::Sparse.flag();
    let refused = |max: u64| {
        sandbox
            .slim(&format!("report --quiet oci:src:t {flag} {max}"))
            .one_line(3, &[flag, "sparse"])
    };
    refused(1000);
    refused(1_500_000);
    sandbox
        .slim(&format!("report --quiet oci:src:t {flag} 2097152"))
        .ok();
}

/// Two files of a MiB that is all hole, in the old GNU format.
fn gnu_sparse() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["one", "two"] {
        let mut header = tar::Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_entry_type(tar::EntryType::GNUSparse);
        header.set_mode(0o644);
        header.set_size(0);
        header.as_gnu_mut().unwrap().set_real_size(1 << 20);
        header.set_cksum();
        archive.append(&header, &b""[..]).unwrap();
    }
    archive.into_inner().unwrap()
}

#[test]
fn flags_are_in_the_long_help_only() {
    let sandbox = Sandbox::new();
    let (short, long) = (
        sandbox.slim("report -h").ok().stdout,
        sandbox.slim("report --help").ok().stdout,
    );
    for limit in Limit::ALL {
        assert!(
            long.contains(limit.flag()) && !short.contains(limit.flag()),
            "{limit}"
        );
        let line = format!("report oci:src:t {} 0", limit.flag());
        sandbox.slim(&line).code(2);
    }
}

/// `docs/limits.md` shows every limit with its flag and its number, and names no other.
#[test]
fn the_document_shows_the_same_limits() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/limits.md")).unwrap();
    let shown: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("| `--max-"))
        .collect();
    let want: Vec<_> = Limit::ALL
        .into_iter()
        .map(|limit| {
            format!(
                "| `{}` | {} | {} |",
                limit.flag(),
                Limits::default().get(limit),
                limit.what()
            )
        })
        .collect();
    assert_eq!(shown.len(), want.len(), "{want:#?}");
    for (line, want) in shown.iter().zip(want) {
        assert!(
            line.starts_with(want.as_str()),
            "{line}\nshould begin with\n{want}"
        );
    }
}
