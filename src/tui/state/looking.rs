//! Looking into the image: what the keys for it open, and the keys of what is open.
//!
//! Apart from the other keys because it is a way of its own, from the tree to a file and back.

use std::sync::Arc;

use super::super::chord::{Chord, Key};
use super::super::keys::Action;
use super::super::scene::ask::Mode;
use super::super::scene::{Change, Scene, Subject};
use super::super::viewer::life::Life;
use super::super::viewer::{self, Look, Looked, Looks, Pane, Step, Taking, Wish};
use super::line::Line;
use super::overlay::Overlay;
use super::{Effect, Seen, State};
use crate::content::{EntryId, Visible};
use crate::inside::View;
use crate::layer::{Kind, NodeId};

/// Where something is put where nothing else is said.
const TARGET: &str = "extracted";

impl State {
    /// Whether the tree's row is something that a file's content may be behind.
    pub(super) fn selects_file(&self) -> bool {
        let kind = self
            .selection()
            .and_then(|(seen, _, row)| Some(seen.scene.row(row?).kind));
        matches!(kind, Some(Kind::File | Kind::HardLink | Kind::Symlink))
    }

    /// The tree's row, and the row of the scene that it stands for.
    fn selection(&self) -> Option<(Seen, NodeId, Option<EntryId>)> {
        let seen = self.seen.clone()?;
        let node = self.tree.selected()?;
        let row = seen.view.entry(&seen.scene, node).map(|(id, _)| id);
        Some((seen, node, row))
    }

    /// The image that the tree's row is of, its path there, and the entry; or a message why there is none.
    fn place(&mut self) -> Option<Place> {
        let (Seen { scene, .. }, node, row) = self.selection()?;
        let place = match row {
            Some(id) => {
                let (scene, id) = scene.behind(id);
                let node = scene.row(id).node;
                Place {
                    scene,
                    node,
                    entry: Some(id),
                }
            }
            None => somewhere(&scene, node)?,
        };
        match viewer::image(&place.scene) {
            Ok(_) => Some(place),
            Err(why) => {
                self.message = Some(why);
                None
            }
        }
    }

    pub(super) fn open_file(&mut self) -> Vec<Effect> {
        let Some(Place { scene, node, entry }) = self.place() else {
            return Vec::new();
        };
        match file_behind(&scene, node, entry) {
            Ok((id, what)) => {
                let look = Look::waiting(&scene.path(node), &what);
                self.lay(scene, look, Wish::File(id))
            }
            Err(why) => {
                self.message = Some(why);
                Vec::new()
            }
        }
    }

    /// What enter opens: a file's content, of one that two images have what differs.
    pub(super) fn open_row(&mut self) -> Vec<Effect> {
        match self.both() {
            Some(_) => self.open_difference(),
            None => self.open_file(),
        }
    }

    /// The tree's row as both of two images have it, where it is not the same file.
    fn both(&self) -> Option<[(Arc<Scene>, EntryId); 2]> {
        let (Seen { scene, .. }, node, _) = self.selection()?;
        scene.sides()?;
        let mut rows = scene.rows_of(node);
        let pair = [rows.next()?, rows.next()?];
        let is_file = |id: EntryId| {
            let row = scene.row(id);
            row.change == Change::Modified && matches!(row.kind, Kind::File | Kind::HardLink)
        };
        pair.iter()
            .all(|id| is_file(*id))
            .then(|| pair.map(|id| scene.behind(id)))
    }

    /// What differs between the file in the old image and in the new one; of one image the life, where versions are chosen.
    pub(super) fn open_difference(&mut self) -> Vec<Effect> {
        let Some([(old, before), (new, after)]) = self.both() else {
            let is_pair = self.subject == Subject::Pair;
            if is_pair {
                self.message =
                    Some("both images would have to have it as a file, and not the same".to_owned());
                return Vec::new();
            }
            return self.open_life();
        };
        let inode = |scene: &Arc<Scene>, id| file_behind(scene, scene.row(id).node, Some(id));
        let files = viewer::image(&old)
            .and(viewer::image(&new))
            .and_then(|_| Ok([inode(&old, before)?, inode(&new, after)?]));
        match files {
            Ok([(before, _), (after, _)]) => {
                let path = new.path(new.row(after).node);
                let look = Look::waiting(&path, "old image to new image");
                self.lay(new, look, Wish::Compare((old, before), after))
            }
            Err(why) => {
                self.message = Some(why);
                Vec::new()
            }
        }
    }

    pub(super) fn open_life(&mut self) -> Vec<Effect> {
        if !self.is_loaded {
            self.message = Some("the image is still being read".to_owned());
            return Vec::new();
        }
        let Some(Place { scene, node, .. }) = self.place() else {
            return Vec::new();
        };
        let look = Look::waiting(&scene.path(node), "its life");
        self.lay(scene, look, Wish::Life(node))
    }

