//! Random stacks of layers, as recipes: what a property fails on is printed as lines that become a test case.
//!
//! A module of its own because it decides only what is tried, never what is right. Names come from a small alphabet, so
//! that paths collide, categories match, links find their targets, and whiteouts something to hide.

use std::fmt;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::prop_oneof;
use proptest::sample::select;

use super::medium::Codec;

/// A random image.
#[derive(Clone)]
pub(crate) struct Stack {
    /// Its recipe.
    pub(crate) text: String,
    /// How each layer is stored, as far as there are layers.
    pub(crate) codecs: Vec<Codec>,
}

impl fmt::Debug for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stored as {:?}:\n{}", self.codecs, self.text)
    }
}

/// One to five layers in which anything may happen.
pub(crate) fn wild() -> impl Strategy<Value = Stack> {
    let layer = vec(
        (line(), select(PREFIXES)).prop_map(|(line, prefix)| line.named(prefix)),
        0..12,
    );
    let codec = prop_oneof![Just(Codec::Plain), Just(Codec::Gzip), Just(Codec::Zstd)];
    (select(TOPS), vec((layer, codec), 1..=5)).prop_map(|(top, layers)| {
        let (layers, codecs): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
        Stack {
            text: text(top, layers),
            codecs,
        }
    })
}

/// One to five layers that GNU tar can unpack and overlayfs can stack without an opinion of their own: each layer
/// names a path once and clearly, and links to files it has already named.
pub(crate) fn tame() -> impl Strategy<Value = Stack> {
    vec(vec(line(), 0..12), 1..=5).prop_map(|layers| {
        let layers: Vec<_> = layers.into_iter().map(|lines| text_of(&tamed(lines))).collect();
        Stack {
            codecs: vec![Codec::Plain; layers.len()],
            text: text("", layers),
        }
    })
}

/// Lines of the recipe before the first layer: when the image was made, and what is asked of its environment.
const TOPS: &[&str] = &[
    "",
    r#"top {"created":null}"#,
    r#"top {"created":"0001-01-01T00:00:00Z"}"#,
    r#"top {"created":"1969-12-31T23:59:58Z"}"#,
    r#"config {"Env":["PATH=/a/b","LANG=b"],"WorkingDir":"/var"}"#,
];

/// How a tar may spell the same path.
const PREFIXES: &[&str] = &["", "", "", "", "./", "/", "//", "../", "c/../", "./././"];

/// Whole paths, most of them asked for often: the first ones are what a failing case shrinks to.
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
    LONG,
    LONG_BELOW,
];

/// A name that no ustar header has room for.
const LONG: &str = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll";
const LONG_BELOW: &str =
    "a/gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg/a";

/// Components of paths made at random.
const NAMES: &[&str] = &[
    "a",
    "b",
    "c",
    ".git",
    "HEAD",
    "objects",
    "__pycache__",
    "x.py",
    "x.pyc",
    "x.cpython-313.pyc",
    "\\xc3\\xa4",
    "x.wh.y",
];

/// A line of a layer, taken apart.
#[derive(Debug, Clone)]
struct Line {
    word: &'static str,
    path: String,
    rest: String,
}

impl Line {
    /// The line with its path, and for hard links the target's, spelt otherwise.
    fn named(mut self, prefix: &str) -> String {
        self.path.insert_str(0, prefix);
        if self.word == "h" && !prefix.contains("..") {
            self.rest.insert_str(0, prefix);
        }
        self.text()
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.word, self.path, self.rest)
            .trim_end()
            .to_owned()
    }
}

fn path() -> BoxedStrategy<String> {
    let made = vec(select(NAMES), 1..=4).prop_map(|names| names.join("/"));
    let listed = select(PATHS).prop_map(str::to_owned);
    prop_oneof![6 => select(&PATHS[..9]).prop_map(str::to_owned), 6 => listed, 2 => made].boxed()
}

fn line() -> BoxedStrategy<Line> {
    let file = (path(), 0..1500_u32, metadata(), weighted(0.3, xattr())).prop_map(
        |(path, size, metadata, xattr)| {
            let body = if path.ends_with(".git/HEAD") && size > 100 {
                r#"text="ref: refs/heads/main\n""#.to_owned()
            } else {
                size.to_string()
            };
            Line {
                word: "f",
                path,
                rest: format!("{body}{metadata}{}", xattr.unwrap_or_default()),
            }
        },
    );
    let directory = (path(), metadata(), weighted(0.2, xattr())).prop_map(|(path, metadata, xattr)| Line {
        word: "d",
        path,
        rest: format!("{metadata}{}", xattr.unwrap_or_default()),
    });
    let symlink = (
        path(),
        path(),
        select(
            &[
                "",
                "/",
                "../",
                "./",
                "../../",
                "nowhere/",
                ".git/../",
                "b/a/../../",
            ][..],
        ),
        metadata(),
    )
        .prop_map(|(path, target, prefix, metadata)| Line {
            word: "l",
            path,
            rest: format!("{prefix}{target}{metadata}"),
        });
    let hard_link = (path(), path()).prop_map(|(path, rest)| Line {
        word: "h",
        path,
        rest,
    });
    let whiteout = path().prop_map(|path| Line {
        word: "wh",
        path,
        rest: String::new(),
    });
    let opaque = prop_oneof![9 => path(), 1 => Just(".".to_owned())].prop_map(|path| Line {
        word: "opq",
        path,
        rest: String::new(),
    });
    prop_oneof![8 => file, 3 => directory, 3 => symlink, 4 => hard_link, 3 => whiteout, 1 => opaque, 1 => odd()]
        .boxed()
}

