//! What must hold of every image, whoever made it: sums, the tree that a squash leaves, what a plan may take.
//!
//! A module of its own because two makers of images ask it: random stacks (`properties`) and fuzzing (`fuzz/checks`).
//! It takes recipes, reads them with the library and with the naive model, and panics where a law is broken.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use layerslim::classify::Classifier;
use layerslim::codec::Encoding;
use layerslim::content::{ContentMap, Visible};
use layerslim::image::{BlobRef, Config, Image, ImageError, ImageName, Manifest, OpenBlob};
use layerslim::layer::Detail;
use layerslim::oci::Family;
use layerslim::plan::{Action, Fate, Layout, Mode, NewLayer, Plan, Removal, Rule, Selection};
use layerslim::profile::{CategoryId, Pattern, Place, Profiles, Safety};
use layerslim::progress::Progress;
use layerslim::report::{Report, ReportOptions};
use layerslim::store::Store;
use layerslim::{Analysis, Check, Form, Settings, Slimmed, analyze, leftovers, restore, rewrite, slim};
use serde_json::json;

use super::medium::{Codec, decode};
use super::model::{Member, Model, clean, members, split};
use super::recipe::{Recipe, digest, shown};
use super::tree::Tree;

/// What is removed: profiles, and globs given by hand.
pub(crate) struct Choice<'a> {
    pub(crate) profiles: &'a [&'a str],
    /// Globs of `--remove-path`.
    pub(crate) by_hand: &'a [&'a str],
    /// Globs of `--keep-path`.
    pub(crate) kept: &'a [&'a str],
    /// Globs of `--force-path`.
    pub(crate) forced: &'a [&'a str],
    pub(crate) encoding: Encoding,
}

/// Categories are compiled once.
pub(crate) static PROFILES: LazyLock<(Profiles, Classifier)> = LazyLock::new(|| {
    let profiles = Profiles::builtin().unwrap();
    let classifier = Classifier::new(profiles.catalog().clone()).unwrap();
    (profiles, classifier)
});

/// One image: as recipe, as model, and as the library reads it.
pub(crate) struct Case {
    pub(crate) recipe: Recipe,
    pub(crate) model: Model,
    created: i64,
    pub(crate) analysis: Analysis,
    threads: usize,
}

impl Case {
    /// Reads a recipe whose layers are stored like that, with so many threads.
    pub(crate) fn new(text: &str, codecs: &[Codec], threads: usize) -> Self {
        let recipe = Recipe::new(text);
        let image = image(&recipe, codecs);
        // Engines take what lies before 1970 as 1970.
        let created = image.config.created_secs().unwrap_or(0).max(0);
        let model = Model::of(&recipe.layers, created);
        let analysis = analysis(image, &settings(threads));
        Self {
            recipe,
            model,
            created,
            analysis,
            threads,
        }
    }

    pub(crate) fn plan(&self, choice: &Choice<'_>) -> (Plan, Selection) {
        plan(&self.analysis, choice)
    }

    /// Every mode.
    pub(crate) fn modes(&self) -> [Mode; 3] {
        [Mode::Squash, Mode::Keep, Mode::Base(self.recipe.layers.len() / 2)]
    }
}

fn plan(analysis: &Analysis, choice: &Choice<'_>) -> (Plan, Selection) {
    let (profiles, classifier) = &*PROFILES;
    let mut chosen = profiles.resolve(choice.profiles).unwrap();
    let pattern = |glob: &&str| Pattern::new(glob, Place::flag("--remove-path")).unwrap();
    chosen.remove_paths.extend(choice.by_hand.iter().map(pattern));
    chosen.keep_paths.extend(choice.kept.iter().map(pattern));
    let selection = Selection::new(chosen, choice.forced.iter().map(pattern).collect()).unwrap();
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
        passed: layerslim::layer::Passed::default(),
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

/// A result in a store of its own.
pub(crate) fn slimmed(
    analysis: &Analysis,
    plan: &Plan,
    mode: Mode,
    encoding: Encoding,
    threads: usize,
) -> (Slimmed, Arc<Store>) {
    let store = Arc::new(Store::temporary(in_memory()).unwrap());
    let form = form(mode, encoding);
    (
        slim(analysis, plan, &form, &store, &settings(threads)).unwrap(),
        store,
    )
}

fn form(mode: Mode, encoding: Encoding) -> Form {
    Form {
        mode,
        encoding: Some(encoding),
        family: Family::Oci,
        profile: "random".to_owned(),
        list: None,
        created: None,
        check: Check::Verify,
    }
}

/// The original put together again from a result and its leftovers: the layers, base first. Of nothing removed there are
/// no leftovers, and nothing is put back.
pub(crate) fn restored(case: &Case, choice: &Choice<'_>, mode: Mode) -> Option<Vec<Vec<u8>>> {
    let (plan, _) = case.plan(choice);
    let (slimmed, store) = slimmed(&case.analysis, &plan, mode, choice.encoding, case.threads);
    let (form, settings) = (form(mode, choice.encoding), settings(case.threads));
    let kept = leftovers(&case.analysis, &plan, &slimmed, &form, &store, &settings).unwrap();
    let map = &case.analysis.map;
    let unwritable = Plan::unwritable(map);
    let way = format!("{:?} {:?} {mode:?}", choice.profiles, choice.by_hand);
    let Some(kept) = kept else {
        let returns = |removal: &Removal| !unwritable.removes(removal.node);
        assert!(!plan.removals.iter().any(returns), "{way}: something went");
        return None;
    };
    let verdict = kept.verdict.unwrap();
    assert!(verdict.ok(), "{way}: {:#?}", verdict.unexpected);
    let layer = tars_of(&kept.image).remove(0);
    well_formed(&layer, Mode::Squash);
    let slim = &slimmed.rewritten.image;
    assert!(rewrite::are_leftovers_of(&kept.image, slim), "{way}");
    let image = restore(slim, &kept.image, &form, &store, &settings).unwrap();
    let tars = tars_of(&image);
    assert_eq!(tars.last(), Some(&layer), "{way}: the leftovers as they are");
    let want = expected(case, &unwritable).1;
    Model::of(&tars, case.created).tree().assert_same(&want, &way);
    Some(tars)
}

/// A directory that no disk is behind, where there is one.
pub(crate) fn in_memory() -> Option<&'static Path> {
    Some(Path::new("/dev/shm")).filter(|path| path.is_dir())
}

