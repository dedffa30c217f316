//! The base image: how many of an image's layers are its, from flags or from what the image says of itself.
//!
//! Of its own because three commands ask, and because the answer may lie in another image.

use super::args::BaseArgs;
use super::exit::Failure;
use super::session::Session;
use crate::image::{BASE_DIGEST, BASE_NAME, History, Image};
use crate::report::{instruction, printable};

/// Characters of an instruction that are shown.
const INSTRUCTION: usize = 100;

/// The number of base layers that was asked for, in whatever way.
///
/// An image that says nothing of its base, where no flag does, is refused, with the layers that there are.
pub(super) fn required(args: &BaseArgs, image: &Image, session: &Session) -> Result<usize, Failure> {
    if let Some(count) = named(args, image, session)? {
        return Ok(count);
    }
    let why = match declared(image) {
        None => "the image does not say what it was built on".to_owned(),
        Some(base) => match of_image(&base, image, session) {
            Ok(count) => return Ok(count),
            Err(failure) => format!(
                "it says that it was built on {}, but {}",
                printable(&base),
                failure.message
            ),
        },
    };
    Err(Failure::usage(format!(
        "the base image is not known: {why}. Name it with --base IMAGE, or say with --base-layers N how many of these layers are its:"
    ))
    .with(rows(image)))
}

/// The number of base layers, where a flag says so, or where the image does and comes from a registry.
pub(super) fn offered(args: &BaseArgs, image: &Image, session: &Session) -> Result<Option<usize>, Failure> {
    if let Some(count) = named(args, image, session)? {
        return Ok(Some(count));
    }
    let declared = declared(image).filter(|_| image.name.transport == "docker");
    Ok(declared.and_then(|base| match of_image(&base, image, session) {
        Ok(count) => Some(count),
        Err(failure) => {
            session.note(&format!("base image: {}", failure.message));
            None
        }
    }))
}

/// What a flag says.
fn named(args: &BaseArgs, image: &Image, session: &Session) -> Result<Option<usize>, Failure> {
    if let Some(base) = &args.base {
        return of_image(base, image, session).map(Some);
    }
    match args.base_layers.map(std::num::NonZeroUsize::get) {
        Some(count) if count > image.layers.len() => Err(Failure::usage(format!(
            "--base-layers {count}: the image has only these layers:"
        ))
        .with(rows(image))),
        count => Ok(count),
    }
}

/// What the image says that it was built on: `NAME@DIGEST`, or the name alone.
fn declared(image: &Image) -> Option<String> {
    let name = image.said(BASE_NAME)?;
    let digest = image.said(BASE_DIGEST).filter(|_| !name.contains('@'));
    Some(match digest {
        Some(digest) => format!("docker://{name}@{digest}"),
        None => format!("docker://{name}"),
    })
}

/// How many layers `image` has from `base`: all of that image's, which must be its first ones.
fn of_image(base: &str, image: &Image, session: &Session) -> Result<usize, Failure> {
    let base_image = session.open_for(base, &image.platform())?;
    let count = base_image.layers.len();
    let same = base_image.layers.iter().zip(&image.layers);
    let same = same
        .take_while(|(of_base, own)| of_base.diff_id == own.diff_id)
        .count();
    if same == count && count > 0 {
        return Ok(count);
    }
    let shown = printable(base);
    Err(Failure::usage(match (count, same) {
        (0, _) => format!("{shown} has no layers"),
        (_, 0) => format!("{shown} is not its base: not even the first layer is the same"),
        _ => format!("{shown} is not its base: only the first {same} of its {count} layers are the same"),
    }))
}

/// The history, each row with the number of its layer; the layers alone where there is none.
fn rows(image: &Image) -> Vec<String> {
    let history = image.config.history();
    if history.is_empty() {
        let layers = image.layers.iter().enumerate();
        return layers
            .map(|(at, layer)| format!("{:>5}  {}", at + 1, layer.diff_id))
            .collect();
    }
    let row = |(at, row): (usize, &History)| {
        let number = image.layers.iter().position(|layer| layer.history == Some(at));
        let number = number.map_or_else(|| "-".to_owned(), |layer| (layer + 1).to_string());
        let words = printable(&instruction(&row.created_by));
        let words: String = words.chars().take(INSTRUCTION).collect();
        format!("{number:>5}  {words}")
    };
    history.iter().enumerate().map(row).collect()
}
