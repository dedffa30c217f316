//! Which of the packages that are named can go, and which ones go because only those needed them.
//!
//! A module of its own because it is a search for a fixed point: each refusal keeps others, and each package that goes
//! frees others. It ends because a package that was refused, or is held, stays so.

use std::collections::BTreeMap;

use super::{Why, refusal};
use crate::content::ContentMap;
use crate::packages::{EdgeKind, Packages, Standing, UnitId};
use crate::plan::selection::Rule;
use crate::plan::startup::Starters;
use crate::plan::{Plan, Refusal, Selection};

/// Why a package must stay.
#[derive(Debug, Clone)]
enum Stays {
    /// A package that stays depends on it.
    Needed(UnitId),
    /// A reason and what leads to it, as text.
    Because(String, String),
    /// The container needs a file of it.
    Starts(Box<Refusal>),
}

struct Chooser<'a> {
    map: &'a ContentMap,
    packages: &'a Packages,
    selection: &'a Selection,
    /// Beside the units: what is to go, while it may.
    named: Vec<Option<Why>>,
    refused: BTreeMap<UnitId, Stays>,
    /// Beside the units: automatic ones that stay all the same.
    held: Vec<bool>,
    /// Beside the units: automatic ones that nothing needed before either.
    idle: Vec<bool>,
}

/// The packages that go, each with the reason; refusals go into the plan.
pub(super) fn choose(
    map: &ContentMap,
    packages: &Packages,
    selection: &Selection,
    starters: &mut Starters<'_>,
    named: &[(UnitId, Why)],
    plan: &mut Plan,
) -> BTreeMap<UnitId, Why> {
    let count = packages.units().len();
    let mut chooser = Chooser {
        map,
        packages,
        selection,
        named: vec![None; count],
        refused: BTreeMap::new(),
        held: vec![false; count],
        idle: vec![false; count],
    };
    let marked = chooser.marked(plan);
    chooser.idle = marked.iter().map(|marked| !marked).collect();
    for &(unit, why) in named {
        chooser.named[unit.index()] = Some(why);
    }
    for &(unit, why) in named {
        if let Some(stays) = chooser.fixed(unit, why, starters) {
            chooser.refused.insert(unit, stays);
            chooser.named[unit.index()] = None;
        }
    }
    for (unit, one) in packages.units() {
        let is_automatic = one.standing == Standing::Automatic && chooser.named[unit.index()].is_none();
        chooser.held[unit.index()] = is_automatic && chooser.fixed(unit, Why::Unneeded, starters).is_some();
    }
    let gone = loop {
        let gone = chooser.gone(plan);
        let found = chooser.conflicts(&gone, plan);
        if found.is_empty() {
            break gone;
        }
        for (unit, stays) in found {
            if chooser.named[unit.index()].take().is_some() {
                chooser.refused.insert(unit, stays);
            } else {
                chooser.held[unit.index()] = true;
            }
        }
    };
    chooser.refuse(named, plan);
    let ids = packages.units().map(|(id, _)| id);
    ids.filter_map(|id| Some((id, gone[id.index()]?))).collect()
}

