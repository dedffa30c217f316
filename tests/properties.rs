//! What must hold of every image: random stacks of layers against a naive model of the rules, and against the kernel.
//!
//! In process, without the executable, so that hundreds of images take seconds. `PROPTEST_CASES` sets how many; a failing
//! case is shrunk and printed as a recipe, to be kept below as a test of its own.

use std::sync::atomic::AtomicBool;

use layerslim::codec::Encoding;
use layerslim::content::{ContentMap, Deed, Visible};
use layerslim::inside::{self, Existing, ExtractOptions, Owners, Sight, Source, View};
use layerslim::layer::NodeId;
use layerslim::limits::Limits;
use layerslim::plan::{Mode, Plan};
use layerslim::progress::Progress;
use proptest::prelude::ProptestConfig;
use proptest::test_runner::{Config as RunnerConfig, TestRunner};

use crate::support::laws::{
    Case, Choice, expected, paths, restored, result, sizes, slimmed, tars_of, threads, twice,
};
use crate::support::medium::Codec;
use crate::support::overlay::{have_overlay, overlay};
use crate::support::stack::{Stack, tame, wild};
use crate::support::tree::Tree;

#[test]
fn sizes_add_up() {
    check(400, &wild(), |stack| sizes(&case(stack)));
}

#[test]
fn a_result_is_the_original_without_what_the_plan_lists() {
    check(400, &wild(), |stack| {
        let case = case(stack);
        for (choice, mode) in ways(&case) {
            result(&case, choice, mode);
        }
    });
}

#[test]
fn slimming_twice_changes_nothing_more() {
    check(150, &wild(), |stack| {
        let case = case(stack);
        for (choice, mode) in ways(&case) {
            twice(&case, choice, mode);
        }
    });
}

#[test]
fn leftovers_put_the_original_together_again() {
    check(200, &wild(), |stack| {
        let case = case(stack);
        for (choice, mode) in ways(&case) {
            restored(&case, choice, mode);
        }
    });
}

#[test]
fn the_kernel_shows_the_original_of_what_is_restored() {
    if have_overlay() {
        check(12, &tame(), |stack| {
            let case = case(stack);
            let mut want = expected(&case, &Plan::unwritable(&case.analysis.map)).1;
            without_link_modes(&mut want);
            for (choice, mode) in ways(&case) {
                if let Some(layers) = restored(&case, choice, mode) {
                    want.assert_same(&overlay(&layers), "restored, against the kernel");
                }
            }
        });
    }
}

#[test]
fn digests_do_not_depend_on_threads() {
    check(40, &wild(), |stack| {
        let case = case(stack);
        for choice in CHOICES {
            threads(&case, choice);
        }
    });
}

#[test]
fn the_model_is_what_the_kernel_shows() {
    if have_overlay() {
        check(25, &tame(), |stack| kernel(&case(stack)));
    }
}

#[test]
fn the_kernel_shows_the_same_of_every_mode() {
    if have_overlay() {
        check(12, &tame(), |stack| {
            let case = case(stack);
            for (choice, mode) in ways(&case) {
                kernel_of_result(&case, choice, mode);
            }
        });
    }
}

/// What is taken out of an image, and of its first layers, is what the kernel shows of them.
#[test]
fn the_kernel_shows_what_is_extracted() {
    if have_overlay() {
        check(15, &tame(), |stack| {
            let case = case(stack);
            for count in 1..=case.recipe.layers.len() {
                let mut want = overlay(&case.recipe.layers[..count]);
                want.0
                    .retain(|_, row| !matches!(row.columns[0].as_str(), "c" | "b" | "p"));
                extracted(&case, View::UpTo(count - 1)).assert_same(&want, "extracted, against the kernel");
            }
        });
    }
}

/// What a path shows after each layer is what it shows in an image of so many layers.
#[test]
fn a_life_is_what_images_of_fewer_layers_show() {
    check(300, &wild(), |stack| {
        let case = case(stack);
        let map = &case.analysis.map;
        let changesets: Vec<_> = (0..map.layer_count()).map(|at| map.changeset(at)).collect();
        let fewer: Vec<_> = (1..=changesets.len())
            .map(|count| ContentMap::merge(changesets[..count].to_vec()))
            .collect();
        for node in map.tree().ids() {
            let path = map.tree().path(node);
            let life = map.life(node);
            assert_eq!(life.len(), fewer.len());
            let mut before = Visible::Nothing;
            for (layer, (step, map)) in life.iter().zip(&fewer).enumerate() {
                let shown = map
                    .tree()
                    .find(&path)
                    .map_or(Visible::Nothing, |node| map.visible(node));
                let what = format!(
                    "/{} after layer {layer}: {step:?}",
                    String::from_utf8_lossy(&path)
                );
                assert_eq!(step.after, shown, "{what}");
                let kept = matches!(step.deed, Deed::Absent | Deed::Untouched);
                assert_eq!(kept, before == shown, "{what}");
                assert_eq!(
                    step.deed == Deed::Removed,
                    step.cause.is_some() && shown == Visible::Nothing,
                    "{what}"
                );
                before = shown;
            }
        }
    });
}

/// The tree that is taken out of a view.
fn extracted(case: &Case, view: View) -> Tree {
    let (progress, stop) = (Progress::none(), AtomicBool::new(false));
    let source = Source {
        image: &case.analysis.image,
        map: &case.analysis.map,
        limits: Limits::default(),
        progress: &progress,
        stop: &stop,
    };
    let options = ExtractOptions {
        owners: Owners::Kept,
        existing: Existing::Refuse,
    };
    let target = tempfile::tempdir().unwrap();
    let sight = Sight::new(source.map, view);
    inside::extract(&source, &sight, NodeId::ROOT, target.path(), options).unwrap();
    Tree::read(target.path())
}

