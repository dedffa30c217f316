//! `slim demo`: the main job on a small image that is built in memory. No network, no engine.
//!
//! The image comes from an embedded recipe, a few lines a layer, with everything that makes squashing hard: a
//! file deleted later, a hard link that keeps old bytes, a directory made anew.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;

use super::args::{DemoArgs, SelectionArgs};
use super::exit::{Code, Failure};
use super::plan as planning;
use super::session::{self, Session};
use super::{choose, out};
use crate::bytesize::ByteSize;
use crate::codec::{self, Encoding};
use crate::image::{Image, ImageName};
use crate::layer::Detail;
use crate::oci::{Descriptor, DiffId, Digest, Family, MediaType};
use crate::pipeline::{self, Check, Form};
use crate::report::{Report, ReportOptions, text};
use crate::rewrite;
use crate::store::Store;
use crate::tar;
use crate::transport::Target;

const RECIPE: &str = include_str!("demo.recipe");
const CREATED: &str = "2026-01-01T00:00:00Z";
/// [`CREATED`] in seconds since 1970.
const CREATED_SECS: i64 = 1_767_225_600;

pub(super) fn run(args: &DemoArgs, session: &Session) -> Result<(), Failure> {
    let began = Instant::now();
    let store = session.staging()?;
    let image = build(&store)?;
    let selection = SelectionArgs {
        profile: Vec::new(),
        remove: Vec::new(),
        keep: Vec::new(),
        remove_path: Vec::new(),
        keep_path: Vec::new(),
        force_path: Vec::new(),
    };
    let chosen = choose::chosen(&selection)?;
    let analysis = pipeline::analyze(
        image,
        &chosen.classifier,
        &[],
        Detail::Fingerprints,
        &session.settings,
    )?;
    let options = ReportOptions {
        by: Vec::new(),
        largest: 5,
    };
    let report = Report::new(
        &analysis.image,
        &analysis.map,
        &analysis.attribution,
        &chosen.classifier,
        &options,
    );
    let (style, width) = (
        session::style(std::io::IsTerminal::is_terminal(&std::io::stdout())),
        session::width(),
    );
    let mut page = String::from("$ slim report demo\n\n");
    text::report(&report, &style, width, &mut page);

    let plan = planning::plan(&analysis, &chosen)?;
    page.push_str("\n$ slim plan demo\n\n");
    text::plan(
        &planning::document(&analysis, &plan, &chosen),
        &style,
        width,
        &mut page,
    );

    let form = Form {
        encoding: Encoding::Gzip { level: 6 },
        family: Family::Oci,
        profile: "default".to_owned(),
        created: None,
        check: Check::Verify,
    };
    let slimmed = pipeline::slim(&analysis, &plan, &form, &store, &session.settings)?;
    let before: u64 = analysis
        .image
        .layers
        .iter()
        .filter_map(|layer| layer.descriptor())
        .map(|layer| layer.size)
        .sum();
    page.push_str("\n$ slim save demo oci:after\n\n");
    line(
        &mut page,
        format_args!(
            "{} → {} on the wire, one layer, {}",
            ByteSize(before),
            ByteSize(slimmed.rewritten.layer_bytes),
            slimmed
                .rewritten
                .image
                .name
                .reference
                .trim_start_matches("staged:")
        ),
    );
    page.push_str("\n$ slim verify demo oci:after\n\n");
    let verdict = slimmed.verdict.as_ref().filter(|verdict| verdict.ok());
    let Some(verdict) = verdict else {
        return Err(Failure::new(
            Code::Failed,
            "the demo's own result does not verify: please report this",
        ));
    };
    line(
        &mut page,
        format_args!(
            "ok: {} paths and {} identical, {} removed as planned, nothing else differs\n",
            verdict.identical.files,
            ByteSize(verdict.identical.bytes),
            verdict.removed.files
        ),
    );
    keep(args, session, &analysis.image, &slimmed.rewritten, &mut page)?;
    line(
        &mut page,
        format_args!(
            "Built, reported, planned, slimmed and verified in {} ms.",
            began.elapsed().as_millis()
        ),
    );
    page.push_str("Now with an image of yours:  slim report IMAGE\n");
    session.finish();
    out::bytes(page.as_bytes())
}

/// Writes both images beside each other, for whoever wants to look at them with other tools.
fn keep(
    args: &DemoArgs,
    session: &Session,
    image: &Image,
    slimmed: &rewrite::Rewritten,
    page: &mut String,
) -> Result<(), Failure> {
    let Some(directory) = &args.keep else {
        return Ok(());
    };
    for (image, name) in [(image, "before.oci"), (&slimmed.image, "after.oci")] {
        let target = Target::OciLayout {
            dir: directory.join(name),
            tag: Some("demo".to_owned()),
        };
        let written = session.write(image, &target, None)?;
        line(page, format_args!("kept as {}", written.reference));
    }
    Ok(())
}

/// Builds the recipe's image into `store`.
fn build(store: &Arc<Store>) -> Result<Image, Failure> {
    let (mut descriptors, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
    for (instruction, members) in layers() {
        let tar = layer(&members);
        diff_ids.push(DiffId(Digest::of(&tar)));
        let mut encoder = codec::encoder(
            store.writer()?,
            Encoding::Gzip { level: 1 },
            std::num::NonZeroUsize::MIN,
        );
        let staged = encoder.write_all(&tar).and_then(|()| encoder.finish());
        let (digest, size) = staged
            .map_err(|error| Failure::new(Code::Write, error))?
            .commit()?;
        let media_type = MediaType::layer(Family::Oci, codec::sniff(b"\x1f\x8b\x08\0\0\0\0\0\0\xff"));
        descriptors.push(Descriptor::new(
            media_type.unwrap_or_else(|| "".into()),
            digest,
            size,
        ));
        history.push(json!({"created": CREATED, "created_by": instruction}));
    }
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": CREATED,
        "config": {"Cmd": ["python3", "/app/main.py"], "WorkingDir": "/app", "Env": ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
    })
    .to_string();
    let config_descriptor = Descriptor::new(
        MediaType::OCI_CONFIG,
        Digest::of(config.as_bytes()),
        config.len() as u64,
    );
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MediaType::OCI_MANIFEST, "config": config_descriptor, "layers": descriptors,
    })
    .to_string();
    let name = ImageName {
        transport: "demo",
        reference: "demo".to_owned(),
    };
    let image = rewrite::stage(name, config.into_bytes(), manifest.into_bytes(), store);
    image.map_err(|error| Failure::new(Code::Write, error))
}

