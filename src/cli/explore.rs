//! `slim explore`: the image in the terminal; a text report where there is none.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::args::{ExploreArgs, Wanted};
use super::exit::{Code, Failure};
use super::session::{Purpose, Session};
use super::{choose, environment, extract, look, order, out, report, saved_report};
use crate::classify::Classifier;
use crate::content::{ContentMap, EntryId, Visible};
use crate::image::Image;
use crate::inside::{self, Body, Existing, ExtractOptions, Owners, Sight, View};
use crate::layer::{Changeset, Detail, NodeId};
use crate::pipeline::{self, Analysis};
use crate::profile::Profiles;
use crate::progress::Progress;
use crate::transport::Source;
use crate::tui::{
    self, Actions, Chord, Examined, Expected, Explore, Feed, Keymap, Message, Order, Scene, Subject, TuiError,
};

/// Entries up to which an image is shown before all of it is read: beyond, each look costs more than it tells.
const SMALL: usize = 300_000;
/// Bytes of a file that are viewed, at most.
const VIEWED: usize = 16 << 20;

/// How long work that nobody waits for any more may take to clean up.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn run(args: &ExploreArgs, session: &Arc<Session>) -> Result<(), Failure> {
    let is_interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let wants_all = matches!(session.wanted(), Some(Wanted::All));
    let is_report = !is_interactive || wants_all || args.image == "-";
    // What was saved is shown as the report that it is.
    if args.keys.is_none() && (is_report || saved_report::open(&args.image)?.is_some()) {
        return report::run(&args.report(), session);
    }
    let config = environment::config()?;
    let keymap = Keymap::new(&config.keys).map_err(Failure::usage)?;
    let world = Arc::new(World {
        source: args.image.clone(),
        session: session.clone(),
        failure: Mutex::default(),
        platform: Mutex::default(),
    });
    let begun = Explore {
        subject: Subject::Image,
        reference: args.image.clone(),
        actions: world.clone(),
        keymap,
        profiles: Profiles::builtin()?,
        theme: environment::theme(&config)?,
        start: config.tui,
    };
    let result = if let Some(keys) = &args.keys {
        let keys = Chord::script(keys).map_err(Failure::usage)?;
        tui::replay(begun, &keys, args.size.unwrap_or((80, 24))).map(Some)
    } else {
        session
            .signals()
            .restore_with(|| tui::give_back(&mut std::io::stdout()));
        tui::explore(begun, || Box::new(std::io::stdout())).map(|()| None)
    };
    session.divert(None);
    let was_interrupted = session.was_interrupted();
    world.end();
    if was_interrupted {
        return Err(session.interrupted());
    }
    match result {
        Ok(frame) => frame.map_or(Ok(()), |frame| out::bytes(frame.as_bytes())),
        Err(TuiError::Load(why)) => Err(world
            .take_failure()
            .unwrap_or_else(|| Failure::new(Code::Read, why))),
        Err(error) => Err(Failure::new(Code::Failed, error)),
    }
}

/// What the interface is given to act with.
struct World {
    source: String,
    session: Arc<Session>,
    failure: Mutex<Option<Failure>>,
    platform: Mutex<Option<crate::oci::Platform>>,
}

impl World {
    /// Asks what is still under way to end, and gives it a moment to clean up.
    fn end(self: &Arc<Self>) {
        self.session.settings.stop.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        // Whatever works holds on to what it works with.
        while Arc::strong_count(self) > 1 && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.session.settings.stop.store(false, Ordering::Relaxed);
    }

    fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How the layers of an image are read again.
    fn source_of<'a>(
        &self,
        of: &'a Examined,
        progress: &'a Progress,
        stop: &'a AtomicBool,
    ) -> inside::Source<'a> {
        inside::Source {
            image: &of.image,
            map: &of.map,
            limits: self.session.settings.limits,
            progress,
            stop,
        }
    }

    fn read(&self, feed: &Feed) -> Result<(), Failure> {
        let session = &self.session;
        let to = feed.clone();
        session.divert(Some(Box::new(move |event| to.send(Message::Progress(event)))));
        let (image, platforms) = session.image_of(&self.source, Purpose::Rewrite)?;
        *self.platform.lock().unwrap_or_else(PoisonError::into_inner) = Some(image.platform());
        feed.send(opened(&image, &self.source));
        feed.send(Message::Platforms(platforms));
        let classifier = Arc::new(choose::classifier()?);
        let (sender, layers) = channel::<(usize, Changeset)>();
        let analysis = std::thread::scope(|scope| {
            let partial = Partial {
                image: &image,
                classifier: &classifier,
                session,
                feed,
            };
            scope.spawn(move || partial.show(&layers));
            pipeline::analyze_each(
                image.clone(),
                &classifier,
                Detail::Facts,
                &session.settings,
                &move |layer, changeset| {
                    if changeset.entries.len() <= SMALL {
                        // Nobody listens any more where the image was too large.
                        let _ = sender.send((layer, changeset.clone()));
                    }
                },
            )
        })?;
        let read = vec![true; analysis.map.layer_count()];
        let scene = Scene::new(examined(analysis, classifier), &read);
        feed.send(Message::Scene(Arc::new(scene)));
        Ok(())
    }
}

