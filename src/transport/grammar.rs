//! The words for sources and targets on the command line: `oci:DIR:TAG`, `docker-archive:PATH`, `-`, `nginx`.
//!
//! A module of its own because the grammar is one table and belongs to no single medium. Only a bare word
//! looks at the disk: it is a path if what is there is an image, else a registry reference.

use std::path::{Path, PathBuf};

use super::TransportError;
use super::error::shown;
use super::sniff::{self, Found};
use crate::oci::{Digest, Reference};

/// Where an image is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// An image in a registry.
    Registry(Reference),
    /// What `docker save` writes.
    DockerArchive {
        /// The file; `-` is standard input.
        path: PathBuf,
        /// Which of several images: a reference, or `@N` for the N-th, from 0.
        choice: Option<String>,
    },
    /// A directory in the OCI image layout.
    OciLayout {
        /// The directory.
        dir: PathBuf,
        /// Which of several images: a tag, or `@N`.
        tag: Option<String>,
    },
    /// A tar of an OCI image layout.
    OciArchive {
        /// The file; `-` is standard input.
        path: PathBuf,
        /// Which of several images: a tag, or `@N`.
        tag: Option<String>,
    },
    /// An image of an engine, Docker's or Podman's.
    Engine {
        /// A name with or without a tag or a digest, or an id, as the engine is asked for it.
        name: String,
    },
    /// A compressed archive, or a pipe: its kind shows when it is opened.
    Archive {
        /// The file.
        path: PathBuf,
        /// Which of several images.
        choice: Option<String>,
    },
    /// An archive of either kind on standard input.
    Stdin,
}

/// Where an image is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A repository in a registry.
    Registry(Reference),
    /// A directory in the OCI image layout; one that is there is extended.
    OciLayout {
        /// The directory.
        dir: PathBuf,
        /// The tag.
        tag: Option<String>,
    },
    /// A tar of an OCI image layout.
    OciArchive {
        /// The file.
        path: PathBuf,
        /// The tag.
        tag: Option<String>,
    },
    /// What `docker load` reads.
    DockerArchive {
        /// The file.
        path: PathBuf,
        /// The name that `docker load` gives the image.
        reference: Option<Reference>,
    },
    /// An engine, Docker's or Podman's.
    Engine {
        /// The name that the image gets, with a tag.
        reference: Reference,
    },
}

/// A medium as the command line speaks of it.
pub struct Transport {
    /// What a source or target begins with.
    pub prefix: &'static str,
    /// The whole syntax, for help and messages.
    pub syntax: &'static str,
    /// One line about it, for help.
    pub summary: &'static str,
    /// Reads what follows the prefix as a source.
    source: fn(&str) -> Result<Source, String>,
    /// Reads what follows the prefix as a target.
    target: fn(&str) -> Result<Target, String>,
}

/// Every medium that the command line names by prefix. `-` and bare words are said in [`Source::parse`].
pub const TRANSPORTS: &[Transport] = &[
    Transport {
        prefix: "docker://",
        syntax: "docker://HOST/REPOSITORY[:TAG][@DIGEST]",
        summary: "an image in a registry",
        source: |rest| reference(rest).map(Source::Registry),
        target: |rest| reference(rest).map(Target::Registry),
    },
    Transport {
        prefix: "docker-archive:",
        syntax: "docker-archive:PATH[:REFERENCE|:@INDEX]",
        summary: "the tar of `docker save` and `docker load`",
        source: |rest| {
            let (path, choice) = split_path(rest)?;
            Ok(Source::DockerArchive { path, choice })
        },
        target: |rest| {
            let (path, name) = split_path(rest)?;
            let reference = name.as_deref().map(tagged).transpose()?;
            Ok(Target::DockerArchive { path, reference })
        },
    },
    Transport {
        prefix: "oci-archive:",
        syntax: "oci-archive:PATH[:TAG]",
        summary: "a tar of an OCI image layout",
        source: |rest| split_path(rest).map(|(path, tag)| Source::OciArchive { path, tag }),
        target: |rest| split_target(rest).map(|(path, tag)| Target::OciArchive { path, tag }),
    },
    Transport {
        prefix: "oci:",
        syntax: "oci:DIR[:TAG]",
        summary: "a directory in the OCI image layout",
        source: |rest| split_path(rest).map(|(dir, tag)| Source::OciLayout { dir, tag }),
        target: |rest| split_target(rest).map(|(dir, tag)| Target::OciLayout { dir, tag }),
    },
    Transport {
        prefix: "docker-daemon:",
        syntax: "docker-daemon:NAME[:TAG|@DIGEST]|ID",
        summary: "an image of the Docker or Podman engine",
        source: |rest| {
            let name = engine_name(rest)?;
            Ok(Source::Engine { name })
        },
        target: |rest| tagged(rest).map(|reference| Target::Engine { reference }),
    },
];

