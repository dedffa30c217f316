//! What takes longer than a frame: views, searches, plans, reading and writing, each in a thread of its own.
//!
//! A module of its own because no key may wait for any of it. A newer wish of a kind ends the older one.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::actions::{Actions, Feed, Message};
use super::advice::Advice;
use super::marks::{Marks, Planned};
use super::scene::Scene;
use super::scene::filter::Pattern;
use super::scene::view::{View, Wanted};
use super::state::Effect;
use super::viewer::Wish;
use crate::profile::Profiles;

type Job = Box<dyn FnOnce(&Feed) + Send>;

/// The threads.
pub(super) struct Worker {
    actions: Arc<dyn Actions>,
    profiles: Arc<Profiles>,
    feed: Feed,
    quick: Line,
    slow: Line,
    newest: Arc<Newest>,
    /// Jobs that are not done yet.
    open: Arc<AtomicUsize>,
    /// Ends what is being looked for inside.
    stop: Mutex<Arc<AtomicBool>>,
    /// Ends what is being written.
    stop_writing: Mutex<Arc<AtomicBool>>,
}

/// The number of the newest wish of each kind.
#[derive(Default)]
struct Newest {
    view: AtomicU64,
    search: AtomicU64,
    plan: AtomicU64,
    advice: AtomicU64,
}

/// Counts a job off when it is over, however it ends.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// A thread that does one job after the other.
struct Line(Sender<Job>);

impl Line {
    fn new(feed: &Feed, open: &Arc<AtomicUsize>) -> Self {
        let (sender, jobs): (Sender<Job>, Receiver<Job>) = channel();
        let (feed, open) = (feed.clone(), open.clone());
        std::thread::spawn(move || {
            for job in jobs {
                let _done = Done(&open);
                job(&feed);
            }
        });
        Self(sender)
    }
}

impl Worker {
    /// Starts the threads; what comes of their work goes to `feed`.
    pub(super) fn new(actions: Arc<dyn Actions>, profiles: Arc<Profiles>, feed: Feed) -> Self {
        let open = Arc::new(AtomicUsize::new(0));
        Self {
            quick: Line::new(&feed, &open),
            slow: Line::new(&feed, &open),
            actions,
            profiles,
            feed,
            newest: Arc::default(),
            open,
            stop: Mutex::default(),
            stop_writing: Mutex::default(),
        }
    }

    /// Whether work is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }

    /// Begins to read the image.
    pub(super) fn load(&self) {
        let actions = self.actions.clone();
        self.alone(move |feed| feed.send(Message::Loaded(actions.load(feed))));
    }

    /// Begins what the state asks for; `Quit` and `Suspend` are not for here.
    pub(super) fn begin(&self, effect: Effect) {
        match effect {
            Effect::View(number, scene, ask) => self.view(number, scene, ask),
            Effect::Search(number, scene, view, pattern) => self.search(number, scene, view, pattern),
            Effect::Plan(number, scene, marks) => self.plan(number, scene, marks),
            Effect::Advise(number, scene) => self.advise(number, scene),
            Effect::Write(order) => {
                let (actions, stop) = (self.actions.clone(), renewed(&self.stop_writing));
                self.alone(move |feed| feed.send(Message::Written(actions.write(&order, feed, &stop))));
            }
            Effect::StopWriting => _ = renewed(&self.stop_writing),
            Effect::Save(path, text) => {
                let actions = self.actions.clone();
                self.alone(move |feed| {
                    let saved = actions.save(&path, &text);
                    feed.send(Message::Saved(saved.map(|()| path)));
                });
            }
            Effect::Look(number, scene, wish) => self.look(number, scene, wish),
            Effect::StopLooking => _ = renewed(&self.stop),
            Effect::Forget(old) => self.queue(&self.slow, move |_| drop(old)),
            Effect::Quit | Effect::Suspend => {}
        }
    }

    fn look(&self, number: u64, scene: Arc<Scene>, wish: Wish) {
        let (actions, stop) = (self.actions.clone(), renewed(&self.stop));
        self.alone(move |feed| {
            let looked = wish.fulfil(&*actions, &scene, &stop);
            feed.send(Message::Looked(number, looked));
        });
    }

    fn view(&self, number: u64, scene: Arc<Scene>, ask: Box<super::scene::ask::Ask>) {
        let newest = self.newest.clone();
        newest.view.store(number, Ordering::Relaxed);
        self.queue(&self.quick, move |feed| {
            if let Some(view) = View::new(&scene, *ask, Wanted::new(&newest.view, number)) {
                feed.send(Message::View(number, scene, Arc::new(view)));
            }
        });
    }

    fn search(&self, number: u64, scene: Arc<Scene>, view: Arc<View>, pattern: Pattern) {
        let newest = self.newest.clone();
        newest.search.store(number, Ordering::Relaxed);
        self.queue(&self.quick, move |feed| {
            if let Some(found) = view.search(&scene, &pattern, Wanted::new(&newest.search, number)) {
                feed.send(Message::Found(number, found));
            }
        });
    }

    fn plan(&self, number: u64, scene: Arc<Scene>, marks: Box<Marks>) {
        let (newest, profiles) = (self.newest.clone(), self.profiles.clone());
        newest.plan.store(number, Ordering::Relaxed);
        self.queue(&self.slow, move |feed| {
            // Keys that were pressed meanwhile made this one old before it began.
            if newest.plan.load(Ordering::Relaxed) == number {
                let planned = Planned::new(&scene, &profiles, &marks);
                let planned = planned.map(Arc::new).map_err(|error| error.to_string());
                feed.send(Message::Planned(number, planned));
            }
        });
    }

    /// The files that speak for profiles, and then what each takes off: a plan each, so beside what is asked for else.
    fn advise(&self, number: u64, scene: Arc<Scene>) {
        let (newest, profiles) = (self.newest.clone(), self.profiles.clone());
        newest.advice.store(number, Ordering::Relaxed);
        self.alone(move |feed| {
            let mut advice = Advice::new(&scene, &profiles);
            loop {
                feed.send(Message::Advised(number, Arc::new(advice.clone())));
                let is_wanted = newest.advice.load(Ordering::Relaxed) == number;
                if !is_wanted || !advice.count_next(&scene, &profiles) {
                    return;
                }
            }
        });
    }

    fn queue(&self, line: &Line, job: impl FnOnce(&Feed) + Send + 'static) {
        self.open.fetch_add(1, Ordering::Release);
        if line.0.send(Box::new(job)).is_err() {
            self.open.fetch_sub(1, Ordering::Release);
        }
    }

    fn alone(&self, job: impl FnOnce(&Feed) + Send + 'static) {
        let (feed, open) = (self.feed.clone(), self.open.clone());
        open.fetch_add(1, Ordering::Release);
        std::thread::spawn(move || {
            let _done = Done(&open);
            job(&feed);
        });
    }
}

impl Drop for Worker {
    /// Nobody waits any more for what is under way.
    fn drop(&mut self) {
        for flag in [&self.stop, &self.stop_writing] {
            renewed(flag);
        }
    }
}

/// Ends the work that has the flag, and gives the flag of the next one.
fn renewed(flag: &Mutex<Arc<AtomicBool>>) -> Arc<AtomicBool> {
    let next = Arc::new(AtomicBool::new(false));
    let mut current = flag.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut *current, next.clone()).store(true, Ordering::Relaxed);
    next
}