impl Actions for World {
    fn load(&self, feed: &Feed) -> Result<(), String> {
        self.read(feed).map_err(|failure| {
            let message = failure.message.clone();
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
            message
        })
    }

    fn write(&self, order: &Order, _: &Feed, stop: &Arc<AtomicBool>) -> Result<Vec<String>, String> {
        let platform = self.platform.lock().unwrap_or_else(PoisonError::into_inner);
        let platform = platform.clone();
        order::carry_out(order, &self.source, platform.as_ref(), &self.session, stop)
            .map_err(|failure| failure.message)
    }

    fn save(&self, path: &str, text: &str) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{path}: {error}");
        let mut file = std::fs::File::create_new(Path::new(path)).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)
    }

    fn read(&self, image: &Examined, id: EntryId, stop: &AtomicBool) -> Result<Body, String> {
        let progress = Progress::none();
        let source = self.source_of(image, &progress, stop);
        inside::read(&source, id, VIEWED).map_err(|error| error.to_string())
    }

    fn extract(
        &self,
        image: &Examined,
        (view, node): (View, NodeId),
        target: &str,
        stop: &AtomicBool,
    ) -> Result<Vec<String>, String> {
        let progress = Progress::none();
        let source = self.source_of(image, &progress, stop);
        let options = ExtractOptions {
            owners: Owners::Mine,
            existing: Existing::Refuse,
        };
        let sight = Sight::new(&image.map, view);
        if sight.at(node) == Visible::Nothing {
            return Err(format!("it is not in {}", look::place(view)));
        }
        let target = Path::new(target);
        let extracted = inside::extract(&source, &sight, node, target, options);
        let extracted = extracted.map_err(|error| error.to_string())?;
        let summary = extract::summary(&extracted, target);
        Ok(summary.lines().map(str::to_owned).collect())
    }

    fn is_over(&self) -> bool {
        self.session.was_interrupted()
    }
}

/// What is shown while layers are still being read.
struct Partial<'a> {
    image: &'a Image,
    classifier: &'a Arc<Classifier>,
    session: &'a Session,
    feed: &'a Feed,
}

impl Partial<'_> {
    /// Shows what is there whenever a layer has come; those that come meanwhile are shown together.
    fn show(&self, layers: &Receiver<(usize, Changeset)>) {
        let count = self.image.layers.len();
        let mut there: Vec<Option<Changeset>> = vec![None; count];
        while let Ok((layer, changeset)) = layers.recv() {
            there[layer] = Some(changeset);
            for (layer, changeset) in layers.try_iter() {
                there[layer] = Some(changeset);
            }
            let entries: usize = there
                .iter()
                .flatten()
                .map(|changeset| changeset.entries.len())
                .sum();
            let is_whole = there.iter().all(Option::is_some);
            if is_whole || entries > SMALL || self.session.was_interrupted() {
                return;
            }
            self.feed.send(Message::Scene(Arc::new(self.scene(&there))));
        }
    }

    fn scene(&self, there: &[Option<Changeset>]) -> Scene {
        let changesets = there.iter().map(|layer| layer.clone().unwrap_or_default());
        let map = ContentMap::merge(changesets.collect());
        let threads = self.session.settings.threads;
        let attribution = self.classifier.classify(&map, &self.image.config, &[], threads);
        let read: Vec<bool> = there.iter().map(Option::is_some).collect();
        let of = Examined {
            image: self.image.clone(),
            map,
            attribution,
            classifier: self.classifier.clone(),
        };
        Scene::new(of, &read)
    }
}

fn examined(analysis: Analysis, classifier: Arc<Classifier>) -> Examined {
    let Analysis {
        image,
        map,
        attribution,
    } = analysis;
    Examined {
        image,
        map,
        attribution,
        classifier,
    }
}

fn opened(image: &Image, source: &str) -> Message {
    let layers = image.layers.iter().enumerate().map(|(at, layer)| Expected {
        instruction: crate::report::instruction(&image.created_by(at)),
        wire: layer.descriptor().map(|blob| blob.size),
    });
    Message::Opened {
        reference: image.name.reference.clone(),
        platform: image.platform().to_string(),
        layers: layers.collect(),
        target: proposal(source),
    }
}

/// Where the slim image goes where nothing else is said: the tag with `-slim` in its registry, else an archive here.
fn proposal(source: &str) -> String {
    if let Ok(Source::Registry(reference)) = Source::parse(source)
        && let (Some(tag), None) = (&reference.tag, &reference.digest)
    {
        return format!("docker://{}", reference.with_tag(&format!("{tag}-slim")));
    }
    let name = source
        .rsplit(['/', ':'])
        .find(|part| !part.is_empty())
        .unwrap_or("image");
    let stem = name.strip_suffix(".tar").unwrap_or(name);
    format!("oci-archive:{stem}-slim.tar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_proposed_for_every_source() {
        for (source, want) in [
            ("docker://ghcr.io/o/app:1.4", "docker://ghcr.io/o/app:1.4-slim"),
            ("oci:img/app:fat", "oci-archive:fat-slim.tar"),
            ("docker-archive:/tmp/app.tar", "oci-archive:app-slim.tar"),
            ("oci:img/app/", "oci-archive:app-slim.tar"),
        ] {
            assert_eq!(proposal(source), want, "{source}");
        }
    }
}
