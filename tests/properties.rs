//! What must hold of every image: random stacks of layers against a naive model of the rules, and against the kernel.
//!
//! In process, without the executable, so that hundreds of images take seconds. `PROPTEST_CASES` sets how many; a failing
//! case is shrunk and printed as a recipe, to be kept below as a test of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};

use layerslim::classify::Classifier;
use layerslim::codec::Encoding;
use layerslim::content::{ContentMap, Visible};
use layerslim::image::{BlobRef, Config, Image, ImageError, ImageName, Manifest, OpenBlob};
use layerslim::layer::Detail;
use layerslim::oci::Family;
use layerslim::plan::{Action, Plan, Selection, Squash};
use layerslim::profile::{CategoryId, Pattern, Place, Profiles};
use layerslim::progress::Progress;
use layerslim::report::{Report, ReportOptions};
use layerslim::store::Store;
use layerslim::{Analysis, Check, Form, Settings, Slimmed, analyze, slim};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::{Config as RunnerConfig, TestRunner};
use serde_json::json;

use crate::support::medium::{Codec, decode};
use crate::support::model::{Member, Model, clean, members, split};
use crate::support::overlay::{have_overlay, overlay};
use crate::support::recipe::{Recipe, digest, shown};
use crate::support::stack::{Stack, tame, wild};

#[test]
fn sizes_add_up() {
    check(400, &wild(), |stack| sizes(&Case::new(stack)));
}

#[test]
fn a_squash_is_the_original_without_what_the_plan_lists() {
    check(400, &wild(), |stack| {
        let case = Case::new(stack);
        for choice in CHOICES {
            squash(&case, choice);
        }
    });
}

#[test]
fn slimming_twice_changes_nothing_more() {
    check(150, &wild(), |stack| {
        let case = Case::new(stack);
        for choice in CHOICES {
            twice(&case, choice);
        }
    });
}

#[test]
fn digests_do_not_depend_on_threads() {
    check(40, &wild(), |stack| threads(&Case::new(stack)));
}

#[test]
fn the_model_is_what_the_kernel_shows() {
    if have_overlay() {
        check(25, &tame(), |stack| kernel(&Case::new(stack)));
    }
}

#[test]
fn a_symlink_of_the_same_layer_is_followed_as_by_engines() {
    if have_overlay() {
        kernel(&Case::new(&found(OWN_LINK)));
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
    // A link that leads over another one, or through a directory, that goes.
    "layer\nf b/a 0\nl c/a /x.py\nl x.py c",
    "layer\nf .git/HEAD text=\"ref: refs/heads/a\"\nf .git/objects/a 5\nf a 10\nl c .git/../a",
];

#[test]
fn what_was_found_once_stays_found() {
    for text in FOUND {
        let case = Case::new(&found(text));
        sizes(&case);
        for choice in CHOICES {
            squash(&case, choice);
            twice(&case, choice);
        }
    }
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

/// What is removed: profiles, and globs given by hand.
struct Choice {
    profiles: &'static [&'static str],
    by_hand: &'static [&'static str],
    encoding: Encoding,
}

const CHOICES: &[Choice] = &[
    Choice {
        profiles: &["none"],
        by_hand: &[],
        encoding: Encoding::Gzip { level: 1 },
    },
    Choice {
        profiles: &["default"],
        by_hand: &[],
        encoding: Encoding::None,
    },
    Choice {
        profiles: &["default"],
        by_hand: &["/a/b", "/b/**", "/c/b/**", "/var/cache", "/x.py"],
        encoding: Encoding::Zstd { level: 1 },
    },
];

/// Categories are compiled once.
static PROFILES: LazyLock<(Profiles, Classifier)> = LazyLock::new(|| {
    let profiles = Profiles::builtin().unwrap();
    let classifier = Classifier::new(profiles.catalog().clone()).unwrap();
    (profiles, classifier)
});

/// One random image: as recipe, as model, and as the library reads it.
struct Case {
    recipe: Recipe,
    model: Model,
    created: i64,
    analysis: Analysis,
}

impl Case {
    fn new(stack: &Stack) -> Self {
        let recipe = Recipe::new(&stack.text);
        let image = image(&recipe, &stack.codecs);
        // Engines take what lies before 1970 as 1970.
        let created = image.config.created_secs().unwrap_or(0).max(0);
        let model = Model::of(&recipe.layers, created);
        let analysis = analysis(image, &settings(2));
        Self {
            recipe,
            model,
            created,
            analysis,
        }
    }

    fn plan(&self, choice: &Choice) -> (Plan, Selection) {
        plan(&self.analysis, choice)
    }
}

