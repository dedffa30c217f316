//! What comes to the state from elsewhere: an image as it is read, views, matches, plans, ends of writing.
//!
//! Apart from the keys because it comes at any time; whatever is old by now is dropped.

use std::sync::Arc;

use super::super::actions::Message;
use super::super::marks::Planned;
use super::super::scene::Scene;
use super::super::scene::view::View;
use super::overlay::{Overlay, Step};
use super::{Effect, Old, Seen, State};
use crate::layer::NodeId;

impl State {
    /// Takes a message.
    pub fn receive(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Opened {
                reference,
                platform,
                layers,
                target,
            } => {
                self.reference = reference;
                self.platform = platform;
                self.expected = layers;
                self.target = target;
            }
            Message::Platforms(count) => self.platforms = count,
            Message::Progress(event) => self.work.take(event),
            Message::Scene(scene) => {
                self.scene = Some(scene);
                let mut effects = self.ask();
                if !self.marks.is_empty() {
                    effects.extend(self.replan());
                }
                return effects;
            }
            Message::Loaded(Ok(())) => {
                self.is_loaded = true;
                if matches!(self.overlay, Some(Overlay::Profiles(_))) {
                    return self.advise();
                }
            }
            Message::Loaded(Err(why)) => {
                self.failure = Some(why);
                return vec![Effect::Quit];
            }
            Message::View(number, scene, view) if number == self.numbers.view => {
                return self.show(scene, view);
            }
            Message::Found(number, found) if number == self.numbers.search => self.found(found),
            Message::Planned(number, planned) if number == self.numbers.plan => {
                return self.plan_came(planned);
            }
            Message::Advised(number, advice) if number == self.numbers.advice => self.advised(advice),
            Message::Looked(number, looked) if number == self.numbers.look => self.looked(looked),
            Message::View(..)
            | Message::Found(..)
            | Message::Planned(..)
            | Message::Advised(..)
            | Message::Looked(..) => {}
            Message::Written(result) => {
                if let Some(Overlay::Write(dialog)) = &mut self.overlay {
                    let was_stopped = dialog.step == Step::Stopping;
                    dialog.step = match result {
                        Ok(mut lines) => {
                            let late = "it was too late to stop it".to_owned();
                            lines.splice(..0, was_stopped.then_some(late));
                            Step::Done(lines)
                        }
                        Err(why) if was_stopped => Step::Stopped(why),
                        Err(why) => Step::Failed(why),
                    };
                }
            }
            Message::Saved(Ok(path)) => {
                self.message = Some(format!("saved {path}: `--profile {path}` takes it"));
            }
            Message::Saved(Err(why)) => self.message = Some(why),
        }
        Vec::new()
    }

    /// Puts a view on the screen; what was searched for is searched for in it.
    fn show(&mut self, scene: Arc<Scene>, view: Arc<View>) -> Vec<Effect> {
        let (list, tree) = (self.list_height(), self.tree_height());
        match &self.seen {
            Some(seen) if !Arc::ptr_eq(&seen.scene, &scene) => {
                self.tree.carry_over(&seen.scene, &scene, &view, tree);
            }
            _ => self.tree.refresh(&scene, &view, tree),
        }
        if !self.is_touched {
            let depth = self.start.depth;
            if depth > 0 {
                self.tree.expand_to(depth, &scene, &view, tree);
            }
            self.tree.cursor.set(0, self.tree.rows.len(), tree);
        }
        self.list.refresh(&scene, &view, list);
        let old = self.seen.replace(Seen { scene, view }).map(Old::Seen);
        let mut effects: Vec<Effect> = old.map(Effect::Forget).into_iter().collect();
        if !self.search.text.is_empty() {
            let text = self.search.text.clone();
            effects.extend(self.find(&text, None));
        }
        effects
    }

    fn found(&mut self, found: Vec<NodeId>) {
        let from = self.search.from.take();
        self.search.found = found;
        self.search.is_done = true;
        let (Some(seen), Some(from)) = (&self.seen, from) else {
            return;
        };
        // The row that the search began at counts too.
        let here = seen.view.rank(from);
        let after = self
            .search
            .found
            .partition_point(|&node| seen.view.rank(node) < here);
        let first = self.search.found.get(after).or(self.search.found.first());
        self.go_to(first.copied());
    }

    fn plan_came(&mut self, planned: Result<Arc<Planned>, String>) -> Vec<Effect> {
        self.is_planning = false;
        let old = match planned {
            Ok(planned) => self.planned.replace(planned),
            Err(why) => {
                self.message = Some(why);
                None
            }
        };
        let mut effects: Vec<Effect> = old.map(Old::Planned).map(Effect::Forget).into_iter().collect();
        if matches!(&self.overlay, Some(Overlay::Write(dialog)) if dialog.step == Step::Planning) {
            effects.extend(self.begin_writing());
        }
        effects
    }
}
