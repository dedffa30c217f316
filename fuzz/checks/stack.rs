//! Recipes out of bytes: stacks of layers in which anything may happen, in the words of `tests/support/recipe.rs`.
//!
//! Of its own because two checks need stacks, and because a finding is told as a recipe: lines that become a test.
//! Names come from a small alphabet, so that paths collide, categories match, links find targets, whiteouts something
//! to hide. Every four bytes are a line.

use std::fmt::Write as _;

use super::bytes::Bytes;
use crate::support::laws::Case;
use crate::support::medium::Codec;

const MAX_LAYERS: usize = 6;
const MAX_LINES: usize = 48;

/// Reads a recipe as the checks need it: with one thread, which is quick and enough.
pub(super) fn read(recipe: &str) -> Case {
    Case::new(recipe, &[Codec::Plain; MAX_LAYERS], 1)
}

/// Says which recipe it was where a check panics.
pub(super) struct Told<'a>(pub(super) &'a str);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the recipe:\n{}", self.0);
        }
    }
}

/// The recipe that the rest of `bytes` describes.
pub(super) fn recipe(bytes: &mut Bytes<'_>) -> String {
    let mut text = String::new();
    text.push_str(bytes.pick(TOPS));
    text.push_str("\nlayer\n");
    let (mut layers, mut lines) = (1, 0);
    while !bytes.is_empty() && lines < MAX_LINES {
        lines += 1;
        let word = bytes.byte();
        if word >= 240 {
            layers += 1;
            if layers > MAX_LAYERS {
                break;
            }
            text.push_str("layer\n");
            continue;
        }
        line(word, bytes, &mut text);
    }
    text
}

fn line(word: u8, bytes: &mut Bytes<'_>, text: &mut String) {
    let (path, argument, style) = (path(bytes), bytes.byte(), bytes.byte());
    let prefix = PREFIXES[usize::from(style % 16) % PREFIXES.len()];
    let metadata = METADATA[usize::from(style / 16) % METADATA.len()];
    let other = || path_of(argument);
    let written = match word % 16 {
        0..=4 if path.ends_with(".git/HEAD") && argument > 40 => {
            writeln!(
                text,
                "f {prefix}{path} text=\"ref: refs/heads/main\\n\"{metadata}"
            )
        }
        0..=4 => writeln!(text, "f {prefix}{path} {}{metadata}", u32::from(argument) * 5),
        5 | 6 => writeln!(text, "d {prefix}{path}{metadata}"),
        7 | 8 => {
            let way = WAYS[usize::from(word / 16) % WAYS.len()];
            writeln!(text, "l {prefix}{path} {way}{}{metadata}", other())
        }
        9 | 10 => writeln!(text, "h {prefix}{path} {}{}", prefix.replace("../", ""), other()),
        11 | 12 => writeln!(text, "wh {prefix}{path}"),
        13 => writeln!(
            text,
            "opq {prefix}{}",
            if argument % 8 == 0 { "." } else { path.as_str() }
        ),
        14 => {
            let device = ["1 3", "0 0", "0 1"][usize::from(argument) % 3];
            writeln!(text, "c {prefix}{path} {device}{metadata}")
        }
        _ => odd(&path, argument, metadata, text),
    };
    debug_assert_eq!(written, Ok(()), "written to memory");
}

/// Pipes, the root itself, and names that only look like whiteouts.
fn odd(path: &str, argument: u8, metadata: &str, text: &mut String) -> std::fmt::Result {
    const NAMES: &[&str] = &[
        ".wh.",
        ".wh..",
        ".wh..wh.plnk",
        ".wh..wh.plnk/a",
        ".wh.a/b",
        "x.wh.y",
    ];
    match argument % 8 {
        0 => writeln!(text, "d .{metadata}"),
        1 => writeln!(text, "p {path}{metadata}"),
        at => writeln!(text, "f {path}/{} 1", NAMES[usize::from(at - 2)]),
    }
}

/// A path of one or two bytes.
fn path(bytes: &mut Bytes<'_>) -> String {
    path_of(bytes.byte())
}

fn path_of(byte: u8) -> String {
    let at = usize::from(byte);
    if let Some(path) = PATHS.get(at) {
        return (*path).to_owned();
    }
    // Two or three components of the first names.
    let parts = [
        NAMES[at % 4],
        NAMES[at / 4 % NAMES.len()],
        NAMES[at / 32 % NAMES.len()],
    ];
    parts[..2 + at % 2].join("/")
}

/// Lines of the recipe before the first layer.
const TOPS: &[&str] = &[
    "",
    r#"top {"created":null}"#,
    r#"top {"created":"0001-01-01T00:00:00Z"}"#,
    r#"top {"created":"1969-12-31T23:59:58Z"}"#,
    r#"config {"Env":["PATH=/a/b","LANG=b"],"WorkingDir":"/var"}"#,
    r#"config {"Entrypoint":["/a/b"],"Cmd":["x.py"],"WorkingDir":"/b"}"#,
];

/// How a tar may spell the same path.
const PREFIXES: &[&str] = &["", "", "", "", "./", "/", "//", "../", "c/../", "./././"];

/// How a symlink's target begins.
const WAYS: &[&str] = &[
    "",
    "/",
    "../",
    "./",
    "../../",
    "nowhere/",
    ".git/../",
    "b/a/../../",
];

const METADATA: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    " mode=755",
    " mode=700 uid=5 gid=6",
    " mode=4711",
    " mode=1777 mtime=0",
    " mode=0",
    " uid=3000000",
    " gid=4294967294 mtime=5.25",
    " mtime=1500000000.123456789",
    " mtime=-7",
    " xattr:user.x=00ff0a",
    " mtime=9000000000 xattr:trusted.y=0a30206100",
];

/// Whole paths.
const PATHS: &[&str] = &[
    "a",
    "b",
    "a/a",
    "a/b",
    "c",
    "a/b/c",
    "b/a",
    "b/a/c",
    "a/b/c/a",
    "c/a",
    "c/b",
    "a/c",
    "b/c",
    "n\\xe4",
    "a/\\xff\\xfe",
    "x.py",
    "__pycache__",
    "__pycache__/x.cpython-313.pyc",
    "a/x.py",
    "a/x.pyc",
    "a/__pycache__/x.cpython-313.pyc",
    ".git",
    ".git/HEAD",
    ".git/objects",
    ".git/objects/a",
    ".git/a",
    "a/.git/HEAD",
    "a/.git/objects/b",
    "a/.git/a/b",
    "var/cache/apt",
    "var/cache/apt/a",
    "var/cache/apt/a/b",
    "var/cache/apt/archives/lock",
    "var/lib/apt/lists/a",
    "usr/share/doc/a/b",
    "usr/share/doc/a/copyright",
    "usr/share/locale/b/LC_MESSAGES/a.mo",
    "usr/share/man/man1/a",
    "root/.cache/pip/a",
    "root/.npm/_cacache/a",
    "etc/passwd",
    "usr/lib/os-release",
    "lib/x86_64-linux-gnu/libc.so.6",
    "tmp/a",
    "app/node_modules/a/README.md",
    "app/node_modules/a/package.json",
    "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll",
    "a/gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg/a",
];

/// Components of other paths.
const NAMES: &[&str] = &["a", "b", "c", ".git", "HEAD", "x.py", "\\xc3\\xa4", "objects"];
