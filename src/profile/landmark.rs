//! Directories that say by what lies in them what they are: build trees, projects, places of installed packages.
//!
//! A module of its own because it is one closed table of names, read on two floors: rows of categories name the kinds,
//! `classify` looks for the marks. A directory is never known by its own name alone (rule 28).

use serde::Deserialize;

/// A kind of directory, known by what lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Landmark {
    /// Where a `configure` script of the GNU build system ran.
    AutotoolsBuild,
    /// Sources with a `configure` script of the GNU build system.
    AutotoolsProject,
    /// A git repository without a checkout.
    BareGit,
    /// A crate's or a workspace's sources.
    CargoProject,
    /// What Cargo builds into.
    CargoTarget,
    /// What `CMake` builds into.
    CmakeBuild,
    /// Sources that `CMake` builds.
    CmakeProject,
    /// A module's sources.
    GoModule,
    /// Sources that Gradle builds, beside what it builds into.
    GradleProject,
    /// Sources that Maven builds, beside what it builds into.
    MavenProject,
    /// What Meson builds into.
    MesonBuild,
    /// Sources that Meson builds.
    MesonProject,
    /// What Ninja builds into.
    NinjaBuild,
    /// What node-gyp builds a native add-on in.
    NodeGypBuild,
    /// A directory of Python packages that an installer filled.
    PythonSite,
}

/// What marks a kind: all of these names lie in the directory.
type Marks = (Landmark, &'static [&'static str]);

/// The first name of each row is the rarest: it is what is looked for.
const MARKS: &[Marks] = &[
    (Landmark::AutotoolsBuild, &["config.status", "Makefile"]),
    (Landmark::AutotoolsProject, &["configure.ac"]),
    (Landmark::BareGit, &["HEAD", "objects", "refs"]),
    (Landmark::CargoProject, &["Cargo.toml"]),
    (Landmark::CargoTarget, &[".rustc_info.json"]),
    (Landmark::CmakeBuild, &["CMakeCache.txt"]),
    (Landmark::CmakeProject, &["CMakeLists.txt"]),
    (Landmark::GoModule, &["go.mod"]),
    (Landmark::GradleProject, &["build.gradle"]),
    (Landmark::GradleProject, &["build.gradle.kts"]),
    (Landmark::MavenProject, &["pom.xml"]),
    (Landmark::MesonBuild, &["meson-private", "build.ninja"]),
    (Landmark::MesonProject, &["meson.build"]),
    (Landmark::NinjaBuild, &[".ninja_log", "build.ninja"]),
    (Landmark::NodeGypBuild, &["binding.Makefile", "config.gypi"]),
];

impl Landmark {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::AutotoolsBuild,
        Self::AutotoolsProject,
        Self::BareGit,
        Self::CargoProject,
        Self::CargoTarget,
        Self::CmakeBuild,
        Self::CmakeProject,
        Self::GoModule,
        Self::GradleProject,
        Self::MavenProject,
        Self::MesonBuild,
        Self::MesonProject,
        Self::NinjaBuild,
        Self::NodeGypBuild,
        Self::PythonSite,
    ];

    /// What a name in a directory says of the directory, if the other names are there too. [`Landmark::PythonSite`] is
    /// not known by a name: see [`Landmark::is_python_site`].
    pub fn marked_by(name: &[u8]) -> impl Iterator<Item = (Self, &'static [&'static str])> + '_ {
        MARKS
            .iter()
            .filter(move |(_, marks)| marks[0].as_bytes() == name)
            .map(|(landmark, marks)| (*landmark, &marks[1..]))
    }

    /// Whether `site/dist_info/RECORD` is what installers write (PEP 376, PEP 627).
    pub fn is_python_site(site: &[u8], dist_info: &[u8]) -> bool {
        matches!(site, b"site-packages" | b"dist-packages") && dist_info.ends_with(b".dist-info")
    }

    /// A bit of its own, for sets.
    pub fn bit(self) -> u16 {
        1 << self as u16
    }

    /// What it is, and how it is known, for people.
    pub fn describe(self) -> String {
        let what = match self {
            Self::AutotoolsBuild => "a tree that `configure` made",
            Self::AutotoolsProject => "a project with `configure`",
            Self::BareGit => "a bare git repository",
            Self::CargoProject => "a Cargo project",
            Self::CargoTarget => "a Cargo target directory",
            Self::CmakeBuild => "a CMake build tree",
            Self::CmakeProject => "a CMake project",
            Self::GoModule => "a Go module",
            Self::GradleProject => "a Gradle project",
            Self::MavenProject => "a Maven project",
            Self::MesonBuild => "a Meson build tree",
            Self::MesonProject => "a Meson project",
            Self::NinjaBuild => "a Ninja build tree",
            Self::NodeGypBuild => "a node-gyp build tree",
            Self::PythonSite => return "installed Python packages (`*.dist-info/RECORD`)".to_owned(),
        };
        let rows = MARKS.iter().filter(|(landmark, _)| *landmark == self);
        let marks: Vec<String> = rows
            .map(|(_, marks)| {
                let marks: Vec<String> = marks.iter().map(|mark| format!("`{mark}`")).collect();
                marks.join(" and ")
            })
            .collect();
        format!("{what} ({})", marks.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_mark_and_a_bit_of_its_own() {
        let bits = Landmark::ALL
            .iter()
            .fold(0, |bits, landmark| bits ^ landmark.bit());
        assert_eq!(bits.count_ones() as usize, Landmark::ALL.len());
        for landmark in Landmark::ALL {
            let marked = MARKS.iter().any(|(found, _)| *found == landmark);
            assert!(marked || landmark == Landmark::PythonSite, "{landmark:?}");
        }
    }

    #[test]
    fn a_name_says_what_else_must_be_there() {
        for (name, want) in [
            ("CMakeCache.txt", &[(Landmark::CmakeBuild, &[][..])][..]),
            (".ninja_log", &[(Landmark::NinjaBuild, &["build.ninja"])]),
            ("HEAD", &[(Landmark::BareGit, &["objects", "refs"])]),
            ("build.ninja", &[]),
            ("cmakecache.txt", &[]),
        ] {
            assert_eq!(
                Landmark::marked_by(name.as_bytes()).collect::<Vec<_>>(),
                want,
                "{name}"
            );
        }
        assert!(Landmark::is_python_site(b"site-packages", b"numpy-2.0.dist-info"));
        assert!(!Landmark::is_python_site(b"vendor", b"numpy-2.0.dist-info"));
        assert!(!Landmark::is_python_site(b"site-packages", b"numpy"));
    }

    #[test]
    fn marks_are_named_for_people() {
        assert_eq!(
            Landmark::GradleProject.describe(),
            "a Gradle project (`build.gradle` or `build.gradle.kts`)"
        );
        assert_eq!(
            Landmark::NinjaBuild.describe(),
            "a Ninja build tree (`.ninja_log` and `build.ninja`)"
        );
    }
}
