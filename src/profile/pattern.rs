//! A glob over the paths of an image, and the one way to compile it.
//!
//! A module of its own because rows, `remove-paths` and flags must all mean the same by a star. Paths are bytes with a
//! leading slash and without a trailing one: `/usr/share/doc/x/README`. `*` and `?` stay within one component, `**/`
//! is any number of them, `/**` at the end is everything below a directory but not the directory.

use globset::{Glob, GlobBuilder};

use super::{Place, ProfileError};

/// A glob that is known to compile, with the place where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    glob: String,
    place: Place,
}

impl Pattern {
    /// Checks a glob.
    ///
    /// Fails with [`ProfileError::Glob`] when it cannot be compiled, or when it begins neither with `/` nor with
    /// `**/`: it would match nothing.
    pub fn new(glob: &str, place: Place) -> Result<Self, ProfileError> {
        let reason = if !glob.starts_with('/') && !glob.starts_with("**/") {
            "must begin with `/` or `**/`, as every path of an image does".to_owned()
        } else if glob.ends_with('/') {
            "ends with a slash, which no path does; `/**` is everything below".to_owned()
        } else {
            match compile(glob) {
                Ok(_) => {
                    return Ok(Self {
                        glob: glob.to_owned(),
                        place,
                    });
                }
                Err(error) => error.kind().to_string(),
            }
        };
        Err(ProfileError::Glob {
            place,
            glob: glob.to_owned(),
            reason,
        })
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.glob
    }

    /// Where it was written.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The compiled glob, for a `GlobSet`. It fails only where [`Pattern::new`] would have.
    pub fn compile(&self) -> Result<Glob, globset::Error> {
        compile(&self.glob)
    }

    /// The bytes before the first special character: the directory that the glob cannot leave.
    pub fn literal_prefix(&self) -> &str {
        let end = self
            .glob
            .find(['*', '?', '[', '{', '\\'])
            .unwrap_or(self.glob.len());
        &self.glob[..end]
    }

    /// How many bytes of the glob are no special characters: what breaks a tie between prefixes of one length.
    pub fn literal_bytes(&self) -> usize {
        self.glob
            .bytes()
            .filter(|byte| !b"*?[]{}\\,".contains(byte))
            .count()
    }
}

fn compile(glob: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(glob)
        .literal_separator(true)
        .backslash_escape(true)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(glob: &str) -> Result<Pattern, ProfileError> {
        Pattern::new(
            glob,
            Place {
                file: "a.toml".to_owned(),
                line: Some(3),
            },
        )
    }

    #[test]
    fn stars_stay_in_a_component_and_paths_are_bytes() {
        for (glob, path, want) in [
            ("/var/log/*.log", &b"/var/log/a.log"[..], true),
            ("/var/log/*.log", b"/var/log/apt/a.log", false),
            ("/var/log/**", b"/var/log/apt/a.log", true),
            ("/var/log/**", b"/var/log", false),
            ("**/.git/**", b"/.git/HEAD", true),
            ("**/.git/**", b"/app/.git/HEAD", true),
            ("**/.git/**", b"/app/x.git/HEAD", false),
            ("**/core", b"/core", true),
            ("**/*.so", b"/lib/\xff.so", true),
            ("/tmp/**", b"/tmp/\xff\n/x", true),
        ] {
            let matcher = pattern(glob).unwrap().compile().unwrap().compile_matcher();
            assert_eq!(
                matcher.is_match_candidate(&globset::Candidate::from_bytes(path)),
                want,
                "{glob} {path:?}"
            );
        }
    }

    #[test]
    fn what_matches_nothing_is_refused() {
        for (glob, want) in [
            (
                "var/log/**",
                "a.toml:3: glob `var/log/**`: must begin with `/` or `**/`, as every path of an image does",
            ),
            (
                "/var/log/",
                "a.toml:3: glob `/var/log/`: ends with a slash, which no path does; `/**` is everything below",
            ),
            (
                "/a/[x",
                "a.toml:3: glob `/a/[x`: unclosed character class; missing ']'",
            ),
        ] {
            assert_eq!(pattern(glob).unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn measures_what_is_literal() {
        for (glob, prefix, bytes) in [
            ("/usr/share/man/**", "/usr/share/man/", 15),
            ("**/*.so", "", 4),
            ("/**", "/", 1),
            ("/a", "/a", 2),
        ] {
            let pattern = pattern(glob).unwrap();
            assert_eq!(
                (pattern.literal_prefix(), pattern.literal_bytes()),
                (prefix, bytes),
                "{glob}"
            );
        }
    }
}