#[test]
fn a_symlink_of_the_same_layer_is_followed_as_by_engines() {
    if have_overlay() {
        kernel(&case(&found(OWN_LINK)));
    }
}

/// A path behind a symlink of its own layer, over a lower layer that has a symlink of that name as well.
const OWN_LINK: &str =
    "layer\nd b\nl lib b\nlayer\nd usr\nd usr/lib\nl lib usr/lib\nf lib/x 10\nd lib/y mode=700\nf lib/y/z 5";

/// What properties found, kept as they were found.
const FOUND: &[&str] = &[
    // An image that says it was made before 1970.
    "top {\"created\":\"0001-01-01T00:00:00Z\"}\nlayer\nf a/b 10",
    // A second name of the device 0:0 is no less a whiteout to an engine.
    "layer\nc b 0 0\nh a b",
    // A hard link to a symlink leads to a file as well.
    "layer\nd b\nf var/cache/apt/a 10\nl b/a /var/cache/apt/a\nh b/c b/a\nlayer\nwh b/a",
    // A path behind a symlink of its own layer.
    "layer\nd usr/lib\nl lib usr/lib\nf lib/x 10\nd lib/y mode=700\nh lib/z lib/x\nl lib/l x",
    // A link whose way is cut off needs its target no more, this time or the next.
    "layer\nf b/a 0\nf var/cache/apt/a 0\nl c b/a/../../var/cache/apt/a",
    "layer\nd b/a\nf var/cache/apt/a 0\nl c b/a/../../var/cache/apt/a",
    "layer\nf .git/HEAD text=\"ref: refs/heads/a\"\nf .git/objects/a 5\nf var/cache/apt/a 1\nl c .git/../var/cache/apt/a",
    // What a layer of the base holds is removed, and nothing is above.
    "layer\nf b/a/c 0\nlayer",
    // A link that leads over another one, or through a directory, that goes.
    "layer\nf b/a 0\nl c/a /x.py\nl x.py c",
    "layer\nf .git/HEAD text=\"ref: refs/heads/a\"\nf .git/objects/a 5\nf a 10\nl c .git/../a",
];

#[test]
fn what_was_found_once_stays_found() {
    for text in FOUND {
        let case = case(&found(text));
        sizes(&case);
        for (choice, mode) in ways(&case) {
            result(&case, choice, mode);
            twice(&case, choice, mode);
            restored(&case, choice, mode);
        }
    }
}

fn case(stack: &Stack) -> Case {
    Case::new(&stack.text, &stack.codecs, 2)
}

/// Every choice in every mode.
fn ways(case: &Case) -> impl Iterator<Item = (&'static Choice<'static>, Mode)> {
    let modes = case.modes();
    CHOICES
        .iter()
        .flat_map(move |choice| modes.map(|mode| (choice, mode)))
}

fn found(text: &str) -> Stack {
    Stack {
        text: text.to_owned(),
        codecs: vec![Codec::Plain; 9],
    }
}

/// Runs a property over that many cases, or as many as `PROPTEST_CASES` says.
fn check(cases: u32, stacks: &impl proptest::strategy::Strategy<Value = Stack>, property: impl Fn(&Stack)) {
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..RunnerConfig::default()
    };
    let config = if asked {
        default
    } else {
        RunnerConfig { cases, ..default }
    };
    let run = TestRunner::new(config).run(stacks, |stack| {
        property(&stack);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}

/// What each image is slimmed with.
const CHOICES: &[Choice<'_>] = &[
    Choice {
        profiles: &["none"],
        by_hand: &[],
        kept: &[],
        forced: &[],
        encoding: Encoding::Gzip { level: 1 },
    },
    Choice {
        profiles: &["default"],
        by_hand: &[],
        kept: &[],
        forced: &[],
        encoding: Encoding::None,
    },
    Choice {
        profiles: &["default"],
        by_hand: &["/a/b", "/b/**", "/c/b/**", "/var/cache", "/x.py"],
        kept: &[],
        forced: &[],
        encoding: Encoding::Zstd { level: 1 },
    },
];

/// The kernel's judgement of a result.
fn kernel_of_result(case: &Case, choice: &Choice<'_>, mode: Mode) {
    let plan = case.plan(choice).0;
    let (slimmed, _store) = slimmed(&case.analysis, &plan, mode, choice.encoding, 2);
    let shown_by_kernel = overlay(&tars_of(&slimmed.rewritten.image));
    let mut want = expected(case, &plan).1;
    without_link_modes(&mut want);
    let way = format!(
        "{:?} {:?} {mode:?} against the kernel",
        choice.profiles, choice.by_hand
    );
    want.assert_same(&shown_by_kernel, &way);
}

/// The naive model against overlayfs, and the library's map against both.
fn kernel(case: &Case) {
    let shown_by_kernel = overlay(&case.recipe.layers);
    let mut tree = case.model.tree();
    without_link_modes(&mut tree);
    tree.assert_same(&shown_by_kernel, "the model against the kernel");
    assert_eq!(
        paths(case),
        tree.0.keys().cloned().collect(),
        "the map against the kernel"
    );
}

/// A symlink has no mode on Linux.
fn without_link_modes(tree: &mut Tree) {
    for row in tree.0.values_mut().filter(|row| row.columns[0] == "l") {
        "777".clone_into(&mut row.columns[1]);
    }
}
