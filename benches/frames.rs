//! How long a key keeps a person waiting: every key of a journey through an image of a million files, and the frame after it.
//!
//! A program of its own because what counts is not how long work takes but how long the thread that draws is held up by it:
//! views, searches and plans are made where it waits for nothing. Nothing here is a test.
//! `cargo bench --bench frames [FILES]`

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant};

use anyhow::Result;
use layerslim::classify::Classifier;
use layerslim::content::ContentMap;
use layerslim::image::{BlobRef, Config, Image, ImageError, ImageName, OpenBlob};
use layerslim::layer::{self, Detail, Limits, ReadOptions};
use layerslim::oci::Digest;
use layerslim::profile::Profiles;
use layerslim::progress::{Progress, Stage};
use layerslim::tar;
use layerslim::tui::draw::draw;
use layerslim::tui::marks::Planned;
use layerslim::tui::scene::view::{View, Wanted};
use layerslim::tui::state::{Effect, State};
use layerslim::tui::{Chord, Examined, Keymap, Message, Scene, Subject, Theme};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::json;

const FILES: usize = 1_000_000;
/// Everything that moves, opens, sorts, filters, searches and marks.
const JOURNEY: &str = "jjll]]]]]GgddddGuuuub1jj<ctrl-l><tab>Gg<ctrl-l>2jj<enter><enter>3jj<tab>s]]]Gs]]]Gs\
    /main<enter>nnnnNN<esc>f>100<enter>G<esc>fre:py$<enter>]]]]]G<esc> jj j a<enter>p<esc>mmmm<ctrl-b>?<esc>Gk k k ";

fn main() -> Result<()> {
    let files = std::env::args()
        .find_map(|word| word.parse().ok())
        .unwrap_or(FILES);
    let profiles = Arc::new(Profiles::builtin()?);
    let begun = Instant::now();
    let scene = Arc::new(scene(files, &profiles)?);
    println!(
        "{files} files; read, merged, classified and summed in {:.1?}",
        begun.elapsed()
    );
    let mut bench = Bench {
        state: State::new(Subject::Image, "made", Arc::new(Keymap::default()), profiles),
        terminal: Terminal::new(TestBackend::new(120, 40))?,
        frames: Vec::new(),
        behind: Vec::new(),
    };
    bench.state.resize(120, 40);
    let effects = bench.state.receive(Message::Scene(scene));
    bench.settle(effects)?;
    bench.frames.clear();
    for chord in Chord::script(JOURNEY)? {
        let begun = Instant::now();
        let effects = bench.state.press(chord);
        let pressed = begun.elapsed();
        bench.draw()?;
        let text = format!("key {chord}, done in {pressed:.2?}");
        bench.frames.push((begun.elapsed(), text));
        bench.settle(effects)?;
    }
    bench.tell();
    Ok(())
}

struct Bench {
    state: State,
    terminal: Terminal<TestBackend>,
    /// What held the drawing thread up, and for how long.
    frames: Vec<(Duration, String)>,
    /// What others did meanwhile.
    behind: Vec<(Duration, String)>,
}

impl Bench {
    fn draw(&mut self) -> Result<()> {
        let state = &self.state;
        self.terminal.draw(|frame| draw(frame, state, Theme::default()))?;
        Ok(())
    }

    /// Does what a key began, as the threads would, and takes what comes of it.
    fn settle(&mut self, effects: Vec<Effect>) -> Result<()> {
        let mut open = effects;
        while let Some(effect) = open.pop() {
            let begun = Instant::now();
            // In a thread of its own, as the interface has it: what it frees is not given back while something is drawn.
            let profiles = &self.state.profiles;
            let answered = std::thread::scope(|scope| scope.spawn(|| answer(effect, profiles)).join());
            let Ok(Some((what, message))) = answered else {
                continue;
            };
            self.behind.push((begun.elapsed(), what.to_owned()));
            let begun = Instant::now();
            open.extend(self.state.receive(message));
            let taken = begun.elapsed();
            self.draw()?;
            let text = format!("{what} came, taken in {taken:.2?}");
            self.frames.push((begun.elapsed(), text));
        }
        Ok(())
    }