impl Source {
    /// Reads a source as the command line gives it, where there is no engine.
    ///
    /// A bare word looks at what is on the disk under that name; nothing else does, but for finding where a
    /// path that holds a colon ends.
    pub fn parse(text: &str) -> Result<Self, TransportError> {
        Self::parse_with(text, &|_| false)
    }

    /// The same, beside an engine that can be asked whether it has an image of a name or id: a bare word that is no
    /// image on the disk is one in the engine, else one in a registry.
    pub fn parse_with(text: &str, engine_has: &dyn Fn(&str) -> bool) -> Result<Self, TransportError> {
        if text == "-" {
            return Ok(Self::Stdin);
        }
        match by_prefix(text) {
            Some((transport, rest)) => (transport.source)(rest).map_err(|reason| bad(text, reason)),
            None => match FOREIGN.iter().find(|prefix| text.starts_with(**prefix)) {
                Some(prefix) => {
                    let reason =
                        format!("slim does not read {prefix}; `skopeo copy {text} oci:DIRECTORY:TAG` first");
                    Err(bad(text, reason))
                }
                None => bare(text, engine_has),
            },
        }
    }

    /// What was chosen, for people: `OCI layout ./out`, `registry image docker.io/library/nginx:latest`.
    pub fn describe(&self) -> String {
        let chosen = |choice: &Option<String>| choice.as_ref().map_or(String::new(), |c| format!(":{c}"));
        match self {
            Self::Registry(reference) => format!("registry image {reference}"),
            Self::DockerArchive { path, choice } => {
                format!("docker archive {}{}", path.display(), chosen(choice))
            }
            Self::OciLayout { dir, tag } => format!("OCI layout {}{}", dir.display(), chosen(tag)),
            Self::OciArchive { path, tag } => format!("OCI archive {}{}", path.display(), chosen(tag)),
            Self::Engine { name } => format!("image {name} of the engine"),
            Self::Archive { path, choice } => {
                format!("archive {}{}", path.display(), chosen(choice))
            }
            Self::Stdin => "archive on standard input".to_owned(),
        }
    }
}

impl Target {
    /// Reads a target with a prefix, as `slim save` takes it.
    pub fn parse(text: &str) -> Result<Self, TransportError> {
        match by_prefix(text) {
            Some((transport, rest)) => (transport.target)(rest).map_err(|reason| bad(text, reason)),
            None => Err(bad(
                text,
                format!("a target begins with its transport: {}", syntaxes()),
            )),
        }
    }

    /// Reads a registry reference, with or without `docker://`, as `slim push` takes it.
    pub fn parse_push(text: &str) -> Result<Self, TransportError> {
        match by_prefix(text) {
            Some((transport, rest)) if transport.prefix == "docker://" => {
                (transport.target)(rest).map_err(|reason| bad(text, reason))
            }
            Some((transport, _)) => {
                let reason = format!("{} is no registry; `slim save` writes there", transport.summary);
                Err(bad(text, reason))
            }
            None => reference(text)
                .map(Self::Registry)
                .map_err(|reason| bad(text, reason)),
        }
    }

