//! What must be true of a file beyond its path, and how a path names what must be looked at.
//!
//! A module of its own because conditions are a closed set: each reads facts that the scan has collected, never a
//! blob. Here are the names and the arithmetic of paths; `classify` has the facts.

use serde::Deserialize;

use super::Landmark;
use crate::layer::Magic;

/// A condition of a category. All of a category's conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Condition {
    /// A file of the same name, but with one of these extensions, is visible in the same directory.
    Beside(Vec<String>),
    /// JavaScript that was made from it (see [`emitted_javascript`]) is visible.
    EmittedJavascript,
    /// The mode has an execute bit.
    Executable,
    /// A compiled extension module of Python with the same name is visible in the same directory (see
    /// [`module_of_extension`]).
    ExtensionModuleBeside,
    /// The `.git` above the file is a repository: a `HEAD` that is one, and a directory `objects`.
    GitDir,
    /// The file lies, at any depth, in a directory of one of these kinds.
    Inside(Vec<Landmark>),
    /// The locale that the path names (see [`locale_of`]) is neither in the profile nor in the image's environment.
    LocaleNotInUse,
    /// The first bytes are one of these kinds.
    Magic(Vec<Magic>),
    /// It has at least so many bytes.
    MinBytes(u64),
    /// No file whose name begins with `.pnp.` is visible anywhere in the image: with one of them Yarn loads modules
    /// from its cache.
    NoPnp,
    /// Neither `PIP_FIND_LINKS` nor `UV_FIND_LINKS` of the image's environment nor a `find-links` of a `pip.conf` or
    /// `uv.toml` in it names the path or a directory above it.
    NotFindLinks,
    /// No code imports it from outside (see [`FactKind::TestImport`](crate::layer::FactKind::TestImport)): neither the file, a
    /// test by its name, nor a directory of tests that it lies in. What is itself only there where nothing imports it does
    /// not count, unless it stays.
    NotImported,
    /// Neither entrypoint, command, health check nor environment name the path or a directory above it.
    NotReferenced,
    /// The `.py` of a compiled file (see [`source_of_compiled`]) is visible.
    PythonSourcePresent,
    /// The owner is 0:0 or, at least, user 0.
    RootOwned,
}

impl Condition {
    /// A sentence for people, without a full stop: "only where …".
    pub fn describe(&self) -> String {
        match self {
            Self::Beside(extensions) => {
                let names: Vec<String> = extensions.iter().map(|name| format!("`.{name}`")).collect();
                format!("a file of its name with {} is beside it", names.join(" or "))
            }
            Self::EmittedJavascript => "the JavaScript that was made from it is there".to_owned(),
            Self::ExtensionModuleBeside => "a compiled extension module of its name is beside it".to_owned(),
            Self::Inside(landmarks) => {
                let names: Vec<String> = landmarks.iter().map(|landmark| landmark.describe()).collect();
                format!("it is inside {}", names.join(", or "))
            }
            Self::MinBytes(bytes) if bytes % 1_000_000 == 0 => {
                format!("it has at least {} MB", bytes / 1_000_000)
            }
            Self::MinBytes(bytes) => format!("it has at least {bytes} bytes"),
            Self::Executable => "it is executable".to_owned(),
            Self::GitDir => "the `.git` is a repository (`HEAD` and `objects`)".to_owned(),
            Self::LocaleNotInUse => {
                "neither the profile nor the image's environment uses the locale".to_owned()
            }
            Self::Magic(kinds) => {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
                format!("its first bytes are {}", names.join(" or "))
            }
            Self::NoPnp => "there is no `.pnp.*` in the image".to_owned(),
            Self::NotFindLinks => {
                "neither the image's environment nor a `pip.conf` or `uv.toml` names it as `find-links`"
                    .to_owned()
            }
            Self::NotImported => "no code outside it imports from that directory of tests".to_owned(),
            Self::NotReferenced => {
                "neither what starts the container nor its environment names it".to_owned()
            }
            Self::PythonSourcePresent => "the `.py` is there".to_owned(),
            Self::RootOwned => "it belongs to root".to_owned(),
        }
    }
}

/// The outermost directory named `.git` of a path: `/app/.git` for `/app/.git/objects/ab/cd`.
pub fn git_dir_of(path: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"/.git/";
    let start = path.windows(NAME.len()).position(|window| window == NAME)?;
    Some(&path[..start + NAME.len() - 1])
}

/// The `.py` that a compiled file was made from: `/a/x.py` for `/a/__pycache__/x.cpython-313.opt-1.pyc` (PEP 3147) and
/// for `/a/x.pyc`. None for a name that no interpreter gives.
pub fn source_of_compiled(path: &[u8]) -> Option<Vec<u8>> {
    const CACHE: &[u8] = b"/__pycache__";
    let slash = path.iter().rposition(|&byte| byte == b'/')?;
    let (directory, name) = (&path[..slash], &path[slash + 1..]);
    let stem = name
        .strip_suffix(b".pyc")
        .or_else(|| name.strip_suffix(b".pyo"))?;
    let (directory, module) = match directory.strip_suffix(CACHE) {
        Some(parent) => (parent, without_tag(stem)?),
        None => (directory, stem),
    };
    if module.is_empty() {
        return None;
    }
    Some([directory, b"/", module, b".py"].concat())
}

