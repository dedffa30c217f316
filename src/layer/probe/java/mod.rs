//! Reads Java archives as they stream past: what their Maven files, their manifest and their file name call them.
//!
//! A module of its own because an archive says in several places what it is, and any of them may be wrong: this is about
//! which one is believed. How a zip file is read front to back is `zip`'s. Only small files of the archive are kept.

mod zip;

use zip::{Entry, Zip};

use super::{Reader, name_and_version};

/// A reader for an archive, or for a shell script with one behind it, which Spring Boot makes.
pub(super) fn begin(path: &[u8], _size: u64, head: &[u8]) -> Option<Box<dyn Reader>> {
    let name = FileName::of(path)?;
    let is_wanted = head.starts_with(zip::FILE) || head.starts_with(b"#!");
    is_wanted.then(|| {
        Box::new(Java {
            name,
            zip: Zip::new(wanted),
            is_zip: head.starts_with(zip::FILE),
        }) as Box<dyn Reader>
    })
}

struct Java {
    name: FileName,
    zip: Zip,
    is_zip: bool,
}

impl Reader for Java {
    fn read(&mut self, bytes: &[u8]) {
        self.zip.read(bytes);
    }

    fn end(self: Box<Self>) -> Option<Box<[u8]>> {
        let (entries, nests) = self.zip.end();
        if entries.is_empty() && !self.is_zip {
            return None;
        }
        let mut said = Said {
            nests: nests || self.name.is_container,
            ..Said::default()
        };
        for Entry { name, bytes } in entries {
            let text = String::from_utf8_lossy(&bytes);
            if name == MANIFEST {
                said.manifest(&text);
            } else {
                said.poms.extend(Pom::of(&text));
            }
        }
        let (name, version) = said.choose(&self.name);
        name_and_version(name, version)
    }
}

const MANIFEST: &[u8] = b"META-INF/MANIFEST.MF";

/// What an entry of the archive is for.
enum Wanted {
    No,
    Yes,
    /// It is below the directory of an application that brings its archives along.
    Nests,
}

fn wanted(name: &[u8]) -> Wanted {
    if name.starts_with(b"BOOT-INF/") || name.starts_with(b"WEB-INF/") {
        return Wanted::Nests;
    }
    let inside = name.strip_prefix(b"META-INF/maven/");
    let is_pom = inside
        .and_then(|name| name.strip_suffix(b"/pom.properties"))
        .is_some_and(|names| names.split(|&b| b == b'/').count() == 2);
    if is_pom || name == MANIFEST {
        Wanted::Yes
    } else {
        Wanted::No
    }
}

/// What the name of the file says.
#[derive(Debug, PartialEq, Eq)]
struct FileName {
    /// Without the extension.
    stem: String,
    /// Bytes of the stem that are the name; what follows the hyphen behind them is the version.
    cut: usize,
    /// Whether it is an application by its extension, and libraries are archives inside it.
    is_container: bool,
}

impl FileName {
    fn of(path: &[u8]) -> Option<Self> {
        let name = path.rsplit(|&b| b == b'/').next()?;
        let dot = name.iter().rposition(|&b| b == b'.')?;
        let (stem, extension) = (&name[..dot], name[dot + 1..].to_ascii_lowercase());
        if !matches!(&extension[..], b"jar" | b"war" | b"ear" | b"jpi" | b"hpi") || stem.is_empty() {
            return None;
        }
        let stem = String::from_utf8_lossy(stem).into_owned();
        let is_version = |pair: &[u8]| pair[0] == b'-' && pair[1].is_ascii_digit();
        let cut = stem.as_bytes().windows(2).skip(1).position(is_version);
        Some(Self {
            cut: cut.map_or(stem.len(), |at| at + 1),
            stem,
            is_container: extension != b"jar",
        })
    }

    fn name(&self) -> &str {
        &self.stem[..self.cut]
    }

    fn version(&self) -> &str {
        self.stem.get(self.cut + 1..).unwrap_or_default()
    }

    /// Whether the file is called so, with or without a version.
    fn is(&self, artifact: &str) -> bool {
        let rest = self.stem.strip_prefix(artifact);
        rest.is_some_and(|rest| match rest.as_bytes() {
            [] => true,
            [b'-', first, ..] => first.is_ascii_digit(),
            _ => false,
        })
    }
}

/// What an archive says of itself.
#[derive(Debug, Default)]
struct Said {
    poms: Vec<Pom>,
    title: String,
    /// `Bundle-SymbolicName`: as a rule the group, a dot, and the artifact.
    bundle: String,
    /// Those of the manifest, the most believable first; empty where it has none.
    versions: [String; 4],
    nests: bool,
}

