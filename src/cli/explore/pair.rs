//! Two images as the interface is given them: both read, compared as `slim diff` compares them, and laid side by side.
//!
//! A room of its own because either side may be a saved report, and what is compared then is less.

use std::sync::Arc;

use super::{image, saved};
use crate::classify::Classifier;
use crate::cli::exit::Failure;
use crate::cli::saved_report::{self, Given};
use crate::cli::session::{Purpose, Session};
use crate::cli::{choose, platforms};
use crate::image::Image;
use crate::layer::Detail;
use crate::oci::Platform;
use crate::pipeline::{self, Analysis};
use crate::report::{Diff, Report, Side};
use crate::transport::Root;
use crate::tui::{Feed, Message, Scene};

/// Reads what `old` and `new` name, and shows what became of the one.
pub(super) fn load(old: &str, new: &str, session: &Session, feed: &Feed) -> Result<(), Failure> {
    let classifier = Arc::new(choose::classifier()?);
    let given = |text| Given::find(text, saved_report::open(text)?, Purpose::Rewrite, session);
    let halves = match (given(old)?, given(new)?) {
        (Given::Image(a), Given::Image(b)) => both(a, b, session)?,
        (a, b) => [one(a, old, session)?, one(b, new, session)?],
    };
    feed.send(Message::Opened {
        reference: format!("{old} → {new}"),
        platform: halves[1].platform(),
        layers: Vec::new(),
        target: String::new(),
    });
    // Contents are compared where both sides have them.
    let detail = if matches!(halves, [Half::Image(_), Half::Image(_)]) {
        Detail::Fingerprints
    } else {
        Detail::Facts
    };
    let [a, b] = halves;
    let a = a.read(None, detail, &classifier, session)?;
    let b = b.read(a.analysis(), detail, &classifier, session)?;
    let diff = Diff::new(&a.side(detail, &classifier), &b.side(detail, &classifier));
    let (a, b) = (a.scene(old, &classifier)?, b.scene(new, &classifier)?);
    let scene = Scene::pair(Arc::new(a), Arc::new(b), &diff);
    feed.send(Message::Scene(Arc::new(scene)));
    Ok(())
}

/// One of the two before it is read.
enum Half {
    Image(Box<Image>),
    Saved(Box<Report>),
}

/// One of the two, read.
enum Read {
    Image(Box<Analysis>),
    Saved(Box<Report>),
}

impl Half {
    fn platform(&self) -> String {
        match self {
            Self::Image(image) => image.platform().to_string(),
            Self::Saved(report) => report.image.platform.clone(),
        }
    }

    fn read(
        self,
        known: Option<&Analysis>,
        detail: Detail,
        classifier: &Classifier,
        session: &Session,
    ) -> Result<Read, Failure> {
        Ok(match self {
            Self::Image(image) => {
                let settings = &session.settings;
                let analysis = pipeline::analyze_beside(*image, known, classifier, &[], detail, settings)?;
                Read::Image(Box::new(analysis))
            }
            Self::Saved(report) => Read::Saved(report),
        })
    }
}

impl Read {
    fn analysis(&self) -> Option<&Analysis> {
        match self {
            Self::Image(analysis) => Some(analysis),
            Self::Saved(_) => None,
        }
    }

    fn side(&self, detail: Detail, classifier: &Classifier) -> Side {
        let analysis = match self {
            Self::Image(analysis) => analysis,
            Self::Saved(report) => return Side::saved((**report).clone()),
        };
        let of = match detail {
            Detail::Fingerprints => Side::new,
            Detail::Facts => Side::sums,
        };
        of(&analysis.image, &analysis.map, &analysis.attribution, classifier)
    }

    fn scene(self, text: &str, classifier: &Arc<Classifier>) -> Result<Scene, Failure> {
        match self {
            Self::Image(analysis) => Ok(image::whole(*analysis, classifier.clone())),
            Self::Saved(report) => saved::scene(&report, text),
        }
    }
}

/// The two images of one platform: of this machine's, else of the first that both have.
fn both(old: Root, new: Root, session: &Session) -> Result<[Half; 2], Failure> {
    let host = Platform::host();
    let mut pairs: Vec<[platforms::Side; 2]> = platforms::pairs(old, new, session)
        .into_iter()
        .filter_map(|pair| Some([pair.original?, pair.slimmed?]))
        .collect();
    let at = pairs
        .iter()
        .position(|[_, new]| new.platform == host)
        .unwrap_or(0);
    if pairs.is_empty() {
        return Err(Failure::usage("there is no platform that both images have"));
    }
    Ok(pairs
        .swap_remove(at)
        .map(|side| Half::Image(Box::new(side.image))))
}

/// What stands beside a saved report, or is one.
fn one(given: Given, text: &str, session: &Session) -> Result<Half, Failure> {
    let root = match given {
        Given::Saved(reports) => {
            return saved::pick(reports, text, session).map(|report| Half::Saved(Box::new(report)));
        }
        Given::Image(root) => root,
    };
    let host = Platform::host();
    let mut sides: Vec<platforms::Side> = platforms::alone(root)
        .into_iter()
        .filter_map(|pair| pair.slimmed)
        .collect();
    let at = sides.iter().position(|side| side.platform == host).unwrap_or(0);
    if sides.is_empty() {
        return Err(Failure::usage(format!("{text}: it holds no image")));
    }
    Ok(Half::Image(Box::new(sides.swap_remove(at).image)))
}
