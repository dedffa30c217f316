//! Files that the floors above read: the databases of package managers, and the little files beside packages.
//!
//! Of its own because which files those are is one table. What stands in them is for `owners` to say; here they are only
//! kept, within bounds: a file that is larger, or one after too many, leaves no fact.

use std::borrow::Cow;

use serde::Deserialize;

use super::Reader;

/// Bytes of one captured file, at most: the largest package databases known have 40 MB.
const MAX_BYTES: u64 = 64 << 20;
/// Bytes of the beginning of a file that says what it is in its first lines.
const HEAD: usize = 4 << 10;
/// Bytes of the headers of core metadata, at most: a licence may stand in them.
const HEADERS: usize = 64 << 10;
/// Bytes of a list of directories, at most.
const SMALL: u64 = 64 << 10;
/// Bytes of a `package.json`, at most.
const MAX_PACKAGE_JSON: u64 = 1 << 20;

/// How much of a file is kept.
#[derive(Clone, Copy)]
enum Keep {
    Whole,
    /// The first [`HEAD`] bytes.
    Head,
    /// Up to the first empty line, which ends the headers of a mail; at most [`HEADERS`] bytes.
    Headers,
    /// Everything of a file that is no larger than [`SMALL`].
    Small,
}

/// Which paths are captured, and how much of them.
type Wanted = fn(path: &[u8]) -> bool;

/// Where the dynamic linker looks: ld.so.conf(5), ld.so(8), and musl's list of directories.
fn linker_paths(path: &[u8]) -> bool {
    let Some(name) = path.strip_prefix(b"etc/") else {
        return false;
    };
    let is_listed = matches!(name, b"ld.so.conf" | b"ld.so.preload");
    let is_included = name.starts_with(b"ld.so.conf.d/") && name.ends_with(b".conf");
    let is_musl = name.starts_with(b"ld-musl-") && name.ends_with(b".path");
    is_listed || is_included || is_musl
}

#[rustfmt::skip] // a table
const WANTED: &[(Wanted, Keep)] = &[
    // dpkg: the database, the packages of images without it, the files of each package, what stands elsewhere.
    (|path| path == b"var/lib/dpkg/status", Keep::Whole),
    (|path| path == b"var/lib/dpkg/diversions", Keep::Whole),
    (|path| path.starts_with(b"var/lib/dpkg/status.d/"), Keep::Whole),
    (|path| path.starts_with(b"var/lib/dpkg/info/") && path.ends_with(b".list"), Keep::Whole),
    // Which package is installed for its own sake, the alternatives that packages offer, and who is told of what.
    (|path| path == b"var/lib/apt/extended_states", Keep::Whole),
    (|path| path.starts_with(b"var/lib/dpkg/alternatives/"), Keep::Small),
    (|path| path.starts_with(b"var/lib/dpkg/triggers/"), Keep::Small),
    // apk.
    (|path| path == b"lib/apk/db/installed" || path == b"usr/lib/apk/db/installed", Keep::Whole),
    (|path| path == b"etc/apk/world", Keep::Whole),
    // Python: wheels, and what came before them.
    (|path| path.ends_with(b".dist-info/METADATA"), Keep::Headers),
    (|path| path.ends_with(b".dist-info/RECORD"), Keep::Whole),
    (|path| path.ends_with(b".dist-info/INSTALLER"), Keep::Small),
    (|path| path.ends_with(b".dist-info/top_level.txt"), Keep::Whole),
    (|path| path.ends_with(b".egg-info/PKG-INFO") || path.ends_with(b".egg-info"), Keep::Headers),
    (|path| path.ends_with(b".egg/EGG-INFO/PKG-INFO"), Keep::Headers),
    (|path| path.ends_with(b".egg-info/requires.txt"), Keep::Small),
    (|path| path.ends_with(b".egg-info/installed-files.txt"), Keep::Whole),
    (|path| path.ends_with(b".egg-info/top_level.txt"), Keep::Whole),
    // Where pip and uv install from.
    (|path| path.ends_with(b"/pip.conf") || path.ends_with(b"/uv.toml"), Keep::Small),
    // Ruby: the second line names the gem.
    (is_gemspec, Keep::Head),
    // What the dynamic linker reads.
    (linker_paths, Keep::Small),
    // What starts containers: shell scripts, here those without an interpreter line, and what `npm start` means.
    (|path| path.ends_with(b".sh"), Keep::Small),
    (is_application_json, Keep::Small),
];

