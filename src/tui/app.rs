//! The loop: what a person does and what threads find goes into the state, the state onto the screen.
//!
//! A module of its own because it is the only place where all of it meets. [`explore`] runs it in a terminal, [`replay`] with
//! keys from a script and a screen in memory.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::{Backend, TestBackend};

use super::actions::{Actions, Feed, Message};
use super::chord::Chord;
use super::draw::{Theme, draw};
use super::keys::Keymap;
use super::scene::Subject;
use super::start::Start;
use super::state::{Effect, State};
use super::terminal::{Input, Output, Screen};
use super::worker::Worker;
use crate::profile::Profiles;

/// How long a key or a message may wait for the other.
const TICK: Duration = Duration::from_millis(8);
/// How long nothing is looked at while nothing goes on.
const IDLE: Duration = Duration::from_millis(60);
/// Keys and messages that are taken before the next frame, at most.
const MOST: usize = 256;
/// How long a script waits for what a key began.
const PATIENCE: Duration = Duration::from_secs(600);

/// What the interface is begun with.
pub struct Explore {
    /// What is explored.
    pub subject: Subject,
    /// The image as a person named it.
    pub reference: String,
    /// What it cannot do itself.
    pub actions: Arc<dyn Actions>,
    /// The keys.
    pub keymap: Keymap,
    /// The profiles there are.
    pub profiles: Profiles,
    /// What it looks like.
    pub theme: Theme,
    /// How it begins.
    pub start: Start,
}

/// Why the interface ended that should not have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuiError {
    /// Occurs when the terminal cannot be read or written.
    #[error("the terminal failed: {0}")]
    Terminal(#[from] io::Error),
    /// Occurs when the image cannot be read.
    #[error("{0}")]
    Load(String),
    /// Occurs when a thread panicked.
    #[error("something is wrong in slim itself; the lines above say where")]
    Panicked,
    /// Occurs when a script waits for what does not come.
    #[error("the script's keys began something that did not end")]
    Stuck,
}

/// Runs the interface in the terminal that `output` writes to, until the person leaves it.
pub fn explore(begun: Explore, output: impl Fn() -> Output + Send + Sync + 'static) -> Result<(), TuiError> {
    let theme = begun.theme;
    let mut screen = Screen::take(output)?;
    let (mut app, actions) = App::begin(begun);
    let size = screen.terminal.size()?;
    app.state.resize(size.width, size.height);
    let mut is_dirty = true;
    while !actions.is_over() {
        if screen.has_panicked() {
            return Err(TuiError::Panicked);
        }
        if is_dirty {
            app.draw(&mut screen.terminal, theme)?;
            is_dirty = false;
        }
        let wait = if app.is_busy() { TICK } else { IDLE };
        let mut next = screen.read(wait)?;
        for _ in 0..MOST {
            let Some(input) = next else { break };
            is_dirty = true;
            match app.take(input) {
                Turn::On => {}
                Turn::Quit => return app.end(),
                Turn::Suspend => screen.suspend()?,
            }
            next = screen.read(Duration::ZERO)?;
        }
        let (received, turn) = app.receive();
        is_dirty |= received;
        if turn == Turn::Quit {
            return app.end();
        }
    }
    Ok(())
}

/// Plays keys on a screen of some size in memory, each after what the one before began has ended, and gives the last
/// frame as text.
pub fn replay(begun: Explore, keys: &[Chord], (columns, rows): (u16, u16)) -> Result<String, TuiError> {
    let theme = begun.theme;
    let (mut app, _) = App::begin(begun);
    let Ok(mut terminal) = Terminal::new(TestBackend::new(columns, rows));
    app.state.resize(columns, rows);
    app.settle()?;
    for &chord in keys {
        if app.take(Input::Key(chord)) == Turn::Quit {
            break;
        }
        app.settle()?;
    }
    app.end()?;
    let Ok(()) = app.draw(&mut terminal, theme);
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..rows {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..columns {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            // A wide character takes the cell beside it too.
            skip = super::text::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(text)
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    On,
    Suspend,
    Quit,
}

struct App {
    state: State,
    worker: Worker,
    messages: Receiver<Message>,
}

impl App {
    fn begin(begun: Explore) -> (Self, Arc<dyn Actions>) {
        let (sender, messages) = channel();
        let profiles = Arc::new(begun.profiles);
        let worker = Worker::new(begun.actions.clone(), profiles.clone(), Feed::new(sender));
        let mut state = State::new(begun.subject, &begun.reference, Arc::new(begun.keymap), profiles);
        state.begin(begun.start);
        worker.load();
        let app = Self {
            state,
            worker,
            messages,
        };
        (app, begun.actions)
    }

    fn draw<B: Backend>(&self, terminal: &mut Terminal<B>, theme: Theme) -> Result<(), B::Error> {
        terminal.draw(|frame| draw(frame, &self.state, theme)).map(drop)
    }

    fn is_busy(&self) -> bool {
        self.worker.is_busy()
    }

    fn take(&mut self, input: Input) -> Turn {
        let effects = match input {
            Input::Key(chord) => self.state.press(chord),
            Input::Mouse(mouse) => self.state.point(mouse),
            Input::Resize(columns, rows) => {
                self.state.resize(columns, rows);
                Vec::new()
            }
        };
        self.begin_all(effects)
    }

    fn begin_all(&mut self, effects: Vec<Effect>) -> Turn {
        let mut turn = Turn::On;
        for effect in effects {
            match effect {
                Effect::Quit => turn = Turn::Quit,
                Effect::Suspend if turn == Turn::On => turn = Turn::Suspend,
                effect => self.worker.begin(effect),
            }
        }
        turn
    }

    /// Takes the messages that are there; whether there were any.
    fn receive(&mut self) -> (bool, Turn) {
        let mut received = false;
        for _ in 0..MOST {
            let Ok(message) = self.messages.try_recv() else {
                break;
            };
            received = true;
            let effects = self.state.receive(message);
            if self.begin_all(effects) == Turn::Quit {
                return (received, Turn::Quit);
            }
        }
        (received, Turn::On)
    }

    /// Waits until nothing goes on any more.
    fn settle(&mut self) -> Result<(), TuiError> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let is_busy = self.is_busy();
            match self.messages.recv_timeout(TICK) {
                Ok(message) => {
                    let effects = self.state.receive(message);
                    self.begin_all(effects);
                }
                // What was busy before the wait may have sent something since.
                Err(RecvTimeoutError::Timeout) if is_busy || self.is_busy() => {}
                Err(_) => return Ok(()),
            }
        }
        Err(TuiError::Stuck)
    }

    fn end(&self) -> Result<(), TuiError> {
        self.state
            .failure
            .clone()
            .map_or(Ok(()), |why| Err(TuiError::Load(why)))
    }
}
