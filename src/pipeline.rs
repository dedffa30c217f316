//! The whole flow: [`analyze`] an image, [`strip`] where that is asked for, [`slim`] it, keep its [`leftovers`];
//! [`verify_images`], [`restore`].
//!
//! A module of its own because this is the one place that strings the floors together; commands, the demo and
//! whoever uses the library call these and nothing below.

use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::classify::{Attribution, Classifier};
use crate::codec::Encoding;
use crate::content::ContentMap;
use crate::image::{Image, Layer};
use crate::layer::{self, Changeset, ChangesetCache, Detail, LayerError, Passed, Passing, ReadOptions};
use crate::limits::{Limit, Limits};
use crate::oci::{DiffId, Digest, Family};
use crate::plan::{Layout, Mode, Plan};
use crate::progress::{Progress, Stage};
use crate::rewrite::{self, RewriteError, Rewritten, StripOptions, StripWhich};
use crate::store::Store;
use crate::transport::{LookError, LookOn};
use crate::verify::{self, Verdict};

/// Why the flow broke off.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// Occurs when a layer cannot be read.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// Occurs when the new image cannot be made.
    #[error(transparent)]
    Rewrite(#[from] RewriteError),
    /// Occurs when the staged result cannot be read again.
    #[error("the staged result cannot be read again: {0}")]
    Staged(LayerError),
}

/// How the flow runs: what is the same for every stage of it.
#[derive(Clone)]
pub struct Settings {
    /// Threads that may work at once; no result depends on it.
    pub threads: NonZeroUsize,
    /// Who watches.
    pub progress: Progress,
    /// Set from elsewhere to end the work early.
    pub stop: Arc<AtomicBool>,
    /// What an image may ask for.
    pub limits: Limits,
    /// Changesets kept between runs, for images whose blobs are addressed by digest elsewhere.
    pub cache: Option<ChangesetCache>,
    /// What was learnt from layers while they streamed past, by [`look_on`].
    pub passed: Passed,
}

/// An image and what its bytes are for.
#[derive(Debug)]
pub struct Analysis {
    /// The image.
    pub image: Image,
    /// Every entry of every layer, merged.
    pub map: ContentMap,
    /// The category of every byte.
    pub attribution: Attribution,
}

/// A slimmed image, staged and proven.
#[derive(Debug)]
pub struct Slimmed {
    /// The staged image.
    pub rewritten: Rewritten,
    /// Stored bodies of regular files of all its layers, in bytes.
    pub disk_bytes: u64,
    /// What reading it again found; `None` where verification was switched off.
    pub verdict: Option<Verdict>,
    /// What it holds, as read again.
    staged: Option<ContentMap>,
}

/// What was taken off an image, staged.
#[derive(Debug)]
pub struct Leftovers {
    /// An image of one layer.
    pub image: Image,
    /// What putting the original together again found; `None` where verification was switched off.
    pub verdict: Option<Verdict>,
}

/// Reads every layer of `image` and classifies what is in it.
pub fn analyze(
    image: Image,
    classifier: &Classifier,
    locales: &[String],
    detail: Detail,
    settings: &Settings,
) -> Result<Analysis, PipelineError> {
    analyze_beside(image, None, classifier, locales, detail, settings)
}

/// Looks at layers while their image is found, where they stream past once and are not kept: [`analyze`] in the same
/// detail needs their bytes no more.
pub fn look_on(detail: Detail, settings: &Settings) -> impl LookOn + '_ {
    Looking(Passing::new(
        read_options(detail, Stage::Read, None, settings),
        settings.passed.clone(),
    ))
}

struct Looking<'a>(Passing<'a>);

impl LookOn for Looking<'_> {
    fn layer(
        &self,
        number: usize,
        name: &str,
        bytes: &mut (dyn Read + Send),
    ) -> Result<Option<DiffId>, LookError> {
        self.0
            .layer(number, name, bytes)
            .map(Some)
            .map_err(LookError::from)
    }
}

/// As [`analyze`], beside an image that was read before, in the same detail: a layer that both have, the same blob with
/// the same diff id, is not read again.
pub fn analyze_beside(
    image: Image,
    other: Option<&Analysis>,
    classifier: &Classifier,
    locales: &[String],
    detail: Detail,
    settings: &Settings,
) -> Result<Analysis, PipelineError> {
    let known = |layer: &Layer| {
        let other = other?;
        let digest = &layer.descriptor()?.digest;
        let is_same = |one: &Layer| {
            one.diff_id == layer.diff_id && one.descriptor().is_some_and(|blob| blob.digest == *digest)
        };
        let at = other.image.layers.iter().position(is_same)?;
        Some(other.map.changeset(at))
    };
    let known = image.layers.iter().map(known).collect();
    analyze_rest(image, known, classifier, locales, detail, settings, &|_, _| {})
}