/// Keeps the first bytes, at most so many.
pub(super) struct Capture {
    bytes: Vec<u8>,
    most: usize,
    keep: Keep,
}

impl Capture {
    pub(super) fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            most,
            keep: Keep::Whole,
        }
    }

    /// What was kept so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Reader for Capture {
    fn read(&mut self, bytes: &[u8]) {
        let room = self.most - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end(mut self: Box<Self>) -> Option<Box<[u8]>> {
        if let Keep::Headers = self.keep {
            let end = headers_end(&self.bytes);
            self.bytes.truncate(end);
        }
        Some(self.bytes.into())
    }
}

/// A reader for a file that is wanted.
pub(super) fn begin(path: &[u8], size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    let row = WANTED.iter().find(|(wanted, _)| wanted(path));
    let keep = match row {
        Some((_, keep)) => keep,
        None => match interpreter(head)? {
            Interpreter::Shell => &Keep::Small,
            Interpreter::Language => &Keep::Head,
        },
    };
    let all = |most: u64| usize::try_from(size).ok().filter(|_| size <= most);
    let most = match keep {
        Keep::Whole => all(MAX_BYTES)?,
        Keep::Small => all(SMALL)?,
        Keep::Head => HEAD,
        Keep::Headers => HEADERS,
    };
    Some(Box::new(Capture {
        keep: *keep,
        ..Capture::new(most)
    }))
}

/// Keeps a `package.json` until it is read, then name and version.
struct Node(Capture);

impl Reader for Node {
    fn read(&mut self, bytes: &[u8]) {
        self.0.read(bytes);
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        package_json(&self.0.bytes)
    }
}

/// A reader for the `package.json` of a Node package, or of an application: a file of that name that is deeper in a
/// package only says how its directory is read.
pub(super) fn node(path: &[u8], size: u64, _head: &[u8]) -> Option<Box<dyn Reader>> {
    let is_wanted = size <= MAX_PACKAGE_JSON && is_package_json(path);
    let most = usize::try_from(size).ok().filter(|_| is_wanted)?;
    Some(Box::new(Node(Capture::new(most))))
}

/// Where the first empty line begins.
fn headers_end(bytes: &[u8]) -> usize {
    let ends = [&b"\n\n"[..], b"\n\r\n"];
    let at = |end: &[u8]| bytes.windows(end.len()).position(|part| part == end);
    let first = ends.into_iter().filter_map(at).min();
    first.map_or(bytes.len(), |at| at + 1)
}

/// Who runs a script.
enum Interpreter {
    Shell,
    /// Python or Node.js: programs that packages install begin with what they import.
    Language,
}

/// The interpreter that a file's first line names, where its scripts are kept.
fn interpreter(head: &[u8]) -> Option<Interpreter> {
    let line = head.strip_prefix(b"#!")?.split(|&b| b == b'\n').next()?;
    let mut words = line.split(|&b| matches!(b, b' ' | b'\t' | b'/'));
    words.find_map(|word| match word {
        b"sh" | b"ash" | b"bash" | b"dash" | b"ksh" | b"zsh" => Some(Interpreter::Shell),
        b"node" | b"nodejs" => Some(Interpreter::Language),
        word => word.starts_with(b"python").then_some(Interpreter::Language),
    })
}

/// The `package.json` of an application: one that is in no package.
fn is_application_json(path: &[u8]) -> bool {
    is_package_json(path) && path.split(|&b| b == b'/').all(|part| part != b"node_modules")
}

