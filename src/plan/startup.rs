//! What starts the container stays: the refusals that say so, each with the chain that needs it.
//!
//! A module of its own because files and directories are decided in different places and refused in the same words.

use hashbrown::HashMap;

use super::selection::Rule;
use super::{Asked, Refusal, Selection};
use crate::classify::{Need, Start, Startup};
use crate::content::ContentMap;
use crate::layer::NodeId;

/// Bytes of all chains that one plan tells: an image may need 20,000 paths of 4 KiB. The rest is refused without.
const MAX_CHAIN_BYTES: usize = 8 << 20;

/// Refuses what the container needs.
pub(super) struct Starters<'a> {
    map: &'a ContentMap,
    startup: &'a Startup,
    told: usize,
}

impl<'a> Starters<'a> {
    pub(super) fn new(map: &'a ContentMap, startup: &'a Startup) -> Self {
        let told = 0;
        Self { map, startup, told }
    }

    /// The refusal of a removal, where the path must stay.
    pub(super) fn refusal(&mut self, node: NodeId, rule: &str, asked: Asked) -> Option<Refusal> {
        let (reason, chain, needed_by) = match self.startup.need(self.map, node)? {
            Need::Volume(volume) => {
                let reason = "a volume begins with it; `--force-path` takes it all the same";
                let chain = format!("volume {}", String::from_utf8_lossy(&volume));
                (reason.to_owned(), chain, Vec::new())
            }
            Need::Chain { start, paths } => {
                let reason = match start {
                    Start::WorkingDirectory => {
                        "the container starts in it; `--force-path` takes it all the same"
                    }
                    _ => "the container needs it to start; `--force-path` takes it all the same",
                };
                let shown: Vec<_> = paths.iter().map(|path| String::from_utf8_lossy(path)).collect();
                let mut chain = format!("{} {}", start.as_str(), shown.join(" → "));
                let mut needed_by = paths;
                needed_by.pop();
                self.told += 2 * chain.len();
                if self.told > MAX_CHAIN_BYTES {
                    start.as_str().clone_into(&mut chain);
                    needed_by.clear();
                }
                (reason.to_owned(), chain, needed_by)
            }
        };
        Some(Refusal {
            node,
            rule: rule.to_owned(),
            reason,
            chain,
            needed_by,
            asked,
        })
    }

    /// The same for a directory that would go, empty; `by_hand` has the globs that name directories.
    pub(super) fn directory(
        &mut self,
        selection: &Selection,
        node: NodeId,
        by_hand: &HashMap<NodeId, String>,
    ) -> Option<Refusal> {
        let (rule, asked) = match by_hand.get(&node) {
            Some(rule) => (rule.as_str(), Asked::ByHand),
            None => ("directories = \"remove\"", Asked::ByProfile),
        };
        let refusal = self.refusal(node, rule, asked)?;
        let path = [b"/", self.map.tree().path(node).as_slice()].concat();
        (!matches!(selection.rule(&path), Rule::Force(_))).then_some(refusal)
    }
}