/// As [`analyze`], and `each` is told of every layer as soon as it is read, in no order, by the thread that read it.
pub fn analyze_each(
    image: Image,
    classifier: &Classifier,
    detail: Detail,
    settings: &Settings,
    each: &(dyn Fn(usize, &Changeset) + Sync),
) -> Result<Analysis, PipelineError> {
    analyze_rest(image, Vec::new(), classifier, &[], detail, settings, each)
}

fn analyze_rest(
    image: Image,
    known: Vec<Option<Changeset>>,
    classifier: &Classifier,
    locales: &[String],
    detail: Detail,
    settings: &Settings,
    each: &(dyn Fn(usize, &Changeset) + Sync),
) -> Result<Analysis, PipelineError> {
    let map = read_each(&image, known, detail, Stage::Read, settings, each)?;
    let attribution = classifier.classify(&map, &image.config, locales, settings.threads);
    Ok(Analysis {
        image,
        map,
        attribution,
    })
}

/// Reads every layer of `image`, and classifies nothing: what is enough to look into it.
pub fn look(image: &Image, detail: Detail, settings: &Settings) -> Result<ContentMap, PipelineError> {
    read(image, Vec::new(), detail, Stage::Read, settings)
}

/// What [`slim`] makes.
#[derive(Debug, Clone)]
pub struct Form {
    /// Which layers there will be.
    pub mode: Mode,
    /// How new layers are stored. `None`: as the layer was whose place one takes, gzip where it takes several.
    pub encoding: Option<Encoding>,
    /// Whose words the new manifest speaks.
    pub family: Family,
    /// Names of the profiles, for the mark that the result carries.
    pub profile: String,
    /// Digest of the list of what goes and changes, for the mark that names it.
    pub list: Option<Digest>,
    /// Time of what we make, RFC 3339, where it shall not be the config's `created`.
    pub created: Option<String>,
    /// Whether the staged result is read again.
    pub check: Check,
}

/// Whether a staged result is read again and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// It is: the default.
    Verify,
    /// It is not.
    Skip,
}

/// Writes what `plan` leaves of an image into `store`, reads the result again and compares.
///
/// `analysis` must have been made with [`Detail::Fingerprints`] where the form asks for a check. Nothing is
/// published: a verdict that is not ok means that the staged image must be thrown away.
pub fn slim(
    analysis: &Analysis,
    plan: &Plan,
    form: &Form,
    store: &Arc<Store>,
    settings: &Settings,
) -> Result<Slimmed, PipelineError> {
    let options = options(form, settings);
    let Analysis { image, map, .. } = analysis;
    let layout = Layout::new(map, plan, form.mode);
    let rewritten = rewrite::rewrite(image, map, plan, &layout, store, &options)?;
    let disk_bytes = layout.disk_bytes(map);
    if form.check == Check::Skip {
        return Ok(Slimmed {
            rewritten,
            disk_bytes,
            verdict: None,
            staged: None,
        });
    }
    // Blobs of the source were read and verified already: what was made is read again, from the disk.
    let known = rewritten
        .reused
        .iter()
        .map(|layer| Some(map.changeset((*layer)?)));
    let staged = read_staged(&rewritten.image, known.collect(), settings)?;
    let verdict = verify::compare(&analysis.map, plan, &staged);
    // In the base's layers what is not worth a copy stays as it is.
    let verdict = match form.mode {
        Mode::Squash | Mode::Keep => verdict.of_new(),
        Mode::Base(_) => verdict,
    };
    Ok(Slimmed {
        rewritten,
        disk_bytes,
        verdict: Some(verdict),
        staged: Some(staged),
    })
}

/// Puts what `plan` took off an image into `store`, as an image of one layer that refers to the slim one; `None` where it
/// took nothing. Where `slimmed` was verified, the original is put together again and compared.
pub fn leftovers(
    analysis: &Analysis,
    plan: &Plan,
    slimmed: &Slimmed,
    form: &Form,
    store: &Arc<Store>,
    settings: &Settings,
) -> Result<Option<Leftovers>, PipelineError> {
    let options = options(form, settings);
    let Analysis { image, map, .. } = analysis;
    let slim = &slimmed.rewritten.image;
    let Some(leftovers) = rewrite::leftovers(image, map, plan, slim, store, &options)? else {
        return Ok(None);
    };
    let Some(staged) = &slimmed.staged else {
        return Ok(Some(Leftovers {
            image: leftovers,
            verdict: None,
        }));
    };
    let restored = rewrite::restore(slim, &leftovers, store, &options)?;
    let known = (0..staged.layer_count()).map(|layer| Some(staged.changeset(layer)));
    let restored = read_staged(&restored, known.chain([None]).collect(), settings)?;
    Ok(Some(Leftovers {
        image: leftovers,
        verdict: Some(verify::compare(map, &Plan::unwritable(map), &restored)),
    }))
}