fn plan(analysis: &Analysis, choice: &Choice) -> (Plan, Selection) {
    let (profiles, classifier) = &*PROFILES;
    let mut chosen = profiles.resolve(choice.profiles).unwrap();
    let pattern = |glob: &&str| Pattern::new(glob, Place::flag("--remove-path")).unwrap();
    chosen.remove_paths.extend(choice.by_hand.iter().map(pattern));
    let selection = Selection::new(chosen, Vec::new()).unwrap();
    (
        Plan::new(&analysis.map, &analysis.attribution, classifier, &selection),
        selection,
    )
}

fn analysis(image: Image, settings: &Settings) -> Analysis {
    analyze(image, &PROFILES.1, &[], Detail::Fingerprints, settings).unwrap()
}

fn settings(threads: usize) -> Settings {
    Settings {
        limits: layerslim::limits::Limits::default(),
        threads: NonZeroUsize::new(threads).unwrap(),
        progress: Progress::none(),
        stop: Arc::default(),
        cache: None,
    }
}

/// The recipe as an OCI image in memory.
fn image(recipe: &Recipe, codecs: &[Codec]) -> Image {
    let mut blobs = HashMap::new();
    let mut store = |media_type: &str, bytes: Vec<u8>| {
        let row = json!({"mediaType": media_type, "digest": digest(&bytes), "size": bytes.len()});
        blobs.insert(digest(&bytes), bytes);
        row
    };
    let layers = recipe.layers.iter().zip(codecs);
    let layers: Vec<_> = layers
        .map(|(tar, codec)| store(&codec.media_type(), codec.encode(tar)))
        .collect();
    let config = serde_json::to_vec(&recipe.config).unwrap();
    let row = store("application/vnd.oci.image.config.v1+json", config.clone());
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": manifest_type, "config": row, "layers": layers});
    let name = ImageName {
        transport: "oci",
        reference: "oci:random:t".to_owned(),
    };
    let manifest = Manifest::parse(serde_json::to_vec(&manifest).unwrap(), None).unwrap();
    Image::from_manifest(
        name,
        manifest,
        Config::parse(config).unwrap(),
        Arc::new(Memory(blobs)),
    )
    .unwrap()
}

/// Blobs by digest.
struct Memory(HashMap<String, Vec<u8>>);

impl OpenBlob for Memory {
    fn open(&self, blob: &BlobRef) -> Result<Box<dyn Read + Send>, ImageError> {
        let BlobRef::Stored(descriptor) = blob else {
            panic!("a manifest has descriptors")
        };
        Ok(Box::new(std::io::Cursor::new(
            self.0[&descriptor.digest.to_string()].clone(),
        )))
    }
}

/// A squash in a store of its own.
fn squashed(analysis: &Analysis, plan: &Plan, encoding: Encoding, threads: usize) -> (Slimmed, Arc<Store>) {
    let store = Arc::new(Store::temporary(None).unwrap());
    let form = Form {
        encoding,
        family: Family::Oci,
        profile: "random".to_owned(),
        created: None,
        check: Check::Verify,
    };
    (
        slim(analysis, plan, &form, &store, &settings(threads)).unwrap(),
        store,
    )
}

/// The one layer of a squash, uncompressed by the tests' own decoders.
fn tar_of(image: &Image) -> Vec<u8> {
    let [layer] = image.layers.as_slice() else {
        panic!("a squash has one layer")
    };
    let mut blob = Vec::new();
    image.open(layer).unwrap().read_to_end(&mut blob).unwrap();
    decode(blob)
}

/// Every byte has one name, and the sums are those of a naive count.
fn sizes(case: &Case) {
    let Analysis {
        image,
        map,
        attribution,
    } = &case.analysis;
    let report = Report::new(image, map, attribution, &PROFILES.1, &ReportOptions::default());
    for (row, tar) in report.layers.iter().zip(&case.recipe.layers) {
        let bodies = members(tar).into_iter().filter(|member| !is_marker(member));
        let disk: u64 = bodies.map(|member| member.body.len() as u64).sum();
        assert_eq!(row.disk_bytes, disk, "bodies of layer {}", row.index);
        assert_eq!(
            row.disk_bytes + row.framing_bytes,
            tar.len() as u64,
            "layer {}",
            row.index
        );
    }
    let totals = &report.totals;
    let disk: u64 = report.layers.iter().map(|row| row.disk_bytes).sum();
    assert_eq!(totals.disk_bytes, disk, "Σ layers");
    assert_eq!(
        report.categories.iter().map(|row| row.disk_bytes).sum::<u64>(),
        disk,
        "Σ categories"
    );
    assert_eq!(
        totals.visible_bytes + totals.shadowed_bytes,
        disk,
        "visible + shadowed"
    );
    assert_eq!(
        totals.visible_bytes,
        case.model.visible_bytes(),
        "visible bytes of the model"
    );
    let visible: u64 = report.categories.iter().map(|row| row.visible_bytes).sum();
    assert_eq!(visible, totals.visible_bytes, "Σ visible of categories");
    let shadowed: u64 = report.layers.iter().map(|row| row.shadowed_bytes).sum();
    assert_eq!(shadowed, totals.shadowed_bytes, "Σ shadowed of layers");
}

