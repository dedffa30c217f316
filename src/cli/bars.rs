//! Progress on standard error: bars on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::collections::HashMap;
use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::bytesize::ByteSize;
use crate::progress::{Event, Progress, Stage};
use crate::report::printable;

/// Pieces smaller than this finish before anyone could read their line.
const WORTH_A_LINE: u64 = 8 << 20;

/// The display of one run.
#[derive(Clone)]
pub(super) struct Bars(Arc<Mutex<State>>);

struct State {
    how: How,
    /// Where everything goes while the screen is another's.
    elsewhere: Option<Elsewhere>,
    bars: MultiProgress,
    open: HashMap<(Stage, usize), Piece>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Quiet,
    Lines,
    Bars,
}

/// Who is told instead.
pub(super) type Elsewhere = Box<dyn Fn(Event) + Send>;

struct Piece {
    label: String,
    bytes: u64,
    bar: Option<ProgressBar>,
}

impl Bars {
    pub(super) fn new(quiet: bool) -> Self {
        let how = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => How::Quiet,
            (false, false) => How::Lines,
            (false, true) => How::Bars,
        };
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        Self(Arc::new(Mutex::new(State {
            how,
            elsewhere: None,
            bars,
            open: HashMap::new(),
        })))
    }

    /// What work sends its events to.
    pub(super) fn progress(&self) -> Progress {
        let bars = self.clone();
        Progress::new(move |event| bars.0.lock().unwrap_or_else(PoisonError::into_inner).take(event))
    }

    /// Sends everything elsewhere from now on, or no longer.
    #[cfg(feature = "tui")]
    pub(super) fn divert(&self, elsewhere: Option<Elsewhere>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elsewhere = elsewhere;
    }

    /// A line that stays; names in it may be anything.
    pub(super) fn note(&self, text: &str) {
        self.page(&printable(text));
    }

    /// Lines that stay, escaped by whoever made them.
    pub(super) fn page(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).line(text);
    }

    /// Takes every bar off the screen.
    pub(super) fn clear(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.clear();
        // Nothing depends on the screen being clean.
        let _ = state.bars.clear();
    }
}

impl State {
    fn take(&mut self, event: Event) {
        if let Some(elsewhere) = &self.elsewhere {
            return elsewhere(event);
        }
        match event {
            Event::Started {
                stage,
                task,
                label,
                total,
            } => {
                let label = format!("{} {}", verb(stage), printable(&label));
                let bar = (self.how == How::Bars).then(|| self.bars.add(bar(total, &label)));
                self.open.insert((stage, task), Piece { label, bytes: 0, bar });
            }
            Event::Advanced { stage, task, bytes } => {
                if let Some(piece) = self.open.get_mut(&(stage, task)) {
                    piece.bytes += bytes;
                    piece.bar.iter().for_each(|bar| bar.inc(bytes));
                }
            }
            Event::Finished { stage, task } => {
                let Some(piece) = self.open.remove(&(stage, task)) else {
                    return;
                };
                if let Some(bar) = piece.bar {
                    bar.finish_and_clear();
                } else if piece.bytes >= WORTH_A_LINE {
                    self.line(&format!("{} ({})", piece.label, ByteSize(piece.bytes)));
                }
            }
            Event::Note(text) => self.line(&printable(&text)),
        }
    }

    fn line(&self, text: &str) {
        if let Some(elsewhere) = &self.elsewhere {
            return elsewhere(Event::Note(text.to_owned()));
        }
        match self.how {
            How::Quiet => {}
            How::Lines => stderr_line(text),
            How::Bars => self.bars.suspend(|| stderr_line(text)),
        }
    }
}

/// A line on standard error. One that nobody reads any more is no failure.
pub(super) fn stderr_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn verb(stage: Stage) -> &'static str {
    match stage {
        Stage::Read => "reading",
        Stage::Write => "rewriting",
        Stage::Verify => "verifying",
        Stage::Send => "sending",
    }
}

fn bar(total: Option<u64>, label: &str) -> ProgressBar {
    let template = match total {
        Some(_) => {
            "{msg:30!} {wide_bar:.cyan/dim} {decimal_bytes:>10}/{decimal_total_bytes:10} {decimal_bytes_per_sec:>12} {eta:>4}"
        }
        None => "{msg:30!} {spinner} {decimal_bytes:>10} {decimal_bytes_per_sec:>12}",
    };
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("━╸─"))
        .with_message(label.to_owned())
}