    /// Reads a name in the engine, with or without `docker-daemon:`, as `slim load` takes it.
    pub fn parse_load(text: &str) -> Result<Self, TransportError> {
        match by_prefix(text) {
            Some((transport, rest)) if transport.prefix == "docker-daemon:" => {
                (transport.target)(rest).map_err(|reason| bad(text, reason))
            }
            Some((transport, _)) => {
                let reason = format!(
                    "{} is no engine; `slim save` and `slim push` write there",
                    transport.summary
                );
                Err(bad(text, reason))
            }
            None => tagged(text)
                .map(|reference| Self::Engine { reference })
                .map_err(|reason| bad(text, reason)),
        }
    }

    /// The target in its own syntax, with the transport.
    pub fn reference(&self) -> String {
        let tagged = |prefix: &str, path: &Path, tag: Option<String>| match tag {
            Some(tag) => format!("{prefix}{}:{tag}", path.display()),
            None => format!("{prefix}{}", path.display()),
        };
        match self {
            Self::Registry(reference) => format!("docker://{reference}"),
            Self::OciLayout { dir, tag } => tagged("oci:", dir, tag.clone()),
            Self::OciArchive { path, tag } => tagged("oci-archive:", path, tag.clone()),
            Self::DockerArchive { path, reference } => tagged(
                "docker-archive:",
                path,
                reference.as_ref().map(Reference::to_string),
            ),
            Self::Engine { reference } => format!("docker-daemon:{}", reference.familiar()),
        }
    }
}

/// The row whose prefix `text` has, and the rest.
fn by_prefix(text: &str) -> Option<(&'static Transport, &str)> {
    TRANSPORTS
        .iter()
        .find_map(|transport| Some((transport, text.strip_prefix(transport.prefix)?)))
}

/// A bare word: an image on the disk, or in the engine, or a reference. A file that is called like an image and is none
/// does not stand in the image's way.
fn bare(text: &str, engine_has: &dyn Fn(&str) -> bool) -> Result<Source, TransportError> {
    let (path, choice) = split_existing(text).unwrap_or_else(|| (PathBuf::from(text), None));
    match sniff::path(&path) {
        Ok(Found::OciLayout) => Ok(Source::OciLayout {
            dir: path,
            tag: choice,
        }),
        Ok(Found::OciArchive) => Ok(Source::OciArchive { path, tag: choice }),
        Ok(Found::DockerArchive) => Ok(Source::DockerArchive { path, choice }),
        Ok(Found::Stream) => Ok(Source::Archive { path, choice }),
        Err(error) if looks_like_path(text) => Err(error),
        Err(_) if engine_name(text).is_ok_and(|name| engine_has(&name)) => Ok(Source::Engine {
            name: text.to_owned(),
        }),
        Err(error) => reference(text)
            .map(Source::Registry)
            .map_err(|reason| match error {
                TransportError::NoSuchFile(_) => bad(text, reason),
                other => other,
            }),
    }
}

/// Whether nobody would write `text` to mean a registry's image.
fn looks_like_path(text: &str) -> bool {
    const ARCHIVES: [&str; 7] = [
        ".tar",
        ".tar.gz",
        ".tgz",
        ".tar.xz",
        ".txz",
        ".tar.zst",
        ".tar.zstd",
    ];
    let path = text
        .split_once(".tar:")
        .map_or(text, |(stem, _)| &text[..stem.len() + 4]);
    let starts = ["./", "../", "/", "~"]
        .iter()
        .any(|start| text.starts_with(start));
    starts || matches!(text, "." | "..") || ARCHIVES.iter().any(|end| path.ends_with(end))
}

