//! Images from text: a test case is five readable lines.
//!
//! A module of its own because a recipe knows layers and tar entries and nothing of the media they are put in
//! (that is `medium`). It builds with the `tar` crate, which the program itself does not use, so that a mistake
//! in our tar code cannot hide in the images it is tested with.
//!
//! ```text
//! config {"Env":["LANG=C"]}          keys of the config's `config` object
//! top {"variant":"v8"}               keys of the config itself
//! empty ENV A=b                      a history row without a layer
//! layer RUN make install             a layer; the rest of the line is its `created_by`
//! f usr/bin/a 10                     a file of 10 deterministic bytes (they depend on path and layer, or on seed=)
//! f etc/motd text="hello\n"          a file with this text
//! f bin/sh hex=7f454c46              a file with these bytes
//! d tmp mode=1777                    a directory
//! l usr/lib lib                      a symlink
//! h usr/bin/b usr/bin/a              a hard link
//! c dev/null 1 3 · p run/fifo        a character device, a fifo
//! wh usr/bin/a · opq etc             a whiteout, an opaque marker
//! ```
//! Options after the words: `mode=755 uid=5 gid=6 mtime=123.5 xattr:user.x=00ff seed=same`, and `gone`: the case
//! expects this path to be removed. In names and texts `\xNN` is a byte.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tar::{EntryType, Header};

/// The time every entry has that names none, and the image's `created`: 2023-11-14T22:13:20Z.
pub(crate) const CREATED: i64 = 1_700_000_000;
const CREATED_TEXT: &str = "2023-11-14T22:13:20Z";

/// An image in memory: uncompressed layers and the config that names them.
pub(crate) struct Recipe {
    /// One uncompressed tar for each layer, base first.
    pub(crate) layers: Vec<Vec<u8>>,
    /// The config, as it is written.
    pub(crate) config: Value,
    /// The paths marked `gone`, without a leading slash.
    pub(crate) gone: Vec<String>,
}

impl Recipe {
    /// Reads a recipe. Panics at the first line it does not understand: a test case is wrong then.
    pub(crate) fn new(text: &str) -> Self {
        let mut layers = Vec::<tar::Builder<Vec<u8>>>::new();
        let (mut history, mut gone) = (Vec::new(), Vec::new());
        let mut config =
            json!({"architecture": "amd64", "os": "linux", "created": CREATED_TEXT, "config": {}});
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "layer" => {
                    layers.push(tar::Builder::new(Vec::new()));
                    let command = if rest.is_empty() {
                        format!("layer {}", layers.len())
                    } else {
                        rest.to_owned()
                    };
                    history.push(json!({"created": CREATED_TEXT, "created_by": command}));
                }
                "empty" => {
                    history.push(json!({"created": CREATED_TEXT, "created_by": rest, "empty_layer": true}));
                }
                "config" => merge(&mut config["config"], rest),
                "top" => merge(&mut config, rest),
                _ => {
                    let depth = layers.len();
                    let layer = layers
                        .last_mut()
                        .unwrap_or_else(|| panic!("`{line}` stands before any `layer`"));
                    let entry = Entry::parse(line, depth);
                    entry.write(layer);
                    if entry.gone {
                        gone.push(shown(&entry.path));
                    }
                }
            }
        }
        let layers: Vec<_> = layers
            .into_iter()
            .map(|layer| layer.into_inner().expect("a tar ends"))
            .collect();
        let diff_ids: Vec<_> = layers.iter().map(|tar| digest(tar)).collect();
        config["rootfs"] = json!({"type": "layers", "diff_ids": diff_ids});
        config["history"] = history.into();
        Self { layers, config, gone }
    }

    /// An image of layers that somebody else made, for archives of the corpus.
    pub(crate) fn from_tars(layers: Vec<Vec<u8>>) -> Self {
        let diff_ids: Vec<_> = layers.iter().map(|tar| digest(tar)).collect();
        let rootfs = json!({"type": "layers", "diff_ids": diff_ids});
        let config = json!({"architecture": "amd64", "os": "linux", "created": CREATED_TEXT, "config": {}, "rootfs": rootfs});
        Self {
            layers,
            config,
            gone: Vec::new(),
        }
    }
}

/// One line of a layer.
struct Entry {
    kind: EntryType,
    path: Vec<u8>,
    link: Vec<u8>,
    body: Vec<u8>,
    device: (u32, u32),
    mode: u32,
    owner: (u64, u64),
    mtime: String,
    xattrs: Vec<(String, Vec<u8>)>,
    gone: bool,
}