    fn tell(&mut self) {
        for (title, times) in [
            ("drawing thread", &mut self.frames),
            ("behind it", &mut self.behind),
        ] {
            times.sort();
            let at = |share: f64| {
                times
                    .get((times.len() as f64 * share) as usize)
                    .map(|(time, _)| *time)
            };
            println!(
                "{title}: {} times, p50 {:.2?}, p99 {:.2?}",
                times.len(),
                at(0.5).unwrap_or_default(),
                at(0.99).unwrap_or_default()
            );
            for (time, what) in times.iter().rev().take(5) {
                println!("  {time:>10.2?}  {what}");
            }
        }
    }
}

/// What comes of an effect.
fn answer(effect: Effect, profiles: &Profiles) -> Option<(&'static str, Message)> {
    match effect {
        Effect::View(number, scene, ask) => {
            let newest = AtomicU64::new(number);
            let view = View::new(&scene, *ask, Wanted::new(&newest, number))?;
            Some(("view", Message::View(number, scene, Arc::new(view))))
        }
        Effect::Search(number, scene, view, pattern) => {
            let newest = AtomicU64::new(number);
            let found = view.search(&scene, &pattern, Wanted::new(&newest, number))?;
            Some(("search", Message::Found(number, found)))
        }
        Effect::Plan(number, scene, marks) => {
            let planned = Planned::new(&scene, profiles, &marks);
            let planned = planned.map(Arc::new).map_err(|error| error.to_string());
            Some(("plan", Message::Planned(number, planned)))
        }
        _ => None,
    }
}

/// An image of one large layer and one that changes a hundredth of it.
fn scene(files: usize, profiles: &Profiles) -> Result<Scene> {
    let upper: Vec<usize> = (0..files).step_by(100).collect();
    let image = image(vec![archive(0..files, 512), archive(upper.into_iter(), 1024)])?;
    let options = ReadOptions {
        threads: NonZeroUsize::MIN,
        detail: Detail::Facts,
        cache: None,
        progress: &Progress::none(),
        stage: Stage::Read,
        limits: Limits::default(),
        stop: &AtomicBool::new(false),
    };
    let map = ContentMap::merge(layer::read(&image, &options)?);
    let classifier = Arc::new(Classifier::new(profiles.catalog().clone())?);
    let attribution = classifier.classify(&map, &image.config, &[], NonZeroUsize::MIN);
    let of = Examined {
        image,
        map,
        attribution,
        classifier,
    };
    Ok(Scene::new(of, &[true, true]))
}

/// Paths such as a language's package directory has, and one directory of very many.
fn path(at: usize) -> Vec<u8> {
    const TAILS: [&str; 6] = [
        "index.js",
        "README.md",
        "lib/main.py",
        "lib/__pycache__/main.cpython-313.pyc",
        "tests/test_main.py",
        "package.json",
    ];
    if at.is_multiple_of(4) {
        return format!("var/spool/item-{at}").into_bytes();
    }
    let (package, tail) = (at / 100, TAILS[at % TAILS.len()]);
    format!("srv/app/node_modules/package-{package}/part{}/{tail}", at % 100).into_bytes()
}

fn archive(files: impl Iterator<Item = usize>, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for at in files {
        let mut header = tar::Header::new(tar::Kind::Regular, &path(at), 0o644);
        (header.size, header.logical_size) = (size as u64, size as u64);
        tar::write_header(&mut out, &header);
        out.resize(out.len() + size, b'#');
    }
    out.extend_from_slice(&tar::END);
    out
}

fn image(layers: Vec<Vec<u8>>) -> Result<Image> {
    let diff_ids: Vec<String> = layers.iter().map(|tar| Digest::of(tar).to_string()).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": ["/srv/app/run"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let name = ImageName {
        transport: "docker-archive",
        reference: "docker-archive:made.tar".to_owned(),
    };
    let members = (0..layers.len()).map(|at| at.to_string()).collect();
    let config = Config::parse(config.to_string().into_bytes())?;
    let held = Held(layers.into_iter().map(Arc::from).collect());
    Ok(Image::from_archive(name, members, config, Arc::new(held))?)
}

struct Held(Vec<Arc<[u8]>>);

impl OpenBlob for Held {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let bytes = blob.label().parse().ok().and_then(|at: usize| self.0.get(at));
        Ok(Box::new(Cursor::new(bytes.cloned().unwrap_or_default())))
    }
}
