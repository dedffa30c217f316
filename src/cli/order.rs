//! What a person ordered in the interface, written as `slim save` and `slim push` would: with the marks as a profile.
//!
//! A module of its own because showing an image and writing one have nothing in common but the image.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{BaseArgs, Layers, Output, SelectionArgs, WriteArgs};
use super::exit::{Code, Failure};
use super::session::{Purpose, Session};
use super::write::{Job, Told};
use super::{platforms, write};
use crate::bytesize::ByteSize;
use crate::image::Image;
use crate::oci::Platform;
use crate::transport::{Root, Target, Written};
use crate::tui::{self, Order};

/// Carries an order out and says in lines what was written. `platform` is the one on the screen. Ends early once `stop` is
/// set, without ending the run.
pub(super) fn carry_out(
    order: &Order,
    source: &str,
    platform: Option<&Platform>,
    session: &Session,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<String>, Failure> {
    let wanted = match order.platforms {
        tui::Platforms::This => session.wanted().cloned(),
        tui::Platforms::All => None,
    };
    let session = session.apart(stop.clone(), wanted);
    let written = written(order, source, platform, &session).map_err(|failure| {
        if session.was_interrupted() {
            session.interrupted()
        } else {
            failure
        }
    });
    session.signals().end_push();
    written
}

fn written(
    order: &Order,
    source: &str,
    platform: Option<&Platform>,
    session: &Session,
) -> Result<Vec<String>, Failure> {
    let target = Target::parse(&order.target).map_err(Failure::writing)?;
    let mut profile = tempfile::Builder::new()
        .suffix(".toml")
        .tempfile()
        .map_err(unwritten)?;
    profile.write_all(order.profile.as_bytes()).map_err(unwritten)?;
    let args = WriteArgs {
        layers: match order.layers {
            tui::Layers::Squash => Layers::Squash,
            tui::Layers::Keep => Layers::Keep,
        },
        base: BaseArgs {
            base: None,
            base_layers: None,
        },
        compression: None,
        leftovers: None,
        dry_run: false,
        no_verify: false,
        selection: SelectionArgs {
            profile: vec![profile.path().display().to_string()],
            ..SelectionArgs::default()
        },
        output: Output::default(),
    };
    let job = Job::new(source, &target, &args, session)?;
    let (told, written) = match order.platforms {
        tui::Platforms::This => {
            let (told, written) = write::publish(shown(source, platform, session)?, None, &job)?;
            (vec![told], written)
        }
        tui::Platforms::All => all(&job)?,
    };
    Ok(said(&told, &written))
}

/// The image that is on the screen, to be read again.
fn shown(source: &str, platform: Option<&Platform>, session: &Session) -> Result<Image, Failure> {
    match platform {
        Some(platform) => session.image_for(source, platform, Purpose::Rewrite),
        None => session.image(source, Purpose::Rewrite),
    }
}

/// Writes every platform of the source.
fn all(job: &Job<'_>) -> Result<(Vec<Told>, Written), Failure> {
    if matches!(job.target, Target::DockerArchive { .. } | Target::Engine { .. }) {
        return Err(Failure::usage(
            "docker archives and engines hold one platform: write this one, or choose another target",
        ));
    }
    let whole = job.session.whole(job.source, Purpose::Rewrite)?;
    match platforms::fitting(whole.root, job)? {
        Root::Index(index) => platforms::publish(&index, &whole.attached, job),
        Root::Image(image) => {
            let (told, written) = write::publish(*image, Some(&whole.attached), job)?;
            Ok((vec![told], written))
        }
    }
}

/// What was written, in lines; of several platforms, one line each: a dialog must hold them.
fn said(all: &[Told], written: &Written) -> Vec<String> {
    let mut lines = vec![format!("written: {}", write::chained(written))];
    for told in all {
        let document = &told.document;
        let (before, after) = (document.disk_bytes.before, document.disk_bytes.after);
        let disk = format!("{} → {}", ByteSize(before), ByteSize(after));
        let wire = document.wire_bytes.after.map(ByteSize);
        if all.len() > 1 {
            let wire = wire.map(|wire| format!(", wire {wire}")).unwrap_or_default();
            lines.push(format!("{}: disk {disk}{wire}", document.result.platform));
            continue;
        }
        lines.push(format!("disk: {disk}"));
        lines.extend(wire.map(|wire| format!("wire: {wire}")));
        let verdict = told.verdict.as_ref();
        lines.extend(verdict.map(|verdict| format!("verified: {}", write::outcome(verdict))));
    }
    if all.len() > 1 && all.iter().all(|told| told.verdict.is_some()) {
        lines.push("verified: of every platform, nothing else differs".to_owned());
    }
    if let Some(reason) = &written.unattached {
        lines.push(format!(
            "the list of what was removed could not be attached: {reason}"
        ));
    }
    lines
}

fn unwritten(error: std::io::Error) -> Failure {
    Failure::new(Code::Write, error)
}
