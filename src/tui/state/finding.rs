//! Finding things: the search, the filter, and the line that they are typed into.
//!
//! Apart from the other keys because what is typed goes to a line first, and what is found comes later.

use super::super::chord::{Chord, Key};
use super::super::keys::Action;
use super::super::scene::filter::{Filter, Pattern};
use super::geometry::Focus;
use super::line::Line;
use super::list::Of;
use super::overlay::Prompt;
use super::{Effect, Search, State};
use crate::layer::NodeId;

impl State {
    /// Narrows everything else to the selected row, or takes that back.
    pub(super) fn narrow(&mut self) -> Vec<Effect> {
        let (Some(of), Some(seen)) = (self.list.selected(), &self.seen) else {
            return Vec::new();
        };
        let word = match of {
            Of::Layer(layer) => format!("layer:{layer}"),
            Of::Category(id) => {
                let category = seen.scene.category(id);
                format!("category:{}", category.map_or("", |category| &category.name))
            }
            Of::Owner(None) => "owner:none".to_owned(),
            Of::Owner(Some(id)) => format!("owner:{}", seen.scene.package_name(id)),
        };
        let mut words: Vec<&str> = self.filter.split(' ').filter(|word| !word.is_empty()).collect();
        let before = words.len();
        words.retain(|other| *other != word);
        if words.len() == before {
            let kind = word.split(':').next().unwrap_or_default().to_owned() + ":";
            words.retain(|other| !other.starts_with(&kind));
            words.push(&word);
        }
        let filter = words.join(" ");
        self.set_filter(&filter)
    }

    /// Filters by a text, where it can be read.
    fn set_filter(&mut self, text: &str) -> Vec<Effect> {
        match Filter::parse(text) {
            Ok(filter) => {
                text.clone_into(&mut self.filter);
                self.read = filter;
                self.filter_error = None;
                self.ask()
            }
            Err(error) => {
                self.filter_error = Some(error.to_string());
                Vec::new()
            }
        }
    }

    pub(super) fn open_filter(&mut self) {
        self.prompt = Some(Prompt::Filter {
            line: Line::new(&self.filter),
            before: self.filter.clone(),
        });
    }

    pub(super) fn open_search(&mut self) {
        self.focus = Focus::Tree;
        self.prompt = Some(Prompt::Search {
            line: Line::default(),
            from: self.tree.selected(),
        });
    }

    /// A key while something is typed into the line.
    pub(super) fn press_prompt(&mut self, chord: Chord) -> Vec<Effect> {
        let Some(mut prompt) = self.prompt.take() else {
            return Vec::new();
        };
        let effects = match &mut prompt {
            Prompt::Filter { line, before } => match chord.key {
                Key::Enter => {
                    return if self.filter_error.is_some() {
                        self.prompt = Some(prompt);
                        Vec::new()
                    } else {
                        Vec::new()
                    };
                }
                Key::Esc => {
                    let before = before.clone();
                    return self.set_filter(&before);
                }
                _ if line.edit(chord) => {
                    let text = line.text().to_owned();
                    self.set_filter(&text)
                }
                _ => Vec::new(),
            },
            Prompt::Search { line, from } => match chord.key {
                Key::Enter => return Vec::new(),
                Key::Esc => {
                    let from = *from;
                    self.search = Search::default();
                    self.go_to(from);
                    return Vec::new();
                }
                Key::Down | Key::Up => {
                    let next = if chord.key == Key::Down {
                        Action::NextMatch
                    } else {
                        Action::PreviousMatch
                    };
                    self.next_match(next);
                    Vec::new()
                }
                _ if line.edit(chord) => {
                    let (text, from) = (line.text().to_owned(), *from);
                    self.find(&text, from)
                }
                _ => Vec::new(),
            },
        };
        self.prompt = Some(prompt);
        effects
    }

    /// Begins a search for a text, whose first match is looked for from a row on.
    pub(super) fn find(&mut self, text: &str, from: Option<NodeId>) -> Vec<Effect> {
        self.search = Search {
            text: text.to_owned(),
            from,
            ..Search::default()
        };
        self.numbers.search += 1;
        let (Some(seen), Ok(pattern)) = (&self.seen, Pattern::parse(text)) else {
            return Vec::new();
        };
        if text.is_empty() {
            return Vec::new();
        }
        let (scene, view) = (seen.scene.clone(), seen.view.clone());
        vec![Effect::Search(self.numbers.search, scene, view, pattern)]
    }

    pub(super) fn next_match(&mut self, action: Action) {
        let Some(seen) = &self.seen else { return };
        if self.search.found.is_empty() {
            self.message = Some(if self.search.text.is_empty() {
                format!("{} searches", self.keymap.key(Action::Search))
            } else {
                format!("nothing is called `{}`", self.search.text)
            });
            return;
        }
        let here = self.tree.selected().map_or(0, |node| seen.view.rank(node));
        let found = &self.search.found;
        let after = found.partition_point(|&node| seen.view.rank(node) <= here);
        let before = found.partition_point(|&node| seen.view.rank(node) < here);
        let at = match action {
            Action::PreviousMatch => before.checked_sub(1).unwrap_or(found.len() - 1),
            _ => after % found.len(),
        };
        self.go_to(found.get(at).copied());
    }

    /// Shows a path in the tree.
    pub(super) fn go_to(&mut self, node: Option<NodeId>) {
        let height = self.tree_height();
        if let (Some(node), Some(seen)) = (node, &self.seen) {
            self.tree.reveal(node, &seen.scene, &seen.view, height);
        }
    }

    pub(super) fn clear(&mut self) -> Vec<Effect> {
        if !self.search.text.is_empty() {
            self.search = Search::default();
            return Vec::new();
        }
        if self.filter.is_empty() && self.hidden == [false; 4] {
            return Vec::new();
        }
        self.hidden = [false; 4];
        self.set_filter("")
    }
}
