//! What must be true of a file beyond its path, and how a path names what must be looked at.
//!
//! A module of its own because conditions are a closed set: each reads facts that the scan has collected, never a
//! blob. Here are the names and the arithmetic of paths; `classify` has the facts.

use serde::Deserialize;

use crate::layer::Magic;

/// A condition of a category. All of a category's conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Condition {
    /// The mode has an execute bit.
    Executable,
    /// The `.git` above the file is a repository: a `HEAD` that is one, and a directory `objects`.
    GitDir,
    /// The locale that the path names (see [`locale_of`]) is neither in the profile nor in the image's environment.
    LocaleNotInUse,
    /// The first bytes are one of these kinds.
    Magic(Vec<Magic>),
    /// No file whose name begins with `.pnp.` is visible anywhere in the image: with one of them Yarn loads modules
    /// from its cache.
    NoPnp,
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
