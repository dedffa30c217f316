//! An image as the interface is given it: layer by layer while it is read, then whole.
//!
//! A room of its own because it is the one source that is worth looking at before all of it is there.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use crate::classify::Classifier;
use crate::cli::choose;
use crate::cli::exit::Failure;
use crate::cli::session::{Purpose, Session};
use crate::content::ContentMap;
use crate::image::Image;
use crate::layer::{Changeset, Detail};
use crate::oci::Platform;
use crate::pipeline::{self, Analysis};
use crate::transport::Source;
use crate::tui::{Examined, Expected, Feed, Message, Scene};

/// Entries up to which an image is shown before all of it is read: beyond, each look costs more than it tells.
const SMALL: usize = 300_000;

/// Reads the image that `source` names; `found` learns its platform before anything is read.
pub(super) fn load(
    source: &str,
    session: &Session,
    feed: &Feed,
    found: impl Fn(Platform),
) -> Result<(), Failure> {
    let (image, platforms) = session.image_of(source, Purpose::Rewrite)?;
    found(image.platform());
    feed.send(opened(&image, source));
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
    let scene = whole(analysis, classifier);
    feed.send(Message::Scene(Arc::new(scene)));
    Ok(())
}

/// The scene of an image that is read.
pub(super) fn whole(analysis: Analysis, classifier: Arc<Classifier>) -> Scene {
    let Analysis {
        image,
        map,
        attribution,
    } = analysis;
    let read = vec![true; map.layer_count()];
    let of = Examined {
        image,
        map,
        attribution,
        classifier,
    };
    Scene::new(of, &read)
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
