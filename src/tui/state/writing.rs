//! Overlays and their keys: help and plan scroll, writing goes step by step, a profile's file gets a name.
//!
//! Apart from the other keys because an overlay takes all of them.

use super::super::actions::{Layers, Order, Platforms};
use super::super::chord::{Chord, Key};
use super::super::keys::Action;
use super::line::Line;
use super::overlay::{Overlay, Step, WriteDialog};
use super::{Effect, State};

impl State {
    pub(super) fn press_overlay(&mut self, chord: Chord, action: Option<Action>) -> Vec<Effect> {
        match &mut self.overlay {
            Some(Overlay::Help(_) | Overlay::Plan(_)) => self.press_page(action),
            Some(Overlay::Profiles(_)) => self.press_profiles(action),
            Some(Overlay::Write(_)) => self.press_write(chord, action),
            Some(Overlay::Save(line)) => match chord.key {
                Key::Esc => {
                    self.overlay = None;
                    Vec::new()
                }
                Key::Enter => {
                    let path = line.text().to_owned();
                    self.overlay = None;
                    self.save(path)
                }
                _ => {
                    line.edit(chord);
                    Vec::new()
                }
            },
            Some(Overlay::Look(..)) => self.press_look(chord, action),
            None => Vec::new(),
        }
    }

    /// A page that scrolls: how long it is, drawing says; the last rows stay on the screen.
    fn press_page(&mut self, action: Option<Action>) -> Vec<Effect> {
        let (lines, height) = (self.page_lines(), self.overlay_height());
        let Some(action) = action else { return Vec::new() };
        match (&mut self.overlay, action) {
            (Some(Overlay::Plan(_)), Action::Write) => self.open_write(),
            (Some(Overlay::Help(_)), Action::Help)
            | (Some(Overlay::Plan(_)), Action::Plan)
            | (_, Action::Close | Action::Clear) => self.overlay = None,
            (Some(Overlay::Help(cursor) | Overlay::Plan(cursor)), action) => {
                let by = match action {
                    Action::Down => 1,
                    Action::Up => -1,
                    Action::PageDown => height.cast_signed() - 1,
                    Action::PageUp => 1 - height.cast_signed(),
                    Action::First => isize::MIN / 2,
                    Action::Last => isize::MAX / 2,
                    _ => 0,
                };
                cursor.scroll(by, lines, height);
            }
            _ => {}
        }
        Vec::new()
    }

    pub(super) fn open_write(&mut self) {
        if !self.is_loaded {
            self.message = Some("the image is still being read".to_owned());
            return;
        }
        self.overlay = Some(Overlay::Write(WriteDialog {
            target: Line::new(&self.target),
            layers: Layers::default(),
            platforms: Platforms::default(),
            step: Step::Target,
        }));
    }

    fn press_write(&mut self, chord: Chord, action: Option<Action>) -> Vec<Effect> {
        let Some(Overlay::Write(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        match (&dialog.step, chord.key) {
            (Step::Target | Step::Failed(_) | Step::Stopped(_), Key::Esc) | (Step::Done(_), _) => {
                self.target = dialog.target.text().to_owned();
                self.overlay = None;
            }
            (Step::Target, Key::Enter) if !dialog.target.text().trim().is_empty() => {
                dialog.step = Step::Confirm;
            }
            (Step::Target | Step::Confirm, Key::Tab) => {
                dialog.layers = match dialog.layers {
                    Layers::Squash => Layers::Keep,
                    Layers::Keep => Layers::Squash,
                };
            }
            (Step::Target | Step::Confirm, Key::BackTab) if self.platforms > 1 => {
                dialog.platforms = match dialog.platforms {
                    Platforms::This => Platforms::All,
                    Platforms::All => Platforms::This,
                };
            }
            (Step::Target, _) => {
                dialog.target.edit(chord);
            }
            (Step::Confirm, Key::Enter | Key::Char('y')) => return self.begin_writing(),
            (Step::Failed(_) | Step::Stopped(_), Key::Enter) => dialog.step = Step::Target,
            (Step::Confirm, _) if matches!(action, Some(Action::Close | Action::Clear)) => {
                dialog.step = Step::Target;
            }
            (Step::Planning, Key::Esc) => dialog.step = Step::Confirm,
            (Step::Asking, Key::Char('n')) => dialog.step = Step::Running,
            (Step::Running, _) if wants_out(chord, action) => dialog.step = Step::Asking,
            (Step::Asking, key) if key == Key::Char('y') || wants_out(chord, action) => {
                dialog.step = Step::Stopping;
                return vec![Effect::StopWriting];
            }
            // What has begun, or is being ended, ends by itself.
            _ => {}
        }
        Vec::new()
    }

    /// The order takes the plan's profile, in which what is refused is kept; so it waits for the plan.
    pub(super) fn begin_writing(&mut self) -> Vec<Effect> {
        let Some(Overlay::Write(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        if self.is_planning {
            dialog.step = Step::Planning;
            return Vec::new();
        }
        let planned = self.planned.as_ref().map(|planned| planned.profile.clone());
        let profile = match planned.map_or_else(|| self.marks.profile(), Ok) {
            Ok(profile) => profile,
            Err(error) => {
                dialog.step = Step::Failed(error.to_string());
                return Vec::new();
            }
        };
        dialog.step = Step::Running;
        vec![Effect::Write(Order {
            target: dialog.target.text().trim().to_owned(),
            profile,
            layers: dialog.layers,
            platforms: dialog.platforms,
        })]
    }

    fn save(&mut self, path: String) -> Vec<Effect> {
        let planned = self.planned.as_ref().filter(|_| !self.is_planning);
        let profile = planned.map_or_else(|| self.marks.profile(), |planned| Ok(planned.profile.clone()));
        match profile {
            Ok(profile) => vec![Effect::Save(path, profile)],
            Err(error) => {
                self.message = Some(error.to_string());
                Vec::new()
            }
        }
    }

    /// Rows inside the frame of an overlay.
    pub fn overlay_height(&self) -> usize {
        usize::from(self.size.1.saturating_sub(4)).max(1)
    }

    /// Lines of the open page.
    fn page_lines(&self) -> usize {
        match &self.overlay {
            Some(Overlay::Help(_)) => super::super::page::help(&self.keymap).len(),
            Some(Overlay::Plan(_)) => super::super::page::plan(self).len(),
            _ => 0,
        }
    }
}

/// Whether a key is one that leaves what is open: esc does so whatever else it is bound to.
fn wants_out(chord: Chord, action: Option<Action>) -> bool {
    chord.key == Key::Esc || matches!(action, Some(Action::Close | Action::Clear))
}
