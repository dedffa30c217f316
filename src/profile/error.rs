//! What can be wrong in a category or a profile, always with the file and the line.
//!
//! A module of its own so that every message of this floor reads the same.

use std::fmt;

/// Where a name or a glob was written: a file and a line of it, or a flag of the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the caller named it, or the flag (`--remove`).
    pub file: String,
    /// The line, counted from 1; none for a flag.
    pub line: Option<usize>,
}

impl Place {
    /// A flag of the command line, which has no lines.
    pub fn flag(name: &str) -> Self {
        Self {
            file: name.to_owned(),
            line: None,
        }
    }

    /// The line of `text` in which the byte at `offset` stands.
    pub fn in_text(file: &str, text: &str, offset: usize) -> Self {
        let before = text.bytes().take(offset).filter(|&byte| byte == b'\n').count();
        Self {
            file: file.to_owned(),
            line: Some(before + 1),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// What is wrong with a category, a profile, or a name of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// Occurs when a file is no TOML, has an unknown key or lacks one that must be there.
    #[error("{place}: {message}")]
    Syntax {
        /// The line where reading stopped.
        place: Place,
        /// What the TOML reader says.
        message: String,
    },
    /// Occurs when a glob cannot be compiled, or does not begin with `/` or `**/`.
    #[error("{place}: glob `{glob}`: {reason}")]
    Glob {
        /// The line of the glob itself.
        place: Place,
        /// The glob as written.
        glob: String,
        /// Why it is no glob.
        reason: String,
    },
    /// Occurs when a category has a name, a safety or an example that its band does not allow.
    #[error("{place}: category `{name}`: {what}")]
    Row {
        /// The line of the category's name.
        place: Place,
        /// The category.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Occurs when two categories have one name.
    #[error("{place}: category `{name}` is already defined at {first}")]
    DuplicateCategory {
        /// The second definition.
        place: Place,
        /// The name of both.
        name: String,
        /// The first definition.
        first: Place,
    },
    /// Occurs when two profiles have one name, or one is called `auto`, which has a meaning of its own.
    #[error("{place}: a profile `{name}` already exists")]
    DuplicateProfile {
        /// The second definition.
        place: Place,
        /// The name of both.
        name: String,
    },
    /// Occurs when a profile or a flag names a category that does not exist.
    #[error("{place}: unknown category `{name}`{}", hint(nearest.as_deref()))]
    UnknownCategory {
        /// Where it was named.
        place: Place,
        /// The unknown name.
        name: String,
        /// The category that was probably meant.
        nearest: Option<String>,
    },
    /// Occurs when a category that is named for removal holds what an image needs, or what is no waste by its kind.
    #[error(
        "{place}: category `{name}` cannot be removed: it is {why} (name paths with `{}` instead)",
        by_path(why)
    )]
    NotRemovable {
        /// Where it was named.
        place: Place,
        /// The category.
        name: String,
        /// `protected` or `a kind of file`.
        why: &'static str,
    },
    /// Occurs when no profile has the name.
    #[error("{}unknown profile `{name}`{}", at(place.as_ref()), hint(nearest.as_deref()))]
    UnknownProfile {
        /// The line of `extends` that names it; none when the caller asked for it.
        place: Option<Place>,
        /// The unknown name.
        name: String,
        /// The profile that was probably meant.
        nearest: Option<String>,
    },
    /// Occurs when a profile extends itself, directly or through others.
    #[error("profiles extend each other in a circle: {}", chain.join(" -> "))]
    Cycle {
        /// The names in the order of extension; the first one again at the end.
        chain: Vec<String>,
    },
}

/// The flag that takes single paths of what is no category to remove.
fn by_path(why: &str) -> &'static str {
    if why == "protected" {
        "--force-path"
    } else {
        "--remove-path"
    }
}

fn hint(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

fn at(place: Option<&Place>) -> String {
    place.map(|place| format!("{place}: ")).unwrap_or_default()
}