/// Whether a member means something else than a file of that name.
fn is_marker(member: &Member) -> bool {
    member
        .path()
        .split(|&byte| byte == b'/')
        .any(|part| part.starts_with(b".wh."))
}

/// Verified, the tree that the model expects, of the size that was promised, and as engines want it.
fn squash(case: &Case, choice: &Choice) {
    let Analysis { map, .. } = &case.analysis;
    let (plan, selection) = case.plan(choice);
    let (slimmed, _store) = squashed(&case.analysis, &plan, choice.encoding, 2);
    let verdict = slimmed.verdict.unwrap();
    assert!(verdict.ok(), "{:?}: {:#?}", choice.profiles, verdict.unexpected);

    let tar = tar_of(&slimmed.rewritten.image);
    let removed: Vec<Vec<u8>> = plan
        .removals
        .iter()
        .map(|removal| map.tree().path(removal.node))
        .collect();
    let mut gone: Vec<String> = removed.iter().map(|path| shown(path)).collect();
    gone.sort_by(|a, b| b.cmp(a)); // what a directory holds goes before it
    let want = case.model.tree().without(&gone);
    let after = Model::of([&tar], case.created);
    after.tree().assert_same(&want, &format!("{:?}", choice.profiles));
    well_formed(&tar);
    promised(case, &plan, &tar);

    let visible = case.model.visible_bytes() - plan.totals(map).disk_bytes;
    assert_eq!(visible, after.visible_bytes(), "bytes of the plan");
    only_files_go(case, &plan);
    nothing_removable_is_left(case, &plan, &selection, slimmed.rewritten.image);
    links_lead_on(case, &plan, &after, &removed);
}

/// Rules 3, 6, 7, 15a and 15b of a layer that we write.
fn well_formed(tar: &[u8]) {
    let (mut seen, mut files_began, mut last_directory) = (BTreeSet::from([Vec::new()]), false, Vec::new());
    for member in members(tar) {
        let path = member.path();
        let name = shown(&path);
        assert!(!is_marker(&member), "{name} in a single layer");
        assert!(seen.contains(split(&path).0), "{name} stands before its parent");
        assert!(path.is_empty() || !seen.contains(&path), "{name} stands twice");
        assert_ne!(
            (member.flag, member.device),
            (b'3', (0, 0)),
            "{name} is a 0:0 device"
        );
        if member.flag == b'5' {
            assert!(!files_began, "{name} stands behind what is no directory");
            assert!(path >= last_directory, "{name} is not in its place");
            last_directory.clone_from(&path);
        } else {
            files_began = true;
        }
        if member.flag == b'1' {
            assert!(member.body.is_empty(), "{name} is a link with a body");
            assert!(
                seen.contains(&clean(&member.link)),
                "{name} stands before its target"
            );
        }
        seen.insert(path);
    }
}

/// The size that a plan tells is the size that is written.
fn promised(case: &Case, plan: &Plan, tar: &[u8]) {
    let squash = Squash::new(&case.analysis.map, plan);
    let difference = squash.uncompressed_bytes.abs_diff(tar.len() as u64);
    let made = made_anew(&case.analysis.map, &squash);
    assert!(
        difference <= 1024 * made,
        "{} bytes were promised, {} written, {made} headers made anew",
        squash.uncompressed_bytes,
        tar.len()
    );
    let disk: usize = members(tar).iter().map(|member| member.body.len()).sum();
    assert_eq!(squash.disk_bytes, disk as u64, "stored bytes of the squash");
    assert_eq!(squash.entries, members(tar).len() as u64, "entries of the squash");
}

/// How many files and links get another name or target than their own header says: of those a plan does not know whether
/// the new header takes a PAX extension, which is two blocks.
fn made_anew(map: &ContentMap, squash: &Squash) -> u64 {
    let made = map.entries().map(|id| {
        let own = match squash.action(id) {
            Action::WriteAs(_) => 1,
            Action::Link(target) => {
                let link = map.link(id);
                u64::from(link.strip_prefix(b"./").unwrap_or(link) != map.path(target))
            }
            Action::Skip | Action::Write => 0,
        };
        own + squash.behind(id).len() as u64
    });
    made.sum()
}

/// Rule 29a: a category takes regular files, and the directories that are empty without them.
fn only_files_go(case: &Case, plan: &Plan) {
    for removal in plan.removals.iter().filter(|removal| removal.category.is_some()) {
        let path = case.analysis.map.tree().path(removal.node);
        let letter = case.model.letter(&path);
        assert!(
            matches!(letter, Some('f' | 'd')),
            "{} is {letter:?}",
            shown(&path)
        );
    }
    for path in case.model.paths().filter(|path| case.model.is_zero_device(path)) {
        let removed = case
            .analysis
            .map
            .tree()
            .find(path)
            .is_some_and(|node| plan.removes(node));
        assert!(removed, "the 0:0 device {} stays", shown(path));
    }
}