    pub(super) fn open_extract(&mut self) -> Vec<Effect> {
        if !self.is_loaded {
            self.message = Some("the image is still being read".to_owned());
            return Vec::new();
        }
        let Some(Place { scene, node, .. }) = self.place() else {
            return Vec::new();
        };
        let (view, of) = match (self.subject, self.mode, self.list.layer()) {
            (Subject::Image, Mode::UpTo, layer) => (View::UpTo(layer), format!("as layer {layer} shows it")),
            (Subject::Image, Mode::Changes, layer) => (View::Layer(layer), format!("of layer {layer} alone")),
            _ => (View::Merged, "of the merged image".to_owned()),
        };
        let mut look = Look::waiting(&scene.path(node), &of);
        look.pane = Pane::Extract(Taking {
            node,
            view,
            target: Line::new(TARGET),
            step: Step::Target,
        });
        self.overlay = Some(Overlay::Look(scene, Looks::new(look)));
        Vec::new()
    }

    /// Lays a screen over what is there and begins to fill it from an image.
    fn lay(&mut self, scene: Arc<Scene>, look: Look, wish: Wish) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Look(_, looks)) => looks.push(look),
            _ => self.overlay = Some(Overlay::Look(scene, Looks::new(look))),
        }
        self.wish(wish)
    }

    fn wish(&mut self, wish: Wish) -> Vec<Effect> {
        let Some(Overlay::Look(scene, _)) = &self.overlay else {
            return Vec::new();
        };
        self.numbers.look += 1;
        vec![Effect::Look(self.numbers.look, scene.clone(), wish)]
    }

    /// Puts what came onto the screen that waits for it.
    pub(super) fn looked(&mut self, looked: Result<Looked, String>) {
        let Some(Overlay::Look(scene, looks)) = &mut self.overlay else {
            return;
        };
        let Some(look) = looks.top_mut() else { return };
        match (looked, &mut look.pane) {
            (Ok(Looked::Extracted(lines)), Pane::Extract(taking)) => taking.step = Step::Done(lines),
            (Err(why), Pane::Extract(taking)) => taking.step = Step::Failed(why),
            (Ok(Looked::Life(node, steps)), Pane::Waiting) => {
                if let Some(image) = scene.image() {
                    look.pane = Pane::Life(Box::new(Life::new(image, node, &steps)));
                }
            }
            (Ok(looked), Pane::Waiting) => look.fill(looked),
            (Err(why), Pane::Waiting) => look.pane = Pane::Failed(why),
            _ => {}
        }
    }

    /// A key while something is looked into.
    pub(super) fn press_look(&mut self, chord: Chord, action: Option<Action>) -> Vec<Effect> {
        let (width, height) = self.look_size();
        self.message = None;
        let Some(Overlay::Look(_, looks)) = &mut self.overlay else {
            return Vec::new();
        };
        let Some(look) = looks.top_mut() else {
            return Vec::new();
        };
        let is_used = match &mut look.pane {
            Pane::Extract(_) => return self.press_extract(chord),
            Pane::File(file) => file.press(chord, action, (width, height)),
            Pane::Page(lines, cursor) => {
                let count = lines.len();
                let page = height.saturating_sub(1).cast_signed();
                let by = match action {
                    Some(Action::Down) => 1,
                    Some(Action::Up) => -1,
                    Some(Action::PageDown | Action::Mark) => page,
                    Some(Action::PageUp) => -page,
                    Some(Action::First) => isize::MIN / 2,
                    Some(Action::Last) => isize::MAX / 2,
                    _ => 0,
                };
                cursor.scroll(by, count, height);
                by != 0
            }
            // `d` is what hands expect there; a page is short.
            Pane::Life(_) if chord == Chord::plain(Key::Char('d')) => return self.compare(),
            Pane::Life(life) => action.is_some_and(|action| life.press(action, height)),
            Pane::Waiting | Pane::Failed(_) => false,
        };
        match action {
            _ if is_used => Vec::new(),
            Some(Action::Close | Action::Clear) => self.close_look(),
            Some(Action::Open | Action::Look) => self.open_version(),
            Some(Action::Compare) => self.compare(),
            _ => Vec::new(),
        }
    }

    fn close_look(&mut self) -> Vec<Effect> {
        self.numbers.look += 1; // what still comes is for a screen that is gone
        if let Some(Overlay::Look(_, looks)) = &mut self.overlay
            && !looks.pop()
        {
            self.overlay = None;
        }
        vec![Effect::StopLooking]
    }

    /// The file of the layer that is selected in a life.
    fn open_version(&mut self) -> Vec<Effect> {
        let Some(Overlay::Look(scene, looks)) = &self.overlay else {
            return Vec::new();
        };
        let Some(Pane::Life(life)) = looks.top().map(|look| &look.pane) else {
            return Vec::new();
        };
        let (Some(id), Some(layer)) = (life.file(), life.layer()) else {
            self.message = Some("this layer shows no file there".to_owned());
            return Vec::new();
        };
        let scene = scene.clone();
        let path = scene.path(scene.row(id).node);
        let look = Look::waiting(&path, &format!("as layer {layer} shows it"));
        self.lay(scene, look, Wish::File(id))
    }

    fn compare(&mut self) -> Vec<Effect> {
        let Some(Overlay::Look(scene, looks)) = &self.overlay else {
            return Vec::new();
        };
        let Some(Pane::Life(life)) = looks.top().map(|look| &look.pane) else {
            return Vec::new();
        };
        match life.pair() {
            Ok([(before, old), (after, new)]) => {
                let scene = scene.clone();
                let path = scene.path(scene.row(new).node);
                let look = Look::waiting(&path, &format!("layer {before} to layer {after}"));
                self.lay(scene.clone(), look, Wish::Compare((scene, old), new))
            }
            Err(why) => {
                self.message = Some(why.to_owned());
                Vec::new()
            }
        }
    }

    fn press_extract(&mut self, chord: Chord) -> Vec<Effect> {
        let Some(Overlay::Look(_, looks)) = &mut self.overlay else {
            return Vec::new();
        };
        let Some(Pane::Extract(taking)) = looks.top_mut().map(|look| &mut look.pane) else {
            return Vec::new();
        };
        match (&taking.step, chord.key) {
            (Step::Running, Key::Esc) => {
                self.message = Some("stopped: what is not whole is taken away again".to_owned());
                return self.close_look();
            }
            (Step::Target | Step::Failed(_), Key::Esc) | (Step::Done(_), _) => {
                return self.close_look();
            }
            (Step::Target, Key::Enter) if !taking.target.text().trim().is_empty() => {
                taking.step = Step::Confirm;
            }
            (Step::Target, _) => _ = taking.target.edit(chord),
            (Step::Confirm, Key::Enter | Key::Char('y')) => {
                taking.step = Step::Running;
                let target = taking.target.text().trim().to_owned();
                let wish = Wish::Extract(taking.view, taking.node, target);
                return self.wish(wish);
            }
            (Step::Confirm, Key::Esc) | (Step::Failed(_), Key::Enter) => taking.step = Step::Target,
            (Step::Confirm | Step::Failed(_) | Step::Running, _) => {}
        }
        Vec::new()
    }

    /// Columns and rows between the title and the line below.
    pub fn look_size(&self) -> (usize, usize) {
        let (width, height) = self.size;
        (usize::from(width), usize::from(height.saturating_sub(2)))
    }
}

