//! What starts the container, and everything that it needs to start: the closure that no removal may break.
//!
//! From the image's config: entrypoint, command, health check and shell; then from file to file, as far as facts tell:
//! symlinks, interpreters of scripts, the dynamic linker and the libraries that it would load. Each path has the chain
//! that leads to it, so that a refusal can say why. Static reading finds what is written down, not what a program opens
//! while it runs; what it cannot resolve is not in the closure.

mod command;
mod imports;
mod language;
mod linker;
mod shell;
mod walk;

use hashbrown::{HashMap, HashSet};

use crate::content::ContentMap;
use crate::image::Config;
use crate::layer::{NodeId, Warning};

use walk::Walk;

/// Where a chain begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// `Entrypoint`.
    Entrypoint,
    /// `Cmd`.
    Command,
    /// `Healthcheck`.
    HealthCheck,
    /// `Shell`.
    Shell,
    /// `WorkingDir`.
    WorkingDirectory,
}

impl Start {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Entrypoint => "entrypoint",
            Self::Command => "command",
            Self::HealthCheck => "health check",
            Self::Shell => "shell",
            Self::WorkingDirectory => "working directory",
        }
    }
}

/// What a path is looked for by: where the chain began, and the step that needs it.
#[derive(Debug, Clone, Copy)]
struct Origin {
    start: Start,
    /// `None` for what the config names.
    from: Option<u32>,
}

impl Origin {
    /// For what the step needs, on the same chain.
    fn behind(self, step: u32) -> Self {
        Self {
            from: Some(step),
            ..self
        }
    }
}

impl From<Start> for Origin {
    fn from(start: Start) -> Self {
        Self { start, from: None }
    }
}

/// One path of the closure, and what led there.
#[derive(Debug, Clone, Copy)]
struct Step {
    node: NodeId,
    start: Start,
    /// The step that needs it; `None` for what the config names.
    from: Option<u32>,
    /// How many come before it.
    depth: u8,
}

/// Why a path must stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// The container needs it to start.
    Chain {
        /// Where the chain begins.
        start: Start,
        /// Absolute paths, each of which needs the next; the last one is the path itself.
        paths: Vec<Vec<u8>>,
    },
    /// It lies in a volume, or is one: data that containers begin with. Absolute path of the volume.
    Volume(Vec<u8>),
}

/// The closure of what starts an image's container.
#[derive(Debug, Default)]
pub struct Startup {
    steps: Vec<Step>,
    known: HashMap<NodeId, u32>,
    volumes: HashSet<NodeId>,
    warnings: Vec<Warning>,
}

impl Startup {
    /// Reads the config and follows what it names through the merged tree. The same for the same image; bounded in time
    /// whatever the image says (rule 32).
    pub fn new(map: &ContentMap, config: &Config) -> Self {
        let mut walk = Walk::new(map, config);
        command::follow(&mut walk);
        let mut startup = walk.finish();
        startup.volumes = command::volumes(map, config);
        startup
    }

    /// Why the path must stay, where it must: files, symlinks, and directories that have to be there.
    pub fn need(&self, map: &ContentMap, node: NodeId) -> Option<Need> {
        let tree = map.tree();
        if let Some(&last) = self.known.get(&node) {
            return Some(self.chain(map, last));
        }
        if self.volumes.is_empty() {
            return None;
        }
        let mut above = std::iter::successors(Some(node), |&at| tree.parent(at));
        let volume = above.find(|at| self.volumes.contains(at))?;
        Some(Need::Volume(absolute(map, volume)))
    }

    /// Every path of the closure with its place in [`ContentMap::tree`], directories on the way too, in the order in
    /// which they were found.
    pub fn paths(&self) -> impl ExactSizeIterator<Item = NodeId> + '_ {
        self.steps.iter().map(|step| step.node)
    }

    /// What starts the container and is not there, and whether the closure had to end early.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn chain(&self, map: &ContentMap, last: u32) -> Need {
        let step = |at: u32| self.steps[at as usize];
        // A step comes from an earlier one, so this ends.
        let mut paths: Vec<Vec<u8>> = std::iter::successors(Some(last), |&at| step(at).from)
            .map(|at| absolute(map, step(at).node))
            .collect();
        paths.reverse();
        Need::Chain {
            start: step(last).start,
            paths,
        }
    }
}

fn absolute(map: &ContentMap, node: NodeId) -> Vec<u8> {
    let mut path = Vec::new();
    map.tree().write_absolute(node, &mut path);
    path
}