/// Categories that go have no bytes in the result, but for what was refused.
fn nothing_removable_is_left(case: &Case, plan: &Plan, selection: &Selection, result: Image) {
    let left = analysis(result, &settings(1));
    let refused: BTreeSet<Vec<u8>> = plan
        .refused
        .iter()
        .map(|refusal| case.analysis.map.tree().path(refusal.node))
        .collect();
    let mut bytes = BTreeMap::<CategoryId, u64>::new();
    for inode in left.map.files().filter(|&inode| left.map.is_inode_visible(inode)) {
        if !left
            .map
            .names(inode)
            .any(|name| refused.contains(&left.map.path(name)))
        {
            *bytes.entry(left.attribution.of_inode(inode)).or_default() += left.map.entry(inode).size;
        }
    }
    for (category, bytes) in bytes {
        let name = &PROFILES.1.category(category).unwrap().name;
        assert!(
            bytes == 0 || !selection.removes(category),
            "{bytes} bytes of {name} are left"
        );
    }
}

/// Rules 29a and 31: no safe category takes what a link that stays leads to; a link that dangles because of us is listed.
fn links_lead_on(case: &Case, plan: &Plan, after: &Model, removed: &[Vec<u8>]) {
    let lead: BTreeSet<&Vec<u8>> = after.links().map(|(link, _)| link).collect();
    for (link, target) in case.model.links() {
        if lead.contains(link) || removed.contains(link) {
            continue;
        }
        let name = shown(link);
        let listed = plan
            .warnings
            .iter()
            .any(|warning| warning.code == "dangling-symlink" && warning.path == *link);
        assert!(listed, "{name} dangles because of us and nobody says so");
        let taken = plan
            .removals
            .iter()
            .find(|removal| case.analysis.map.tree().path(removal.node) == target);
        let by_category = taken.is_some_and(|removal| removal.category.is_some());
        if by_category && case.model.letter(&target) == Some('f') {
            // No harm where something else cuts its way off: it would dangle with its target there.
            let holds_target = |path: &Vec<u8>| target.starts_with(&[path.as_slice(), b"/"].concat());
            let others = removed
                .iter()
                .filter(|path| **path != target && !holds_target(path));
            let with_target = case.model.without(others);
            let is_cut = with_target.links().all(|(other, _)| other != link);
            assert!(
                is_cut,
                "{name} stays, and a category takes its target {}",
                shown(&target)
            );
        }
    }
}

/// The result of a result is itself.
fn twice(case: &Case, choice: &Choice) {
    let (first, _store) = squashed(&case.analysis, &case.plan(choice).0, choice.encoding, 2);
    let again = analysis(first.rewritten.image.clone(), &settings(2));
    let (plan, _) = plan(&again, choice);
    assert!(plan.removals.is_empty(), "{:?}", plan.removals);
    let (second, _other) = squashed(&again, &plan, choice.encoding, 2);
    assert_eq!(second.rewritten.image.digest(), first.rewritten.image.digest());
    assert!(second.rewritten.is_source);
}

fn threads(case: &Case) {
    for choice in CHOICES {
        let plan = case.plan(choice).0;
        let digests: BTreeSet<_> = [1, 2, 4]
            .map(|threads| {
                let analysis = analysis(case.analysis.image.clone(), &settings(threads));
                let (slimmed, _store) = squashed(&analysis, &plan, choice.encoding, threads);
                slimmed
                    .rewritten
                    .image
                    .digest()
                    .cloned()
                    .map(|digest| digest.to_string())
            })
            .into();
        assert_eq!(digests.len(), 1, "{:?}: {digests:?}", choice.encoding);
    }
}

/// The naive model against overlayfs, and the library's map against both.
fn kernel(case: &Case) {
    let shown_by_kernel = overlay(&case.recipe.layers);
    let mut tree = case.model.tree();
    for row in tree.0.values_mut().filter(|row| row.columns[0] == "l") {
        "777".clone_into(&mut row.columns[1]); // a symlink has no mode on Linux
    }
    tree.assert_same(&shown_by_kernel, "the model against the kernel");
    assert_eq!(
        paths(case),
        tree.0.keys().cloned().collect(),
        "the map against the kernel"
    );
}

/// Every path that the content map shows.
fn paths(case: &Case) -> BTreeSet<String> {
    let map = &case.analysis.map;
    let shows = map
        .tree()
        .ids()
        .skip(1)
        .filter(|&node| map.visible(node) != Visible::Nothing);
    shows.map(|node| shown(&map.tree().path(node))).collect()
}
