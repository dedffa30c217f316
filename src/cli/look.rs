//! What the commands share that look into one image: it is read, a path of it is found, or what was meant is said.

use super::args::{ViewArgs, Wanted};
use super::exit::{Code, Failure};
use super::session::{Purpose, Session};
use crate::classify::Classifier;
use crate::content::{ContentMap, Visible};
use crate::image::Image;
use crate::inside::{Follow, InsideError, Sight, Source, View};
use crate::layer::{Detail, LayerError, NodeId};
use crate::pipeline::{self, Analysis};
use crate::profile::nearest;
use crate::progress::Progress;
use crate::report::{Report, ReportOptions, json_path};

/// Paths of the same name that are offered where one is not found.
const OFFERED: usize = 5;

/// An image that was read.
pub(super) struct Looked {
    pub(super) image: Image,
    pub(super) map: ContentMap,
}

/// An image's analysis, and the report on it.
pub(super) fn report(
    image: Image,
    classifier: &Classifier,
    session: &Session,
    options: &ReportOptions,
) -> Result<(Analysis, Report), Failure> {
    let analysis = pipeline::analyze(image, classifier, &[], Detail::Facts, &session.settings)?;
    let report = Report::new(
        &analysis.image,
        &analysis.map,
        &analysis.attribution,
        classifier,
        options,
    );
    Ok((analysis, report))
}

/// Reads the one image that `text` names.
pub(super) fn read(text: &str, detail: Detail, session: &Session) -> Result<Looked, Failure> {
    let mut images = session.images(text, Purpose::LookTwice)?;
    let image = match (images.pop(), images.is_empty()) {
        (Some((_, image)), true) => image,
        (None, _) => {
            return Err(Failure::new(
                Code::Read,
                format!("{text}: the index lists no image"),
            ));
        }
        (Some(_), false) => {
            debug_assert_eq!(session.wanted(), Some(&Wanted::All));
            let message = format!("{text} is an index of several platforms; choose one with --platform");
            return Err(Failure::usage(message));
        }
    };
    let map = pipeline::look(&image, detail, &session.settings)?;
    Ok(Looked { image, map })
}

impl Looked {
    /// How its layers are read again.
    pub(super) fn source<'a>(&'a self, session: &'a Session, progress: &'a Progress) -> Source<'a> {
        Source {
            image: &self.image,
            map: &self.map,
            limits: session.settings.limits,
            progress,
            stop: &session.settings.stop,
        }
    }

    /// The tree that is meant.
    pub(super) fn sight(&self, args: &ViewArgs) -> Result<Sight<'_>, Failure> {
        let count = self.map.layer_count();
        let known = |flag: &str, layer: usize| {
            if layer < count {
                return Ok(layer);
            }
            let there_are = match count {
                0 => "no layers".to_owned(),
                1 => "one layer, 0".to_owned(),
                count => format!("{count} layers, 0 to {}", count - 1),
            };
            Err(Failure::usage(format!(
                "{flag} {layer}: the image has {there_are}"
            )))
        };
        let view = match (args.layer, args.up_to) {
            (Some(layer), _) => View::Layer(known("--layer", layer)?),
            (None, Some(layer)) => View::UpTo(known("--up-to", layer)?),
            (None, None) => View::Merged,
        };
        Ok(Sight::new(&self.map, view))
    }

    /// Where a path leads. Where it leads nowhere, the error says what is near.
    pub(super) fn find(&self, sight: &Sight<'_>, path: &str, follow: Follow) -> Result<NodeId, Failure> {
        sight
            .find(path.as_bytes(), follow)
            .ok_or_else(|| self.not_found(sight, path))
    }

    fn not_found(&self, sight: &Sight<'_>, path: &str) -> Failure {
        if let Some(link) = sight.find(path.as_bytes(), Follow::Nothing) {
            let target = sight.inode(link).map(|inode| self.map.link(inode));
            let target = String::from_utf8_lossy(target.unwrap_or_default()).into_owned();
            return Failure::usage(format!(
                "{path} is a symlink to {target}, which is not in {}",
                place(sight.view())
            ));
        }
        let message = format!("{path} is not in {}", place(sight.view()));
        match self.near(sight, path) {
            Some(near) => Failure::usage(format!("{message}; did you mean {near}?")),
            None => Failure::usage(message).with(self.elsewhere(sight, path)),
        }
    }

    /// The path of which only one name is probably mistyped.
    fn near(&self, sight: &Sight<'_>, path: &str) -> Option<String> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let found = |count: usize| sight.find(parts[..count].join("/").as_bytes(), Follow::Symlinks);
        let known = (0..parts.len())
            .rev()
            .find_map(|count| Some((count, found(count)?)));
        let (count, parent) = known?;
        let tree = self.map.tree();
        let names: Vec<&str> = tree
            .children(parent)
            .filter(|&node| sight.at(node) != Visible::Nothing)
            .filter_map(|node| str::from_utf8(tree.name(node)).ok())
            .collect();
        let name = nearest(parts[count], names.iter().copied())?;
        let path: Vec<&str> = [&parts[..count], &[name], &parts[count + 1..]].concat();
        let path = path.join("/");
        sight
            .find(path.as_bytes(), Follow::Nothing)
            .map(|_| format!("/{path}"))
    }

    /// Where the same name is otherwise: in other layers, in other directories.
    fn elsewhere(&self, sight: &Sight<'_>, path: &str) -> Vec<String> {
        let tree = self.map.tree();
        let mut normal = Vec::new();
        crate::layer::normalise(path.as_bytes(), &mut normal);
        let own = tree.find(&normal).map(|node| self.map.entries_at(node));
        let mut layers: Vec<usize> = own
            .into_iter()
            .flatten()
            .map(|id| self.map.layer_of(id))
            .collect();
        layers.dedup();
        if !layers.is_empty() {
            let layers: Vec<String> = layers.iter().map(usize::to_string).collect();
            return vec![format!(
                "layer {} has it: --layer N shows one layer, `slim trace` what each did",
                layers.join(", ")
            )];
        }
        let name = normal.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        let same = tree.ids().filter(|&node| {
            !name.is_empty() && tree.name(node) == name && sight.at(node) != Visible::Nothing
        });
        same.take(OFFERED)
            .map(|node| format!("there is {}", json_path(&tree.path(node))))
            .collect()
    }
}

/// What a view is called in messages.
pub(super) fn place(view: View) -> String {
    match view {
        View::Merged => "the image".to_owned(),
        View::UpTo(layer) => format!("the image up to layer {layer}"),
        View::Layer(layer) => format!("layer {layer}"),
    }
}

impl From<InsideError> for Failure {
    fn from(error: InsideError) -> Self {
        let code = match &error {
            InsideError::Layer(LayerError::Cancelled) => return Self::interrupted(),
            InsideError::NoFile { .. } => Code::Usage,
            InsideError::Layer(_) | InsideError::Changed(_) => Code::Read,
            _ => Code::Write,
        };
        Self::new(code, error)
    }
}