/// Where a compiler of TypeScript puts what it makes of a file: beside it, or in the same place below `dist` and its like
/// where the file is below `src`. Empty for what is no TypeScript, and for declarations.
pub fn emitted_javascript(path: &[u8]) -> Vec<Vec<u8>> {
    const EXTENSIONS: [(&[u8], &[u8]); 4] = [
        (b".ts", b".js"),
        (b".tsx", b".js"),
        (b".mts", b".mjs"),
        (b".cts", b".cjs"),
    ];
    const FOLDERS: [&[u8]; 8] = [
        b"/dist/",
        b"/lib/",
        b"/build/",
        b"/cjs/",
        b"/esm/",
        b"/dist/cjs/",
        b"/dist/esm/",
        b"/dist/src/",
    ];
    let found = EXTENSIONS
        .iter()
        .find_map(|(from, to)| Some((path.strip_suffix(*from)?, to)));
    let Some((stem, extension)) = found.filter(|(stem, _)| !stem.ends_with(b".d")) else {
        return Vec::new();
    };
    let mut places = vec![[stem, extension].concat()];
    if let Some(at) = stem.windows(5).rposition(|window| window == b"/src/") {
        let (above, below) = (&stem[..at], &stem[at + 5..]);
        places.extend(
            FOLDERS
                .iter()
                .map(|folder| [above, folder, below, extension].concat()),
        );
    }
    places
}

/// The module that a file is, if it is a compiled extension of Python: `_x` for `_x.cpython-313-x86_64-linux-gnu.so`,
/// `_x.abi3.so`, `_x.so` and `_x.pyd`.
pub fn module_of_extension(name: &[u8]) -> Option<&[u8]> {
    let stem = name.strip_suffix(b".so").or_else(|| name.strip_suffix(b".pyd"))?;
    let end = stem.iter().position(|&byte| byte == b'.').unwrap_or(stem.len());
    Some(&stem[..end]).filter(|module| !module.is_empty())
}

/// The component before `LC_…`: `de` for `/usr/share/locale/de/LC_MESSAGES/tar.mo`.
pub fn locale_of(path: &[u8]) -> Option<&[u8]> {
    let mut before = None;
    for component in path.split(|&byte| byte == b'/') {
        if component.starts_with(b"LC_") {
            return before;
        }
        before = Some(component).filter(|component| !component.is_empty());
    }
    None
}

/// Cuts the interpreter's tag off: it may hold dots itself (`x.cpython-313-pytest-8.2.0`).
fn without_tag(stem: &[u8]) -> Option<&[u8]> {
    const TAGS: [&[u8]; 3] = [b".cpython-", b".pypy", b".graalpy"];
    let starts = TAGS
        .iter()
        .filter_map(|tag| stem.windows(tag.len()).rposition(|window| window == *tag));
    starts.max().map(|start| &stem[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_source_of_compiled_python() {
        for (path, want) in [
            ("/a/__pycache__/x.cpython-313.pyc", Some("/a/x.py")),
            ("/a/__pycache__/x.cpython-313.opt-1.pyc", Some("/a/x.py")),
            ("/a/__pycache__/x.y.cpython-313.pyc", Some("/a/x.y.py")),
            ("/a/__pycache__/t.cpython-313-pytest-8.2.0.pyc", Some("/a/t.py")),
            ("/__pycache__/x.pypy310.pyc", Some("/x.py")),
            ("/a/x.pyc", Some("/a/x.py")),
            ("/a/x.pyo", Some("/a/x.py")),
            ("/a/__pycache__/x.pyc", None),
            ("/a/__pycache__/.cpython-313.pyc", None),
            ("/a/.pyc", None),
            ("/a/x.py", None),
            ("x.pyc", None),
        ] {
            assert_eq!(
                source_of_compiled(path.as_bytes()),
                want.map(|want| want.as_bytes().to_vec()),
                "{path}"
            );
        }
    }

    #[test]
    fn finds_what_typescript_became() {
        let places = |path: &str| -> Vec<String> {
            let places = emitted_javascript(path.as_bytes());
            places
                .into_iter()
                .map(|place| String::from_utf8(place).unwrap())
                .collect()
        };
        assert_eq!(places("/m/x/lib/a.ts"), ["/m/x/lib/a.js"]);
        assert_eq!(places("/m/x/lib/a.mts"), ["/m/x/lib/a.mjs"]);
        let found = places("/m/x/src/b/a.ts");
        assert!(
            found.contains(&"/m/x/dist/b/a.js".to_owned()) && found.contains(&"/m/x/src/b/a.js".to_owned())
        );
        for path in ["/m/x/a.d.ts", "/m/x/a.d.mts", "/m/x/a.js", "/m/x/ts"] {
            assert!(places(path).is_empty(), "{path}");
        }
    }

    #[test]
    fn finds_the_module_of_an_extension() {
        for (name, want) in [
            ("_x.cpython-313-x86_64-linux-gnu.so", Some("_x")),
            ("_rust.abi3.so", Some("_rust")),
            ("x.so", Some("x")),
            ("x.pyd", Some("x")),
            ("libx.so.1", None),
            (".so", None),
            ("x.py", None),
        ] {
            assert_eq!(
                module_of_extension(name.as_bytes()),
                want.map(str::as_bytes),
                "{name}"
            );
        }
    }

    #[test]
    fn cuts_paths() {
        for (path, want) in [
            ("/app/.git/objects/ab", Some("/app/.git")),
            ("/.git/HEAD", Some("/.git")),
            ("/app/.git/modules/x/.git/HEAD", Some("/app/.git")),
            ("/app/.git", None),
            ("/app/x.git/HEAD", None),
        ] {
            assert_eq!(git_dir_of(path.as_bytes()), want.map(str::as_bytes), "{path}");
        }
        for (path, want) in [
            ("/usr/share/locale/de/LC_MESSAGES/tar.mo", Some("de")),
            ("/usr/share/locale/sr@latin/LC_TIME/x.mo", Some("sr@latin")),
            ("/usr/share/locale/locale.alias", None),
            ("/LC_MESSAGES/x.mo", None),
        ] {
            assert_eq!(locale_of(path.as_bytes()), want.map(str::as_bytes), "{path}");
        }
    }
}
