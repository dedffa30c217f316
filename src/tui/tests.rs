//! The state while an image is being read, step by step: what a journey by script cannot stop at.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::advice::Advice;
use super::chord::Chord;
use super::draw::{Theme, draw};
use super::keys::Keymap;
use super::marks::{Fate, Planned};
use super::scene::ask::Mode;
use super::scene::view::{View, Wanted};
use super::state::overlay::Overlay;
use super::state::{Effect, State};
use super::text::name;
use super::{Examined, Expected, Message, Scene, Subject};
use crate::classify::Classifier;
use crate::content::ContentMap;
use crate::image::testing::archive;
use crate::layer::{self, Changeset};
use crate::profile::Profiles;
use crate::progress::{Event, Stage};
use crate::tar;

/// A layer of files: path and size.
fn tar_of(files: &[(&str, u64)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (path, size) in files {
        let mut header = tar::Header::new(tar::Kind::Regular, path.as_bytes(), 0o644);
        (header.size, header.logical_size) = (*size, *size);
        tar::write_header(&mut out, &header);
        out.resize(out.len() + size.next_multiple_of(512) as usize, b'#');
    }
    out.extend_from_slice(&tar::END);
    out
}

/// The scene with these layers read, of an image of three.
fn scene(profiles: &Profiles, read: [bool; 3]) -> Arc<Scene> {
    let config = serde_json::json!({"architecture": "amd64", "os": "linux", "config": {}});
    let layers = [
        tar_of(&[("usr/lib/large.so", 9000), ("usr/lib/small.so", 600)]),
        tar_of(&[("srv/app/data", 70_000), ("usr/bin/tool", 100)]),
        tar_of(&[("usr/lib/small.so", 700), ("a-new-one", 1)]),
    ];
    let image = archive("docker-archive:made.tar", config, &layers);
    let layers = layer::testing::read(&image).into_iter().zip(read);
    let there = |(layer, is_read)| if is_read { layer } else { Changeset::default() };
    let map = ContentMap::merge(layers.map(there).collect());
    let classifier = Arc::new(Classifier::new(profiles.catalog().clone()).unwrap());
    let attribution = classifier.classify(&map, &image.config, &[], NonZeroUsize::MIN);
    let of = Examined {
        image,
        map,
        attribution,
        classifier,
    };
    Arc::new(Scene::new(of, &read))
}

fn state() -> State {
    let profiles = Arc::new(Profiles::builtin().unwrap());
    let mut state = State::new(Subject::Image, "made", Arc::new(Keymap::default()), profiles);
    state.resize(100, 30);
    state
}

/// Does what was asked for at once, as the threads would.
fn settle(state: &mut State, effects: Vec<Effect>) {
    let mut open = effects;
    while let Some(effect) = open.pop() {
        let message = match effect {
            Effect::View(number, scene, ask) => {
                let newest = AtomicU64::new(number);
                let view = View::new(&scene, *ask, Wanted::new(&newest, number)).unwrap();
                Message::View(number, scene, Arc::new(view))
            }
            Effect::Plan(number, scene, marks) => {
                let planned = Planned::new(&scene, &state.profiles, &marks).unwrap();
                Message::Planned(number, Ok(Arc::new(planned)))
            }
            Effect::Advise(number, scene) => {
                let mut advice = Advice::new(&scene, &state.profiles);
                while advice.count_next(&scene, &state.profiles) {}
                Message::Advised(number, Arc::new(advice))
            }
            _ => continue,
        };
        open.extend(state.receive(message));
    }
}

fn press(state: &mut State, keys: &str) {
    for chord in Chord::script(keys).unwrap() {
        let effects = state.press(chord);
        settle(state, effects);
    }
}

fn selected(state: &State) -> String {
    let seen = state.seen.as_ref().unwrap();
    name(&seen.scene.path(state.tree.selected().unwrap()))
}

fn frame(state: &State) -> String {
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    terminal
        .draw(|frame| draw(frame, state, Theme::default()))
        .unwrap();
    terminal.backend().to_string()
}

fn opened() -> Message {
    let layer = |instruction: &str, wire| Expected {
        instruction: instruction.to_owned(),
        wire,
    };
    Message::Opened {
        reference: "docker-archive:made.tar".to_owned(),
        platform: "linux/amd64".to_owned(),
        layers: vec![
            layer("ADD rootfs", Some(9000)),
            layer("COPY app", Some(70_000)),
            layer("RUN patch", None),
        ],
        target: "oci-archive:made-slim.tar".to_owned(),
    }
}

#[test]
fn there_is_a_frame_before_anything_is_read() {
    let mut state = state();
    assert!(frame(&state).contains("opening"), "before the image is found");
    state.receive(opened());
    let started = |task, total| Event::Started {
        stage: Stage::Read,
        task,
        label: String::new(),
        total,
    };
    state.receive(Message::Progress(started(1, Some(70_000))));
    state.receive(Message::Progress(Event::Advanced {
        stage: Stage::Read,
        task: 1,
        bytes: 35_000,
    }));
    let shown = frame(&state);
    for text in [
        "docker-archive:made.tar",
        "ADD rootfs",
        "COPY app",
        "████",
        "reading 35.0 kB of 70.0 kB",
    ] {
        assert!(shown.contains(text), "no `{text}` in\n{shown}");
    }
    // No key does any harm.
    press(
        &mut state,
        "jjGg<enter> 123<tab>]m/x<enter>nf>1<enter><esc>bspq?<esc>a<esc>w",
    );
    assert!(frame(&state).contains("still being read"));
}

#[test]
fn what_was_done_while_it_is_read_stays() {
    let mut state = state();
    let profiles = state.profiles.clone();
    state.receive(opened());
    let effects = state.receive(Message::Scene(scene(&profiles, [true, false, false])));
    settle(&mut state, effects);
    press(&mut state, "ll");
    assert_eq!(selected(&state), "/usr/lib");
    press(&mut state, "ll<space>");
    assert_eq!(
        selected(&state),
        "/usr/lib/small.so",
        "space goes on to the next row"
    );
    press(&mut state, "<ctrl-b>");

    let whole = scene(&profiles, [true, true, true]);
    let effects = state.receive(Message::Scene(whole.clone()));
    assert_eq!(
        selected(&state),
        "/usr/lib/small.so",
        "keys work on what is on the screen meanwhile"
    );
    settle(&mut state, effects);
    assert_eq!(selected(&state), "/usr/lib/small.so");
    assert_eq!(
        state.tree.rows.len(),
        7,
        "srv, usr with its two, lib with its two, and the new one"
    );
    let large = whole.tree().find(b"usr/lib/large.so").unwrap();
    assert_eq!(state.fate(&whole, large), Fate::Goes);
    assert_eq!(
        state.new_size().map(|new| (new.disk, new.is_exact)),
        Some((70_801, true))
    );
    state.receive(Message::Loaded(Ok(())));
    assert!(state.is_loaded && !frame(&state).contains("reading"));
}

#[test]
fn answers_to_old_questions_are_dropped() {
    let mut state = state();
    let profiles = state.profiles.clone();
    let whole = scene(&profiles, [true, true, true]);
    let first = state.receive(Message::Scene(whole.clone()));
    let second = state.press("s".parse().unwrap());
    settle(&mut state, second);
    let sort = |state: &State| state.seen.as_ref().unwrap().view.ask.sort.as_str();
    assert_eq!(sort(&state), "name");
    settle(&mut state, first);
    assert_eq!(sort(&state), "name", "what was asked for before came late");
    let effects = state.receive(Message::Loaded(Err("gone".to_owned())));
    assert!(matches!(effects[..], [Effect::Quit]));
    assert_eq!(state.failure.as_deref(), Some("gone"));
}

#[test]
fn the_same_bytes_stand_in_every_list() {
    let mut state = state();
    let profiles = state.profiles.clone();
    let whole = scene(&profiles, [true, true, true]);
    let effects = state.receive(Message::Scene(whole.clone()));
    settle(&mut state, effects);
    for keys in ["", "mmm", "f>500<enter>", "<esc>mf-data<enter>"] {
        press(&mut state, keys);
        let view = &state.seen.as_ref().unwrap().view;
        let sum = |tallies: &[super::scene::ask::Tally]| tallies.iter().map(|one| one.bytes).sum::<u64>();
        assert_eq!(sum(&view.categories), view.total.bytes, "{keys}");
        assert_eq!(sum(&view.owners), view.total.bytes, "{keys}");
        assert_eq!(view.tally_of(crate::layer::NodeId::ROOT), view.total, "{keys}");
    }
    assert_eq!(whole.disk(), 80_401);
    assert_eq!(
        whole.visible(crate::layer::NodeId::ROOT).0,
        79_801,
        "but for the file that was replaced"
    );
}

/// With the whole image read.
fn whole() -> State {
    let mut state = state();
    let profiles = state.profiles.clone();
    state.receive(opened());
    let effects = state.receive(Message::Scene(scene(&profiles, [true, true, true])));
    settle(&mut state, effects);
    state.receive(Message::Loaded(Ok(())));
    state
}

#[test]
fn writing_is_stopped_once_that_is_confirmed() {
    let mut state = whole();
    let key = |state: &mut State, key: &str| state.press(key.parse().unwrap());
    let begin = |state: &mut State| {
        press(state, "w<enter>");
        let effects = key(state, "enter");
        assert!(matches!(effects[..], [Effect::Write(_)]), "{effects:?}");
    };
    begin(&mut state);
    for asks in ["esc", "q"] {
        assert!(key(&mut state, asks).is_empty(), "it asks first");
        assert!(frame(&state).contains("stop writing?"));
        assert!(key(&mut state, "n").is_empty());
        assert!(frame(&state).contains("esc stops it"), "it goes on");
    }
    key(&mut state, "esc");
    let effects = key(&mut state, "esc");
    assert!(matches!(effects[..], [Effect::StopWriting]), "{effects:?}");
    assert!(key(&mut state, "esc").is_empty() && frame(&state).contains("stopping"));
    state.receive(Message::Written(Err("nothing was published".to_owned())));
    assert!(frame(&state).contains("nothing was published"));
    press(&mut state, "<esc>");
    begin(&mut state);
    key(&mut state, "esc");
    assert!(matches!(key(&mut state, "y")[..], [Effect::StopWriting]));
    state.receive(Message::Written(Ok(vec!["written: here".to_owned()])));
    let shown = frame(&state);
    assert!(
        shown.contains("too late") && shown.contains("written: here"),
        "{shown}"
    );
}

#[test]
fn the_menu_of_profiles_says_why_as_soon_as_that_is_known() {
    let mut state = state();
    let profiles = state.profiles.clone();
    state.receive(opened());
    press(&mut state, "a");
    assert!(frame(&state).contains("known once all is read"));
    let whole = scene(&profiles, [true, true, true]);
    let effects = state.receive(Message::Scene(whole.clone()));
    settle(&mut state, effects);
    press(&mut state, "G");
    let selected = |state: &State| match state.overlay {
        Some(Overlay::Profiles(cursor)) => state.profile_names()[cursor.at].clone(),
        _ => panic!("the menu is open"),
    };
    let last = selected(&state);
    let effects = state.receive(Message::Loaded(Ok(())));
    assert!(frame(&state).contains("looking"), "the keys go on meanwhile");
    settle(&mut state, effects);
    assert_eq!(selected(&state), last, "the cursor stays where it was");
    let shown = frame(&state);
    assert!(
        !shown.contains("looking") && shown.contains("nothing in this image speaks for it"),
        "{shown}"
    );
    press(&mut state, "<esc>");
    let again = state.press("a".parse().unwrap());
    assert!(again.is_empty(), "it is found out once: {again:?}");
}

#[test]
fn extracting_is_stopped_by_esc() {
    let mut state = whole();
    press(&mut state, "e<enter>");
    let begun = state.press("enter".parse().unwrap());
    assert!(matches!(begun[..], [Effect::Look(..)]), "{begun:?}");
    assert!(frame(&state).contains("esc ends it"));
    let stopped = state.press("esc".parse().unwrap());
    assert!(matches!(stopped[..], [Effect::StopLooking]), "{stopped:?}");
    assert!(state.overlay.is_none() && frame(&state).contains("taken away"));
}

#[test]
fn the_first_tree_of_two_images_is_what_differs() {
    let text = "mode = \"everything\"\nshow-attributes = true";
    for (subject, text, want) in [
        (Subject::Image, "", Mode::Merged),
        (Subject::Pair, "", Mode::Changes),
        (Subject::Image, text, Mode::Everything),
        (Subject::Saved, text, Mode::Everything),
        (Subject::Pair, text, Mode::Changes),
    ] {
        let profiles = Arc::new(Profiles::builtin().unwrap());
        let mut state = State::new(subject, "made", Arc::new(Keymap::default()), profiles);
        state.begin(toml::from_str(text).unwrap());
        assert_eq!(
            (state.mode, state.shows_attributes),
            (want, !text.is_empty()),
            "{subject:?}"
        );
    }
}