impl Chooser<'_> {
    /// Why a package must stay whatever else goes.
    fn fixed(&self, unit: UnitId, why: Why, starters: &mut Starters<'_>) -> Option<Stays> {
        let one = self.packages.unit(unit);
        let because = |reason: &str, chain: String| Some(Stays::Because(reason.to_owned(), chain));
        if self.packages.is_cut() {
            return because("the databases ask for more than is followed", String::new());
        }
        if one.standing == Standing::Essential {
            return because(
                "the system does not work without it: it is essential or required",
                String::new(),
            );
        }
        if one.diverts {
            return because("it diverts files of other packages", String::new());
        }
        let brought = one.brought.iter().map(|&(_, whole)| whole);
        let mut wholes = one.whole.into_iter().chain(brought);
        if let Some(whole) = wholes.find(|whole| self.named[whole.index()].is_none()) {
            let whole = self.packages.unit(whole).shown();
            return because("it is part of another package that stays", whole);
        }
        let mut path = Vec::new();
        for &node in &one.files {
            if let Some(mut refusal) = starters.refusal(node, "", super::asked(why)) {
                refusal.rule.clear();
                return Some(Stays::Starts(Box::new(refusal)));
            }
            self.map.tree().write_absolute(node, &mut path);
            if let Rule::Keep(glob) = self.selection.rule(&path) {
                let path = String::from_utf8_lossy(&path);
                return because("a path of it is kept", format!("{} keeps {path}", glob.as_str()));
            }
        }
        None
    }

    /// What goes, were nothing more refused: what is named, what came with it, and what only that needed.
    fn gone(&self, plan: &Plan) -> Vec<Option<Why>> {
        let mut gone = self.named.clone();
        let marked = self.marked(plan);
        for (unit, one) in self.packages.units() {
            let at = unit.index();
            let is_free = one.standing == Standing::Automatic && !self.idle[at] && !marked[at];
            if gone[at].is_none() && is_free {
                gone[at] = Some(Why::Unneeded);
            }
        }
        for (unit, one) in self.packages.units() {
            if one.whole.is_some_and(|whole| gone[whole.index()].is_some()) {
                gone[unit.index()] = Some(Why::Part);
            }
        }
        gone
    }

    /// What something that stays leads to: by dependencies, wishes, conditions and files.
    fn marked(&self, plan: &Plan) -> Vec<bool> {
        let mut marks = Marks {
            marked: vec![false; self.named.len()],
            open: Vec::new(),
        };
        let mut leads: Vec<Vec<UnitId>> = vec![Vec::new(); self.named.len()];
        for edge in self.packages.edges() {
            match edge.from {
                Some(from) => leads[from.index()].push(edge.to),
                None if plan.removes(edge.file) => {}
                None => self.mark(edge.to, &mut marks),
            }
        }
        for (unit, one) in self.packages.units() {
            // A part stays with its whole; a wish for it is one for the whole.
            let is_root = one.standing != Standing::Automatic && one.whole.is_none();
            if is_root || self.held[unit.index()] {
                self.mark(unit, &mut marks);
            }
            if let Some(whole) = one.whole {
                leads[whole.index()].push(unit);
            }
        }
        loop {
            while let Some(unit) = marks.open.pop() {
                let one = self.packages.unit(unit);
                let needs = one.needs.iter().flatten().chain(&one.wishes);
                for &to in needs.chain(&leads[unit.index()]) {
                    self.mark(to, &mut marks);
                }
            }
            for (unit, one) in self
                .packages
                .units()
                .filter(|(_, one)| !one.conditions.is_empty())
            {
                let is_met = |met: &Vec<UnitId>| met.iter().any(|to| marks.marked[to.index()]);
                if one.conditions.iter().all(is_met) {
                    self.mark(unit, &mut marks);
                }
            }
            if marks.open.is_empty() {
                return marks.marked;
            }
        }
    }

    /// What is named marks nothing, and neither does what it came with.
    fn mark(&self, unit: UnitId, marks: &mut Marks) {
        let whole = self.packages.unit(unit).whole;
        for unit in [Some(unit), whole].into_iter().flatten() {
            let is_named = self.named[unit.index()].is_some();
            if !is_named && !std::mem::replace(&mut marks.marked[unit.index()], true) {
                marks.open.push(unit);
            }
        }
    }

    /// Packages that cannot go because something that stays needs them.
    fn conflicts(&self, gone: &[Option<Why>], plan: &Plan) -> BTreeMap<UnitId, Stays> {
        let goes = |unit: UnitId| gone[unit.index()].is_some();
        // What came with a package stays by that package.
        let target = |unit: UnitId| {
            self.packages
                .unit(unit)
                .whole
                .filter(|&whole| goes(whole))
                .unwrap_or(unit)
        };
        let mut found = BTreeMap::new();
        for (unit, one) in self.packages.units().filter(|&(unit, _)| !goes(unit)) {
            for met in one.needs.iter().filter(|met| met.iter().all(|&to| goes(to))) {
                if let Some(&to) = met.first() {
                    found.entry(target(to)).or_insert(Stays::Needed(unit));
                }
            }
        }
        for (unit, one) in self.packages.units().filter(|&(unit, _)| goes(unit)) {
            let brought = one.brought.iter().map(|&(_, whole)| whole);
            if let Some(whole) = one.whole.into_iter().chain(brought).find(|&whole| !goes(whole)) {
                let reason = "it is part of another package that stays".to_owned();
                let whole = self.packages.unit(whole).shown();
                found.entry(unit).or_insert(Stays::Because(reason, whole));
            }
        }
        for edge in self.packages.edges().iter().filter(|edge| goes(edge.to)) {
            let stays = match edge.from {
                Some(from) => !goes(from),
                None => !plan.removes(edge.file),
            };
            if edge.kind == EdgeKind::Library && stays {
                let reason = "a file that stays needs a library of it".to_owned();
                let chain = format!("{} → {}", self.path(edge.file), self.path(edge.needs));
                found
                    .entry(target(edge.to))
                    .or_insert(Stays::Because(reason, chain));
            }
        }
        for alternative in self.packages.alternatives() {
            if alternative.goes(&goes) {
                continue;
            }
            let current = alternative.current.and_then(|at| alternative.choices[at]);
            if let Some(unit) = current.filter(|&unit| goes(unit)) {
                let reason = "it is what an alternative leads to that has other choices".to_owned();
                found
                    .entry(target(unit))
                    .or_insert(Stays::Because(reason, alternative.name.clone()));
            }
        }
        found
    }

    fn path(&self, node: crate::layer::NodeId) -> String {
        let mut path = Vec::new();
        self.map.tree().write_absolute(node, &mut path);
        String::from_utf8_lossy(&path).into_owned()
    }

    /// Notes what was refused.
    fn refuse(&self, named: &[(UnitId, Why)], plan: &mut Plan) {
        for &(unit, why) in named {
            let one = self.packages.unit(unit);
            let rule = format!("package {} {}", one.name, one.version);
            let refusal = match self.refused.get(&unit) {
                None => continue,
                Some(Stays::Needed(_)) => {
                    let chain = self.chain(unit);
                    refusal(one, why, rule, "a package that stays depends on it", chain)
                }
                Some(Stays::Because(reason, chain)) => refusal(one, why, rule, reason, chain.clone()),
                Some(Stays::Starts(refusal)) => Refusal {
                    rule,
                    reason: "the container needs it to start, or its data begin with it".to_owned(),
                    ..(**refusal).clone()
                },
            };
            plan.refused.push(refusal);
        }
    }

    /// `deb:a → deb:b → deb:c`, the last one being the package itself.
    fn chain(&self, unit: UnitId) -> String {
        let mut words = vec![self.packages.unit(unit).shown()];
        let mut at = unit;
        while let Some(stays) = self.refused.get(&at) {
            match stays {
                Stays::Needed(by) if words.len() < 24 => {
                    words.push(self.packages.unit(*by).shown());
                    at = *by;
                }
                Stays::Needed(_) => break,
                Stays::Because(_, chain) if chain.is_empty() => break,
                Stays::Because(_, chain) => {
                    words.push(chain.clone());
                    break;
                }
                Stays::Starts(refusal) => {
                    words.push(refusal.chain.clone());
                    break;
                }
            }
        }
        words.reverse();
        words.join(" → ")
    }
}

struct Marks {
    marked: Vec<bool>,
    open: Vec<UnitId>,
}