/// The recipe's layers: instruction and member lines.
fn layers() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut layers: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in RECIPE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        match line.strip_prefix("layer ") {
            Some(instruction) => layers.push((instruction, Vec::new())),
            None => layers
                .last_mut()
                .into_iter()
                .for_each(|(_, members)| members.push(line)),
        }
    }
    layers
}

/// One layer's tar, parents of every member included.
fn layer(members: &[&str]) -> Vec<u8> {
    let mut builder = Builder::default();
    members.iter().for_each(|line| builder.member(line));
    builder.tar.extend(tar::END);
    builder.tar
}

#[derive(Default)]
struct Builder {
    tar: Vec<u8>,
    made: std::collections::BTreeSet<String>,
}

impl Builder {
    fn member(&mut self, line: &str) {
        let mut words = line.splitn(3, ' ');
        let (verb, path, rest) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let rest_words: Vec<&str> = rest.split(' ').collect();
        let number = |at: usize| {
            rest_words
                .get(at)
                .and_then(|word| word.parse::<usize>().ok())
                .unwrap_or(0)
        };
        match verb {
            "d" => self.directory(path, u32::from_str_radix(rest, 8).unwrap_or(0o755)),
            "t" => self.entry(
                path,
                tar::Kind::Regular,
                "",
                0o644,
                format!("{rest}\n").as_bytes(),
            ),
            "l" => self.entry(path, tar::Kind::Symlink, rest, 0o777, b""),
            "h" => self.entry(path, tar::Kind::HardLink, rest, 0o644, b""),
            "wh" => {
                let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
                self.entry(
                    &format!("{directory}/.wh.{name}"),
                    tar::Kind::Regular,
                    "",
                    0o644,
                    b"",
                );
            }
            "n" => {
                for count in 0..number(0) {
                    let path = path.replace("$N", &count.to_string());
                    let body = content(
                        &path,
                        number(1) * (50 + count % 101) / 100,
                        rest_words.get(2).unwrap_or(&""),
                    );
                    self.entry(&path, tar::Kind::Regular, "", 0o644, &body);
                }
            }
            _ => {
                let mode = rest_words
                    .get(2)
                    .and_then(|mode| u32::from_str_radix(mode, 8).ok())
                    .unwrap_or(0o644);
                let body = content(path, number(0), rest_words.get(1).unwrap_or(&""));
                self.entry(path, tar::Kind::Regular, "", mode, &body);
            }
        }
    }

    fn entry(&mut self, path: &str, kind: tar::Kind, link: &str, mode: u32, body: &[u8]) {
        self.parents(path);
        let mut header = tar::Header::new(kind, path.as_bytes(), mode);
        header.link = link.as_bytes().to_vec();
        header.size = body.len() as u64;
        header.logical_size = header.size;
        header.mtime = tar::Time {
            secs: CREATED_SECS,
            nanos: 0,
        };
        tar::write_header(&mut self.tar, &header);
        self.tar.extend_from_slice(body);
        self.tar.resize(self.tar.len() + tar::padding(header.size), 0);
    }

    fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            self.directory(&path[..at], 0o755);
        }
    }

    fn directory(&mut self, path: &str, mode: u32) {
        if self.made.insert(path.to_owned()) {
            let time = tar::Time {
                secs: CREATED_SECS,
                nanos: 0,
            };
            tar::write_header(
                &mut self.tar,
                &tar::Header::directory(path.as_bytes(), mode, time),
            );
        }
    }
}

/// Bytes of a kind: text compresses well, binaries a little, compressed data not at all. A fixed generator,
/// seeded by the path, so that the demo's digests are the same everywhere.
fn content(path: &str, len: usize, kind: &str) -> Vec<u8> {
    let mut state = path.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let head: &[u8] = match kind {
        "elf" => b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0",
        "gzip" => b"\x1f\x8b\x08\0\0\0\0\0\x02\x03",
        "python" => b"\"\"\"Part of the demo.\"\"\"\n",
        _ => b"",
    };
    const WORDS: [&[u8]; 16] = [
        b"order ",
        b"return ",
        b"invoice ",
        b"self",
        b"queue ",
        b"def ",
        b"(x)\n",
        b"    ",
        b"import ",
        b"cache ",
        b"= ",
        b"event ",
        b"None\n",
        b"if ",
        b"token ",
        b"in ",
    ];
    let mut out = head.to_vec();
    while out.len() < len {
        let bits = next();
        match kind {
            "gzip" => out.extend(bits.to_le_bytes()),
            "elf" | "pyc" | "data" if bits % 3 == 0 => out.extend(bits.to_le_bytes()),
            "elf" | "pyc" | "data" => out.extend([0, 0, 0, 0, 72, 139, 69, (bits >> 8) as u8 & 15]),
            _ => out.extend(WORDS[(bits >> 20) as usize % 16]),
        }
    }
    out.truncate(len);
    out
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(page, "{text}");
}
