//! The interface in a real terminal: a PTY, and a screen that reads what is written to it.

use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use layerslim::content::EntryId;
use layerslim::inside::{Body, View};
use layerslim::layer::NodeId;
use layerslim::profile::Profiles;
use layerslim::tui::{Actions, Examined, Explore, Feed, Keymap, Order, Start, Subject, Theme, TuiError};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::{MouseProtocolMode, Parser, Screen};

use crate::support::cmd::{Sandbox, names};
use crate::support::recipe::Recipe;

const IMAGE: &str = "
layer ADD rootfs.tar /
f usr/lib/large.so 900000
f usr/lib/small.so 9000
f srv/data.bin 300000
f etc/passwd 100
";

/// How long a screen may take to show what it should.
const PATIENCE: Duration = Duration::from_secs(60);

struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<Parser>>,
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

impl Terminal {
    fn slim(sandbox: &Sandbox, environment: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_slim"));
        command.args(["-q", "oci:src"]);
        Self::start(sandbox, command, environment)
    }

    fn start(sandbox: &Sandbox, mut command: CommandBuilder, environment: &[(&str, &str)]) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 100,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env_clear();
        command.cwd(sandbox.path(""));
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color");
        command.env("SLIM_CACHE", sandbox.path("cache"));
        command.env("TMPDIR", sandbox.path("tmp"));
        for (name, value) in environment {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new(Mutex::new(Parser::new(cells(24), cells(100), 0)));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let shown = screen.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 {
                    return;
                }
                shown.lock().unwrap().process(&buffer[..count]);
            }
        });
        Self {
            writer: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            screen,
        }
    }

    fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    fn until(&self, what: &str, is: impl Fn(&Screen) -> bool) {
        let begun = Instant::now();
        while !is(self.screen.lock().unwrap().screen()) {
            if begun.elapsed() > PATIENCE {
                let contents = self.screen.lock().unwrap().screen().contents();
                panic!("{what}: not after {PATIENCE:?}\n{contents}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn until_shown(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// The whole image is there.
    #[track_caller]
    fn until_read(&self) {
        self.until("the image is read", |screen| {
            let contents = screen.contents();
            contents.contains("usr/") && !contents.contains("reading") && !contents.contains("opening")
        });
    }

    fn signal(&self, signal: &str) {
        let process = self.child.process_id().unwrap().to_string();
        let sent = Command::new("kill").args([signal, &process]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for the end, and for the terminal being as it was.
    #[track_caller]
    fn end(mut self) -> u32 {
        self.until("the terminal is given back", is_given_back);
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

fn is_given_back(screen: &Screen) -> bool {
    !screen.alternate_screen()
        && !screen.hide_cursor()
        && screen.mouse_protocol_mode() == MouseProtocolMode::None
}

/// The row of the tree that is selected: reversed, in the right half.
fn selected(screen: &Screen) -> Option<String> {
    let (rows, columns) = screen.size();
    let row = (0..rows.get()).find(|&row| {
        screen
            .cell(row, columns.get() - 1)
            .is_some_and(vt100::Cell::inverse)
    })?;
    screen.rows(40, columns.get() - 40).nth(usize::from(row))
}

fn sandbox() -> Sandbox {
    Sandbox::with(&Recipe::new(IMAGE))
}

#[test]
fn keys_of_a_terminal_move_and_the_end_gives_it_back() {
    let sandbox = sandbox();
    let mut terminal = Terminal::slim(&sandbox, &[]);
    terminal.until_read();
    assert!(terminal.screen.lock().unwrap().screen().alternate_screen());
    terminal.until("usr is selected", |screen| {
        selected(screen).is_some_and(|row| row.contains("usr/"))
    });
    terminal.send("\x1b[B");
    terminal.until("an arrow goes down", |screen| {
        selected(screen).is_some_and(|row| row.contains("srv/"))
    });
    terminal.send("\x1b[A\x1b[C\x1b[C");
    terminal.until("arrows expand", |screen| {
        selected(screen).is_some_and(|row| row.contains("lib/"))
    });
    terminal.send("\x06>100k\r");
    terminal.until_shown("filter: >100k");
    // ctrl-/
    terminal.send("\x1f -data\r");
    terminal.until_shown("filter: >100k -data");
    terminal.send("\x05");
    terminal.until_shown("into directory");
    terminal.send("\x1b");
    terminal.until("the dialog is closed", |screen| {
        !screen.contents().contains("into directory")
    });
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn the_mouse_selects_opens_and_scrolls() {
    let sandbox = sandbox();
    let mut terminal = Terminal::slim(&sandbox, &[]);
    terminal.until_read();
    // The fifth line of the screen is the second row of the tree; columns and rows count from 1.
    terminal.send("\x1b[<0;70;5M\x1b[<0;70;5m");
    terminal.until("a click selects", |screen| {
        selected(screen).is_some_and(|row| row.contains("srv/"))
    });
    terminal.send("\x1b[<0;70;5M\x1b[<0;70;5m");
    terminal.until_shown("data.bin");
    terminal.send("\x1b[<0;15;3M\x1b[<0;15;3m");
    terminal.until_shown("kept");
    terminal.send("?");
    terminal.until_shown("one row down");
    terminal.send("\x1b[<65;50;10M\x1b[<65;50;10M");
    terminal.until("the wheel scrolls", |screen| {
        !screen.contents().contains("one row down")
    });
    terminal.send("\x03");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn another_size_is_another_layout() {
    let sandbox = sandbox();
    let terminal = Terminal::slim(&sandbox, &[]);
    terminal.until_read();
    terminal.until_shown("1 Layers");
    for (columns, rows, wide) in [(60, 15, false), (40, 12, false), (200, 50, true)] {
        terminal
            .screen
            .lock()
            .unwrap()
            .screen_mut()
            .set_size(cells(rows), cells(columns));
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        terminal.master.resize(size).unwrap();
        terminal.until("the panes fit", |screen| {
            let contents = screen.contents();
            contents.contains("Merged image") && contents.contains("1 Layers") == wide
        });
    }
    terminal.signal("-TERM");
    assert_eq!(terminal.end(), 130, "it was asked to end and did");
}

#[test]
fn without_colours_the_selected_row_is_still_seen() {
    let sandbox = sandbox();
    for (environment, has_colours) in [(&[("NO_COLOR", "1")][..], false), (&[], true)] {
        let mut terminal = Terminal::slim(&sandbox, environment);
        terminal.until_read();
        terminal.until("usr is selected", |screen| {
            selected(screen).is_some_and(|row| row.contains("usr/"))
        });
        let colours = {
            let parser = terminal.screen.lock().unwrap();
            let screen = parser.screen();
            let cells = (0..24).flat_map(|row| (0..100).map(move |column| (row, column)));
            let mut colours = cells.filter_map(|(row, column)| screen.cell(row, column));
            colours.any(|cell| {
                cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default
            })
        };
        assert_eq!(colours, has_colours, "{environment:?}");
        terminal.send("q");
        terminal.end();
    }
}

#[test]
fn it_lets_the_shell_have_the_terminal_and_comes_back() {
    let sandbox = sandbox();
    let mut terminal = Terminal::slim(&sandbox, &[]);
    terminal.until_read();
    terminal.send("\x1a");
    terminal.until("the shell has it", is_given_back);
    terminal.signal("-CONT");
    terminal.until("it is back", Screen::alternate_screen);
    terminal.until_shown("Merged image");
    terminal.signal("-TSTP");
    terminal.until("the shell has it again", is_given_back);
    terminal.signal("-CONT");
    terminal.until_shown("Merged image");
    terminal.send("jq");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn what_cannot_be_read_is_said_after_the_terminal_is_given_back() {
    let sandbox = sandbox();
    std::fs::remove_dir_all(sandbox.path("src/blobs")).unwrap();
    let terminal = Terminal::slim(&sandbox, &[]);
    terminal.until_shown("slim: ");
    assert_eq!(terminal.end(), 3);
}

#[test]
fn a_write_is_stopped_and_leaves_nothing_and_the_next_one_is_whole() {
    let sandbox = Sandbox::with(&Recipe::new(
        "layer ADD rootfs.tar /\nf usr/large 12000000\nf old 10",
    ));
    let mut terminal = Terminal::slim(&sandbox, &[]);
    terminal.until_read();
    // All at once: it has hardly begun when it is asked to end.
    terminal.send("w\r\rqy");
    terminal.until_shown("nothing was published");
    assert!(!sandbox.path("src-slim.tar").exists());
    assert_eq!(sandbox.leftovers(), Vec::<String>::new());
    terminal.send("\r\r\r");
    terminal.until_shown("written: oci-archive:src-slim.tar");
    terminal.send("jj");
    terminal.until_shown("Merged image");
    terminal.send("q");
    assert_eq!(terminal.end(), 0);
    sandbox
        .slim("verify -q oci:src oci-archive:src-slim.tar --profile none")
        .ok();
}

#[test]
fn what_is_extracted_is_stopped_and_leaves_nothing() {
    let sandbox = Sandbox::with(&Recipe::new("layer ADD rootfs.tar /\nf usr/large 12000000"));
    let mut terminal = Terminal::slim(&sandbox, &[]);
    terminal.until_read();
    terminal.send("e\r\r\x1b");
    terminal.until_shown("taken away");
    terminal.send("q");
    assert_eq!(terminal.end(), 0, "it ends once that is done");
    let extracted = sandbox.path("extracted");
    assert!(!extracted.exists() || names(&extracted).is_empty());
}

/// What reads nothing and panics.
struct Broken;

impl Actions for Broken {
    fn load(&self, _: &Feed) -> Result<(), String> {
        panic!("broken on purpose");
    }

    fn write(&self, _: &Order, _: &Feed, _: &Arc<AtomicBool>) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn save(&self, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn read(&self, _: &Examined, _: EntryId, _: &AtomicBool) -> Result<Body, String> {
        Err("nothing is there".to_owned())
    }

    fn extract(
        &self,
        _: &Examined,
        _: (View, NodeId),
        _: &str,
        _: &AtomicBool,
    ) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }

    fn is_over(&self) -> bool {
        false
    }
}

/// Run by the test below, in a terminal of its own.
#[test]
#[ignore = "panics in a terminal, which the test below gives it"]
fn panics_in_its_terminal() {
    let begun = Explore {
        subject: Subject::Image,
        reference: "nothing".to_owned(),
        actions: Arc::new(Broken),
        keymap: Keymap::default(),
        profiles: Profiles::builtin().unwrap(),
        theme: Theme::default(),
        start: Start::default(),
    };
    let ended = layerslim::tui::explore(begun, || Box::new(std::io::stdout()));
    assert!(matches!(ended, Err(TuiError::Panicked)));
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let sandbox = sandbox();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "tui_terminal::panics_in_its_terminal",
        "--ignored",
        "--nocapture",
    ]);
    let terminal = Terminal::start(&sandbox, command, &[]);
    terminal.until_shown("broken on purpose");
    terminal.until_shown("test result: ok");
    assert_eq!(terminal.end(), 0);
}