fn is_gemspec(path: &[u8]) -> bool {
    let Some(directory) = path.strip_suffix(b".gemspec").and_then(parent) else {
        return false;
    };
    directory.ends_with(b"/specifications") || directory.ends_with(b"/specifications/default")
}

fn is_package_json(path: &[u8]) -> bool {
    if path == b"package.json" {
        return true;
    }
    let Some(directory) = path.strip_suffix(b"/package.json") else {
        return false;
    };
    let mut above = directory.rsplit(|&b| b == b'/');
    let name = above.next().unwrap_or_default();
    match (name.starts_with(b"."), above.next(), above.next()) {
        (false, Some(b"node_modules"), _) => true,
        (_, Some(scope), Some(b"node_modules")) if scope.starts_with(b"@") => true,
        _ => directory
            .split(|&b| b == b'/')
            .all(|part| part != b"node_modules"),
    }
}

fn parent(path: &[u8]) -> Option<&[u8]> {
    path.iter().rposition(|&b| b == b'/').map(|at| &path[..at])
}

/// What a `package.json` says.
fn package_json(json: &[u8]) -> Option<Box<[u8]>> {
    #[derive(Deserialize)]
    struct Package<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow, default)]
        version: Cow<'a, str>,
    }
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let Package { name, version } = serde_json::from_slice(json).ok()?;
    super::name_and_version(&name, &version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_who_installed_a_file_is_kept() {
        for (path, want) in [
            ("var/lib/dpkg/status", Some(10_000)),
            ("var/lib/dpkg/status-old", None),
            ("var/lib/dpkg/status.d/base", Some(10_000)),
            ("var/lib/dpkg/info/libc6:amd64.list", Some(10_000)),
            ("var/lib/dpkg/info/libc6.md5sums", None),
            ("usr/lib/apk/db/installed", Some(10_000)),
            ("usr/lib/python3/a-1.dist-info/METADATA", Some(10_000)),
            ("usr/lib/python3/a-1.dist-info/RECORD", Some(10_000)),
            ("usr/lib/python3/a-1.egg-info", Some(10_000)),
            ("v/gems/3.1.0/specifications/default/a-1.gemspec", Some(HEAD)),
            ("v/gems/3.1.0/gems/a-1/a.gemspec", None),
        ] {
            let kept = begin(path.as_bytes(), 10_000, b"").map(|mut reader| {
                (0..10).for_each(|_| reader.read(&[b'x'; 1000]));
                reader.end().unwrap().len()
            });
            assert_eq!(kept, want, "{path}");
        }
        assert!(begin(b"var/lib/dpkg/status", MAX_BYTES + 1, b"").is_none());
    }

    #[test]
    fn package_json_of_packages_and_applications() {
        for (path, want) in [
            ("package.json", true),
            ("app/package.json", true),
            ("app/node_modules/a/package.json", true),
            ("app/node_modules/@s/a/package.json", true),
            ("node_modules/a/node_modules/b/package.json", true),
            ("node_modules/.pnpm/a@1/node_modules/a/package.json", true),
            ("node_modules/.cache/package.json", false),
            ("node_modules/a/dist/package.json", false),
            ("node_modules/package.json", false),
            ("app/xpackage.json", false),
        ] {
            assert_eq!(node(path.as_bytes(), 5, b"").is_some(), want, "{path}");
        }
        for (json, want) in [
            (r#"{"name": "a", "version": "1.0", "x": {}}"#, Some("a\n1.0")),
            ("\u{feff}{\"name\":\"@s/\\u0061\"}", Some("@s/a\n")),
            (r#"{"type": "module"}"#, None),
            (r#"{"name": "a\nb"}"#, None),
            (r#"{"name": 5}"#, None),
            ("[", None),
        ] {
            let got = package_json(json.as_bytes());
            assert_eq!(got.as_deref(), want.map(str::as_bytes), "{json}");
        }
    }
}