/// `pom.properties`.
#[derive(Debug, PartialEq, Eq)]
struct Pom {
    artifact: String,
    version: String,
}

impl Pom {
    /// java.util.Properties, as Maven writes them.
    fn of(text: &str) -> Option<Self> {
        let field = |key: &str| {
            let value = |line: &'_ str| {
                let rest = line.trim_ascii_start().strip_prefix(key)?.trim_ascii_start();
                let value = rest.strip_prefix(['=', ':'])?.trim_ascii();
                // What Maven was to fill in and did not.
                (!value.is_empty() && !value.contains("${")).then(|| value.to_owned())
            };
            text.lines().find_map(value)
        };
        Some(Self {
            artifact: field("artifactId")?,
            version: field("version").unwrap_or_default(),
        })
    }
}

impl Said {
    /// The main section of a manifest: lines end at 72 bytes and go on behind a space.
    fn manifest(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let main = text.split("\n\n").next().unwrap_or_default().replace("\n ", "");
        for (key, value) in main.lines().filter_map(|line| line.split_once(':')) {
            let key = key.to_ascii_lowercase();
            let place = match key.as_str() {
                "implementation-title" => &mut self.title,
                "bundle-symbolicname" => &mut self.bundle,
                "implementation-version" => &mut self.versions[0],
                "specification-version" => &mut self.versions[1],
                "plugin-version" => &mut self.versions[2],
                "bundle-version" => &mut self.versions[3],
                _ => continue,
            };
            value.trim_ascii().clone_into(place);
        }
    }

    fn is_bundle(&self, artifact: &str) -> bool {
        let name = self.bundle.split(';').next().unwrap_or_default().trim_ascii_end();
        let group = name.strip_suffix(artifact);
        group.is_some_and(|group| group.is_empty() || group.ends_with('.'))
    }

