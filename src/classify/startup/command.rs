//! What the config names: the words of entrypoint, command, health check and shell, and what each may mean.
//!
//! A module of its own because this is reading what people wrote: it guesses which words are programs and files, and a
//! wrong guess only keeps a file more.

use hashbrown::HashSet;

use super::language::{self, Speakers};
use super::walk::Walk;
use super::{Origin, Start, absolute};
use crate::content::ContentMap;
use crate::image::Config;
use crate::layer::NodeId;

/// Words that are looked at, and bytes of one text: more than anybody writes.
const MAX_WORDS: usize = 4096;
const MAX_TEXT: usize = 64 << 10;

/// Follows everything that the config starts.
pub(super) fn follow(walk: &mut Walk<'_>) {
    let config = walk.config;
    let (entrypoint, command) = (config.runtime_list("Entrypoint"), config.runtime_list("Cmd"));
    let first = match (entrypoint.first(), command.first()) {
        (Some(program), _) => Some((program, Start::Entrypoint)),
        (None, program) => program.map(|program| (program, Start::Command)),
    };
    if let Some((program, start)) = first
        && walk.program(program.as_bytes(), start.into()).is_none()
    {
        let message = format!(
            "the {} `{program}` is not in the image: nothing it needs is protected",
            start.as_str()
        );
        let path = program.strip_prefix('/').unwrap_or_default().as_bytes().to_vec();
        walk.warn("startup-not-found", path, message);
    }
    // The command is the entrypoint's arguments: `["python"]` and `["-m", "app"]` are one line.
    let mut speakers = Speakers::default();
    words(walk, &entrypoint, Start::Entrypoint, &mut speakers);
    words(walk, &command, Start::Command, &mut speakers);
    let shell = config.runtime_list("Shell");
    if let Some(shell) = shell.first() {
        walk.program(shell.as_bytes(), Start::Shell.into());
    }
    health_check(walk, shell.first().map_or("/bin/sh", String::as_str));
    if walk.directory != b"/" {
        let directory = walk.directory.clone();
        walk.directory(&directory, Start::WorkingDirectory.into());
    }
}

fn health_check(walk: &mut Walk<'_>, shell: &str) {
    let test = walk
        .config
        .runtime("Healthcheck")
        .and_then(|check| check.get("Test"));
    let test = test
        .and_then(serde_json::Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let test: Vec<String> = test
        .iter()
        .filter_map(|word| word.as_str())
        .map(str::to_owned)
        .collect();
    let Some((kind, line)) = test.split_first() else {
        return;
    };
    if kind == "CMD-SHELL" {
        walk.program(shell.as_bytes(), Start::HealthCheck.into());
    }
    if matches!(kind.as_str(), "CMD" | "CMD-SHELL") {
        words(walk, line, Start::HealthCheck, &mut Speakers::default());
    }
}

/// The directories that `VOLUME` names, symlinks resolved. Docker refuses `/` as one.
pub(super) fn volumes(map: &ContentMap, config: &Config) -> HashSet<NodeId> {
    let volumes = config.runtime("Volumes").and_then(serde_json::Value::as_object);
    let paths = volumes
        .into_iter()
        .flat_map(|volumes| volumes.keys())
        .take(MAX_WORDS);
    let nodes = paths.filter_map(|path| map.resolve(path.as_bytes()));
    nodes.filter(|&node| node != NodeId::ROOT).collect()
}

/// Follows each word; a word that is a whole script is cut into its own.
fn words(walk: &mut Walk<'_>, list: &[String], start: Start, speakers: &mut Speakers) {
    for text in list.iter().take(MAX_WORDS) {
        let config = walk.config;
        let text = expand(text, |name| config.env(name));
        let is_script = text.contains(is_separator);
        let parts = text.split(|c: char| is_script && is_separator(c));
        for word in parts.filter(|part| !part.is_empty()).take(MAX_WORDS) {
            follow_word(walk, word.as_bytes(), start.into(), speakers);
        }
    }
}

/// What parts words in a shell, and names in a line of code.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            ';' | ',' | '&' | '|' | '(' | ')' | '<' | '>' | '`' | '"' | '\'' | '{' | '}'
        )
}

/// Variables that are `known` are put in, as a shell does; others are empty.
pub(super) fn expand(text: &str, known: impl Fn(&str) -> Option<String>) -> String {
    let mut parts = text.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts.take(MAX_WORDS) {
        let braced = part.strip_prefix('{');
        let inner = braced.unwrap_or(part);
        let length = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(inner.len());
        let (name, rest) = inner.split_at(length);
        let rest = match braced {
            Some(_) => rest.split_once('}').map_or("", |(_, rest)| rest),
            None => rest,
        };
        if out.len() + rest.len() > MAX_TEXT {
            break;
        }
        let value = known(name).unwrap_or_default();
        if value.len() <= MAX_TEXT {
            out.push_str(&value);
        }
        out.push_str(rest);
    }
    let mut end = out.len().min(MAX_TEXT);
    while !out.is_char_boundary(end) {
        end -= 1;
    }
    out.truncate(end);
    out
}

/// One word: a program by its name, a file by its path, or an option that holds one.
pub(super) fn follow_word(walk: &mut Walk<'_>, word: &[u8], origin: Origin, speakers: &mut Speakers) {
    if language::is_spent(walk, word, origin, speakers) {
        return;
    }
    if let Some(found) = walk.program(word, origin) {
        let names = [found.called.clone(), absolute(walk.map, found.node)];
        speakers.note(&names);
        return;
    }
    follow_argument(walk, word, origin, speakers);
}

/// A word that is no program: a file by its path, a language's name for one, or an option that holds one.
pub(super) fn follow_argument(walk: &mut Walk<'_>, word: &[u8], origin: Origin, speakers: &Speakers) {
    if walk.file(word, origin).is_some() {
        return;
    }
    language::script(walk, word, origin, speakers);
    // `--config=/etc/app.conf`, `-cp /app/a.jar:/app/b.jar`
    for part in word
        .split(|byte| matches!(byte, b'=' | b':' | b','))
        .take(MAX_WORDS)
    {
        if part.starts_with(b"/") && part.len() < word.len() {
            walk.file(part, origin);
        }
    }
}