impl Entry {
    fn parse(line: &str, depth: usize) -> Self {
        let words = words(line);
        let wrong = || panic!("not a recipe line: `{line}`");
        let [kind, path, rest @ ..] = words.as_slice() else {
            wrong()
        };
        let mut entry = Self {
            kind: EntryType::Regular,
            path: unescape(path),
            link: Vec::new(),
            body: Vec::new(),
            device: (0, 0),
            mode: 0o644,
            owner: (0, 0),
            mtime: CREATED.to_string(),
            xattrs: Vec::new(),
            gone: false,
        };
        let (mut size, mut seed) = (0, format!("{depth} {path}"));
        let mut rest = rest.iter();
        let mut number = || {
            rest.next()
                .and_then(|word| word.parse().ok())
                .unwrap_or_else(wrong_number(line))
        };
        match kind.as_str() {
            "f" if line.contains(" text=") || line.contains(" hex=") => {}
            "f" => size = number(),
            "d" => (entry.kind, entry.mode) = (EntryType::Directory, 0o755),
            "c" => (entry.kind, entry.device) = (EntryType::Char, (number(), number())),
            "p" => entry.kind = EntryType::Fifo,
            "wh" => entry.path = beside(&entry.path, |name| [b".wh.", name].concat()),
            "opq" => entry.path = [entry.path.as_slice(), b"/.wh..wh..opq"].concat(),
            "l" | "h" => {
                let (kind, mode) = if kind == "l" {
                    (EntryType::Symlink, 0o777)
                } else {
                    (EntryType::Link, 0o644)
                };
                let target = rest.next().unwrap_or_else(|| panic!("`{line}` has no target"));
                (entry.kind, entry.mode, entry.link) = (kind, mode, unescape(target));
            }
            _ => wrong(),
        }
        for option in rest {
            match option.split_once('=') {
                Some(("mode", octal)) => entry.mode = u32::from_str_radix(octal, 8).expect(line),
                Some(("uid", id)) => entry.owner.0 = id.parse().expect(line),
                Some(("gid", id)) => entry.owner.1 = id.parse().expect(line),
                Some(("mtime", time)) => time.clone_into(&mut entry.mtime),
                Some(("text", text)) => entry.body = unescape(&text.replace("\\n", "\n")),
                Some(("hex", digits)) => entry.body = unhex(digits),
                Some(("seed", value)) => value.clone_into(&mut seed),
                Some((key, hex)) if key.starts_with("xattr:") => {
                    entry.xattrs.push((key["xattr:".len()..].to_owned(), unhex(hex)));
                }
                None if option == "gone" => entry.gone = true,
                _ => wrong(),
            }
        }
        if size > 0 {
            entry.body = noise(&seed, size as usize);
        }
        entry
    }

    /// A ustar header, with PAX records before it for what ustar has no room for.
    fn write(&self, layer: &mut tar::Builder<Vec<u8>>) {
        let mut header = Header::new_ustar();
        header.set_entry_type(self.kind);
        header.set_mode(self.mode);
        header.set_uid(self.owner.0);
        header.set_gid(self.owner.1);
        header.set_size(self.body.len() as u64);
        let (seconds, fraction) = self.mtime.split_once('.').unwrap_or((&self.mtime, ""));
        let seconds: i64 = seconds.parse().expect("a whole number of seconds");
        header.set_mtime(u64::try_from(seconds).unwrap_or(0));
        if self.kind == EntryType::Char {
            header.set_device_major(self.device.0).expect("ustar has devices");
            header.set_device_minor(self.device.1).expect("ustar has devices");
        }
        let mut records = Vec::<(String, &[u8])>::new();
        if !fraction.is_empty() || seconds < 0 {
            records.push(("mtime".into(), self.mtime.as_bytes()));
        }
        let name: &[u8] = if self.kind == EntryType::Directory {
            &[&self.path, &b"/"[..]].concat()
        } else {
            &self.path
        };
        if name.len() > 100 {
            records.push(("path".into(), name));
        }
        if self.link.len() > 100 {
            records.push(("linkpath".into(), &self.link));
        }
        let xattrs = self
            .xattrs
            .iter()
            .map(|(key, value)| (format!("SCHILY.xattr.{key}"), value.as_slice()));
        records.extend(xattrs);
        layer
            .append_pax_extensions(records.iter().map(|(key, value)| (key.as_str(), *value)))
            .expect("written to memory");
        let old = header.as_old_mut();
        copy_head(&mut old.name, name);
        copy_head(&mut old.linkname, &self.link);
        header.set_cksum();
        layer
            .append(&header, self.body.as_slice())
            .expect("written to memory");
    }
}

fn copy_head(field: &mut [u8], bytes: &[u8]) {
    let length = bytes.len().min(field.len());
    field[..length].copy_from_slice(&bytes[..length]);
}

fn wrong_number<T>(line: &str) -> impl Fn() -> T {
    move || panic!("a number is missing: `{line}`")
}

fn merge(object: &mut Value, text: &str) {
    let extra: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: `{text}`"));
    for (key, value) in extra.as_object().expect("a JSON object") {
        object[key] = value.clone();
    }
}

/// Words parted by spaces; a `"` keeps spaces inside, as in `text="two words"`.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("never empty").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `a/b` → `a/` + new name of `b`.
fn beside(path: &[u8], rename: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let name = path
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    [&path[..name], &rename(&path[name..])].concat()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.extend(unhex(&part[..2]));
        bytes.extend(&part.as_bytes()[2..]);
    }
    bytes
}

fn unhex(hex: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits");
    (0..hex.len()).step_by(2).map(pair).collect()
}

/// A path as people and JSON see it: printable text, other bytes as `\xNN`, no slash at either end.
pub(crate) fn shown(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").expect("written to memory");
        }
    }
    text.trim_start_matches("./").trim_matches('/').to_owned()
}

/// Bytes that do not compress away and are the same on every machine.
fn noise(seed: &str, size: usize) -> Vec<u8> {
    let blocks = (0..size.div_ceil(32)).flat_map(|block| Sha256::digest(format!("{seed} {block}")));
    blocks.take(size).collect()
}

/// `sha256:…` of the bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("written to memory");
        text
    })
}