/// `PATH[:CHOICE]`: the shortest path that is there, else what stands before the first colon.
fn split_path(text: &str) -> Result<(PathBuf, Option<String>), String> {
    let (path, choice) = split_existing(text).unwrap_or_else(|| match text.split_once(':') {
        Some((path, choice)) => (path.into(), Some(choice.to_owned())),
        None => (text.into(), None),
    });
    if path.as_os_str().is_empty() {
        return Err("the path is missing".to_owned());
    }
    if choice.as_deref() == Some("") {
        return Err("nothing stands after the colon".to_owned());
    }
    Ok((path, choice))
}

/// `PATH[:CHOICE]` where the path exists: the whole text if it does, else up to the first colon that ends
/// an existing path.
fn split_existing(text: &str) -> Option<(PathBuf, Option<String>)> {
    let exists = |path: &str| !path.is_empty() && std::fs::symlink_metadata(path).is_ok();
    if exists(text) {
        return Some((text.into(), None));
    }
    let mut colons = text.match_indices(':').map(|(at, _)| at);
    let at = colons.find(|at| exists(&text[..*at]))?;
    Some((text[..at].into(), Some(text[at + 1..].to_owned())))
}

/// `PATH[:TAG]` of a target: the tag must be one that image-spec allows (`annotations.md`, `ref.name`).
fn split_target(text: &str) -> Result<(PathBuf, Option<String>), String> {
    let (path, tag) = split_path(text)?;
    let good = |tag: &str| {
        let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = tag.as_bytes();
        edge(bytes.first())
            && edge(bytes.last())
            && bytes
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-._:@/+".contains(b))
    };
    match tag {
        Some(tag) if !good(&tag) => Err(format!("`{}` is not a tag that a layout may hold", shown(&tag))),
        tag => Ok((path, tag)),
    }
}