/// The layers of an image, uncompressed by the tests' own decoders.
pub(crate) fn tars_of(image: &Image) -> Vec<Vec<u8>> {
    let tar = |layer| {
        let mut blob = Vec::new();
        image.open(layer).unwrap().read_to_end(&mut blob).unwrap();
        decode(blob)
    };
    image.layers.iter().map(tar).collect()
}

/// Every byte has one name, and the sums are those of a naive count.
pub(crate) fn sizes(case: &Case) {
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
pub(crate) fn result(case: &Case, choice: &Choice<'_>, mode: Mode) {
    let Analysis { map, .. } = &case.analysis;
    let (plan, selection) = case.plan(choice);
    let (slimmed, _store) = slimmed(&case.analysis, &plan, mode, choice.encoding, case.threads);
    let verdict = slimmed.verdict.as_ref().unwrap();
    let way = format!("{:?} {:?} {mode:?}", choice.profiles, choice.by_hand);
    assert!(verdict.ok(), "{way}: {:#?}", verdict.unexpected);

    let tars = tars_of(&slimmed.rewritten.image);
    let (removed, want) = expected(case, &plan);
    let after = Model::of(&tars, case.created);
    after.tree().assert_same(&want, &way);
    promised(case, &plan, mode, &slimmed, &tars);

    let visible = case.model.visible_bytes() - plan.totals(map).disk_bytes;
    assert_eq!(visible, after.visible_bytes(), "{way}: bytes of the plan");
    only_files_go(case, &plan);
    let image = slimmed.rewritten.image;
    nothing_removable_is_left(case, &plan, &selection, image);
    links_lead_on(case, &plan, &after, &removed);
}

/// The paths that a plan removes, and the tree without them.
pub(crate) fn expected(case: &Case, plan: &Plan) -> (Vec<Vec<u8>>, Tree) {
    let path = |removal: &Removal| case.analysis.map.tree().path(removal.node);
    let removed: Vec<Vec<u8>> = plan.removals.iter().map(path).collect();
    let mut gone: Vec<String> = removed.iter().map(|path| shown(path)).collect();
    gone.sort_by(|a, b| b.cmp(a)); // what a directory holds goes before it
    (removed, case.model.tree().without(&gone))
}

/// Rules 3, 6, 7, 15a and 15b of a layer that we write.
fn well_formed(tar: &[u8], mode: Mode) {
    let (mut seen, mut files_began, mut last_directory) = (BTreeSet::from([Vec::new()]), false, Vec::new());
    let mut hidden = Vec::new();
    for member in members(tar) {
        let path = member.path();
        let name = shown(&path);
        let (parent, base) = split(&path);
        if is_marker(&member) {
            assert_ne!(mode, Mode::Squash, "{name} in a single layer");
            assert!(member.body.is_empty(), "{name} has a body");
            assert_ne!(path, b".wh..wh..opq", "an opaque root");
            if base != b".wh..wh..opq" {
                hidden.push([parent, base.strip_prefix(b".wh.").unwrap()].join(&b'/'));
            }
        }
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
    for path in hidden {
        let beside = shown(path.strip_prefix(b"/").unwrap_or(&path));
        assert!(
            !seen.iter().any(|seen| shown(seen) == beside),
            "a whiteout beside {beside}"
        );
    }
}

/// Layers that stay are byte for byte the source's; of the others, the size that a plan tells is what is written.
fn promised(case: &Case, plan: &Plan, mode: Mode, slimmed: &Slimmed, tars: &[Vec<u8>]) {
    let Analysis { image, map, .. } = &case.analysis;
    let layout = Layout::new(map, plan, mode);
    let slots = layout
        .slots
        .iter()
        .filter(|slot| !matches!(slot.fate, Fate::Dropped));
    assert_eq!(slots.clone().count(), tars.len(), "{mode:?}: layers");
    for ((slot, tar), layer) in slots.zip(tars).zip(&slimmed.rewritten.image.layers) {
        match &slot.fate {
            Fate::Made(made) => {
                if !slimmed.rewritten.is_source {
                    well_formed(tar, mode);
                }
                measured(map, made, tar);
            }
            _ => assert_eq!(layer.descriptor(), image.layers[slot.sources.start].descriptor()),
        }
    }
}

fn measured(map: &ContentMap, layer: &NewLayer, tar: &[u8]) {
    let difference = layer.uncompressed_bytes.abs_diff(tar.len() as u64);
    let made = made_anew(map, layer);
    assert!(
        difference <= 1024 * made,
        "{} bytes were promised, {} written, {made} headers made anew",
        layer.uncompressed_bytes,
        tar.len()
    );
    let disk: usize = members(tar).iter().map(|member| member.body.len()).sum();
    assert_eq!(layer.disk_bytes, disk as u64, "stored bytes");
    let entries = members(tar).iter().filter(|member| !is_marker(member)).count();
    assert_eq!(layer.entries, entries as u64, "entries");
}

/// How many files and links get another name or target than their own header says: of those a plan does not know whether
/// the new header takes a PAX extension, which is two blocks.
fn made_anew(map: &ContentMap, squash: &NewLayer) -> u64 {
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
        let stays = |name| {
            let path = left.map.path(name);
            let absolute = [b"/", path.as_slice()].concat();
            refused.contains(&path) || matches!(selection.rule(&absolute), Rule::Keep(_))
        };
        if !left.map.names(inode).any(stays) {
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
        let category = taken.and_then(|removal| PROFILES.1.category(removal.category?));
        let is_safe = category.is_some_and(|category| category.safety == Some(Safety::Safe));
        if is_safe && case.model.letter(&target) == Some('f') {
            // No harm where something else cuts its way off: it would dangle with its target there.
            let holds_target = |path: &Vec<u8>| target.starts_with(&[path.as_slice(), b"/"].concat());
            let others = removed
                .iter()
                .filter(|path| **path != target && !holds_target(path));
            let with_target = case.model.without(others);
            let is_cut = with_target.links().all(|(other, _)| other != link);
            assert!(
                is_cut,
                "{name} stays, and a safe category takes its target {}",
                shown(&target)
            );
        }
    }
}

/// The result of a result is itself.
///
/// But for a layer with a hard link into another one: it is given a file that the lower layer has as well, and the next
/// time that one is seen by nobody.
pub(crate) fn twice(case: &Case, choice: &Choice<'_>, mode: Mode) {
    let map = &case.analysis.map;
    let layer = |id| map.layer_of(id);
    let links_below = |id| map.inode(id).is_some_and(|inode| layer(inode) != layer(id));
    if mode == Mode::Keep && map.entries().any(links_below) {
        return;
    }
    let (first, _store) = slimmed(
        &case.analysis,
        &case.plan(choice).0,
        mode,
        choice.encoding,
        case.threads,
    );
    let again = analysis(first.rewritten.image.clone(), &settings(case.threads));
    let (plan, _) = plan(&again, choice);
    assert!(plan.removals.is_empty(), "{mode:?} {:?}", plan.removals);
    let (second, _other) = slimmed(&again, &plan, mode, choice.encoding, case.threads);
    assert_eq!(second.rewritten.image.digest(), first.rewritten.image.digest());
    assert!(second.rewritten.is_source);
}

/// The same digests with any number of threads.
pub(crate) fn threads(case: &Case, choice: &Choice<'_>) {
    for mode in case.modes() {
        let plan = case.plan(choice).0;
        let digests: BTreeSet<_> = [1, 2, 4]
            .map(|threads| {
                let analysis = analysis(case.analysis.image.clone(), &settings(threads));
                let (slimmed, _store) = slimmed(&analysis, &plan, mode, choice.encoding, threads);
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

/// Every path that the content map shows.
pub(crate) fn paths(case: &Case) -> BTreeSet<String> {
    let map = &case.analysis.map;
    let shows = map
        .tree()
        .ids()
        .skip(1)
        .filter(|&node| map.visible(node) != Visible::Nothing);
    shows.map(|node| shown(&map.tree().path(node))).collect()
}