/// The original of `slim`, staged in `store`: its layers, and those of its leftovers.
pub fn restore(
    slim: &Image,
    leftovers: &Image,
    form: &Form,
    store: &Arc<Store>,
    settings: &Settings,
) -> Result<Image, PipelineError> {
    Ok(rewrite::restore(
        slim,
        leftovers,
        store,
        &options(form, settings),
    )?)
}

fn options<'a>(form: &Form, settings: &'a Settings) -> rewrite::Options<'a> {
    rewrite::Options {
        encoding: form.encoding,
        threads: settings.threads,
        family: form.family,
        profile: form.profile.clone(),
        list: form.list.clone(),
        created: form.created.clone(),
        progress: &settings.progress,
        limits: settings.limits,
        stop: &settings.stop,
    }
}

/// Adds to `plan` what stripping makes of the programs and libraries that stay: their layers are read once more, and
/// nothing is written.
pub fn strip(
    analysis: &Analysis,
    plan: &mut Plan,
    which: StripWhich<'_>,
    settings: &Settings,
) -> Result<(), PipelineError> {
    let options = StripOptions {
        which,
        threads: settings.threads,
        progress: &settings.progress,
        limits: settings.limits,
        stop: &settings.stop,
    };
    let stripped = rewrite::strip(&analysis.image, &analysis.map, plan, &options)?;
    plan.add_changes(stripped.changes);
    plan.refused.extend(stripped.refused);
    Ok(())
}

/// Reads `slimmed` and compares it with what `plan` leaves of the original.
pub fn verify_images(
    original: &Analysis,
    plan: &Plan,
    slimmed: &Image,
    settings: &Settings,
) -> Result<Verdict, PipelineError> {
    let slimmed = read(slimmed, Vec::new(), Detail::Fingerprints, Stage::Read, settings)?;
    Ok(verify::compare(&original.map, plan, &slimmed))
}

/// Reads again what lies in the store, but for the layers that are `known`.
fn read_staged(
    image: &Image,
    known: Vec<Option<Changeset>>,
    settings: &Settings,
) -> Result<ContentMap, PipelineError> {
    read(image, known, Detail::Fingerprints, Stage::Verify, settings).map_err(|error| match error {
        PipelineError::Layer(error) => PipelineError::Staged(error),
        error => error,
    })
}

/// Reads the layers of an image that are not `known`, and merges all.
fn read(
    image: &Image,
    known: Vec<Option<Changeset>>,
    detail: Detail,
    stage: Stage,
    settings: &Settings,
) -> Result<ContentMap, PipelineError> {
    read_each(image, known, detail, stage, settings, &|_, _| {})
}

fn read_each(
    image: &Image,
    known: Vec<Option<Changeset>>,
    detail: Detail,
    stage: Stage,
    settings: &Settings,
    each: &(dyn Fn(usize, &Changeset) + Sync),
) -> Result<ContentMap, PipelineError> {
    // A cached changeset stands for a blob that was verified before. Local media are always read: what
    // lies on a disk may have been damaged since, and reading it is fast.
    let cache = settings
        .cache
        .as_ref()
        .filter(|_| image.name.transport == "docker");
    let passed = settings.passed.take(image, detail);
    let known = known.into_iter().chain(std::iter::repeat(None)).zip(passed);
    let known = known.map(|(known, passed)| known.or(passed)).collect();
    let options = read_options(detail, stage, cache, settings);
    Ok(ContentMap::merge(layer::read_each(image, known, &options, each)?))
}

fn read_options<'a>(
    detail: Detail,
    stage: Stage,
    cache: Option<&'a ChangesetCache>,
    settings: &'a Settings,
) -> ReadOptions<'a> {
    ReadOptions {
        threads: settings.threads,
        detail,
        cache,
        progress: &settings.progress,
        stage,
        limits: limits(stage, settings),
        stop: &settings.stop,
    }
}

/// What we wrote ourselves may be compressed as well as it can be: a sparse file was written expanded.
fn limits(stage: Stage, settings: &Settings) -> Limits {
    match stage {
        Stage::Verify => settings.limits.with(Limit::Expansion, u64::MAX),
        _ => settings.limits,
    }
}
