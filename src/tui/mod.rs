//! Exploring an image in the terminal: what is in it, what could go, and writing it without that.
//!
//! A floor of its own because it is an interface and decides nothing: the floors below say what is in an image and what may
//! go, and [`Actions`], which `cli` injects, reads and writes. Inside it the house has floors too: `state` is pure and knows no
//! terminal, `draw` lays out what the state says, `worker` does in threads what takes longer than a frame, `terminal`
//! takes the screen over and gives it back.

mod actions;
pub mod advice;
mod app;
mod chord;
pub mod draw;
pub mod keys;
pub mod manual;
pub mod marks;
pub mod page;
pub mod scene;
mod start;
pub mod state;
mod terminal;
#[cfg(test)]
mod tests;
pub mod text;
pub mod viewer;
mod worker;

pub use actions::{Actions, Expected, Feed, Layers, Message, Order, Platforms};
pub use app::{Explore, TuiError, explore, replay};
pub use chord::{Chord, ChordError};
pub use draw::{Background, Depth, Theme};
pub use keys::{Keymap, KeymapError};
pub use scene::{Examined, Scene, Subject};
pub use start::Start;
pub use terminal::{Output, give_back};
