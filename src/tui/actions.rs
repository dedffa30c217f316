//! What the interface cannot do itself: read an image, write one, write a file. `cli` injects it.
//!
//! A module of its own because it is the whole of what the interface knows of the world; tests inject another one.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;

use super::advice::Advice;
use super::marks::Planned;
use super::scene::view::View;
use super::scene::{Examined, Scene};
use super::viewer::Looked;
use crate::content::EntryId;
use crate::inside::{self, Body};
use crate::layer::NodeId;
use crate::progress::Event;

/// Does what the interface asks for. Every method may take its time: none is called by the thread that draws.
pub trait Actions: Send + Sync {
    /// Reads the image, and tells `feed` what there is as it comes; the last scene is whole. The error is a line for
    /// people, and ends the interface.
    fn load(&self, feed: &Feed) -> Result<(), String>;

    /// Writes the slim image, proves it and publishes it; gives lines for people. Ends early where `stop` is set: then
    /// nothing is published, or the error says what is.
    fn write(&self, order: &Order, feed: &Feed, stop: &Arc<AtomicBool>) -> Result<Vec<String>, String>;

    /// Writes a text to a new file.
    fn save(&self, path: &str, text: &str) -> Result<(), String>;

    /// Reads the first bytes of a file of an image; ends early where `stop` is set.
    fn read(&self, image: &Examined, id: EntryId, stop: &AtomicBool) -> Result<Body, String>;

    /// Puts what a path shows in a view of an image into a directory, made where it is missing; gives lines for people.
    fn extract(
        &self,
        image: &Examined,
        what: (inside::View, NodeId),
        target: &str,
        stop: &AtomicBool,
    ) -> Result<Vec<String>, String>;

    /// Whether somebody outside asked the process to end.
    fn is_over(&self) -> bool;
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Where to, as `save` and `push` take it.
    pub target: String,
    /// The profile that says what goes: TOML.
    pub profile: String,
    /// Which layers the result has.
    pub layers: Layers,
    /// Which platforms of an index are written.
    pub platforms: Platforms,
}

/// Which layers a result has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layers {
    /// One.
    #[default]
    Squash,
    /// Each is rewritten in place.
    Keep,
}

/// Which platforms of an index are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platforms {
    /// The one on the screen, as an image.
    #[default]
    This,
    /// Each, as an index.
    All,
}

/// What one layer will be, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The instruction as its author wrote it.
    pub instruction: String,
    /// Bytes of the blob as stored, where the medium stores it.
    pub wire: Option<u64>,
}

/// What comes to the state from elsewhere.
#[derive(Debug)]
pub enum Message {
    /// The image is found.
    Opened {
        /// Its reference.
        reference: String,
        /// Its platform.
        platform: String,
        /// Its layers, base first.
        layers: Vec<Expected>,
        /// Where the slim image goes where nothing else is said.
        target: String,
    },
    /// The image is one of so many platforms of an index.
    Platforms(usize),
    /// Long work goes on.
    Progress(Event),
    /// There is more to look at.
    Scene(Arc<Scene>),
    /// Reading is over, and everything is there; or why not.
    Loaded(Result<(), String>),
    /// A view that was asked for; with its number.
    View(u64, Arc<Scene>, Arc<View>),
    /// What a search found, in the order of the rows; with its number.
    Found(u64, Vec<NodeId>),
    /// A plan that was asked for, or why there is none; with its number.
    Planned(u64, Result<Arc<Planned>, String>),
    /// What profiles mean for the image, as far as that is known; with its number.
    Advised(u64, Arc<Advice>),
    /// What was looked for inside, or why it is not there; with its number.
    Looked(u64, Result<Looked, String>),
    /// Writing is over.
    Written(Result<Vec<String>, String>),
    /// A file was written, or why not.
    Saved(Result<String, String>),
}

/// Where messages go.
#[derive(Debug, Clone)]
pub struct Feed(Sender<Message>);

impl Feed {
    /// Into this channel.
    pub fn new(sender: Sender<Message>) -> Self {
        Self(sender)
    }

    /// Sends one; nobody listens any more where the interface has ended.
    pub fn send(&self, message: Message) {
        let _ = self.0.send(message);
    }
}