    /// Name and version. A Maven file is believed where something else says the same: archives that have taken others
    /// in have theirs too. Else the name of the file, and the version of the manifest where that has none.
    fn choose<'a>(&'a self, file: &'a FileName) -> (&'a str, &'a str) {
        let rank = |pom: &Pom| {
            let artifact = pom.artifact.as_str();
            if file.is(artifact) {
                2
            } else if artifact == self.title || self.is_bundle(artifact) {
                1
            } else if self.poms.len() == 1 {
                // What an application brings along are archives inside it: the file is its own.
                let name = file.name();
                let is_like =
                    name.starts_with(artifact) || name.ends_with(artifact) || artifact.starts_with(name);
                usize::from(is_like || self.nests)
            } else {
                0
            }
        };
        let best = self.poms.iter().max_by_key(|pom| (rank(pom), pom.artifact.len()));
        let pom = best.filter(|pom| rank(pom) > 0);
        let manifest = self.versions.iter().map(String::as_str);
        let versions = pom.map(|pom| pom.version.as_str()).into_iter();
        let version = versions
            .chain([file.version()])
            .chain(manifest)
            .find(|version| !version.is_empty());
        (
            pom.map_or(file.name(), |pom| &pom.artifact),
            version.unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::read_in_pieces;
    use super::zip::tests::{Made, zip};
    use super::*;

    fn read(path: &str, file: &[u8], piece: usize) -> Option<String> {
        let value = read_in_pieces(begin, path, file, piece)?;
        Some(String::from_utf8(value.into()).unwrap())
    }

    const POM: &str = "#Generated by Maven\nversion=2.1\ngroupId=org.example\nartifactId=lib\n";

    /// An entry of an archive: its name, and what is in it.
    type Text = (String, String);

    fn pom(artifact: &str) -> Text {
        let text = format!("version=1.{}\r\nartifactId = {artifact}\r\n", artifact.len());
        (format!("META-INF/maven/g/{artifact}/pom.properties"), text)
    }

    fn manifest(text: &str) -> Text {
        ("META-INF/MANIFEST.MF".to_owned(), text.to_owned())
    }

    fn inside(name: &str) -> Text {
        (name.to_owned(), "x".repeat(3000))
    }

    fn check(cases: &[(&str, &[Text], &str)]) {
        for (path, entries, want) in cases {
            let made: Vec<_> = entries
                .iter()
                .map(|(name, text)| Made::new(name, text.as_bytes()))
                .collect();
            let found = read(path, &zip(&made), 100);
            assert_eq!(found.as_deref(), Some(*want), "{path}: {entries:?}");
        }
    }

    #[test]
    fn the_name_that_something_confirms() {
        let title = manifest("Implementation-Title: shop\n");
        let bundle = manifest("Bundle-SymbolicName: org.a.annota\n tion_1.3;x=y\n");
        check(&[
            ("a/lib-9.jar", &[pom("lib")], "lib\n1.3"),
            ("lib.jar", &[pom("other"), pom("lib"), pom("lib-x")], "lib\n1.3"),
            (
                "log4j-1.2-api-2.jar",
                &[pom("log4j"), pom("log4j-1.2-api")],
                "log4j-1.2-api\n1.13",
            ),
            ("org.eclipse.lib_x.jar", &[pom("lib_x")], "lib_x\n1.5"),
            ("lib2.jar", &[pom("lib")], "lib\n1.3"),
            ("lib.jar", &[pom("lib-jetty12")], "lib-jetty12\n1.11"),
            ("app.jar", &[pom("shop"), pom("other"), title], "shop\n1.4"),
            (
                "a-1.3-spec.jar",
                &[pom("annotation_1.3"), pom("x"), bundle],
                "annotation_1.3\n1.14",
            ),
            (
                "app.jar",
                &[pom("shop"), inside("BOOT-INF/lib/a.jar")],
                "shop\n1.4",
            ),
            ("ROOT.war", &[pom("shop")], "shop\n1.4"),
        ]);
    }

    #[test]
    fn the_name_of_the_file_and_the_version_of_the_manifest() {
        let sections = "A: b\r\nBundle-Version: 1.2\r\n .3\r\nImplementation-Version: \r\n\r\nName: x\r\nImplementation-Version: 7\r\n";
        let unfilled = (
            "META-INF/maven/g/a/pom.properties".to_owned(),
            "artifactId=a\nversion=${v}\n".to_owned(),
        );
        let elsewhere = ("x/META-INF/maven/g/a/pom.properties".to_owned(), POM.to_owned());
        check(&[
            ("lib-app.jar", &[pom("lib"), pom("other")], "lib-app\n"),
            ("ROOT.war", &[pom("shop"), pom("other")], "ROOT\n"),
            ("app.jar", &[pom("shaded")], "app\n"),
            ("app-1.0-SNAPSHOT.jar", &[pom("shaded")], "app\n1.0-SNAPSHOT"),
            ("git.hpi", &[manifest("Plugin-Version: 5.2\n")], "git\n5.2"),
            ("a.jar", &[manifest(sections)], "a\n1.2.3"),
            (
                "a.jar",
                &[manifest("bundle-version: 2\nimplementation-version: 1\n")],
                "a\n1",
            ),
            ("a.jar", &[unfilled], "a\n"),
            ("a.jar", &[elsewhere], "a\n"),
            ("a.JAR", &[inside("x")], "a\n"),
        ]);
    }

    #[test]
    fn only_archives() {
        let file = zip(&[Made::new("META-INF/maven/g/lib/pom.properties", POM.as_bytes())]);
        for (path, is_one) in [
            ("lib.jar", true),
            ("x/lib-2.1.ear", true),
            ("lib.zip", false),
            ("x.jar/lib", false),
            (".jar", false),
            ("jar", false),
        ] {
            assert_eq!(read(path, &file, 9).is_some(), is_one, "{path}");
        }
        for front in [
            &b"#!/bin/sh\nexec java -jar $0\nP"[..],
            b"#!PK",
            &[b"#!".as_slice(), &[b'x'; 5000]].concat(),
        ] {
            let file = [front, &file].concat();
            for piece in [1, 3, 1000, 100_000] {
                assert_eq!(read("lib.jar", &file, piece).as_deref(), Some("lib\n2.1"));
            }
        }
        assert_eq!(read("lib.jar", b"#!/bin/sh\nexit 1\n", 9), None);
        assert_eq!(read("lib.jar", b"\xca\xfe\xba\xbe", 9), None);
        assert_eq!(read("li\nb.jar", &zip(&[Made::new("x", b"y")]), 9), None);
    }

    #[test]
    fn archives_of_this_machine() {
        for name in ["guava.jar", "commons-io.jar", "slf4j-api.jar", "maven3-core.jar"] {
            let Ok(file) = std::fs::read(format!("/usr/share/java/{name}")) else {
                eprintln!("skipped: there is no /usr/share/java/{name}");
                continue;
            };
            let found = read(name, &file, 1 << 16).unwrap();
            let (artifact, version) = found.split_once('\n').unwrap();
            assert!(
                !artifact.is_empty() && version.starts_with(|first: char| first.is_ascii_digit()),
                "{found}"
            );
        }
    }
}