/// Where a row of the tree is in its image.
struct Place {
    scene: Arc<Scene>,
    node: NodeId,
    entry: Option<EntryId>,
}

/// A directory that no layer names: in the image, of two in the one that has it.
fn somewhere(scene: &Arc<Scene>, node: NodeId) -> Option<Place> {
    let path = scene.path(node);
    let at = |scene: &Arc<Scene>, node| Place {
        scene: scene.clone(),
        node,
        entry: None,
    };
    match scene.sides() {
        None => Some(at(scene, node)),
        Some(sides) => sides
            .iter()
            .rev()
            .find_map(|side| Some(at(side, side.tree().find(&path)?))),
    }
}

/// The file whose content a row of an image has, and what to call it; or why it has none.
fn file_behind(scene: &Scene, node: NodeId, entry: Option<EntryId>) -> Result<(EntryId, String), String> {
    let map = &viewer::image(scene)?.map;
    let Some(inode) = entry.and_then(|entry| map.inode(entry)) else {
        return Err("a directory has no content".to_owned());
    };
    let kind = |id: EntryId| map.entry(id).kind;
    match kind(inode) {
        Kind::File => Ok((inode, String::new())),
        Kind::Symlink => {
            let target = String::from_utf8_lossy(map.link(inode)).into_owned();
            let led = map.resolve(&scene.path(node));
            let shown = led.and_then(|node| match map.visible(node) {
                Visible::Entry(id) => map.inode(id),
                _ => None,
            });
            match shown {
                Some(id) if kind(id) == Kind::File => Ok((id, format!("→ {target}"))),
                Some(_) => Err(format!("a symlink to {target}, which is no file")),
                None => Err(format!("a symlink to {target}, which leads to no file")),
            }
        }
        other => Err(format!("{} has no content", crate::inside::kind_in_words(other))),
    }
}