/// Pipes, devices, the root itself, and names that only look like whiteouts.
fn odd() -> BoxedStrategy<Line> {
    prop_oneof![
        (path(), metadata()).prop_map(|(path, rest)| Line {
            word: "p",
            path,
            rest
        }),
        (path(), select(&["1 3", "0 0", "0 1"][..]), metadata()).prop_map(|(path, device, metadata)| Line {
            word: "c",
            path,
            rest: format!("{device}{metadata}")
        }),
        metadata().prop_map(|rest| Line {
            word: "d",
            path: ".".to_owned(),
            rest
        }),
        (
            path(),
            select(&[".wh.", ".wh..", ".wh..wh.plnk", ".wh..wh.plnk/a", ".wh.a/b"][..])
        )
            .prop_map(|(path, name)| Line {
                word: "f",
                path: format!("{path}/{name}"),
                rest: "1".to_owned()
            }),
    ]
    .boxed()
}

/// Mode, owner and time, each of them mostly the default.
fn metadata() -> BoxedStrategy<String> {
    let mode = select(
        &[
            "",
            "",
            "",
            " mode=755",
            " mode=700",
            " mode=4711",
            " mode=1777",
            " mode=0",
        ][..],
    );
    let owner = select(&["", "", "", " uid=5 gid=6", " uid=3000000", " gid=4294967294"][..]);
    let time = select(
        &[
            "",
            "",
            "",
            " mtime=0",
            " mtime=5.25",
            " mtime=1500000000.123456789",
            " mtime=-7",
            " mtime=9000000000",
        ][..],
    );
    (mode, owner, time)
        .prop_map(|(mode, owner, time)| [mode, owner, time].concat())
        .boxed()
}

fn xattr() -> BoxedStrategy<String> {
    let value = any::<[u8; 3]>().prop_map(|bytes| bytes.map(|byte| format!("{byte:02x}")).concat());
    let value = prop_oneof![value, Just("0a30206100".to_owned())];
    (select(&["user.x", "trusted.y"][..]), value)
        .prop_map(|(name, value)| format!(" xattr:{name}={value}"))
        .boxed()
}

fn text(top: &str, layers: Vec<Vec<String>>) -> String {
    let layers = layers
        .into_iter()
        .flat_map(|lines| std::iter::once("layer".to_owned()).chain(lines));
    std::iter::once(top.to_owned())
        .chain(layers)
        .collect::<Vec<_>>()
        .join("\n")
}

fn text_of(lines: &[Line]) -> Vec<String> {
    lines.iter().map(Line::text).collect()
}

/// The lines of a layer that unpack in one way only.
fn tamed(lines: Vec<Line>) -> Vec<Line> {
    let mut kept = Vec::<Line>::new();
    for line in lines {
        if is_tame(&line, &kept) {
            kept.push(line);
        }
    }
    kept
}

fn is_tame(line: &Line, kept: &[Line]) -> bool {
    let inside = |path: &str, parent: &str| {
        path.strip_prefix(parent)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let is_marker_itself = line.path.contains("/.wh.") || line.path.contains(".wh.a/") || line.path == ".";
    // An opaque marker stands in its directory: to what lies around it, it is a member of that directory.
    let clashes = kept.iter().any(|other| {
        let same = line.path == other.path;
        let (open, other_open) = (
            ["d", "opq"].contains(&line.word),
            ["d", "opq"].contains(&other.word),
        );
        (same && (line.word == other.word || !open || !other_open))
            || (inside(&line.path, &other.path) && !other_open)
            || (inside(&other.path, &line.path) && !open)
    });
    let is_known_file = |path: &str| kept.iter().any(|other| other.word == "f" && other.path == path);
    let fits = match line.word {
        "h" => is_known_file(&line.rest),
        "c" => !line.rest.starts_with("0 0"),
        // Any other symlink GNU tar makes last, and then the time of its directory is wrong.
        "l" => !line.rest.starts_with('/') && !line.rest.contains(".."),
        _ => true,
    };
    !is_marker_itself && !clashes && fits
}
