//! Names of tar members, made into paths of the image: clean, relative to the root, inside it.
//!
//! Rules 3, 6 and 32: `./a`, `/a` and `a/` are one path, `..` never leaves the root, and a whiteout is a
//! basename that begins with `.wh.`, nothing else.

use crate::tar;

/// What the basename of a member says (image-spec `layer.md`, "Whiteouts").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An ordinary member.
    Content,
    /// `.wh.NAME`: hides NAME of the layers below. The path is NAME's.
    Whiteout,
    /// `.wh..wh..opq`: hides everything of the layers below in its directory. The path is the directory's.
    Opaque,
    /// Bookkeeping of aufs (`.wh..wh.plnk` …): means nothing here.
    Metadata,
    /// A whiteout without a name, or of `.` or `..`: has no effect.
    BareWhiteout,
    /// A member below a directory that is named like a whiteout: it could never be written again.
    BelowWhiteout,
}

/// What one member of a tar means for its layer: decided here for the first reading and for the second.
#[derive(Debug, Default)]
pub struct Member {
    /// The normal path; of a whiteout, what it hides.
    pub path: Vec<u8>,
}

impl Member {
    /// Resolves the name of `header` into [`Member::path`] and says its role.
    pub fn role(&mut self, header: &tar::Header) -> Role {
        normalise(&header.path, &mut self.path);
        role(&mut self.path)
    }
}

/// Replaces `out` by the normal form of `name`: components joined by `/`, without `.` and empty ones, `..`
/// resolved and held inside the root. The root itself is empty.
pub fn normalise(name: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for part in name.split(|&b| b == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                let end = out.iter().rposition(|&b| b == b'/').unwrap_or(0);
                out.truncate(end);
            }
            part => {
                if !out.is_empty() {
                    out.push(b'/');
                }
                out.extend_from_slice(part);
            }
        }
    }
}

/// Whether `name` has a `..` that a reader must resolve or refuse.
pub fn climbs(name: &[u8]) -> bool {
    name.split(|&b| b == b'/').any(|part| part == b"..")
}

/// The role of a normal path; for whiteouts `path` becomes what they hide.
pub(super) fn role(path: &mut Vec<u8>) -> Role {
    let cut = path.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    let below = path[..cut]
        .split(|&b| b == b'/')
        .any(|part| part.starts_with(b".wh."));
    let Some(hidden) = path[cut..].strip_prefix(b".wh.") else {
        return if below { Role::BelowWhiteout } else { Role::Content };
    };
    if below {
        return Role::BelowWhiteout;
    }
    match hidden {
        b".wh..opq" => {
            path.truncate(cut.saturating_sub(1));
            Role::Opaque
        }
        b"" | b"." | b".." => Role::BareWhiteout,
        hidden if hidden.starts_with(b".wh.") => Role::Metadata,
        _ => {
            path.drain(cut..cut + 4);
            Role::Whiteout
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(name: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        normalise(name, &mut out);
        out
    }

    #[test]
    fn names_become_paths_inside_the_root() {
        for (name, want) in [
            ("./a", "a"),
            ("/a", "a"),
            ("a/", "a"),
            ("a//b/./c", "a/b/c"),
            ("../../etc", "etc"),
            ("a/../b", "b"),
            ("a/b/../../..", ""),
            (".", ""),
            ("", ""),
        ] {
            assert_eq!(normal(name.as_bytes()), want.as_bytes(), "{name}");
        }
    }

    #[test]
    fn only_a_basename_makes_a_whiteout() {
        for (path, want, rest) in [
            ("a/.wh.b", Role::Whiteout, "a/b"),
            (".wh.b", Role::Whiteout, "b"),
            ("a/.wh..wh..opq", Role::Opaque, "a"),
            (".wh..wh..opq", Role::Opaque, ""),
            ("a/x.wh.y", Role::Content, "a/x.wh.y"),
            ("a/.WH.b", Role::Content, "a/.WH.b"),
            ("a/.wh.", Role::BareWhiteout, "a/.wh."),
            ("a/.wh..", Role::BareWhiteout, "a/.wh.."),
            ("a/.wh...", Role::BareWhiteout, "a/.wh..."),
            (".wh..wh.plnk", Role::Metadata, ".wh..wh.plnk"),
            (".wh..wh.plnk/1", Role::BelowWhiteout, ".wh..wh.plnk/1"),
        ] {
            let mut bytes = path.as_bytes().to_vec();
            assert_eq!(
                (role(&mut bytes), bytes),
                (want, rest.as_bytes().to_vec()),
                "{path}"
            );
        }
    }
}
