//! The terminal: taken over, given back, and given back whatever happens.
//!
//! A module of its own because four things must restore it: the end, a panic, a signal, and the shell taking it for a
//! while. What the terminal says becomes [`Input`] here, and nothing above knows which library reads it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{
    self, DisableMouseCapture, EnableMouseCapture, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
    MouseButton, MouseEventKind,
};
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, style};

use super::chord::{Chord, Key};
use super::state::{Button, Mouse};

/// What a person did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// A key.
    Key(Chord),
    /// The mouse.
    Mouse(Mouse),
    /// The terminal has another size: columns, rows.
    Resize(u16, u16),
}

/// Where the interface is drawn.
pub type Output = Box<dyn Write + Send>;

/// The terminal while the interface has it.
pub(super) struct Screen {
    pub(super) terminal: Terminal<CrosstermBackend<Output>>,
    output: Arc<dyn Fn() -> Output + Send + Sync>,
    signals: Signals,
}

/// What signals did.
#[derive(Default, Clone)]
struct Signals {
    stop: Arc<AtomicBool>,
    go_on: Arc<AtomicBool>,
    panicked: Arc<AtomicBool>,
}

impl Screen {
    /// Takes the terminal over. `output` gives a way to write to it, also while it panics.
    pub(super) fn take(output: impl Fn() -> Output + Send + Sync + 'static) -> io::Result<Self> {
        let signals = Signals::default();
        // Colours are the theme's matter: what the library would do for NO_COLOR hides the selected row.
        style::force_color_output(true);
        let output: Arc<dyn Fn() -> Output + Send + Sync> = Arc::new(output);
        let terminal = Terminal::new(CrosstermBackend::new(output()))?;
        let panics_to = output.clone();
        let flag = signals.panicked.clone();
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            flag.store(true, Ordering::Relaxed);
            give_back(&mut panics_to());
            hook(info);
        }));
        signals.listen()?;
        let mut screen = Self {
            terminal,
            output,
            signals,
        };
        screen.enter()?;
        Ok(screen)
    }

    /// What the screen shows is not known: a new terminal draws all of it. (The library's own way to clear asks the terminal
    /// where its cursor is, which not every one answers.)
    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        self.terminal = Terminal::new(CrosstermBackend::new((self.output)()))?;
        execute!(
            self.terminal.backend_mut(),
            EnterAlternateScreen,
            Clear(ClearType::All),
            EnableMouseCapture,
            Hide
        )
    }

    /// Whether a thread panicked: what it knew is lost.
    pub(super) fn has_panicked(&self) -> bool {
        self.signals.panicked.load(Ordering::Relaxed)
    }

    /// What was done, where something was within `wait`.
    pub(super) fn read(&mut self, wait: Duration) -> io::Result<Option<Input>> {
        if self.signals.stop.swap(false, Ordering::Relaxed) {
            self.suspend()?;
        }
        if self.signals.go_on.swap(false, Ordering::Relaxed) {
            // Somebody else may have used the terminal meanwhile.
            self.enter()?;
            return self.resized().map(Some);
        }
        match event::poll(wait) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(error),
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => chord(key).map(Input::Key),
            Event::Mouse(mouse) => {
                let button = match mouse.kind {
                    MouseEventKind::Down(MouseButton::Left) => Some(Button::Click),
                    MouseEventKind::ScrollDown => Some(Button::WheelDown),
                    MouseEventKind::ScrollUp => Some(Button::WheelUp),
                    _ => None,
                };
                button.map(|button| {
                    Input::Mouse(Mouse {
                        button,
                        x: mouse.column,
                        y: mouse.row,
                    })
                })
            }
            Event::Resize(columns, rows) => Some(Input::Resize(columns, rows)),
            _ => None,
        })
    }

    /// Lets the shell have the terminal until it wakes the process.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back(self.terminal.backend_mut());
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.signals.go_on.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn resized(&self) -> io::Result<Input> {
        let size = self.terminal.size()?;
        Ok(Input::Resize(size.width, size.height))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !self.has_panicked() {
            give_back(self.terminal.backend_mut());
        }
    }
}

impl Signals {
    fn listen(&self) -> io::Result<()> {
        signal_hook::flag::register(signal_hook::consts::SIGTSTP, self.stop.clone())?;
        signal_hook::flag::register(signal_hook::consts::SIGCONT, self.go_on.clone())?;
        Ok(())
    }
}

/// Makes the terminal what it was. Nothing more can be done where that fails.
pub fn give_back(output: &mut impl Write) {
    let _ = execute!(output, DisableMouseCapture, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// A key in our words; `None` for one that nothing is bound to.
fn chord(event: KeyEvent) -> Option<Chord> {
    let key = match event.code {
        KeyCode::Char(' ') | KeyCode::Null => Key::Space,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::F(number) => Key::F(number),
        _ => return None,
    };
    let ctrl = event.modifiers.contains(KeyModifiers::CONTROL) || event.code == KeyCode::Null;
    let key = match key {
        // What terminals send for ctrl-/ is the byte of ctrl-7 and ctrl-_, too.
        Key::Char('7') if ctrl => Key::Char('/'),
        // With Ctrl, the case says nothing.
        Key::Char(c) if ctrl => Key::Char(c.to_ascii_lowercase()),
        key => key,
    };
    Some(Chord { key, ctrl })
}