/// What an engine is asked for: anything that may be a name or an id.
fn engine_name(text: &str) -> Result<String, String> {
    let is_id = (4..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    let is_digest = || text.parse::<Digest>().is_ok();
    if !is_id && !is_digest() {
        reference(text)?;
    }
    Ok(text.to_owned())
}

fn reference(text: &str) -> Result<Reference, String> {
    text.parse::<Reference>().map_err(|error| error.to_string())
}

/// A reference under which `docker load` can store an image: one with a tag.
fn tagged(text: &str) -> Result<Reference, String> {
    let reference = reference(text)?;
    if reference.digest.is_some() {
        return Err("an image is loaded under a tag, not under a digest".to_owned());
    }
    Ok(reference)
}

fn bad(text: &str, reason: impl Into<String>) -> TransportError {
    TransportError::BadName {
        text: shown(text),
        reason: reason.into(),
    }
}

/// Transports of containers-transports(5) that slim does not know: never to be read as names in a registry.
const FOREIGN: [&str; 6] = [
    "containers-storage:",
    "dir:",
    "docker-dir:",
    "ostree:",
    "sif:",
    "tarball:",
];

fn syntaxes() -> String {
    let all: Vec<&str> = TRANSPORTS.iter().map(|transport| transport.syntax).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        match Source::parse(text) {
            Ok(source) => source.describe(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn sources_by_prefix() {
        for (text, want) in [
            ("-", "archive on standard input"),
            ("docker://nginx", "registry image docker.io/library/nginx:latest"),
            ("oci:no-such-dir:1.0", "OCI layout no-such-dir:1.0"),
            ("oci:/no/such", "OCI layout /no/such"),
            ("oci-archive:a.tar:b:c", "OCI archive a.tar:b:c"),
            ("docker-archive:a.tar:@2", "docker archive a.tar:@2"),
            ("docker-archive:-", "docker archive -"),
            ("nginx:1.27", "registry image docker.io/library/nginx:1.27"),
            ("docker-daemon:app:1", "image app:1 of the engine"),
            ("docker-daemon:9c7a54a9a43c", "image 9c7a54a9a43c of the engine"),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }

    #[test]
    fn what_is_no_source_says_why() {
        for (text, part) in [
            ("oci:", "the path is missing"),
            ("oci:no-such-dir:", "nothing stands after the colon"),
            ("docker-daemon:UPPER", "is not an image reference"),
            ("./no-such", "no such file or directory: ./no-such"),
            ("no-such.tar", "no such file or directory: no-such.tar"),
            ("no-such.tar.gz", "no such file"),
            ("containers-storage:app", "skopeo copy containers-storage:app"),
            ("docker://UPPER", "is not an image reference"),
            ("UPPER", "is not an image reference"),
        ] {
            let said = parse(text);
            assert!(
                said.starts_with("error:") && said.contains(part),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn a_path_may_hold_colons_where_it_exists() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("a:b");
        std::fs::create_dir(&odd).unwrap();
        let odd = odd.to_str().unwrap();
        for (text, choice) in [(odd.to_owned(), None), (format!("{odd}:x:y"), Some("x:y"))] {
            let want = (PathBuf::from(odd), choice.map(str::to_owned));
            assert_eq!(split_path(&text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn a_bare_word_is_a_path_only_where_an_image_is() {
        let dir = tempfile::tempdir().unwrap();
        let layout = dir.path().join("layout");
        std::fs::create_dir(&layout).unwrap();
        let text = layout.to_str().unwrap();
        assert!(parse(text).contains("is not an image"), "{}", parse(text));
        std::fs::write(layout.join("index.json"), "{}").unwrap();
        assert_eq!(parse(text), format!("OCI layout {text}"));
        assert_eq!(parse(&format!("{text}:1.0")), format!("OCI layout {text}:1.0"));
    }

    #[test]
    fn a_bare_word_that_the_engine_knows_is_its_image_unless_a_path_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let layout = dir.path().join("layout");
        std::fs::create_dir(&layout).unwrap();
        std::fs::write(layout.join("index.json"), "{}").unwrap();
        let layout = layout.to_str().unwrap();
        let engine_has = |name: &str| name != "unknown";
        for (text, want) in [
            ("app:1", "image app:1 of the engine"),
            ("0123abcd", "image 0123abcd of the engine"),
            ("unknown", "registry image docker.io/library/unknown:latest"),
            ("docker://app", "registry image docker.io/library/app:latest"),
            (layout, &format!("OCI layout {layout}")),
        ] {
            let source = Source::parse_with(text, &engine_has).unwrap();
            assert_eq!(source.describe(), want, "{text}");
        }
        assert!(
            Source::parse_with("./app", &engine_has).is_err(),
            "a path is no name"
        );
        assert!(
            Source::parse_with("app.tar", &engine_has).is_err(),
            "a path is no name"
        );
    }

    #[test]
    fn targets() {
        for (text, want) in [
            ("oci:no-such:a/b:1.0", "oci:no-such:a/b:1.0"),
            ("oci-archive:no-such.tar", "oci-archive:no-such.tar"),
            (
                "docker-archive:o.tar:app",
                "docker-archive:o.tar:docker.io/library/app:latest",
            ),
            ("docker://app", "docker://docker.io/library/app:latest"),
            ("docker-daemon:app", "docker-daemon:app:latest"),
            ("docker-daemon:ghcr.io/o/app:1", "docker-daemon:ghcr.io/o/app:1"),
        ] {
            assert_eq!(Target::parse(text).unwrap().reference(), want);
        }
        let digest = format!("docker-archive:o.tar:app@sha256:{}", "a".repeat(64));
        let engine = digest.replace("docker-archive:o.tar:", "docker-daemon:");
        for text in ["app", "oci:dir:a b", &digest, &engine] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
        assert!(matches!(Target::parse_push("app:1"), Ok(Target::Registry(_))));
        assert!(Target::parse_push("oci:dir").is_err());
    }
}
