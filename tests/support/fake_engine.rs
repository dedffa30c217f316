//! An engine that is made up: it speaks as much of the Docker Engine API as `slim` asks for, and fails as it is told.
//!
//! A module of its own because no real engine fails on demand. It holds images as archives, takes what is loaded, and
//! keeps what was asked for. Its word on HTTP is its own: one request a connection, every body read to its end.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::recipe::digest;

/// What is answered to a request instead of what an engine would say.
#[derive(Clone)]
pub(crate) enum Fault {
    /// This status and body.
    Answer(u16, String),
    /// The same, before the request's body is read, and the connection ends.
    Early(u16, String),
    /// The answer that is due, but only so many bytes of its body.
    Cut(usize),
    /// The answer that is due, after a while.
    Slow(Duration),
    /// The answer that is due, in chunks of so many bytes.
    Chunks(usize),
    /// The answer that is due, with this body.
    Body(Vec<u8>),
    /// Nothing, and the connection ends.
    HangUp,
    /// Bytes that are no HTTP.
    Garbage,
}

/// An image that the engine has.
#[derive(Clone)]
struct Held {
    id: String,
    tags: Vec<String>,
    layers: Vec<String>,
    archive: Vec<u8>,
}

#[derive(Default)]
struct State {
    images: Vec<Held>,
    /// Words of a request line, and what befalls it.
    faults: Vec<(String, Fault)>,
    seen: Vec<String>,
    version: String,
}

/// A running engine; it ends with the test.
pub(crate) struct FakeEngine {
    /// What `DOCKER_HOST` must be.
    pub(crate) host: String,
    state: Arc<Mutex<State>>,
}

impl FakeEngine {
    /// Listens at a socket that will be at `path`.
    pub(crate) fn at_socket(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let engine = Self::new(format!("unix://{}", path.display()));
        let state = engine.state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                let reader = stream.try_clone().unwrap();
                thread::spawn(move || converse(reader, stream, &state).ok());
            }
        });
        engine
    }

    /// Listens at a port of this machine.
    pub(crate) fn at_port() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let engine = Self::new(format!("tcp://{}", listener.local_addr().unwrap()));
        let state = engine.state.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = state.clone();
                let reader = stream.try_clone().unwrap();
                thread::spawn(move || converse(reader, stream, &state).ok());
            }
        });
        engine
    }

    fn new(host: String) -> Self {
        let state = State {
            version: "1.41".to_owned(),
            ..State::default()
        };
        Self {
            host,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// From now on the engine has the image of this archive.
    pub(crate) fn hold(&self, archive: &[u8]) {
        self.state.lock().unwrap().images.push(held(archive));
    }

    /// The newest API that it speaks.
    pub(crate) fn speak(&self, version: &str) {
        version.clone_into(&mut self.state.lock().unwrap().version);
    }

    /// From now on this, and nothing else, befalls requests whose line holds these words; what was seen is forgotten.
    pub(crate) fn fail(&self, words: &str, fault: Fault) {
        let mut state = self.state.lock().unwrap();
        state.faults = vec![(words.to_owned(), fault)];
        state.seen.clear();
    }

    /// From now on nothing befalls anybody; what was seen is forgotten.
    pub(crate) fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.faults.clear();
        state.seen.clear();
    }

    /// Every request so far, as `METHOD PATH`.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().seen.clone()
    }

    /// The archive of the image that has this tag.
    pub(crate) fn archive(&self, tag: &str) -> Option<Vec<u8>> {
        let state = self.state.lock().unwrap();
        let found = state
            .images
            .iter()
            .find(|image| image.tags.iter().any(|one| one == tag));
        found.map(|image| image.archive.clone())
    }
}

/// What an engine learns from an archive.
fn held(archive: &[u8]) -> Held {
    let mut files = HashMap::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut body = Vec::new();
        entry.read_to_end(&mut body).unwrap();
        files.insert(name, body);
    }
    let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    let config = &files[manifest[0]["Config"].as_str().unwrap()];
    let parsed: Value = serde_json::from_slice(config).unwrap();
    let strings = |value: &Value| -> Vec<String> {
        let all = value.as_array().into_iter().flatten();
        all.map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    Held {
        id: digest(config),
        tags: strings(&manifest[0]["RepoTags"])
            .iter()
            .map(|tag| short(tag))
            .collect(),
        layers: strings(&parsed["rootfs"]["diff_ids"]),
        archive: archive.to_vec(),
    }
}

/// As docker names what it has.
fn short(tag: &str) -> String {
    let tag = tag.strip_prefix("docker.io/").unwrap_or(tag);
    tag.strip_prefix("library/").unwrap_or(tag).to_owned()
}

/// One request and its answer.
fn converse(reader: impl Read, mut writer: impl Write, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let request = format!("{method} {path}");
    let is_chunked = headers(&mut reader)?.contains("transfer-encoding: chunked");
    let fault = {
        let mut state = state.lock().unwrap();
        state.seen.push(request.clone());
        let found = state
            .faults
            .iter()
            .find(|(words, _)| request.contains(words.as_str()));
        found.map(|(_, fault)| fault.clone())
    };
    if let Some(Fault::Early(status, body)) = &fault {
        return answer(&mut writer, *status, "1.41", body.as_bytes(), None);
    }
    let body = if is_chunked {
        chunked(&mut reader)?
    } else {
        Vec::new()
    };
    let version = state.lock().unwrap().version.clone();
    let (status, due) = match &fault {
        Some(Fault::Answer(status, body)) => {
            return answer(&mut writer, *status, &version, body.as_bytes(), None);
        }
        Some(Fault::HangUp) => return Ok(()),
        Some(Fault::Garbage) => return writer.write_all(b"220 a mail server says hello\r\n\r\n"),
        _ => respond(&mut state.lock().unwrap(), method, path, &body),
    };
    match fault {
        Some(Fault::Cut(bytes)) => {
            write!(
                writer,
                "HTTP/1.1 {status} X\r\nApi-Version: {version}\r\nContent-Length: {}\r\n\r\n",
                due.len()
            )?;
            writer.write_all(&due[..bytes.min(due.len())])
        }
        Some(Fault::Slow(time)) => {
            thread::sleep(time);
            answer(&mut writer, status, &version, &due, None)
        }
        Some(Fault::Chunks(size)) => answer(&mut writer, status, &version, &due, Some(size)),
        Some(Fault::Body(other)) => answer(&mut writer, status, &version, &other, None),
        _ => answer(&mut writer, status, &version, &due, Some(32 << 10)),
    }
}

/// What an engine would say.
fn respond(state: &mut State, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    if path == "/_ping" {
        return (200, b"OK".to_vec());
    }
    let (_, path) = path[1..].split_once('/').unwrap_or(("", ""));
    let path = path.split('?').next().unwrap();
    let inspected = |image: &Held| {
        json!({
            "Id": image.id, "RepoTags": image.tags, "Size": image.archive.len(), "Os": "linux", "Architecture": "amd64",
            "RootFS": {"Type": "layers", "Layers": image.layers},
        })
    };
    match (method, path) {
        ("POST", "images/load") => {
            let new = held(body);
            let told = json!({"stream": format!("Loaded image: {}\n", new.tags.join(" "))});
            for image in &mut state.images {
                image.tags.retain(|tag| !new.tags.contains(tag));
            }
            state.images.push(new);
            (200, format!("{told}\r\n").into_bytes())
        }
        ("GET", "images/json") => {
            let all: Vec<Value> = state.images.iter().map(inspected).collect();
            (200, Value::from(all).to_string().into_bytes())
        }
        ("GET", path) => {
            let Some((name, what)) = path
                .strip_prefix("images/")
                .and_then(|rest| rest.rsplit_once('/'))
            else {
                return (404, br#"{"message":"page not found"}"#.to_vec());
            };
            let is_it = |image: &&Held| {
                let hex = name.strip_prefix("sha256:").unwrap_or(name);
                let tag = if name.contains(':') {
                    short(name)
                } else {
                    format!("{}:latest", short(name))
                };
                image.id["sha256:".len()..].starts_with(hex) || image.tags.contains(&tag)
            };
            match (state.images.iter().find(is_it), what) {
                (Some(image), "json") => (200, inspected(image).to_string().into_bytes()),
                (Some(image), "get") => (200, image.archive.clone()),
                _ => (
                    404,
                    json!({"message": format!("No such image: {name}")})
                        .to_string()
                        .into_bytes(),
                ),
            }
        }
        _ => (405, Vec::new()),
    }
}

fn answer(
    writer: &mut impl Write,
    status: u16,
    version: &str,
    body: &[u8],
    chunks: Option<usize>,
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Said\r\n");
    if !version.is_empty() {
        let _ = write!(head, "Api-Version: {version}\r\n");
    }
    let Some(size) = chunks else {
        write!(writer, "{head}Content-Length: {}\r\n\r\n", body.len())?;
        return writer.write_all(body);
    };
    write!(writer, "{head}Transfer-Encoding: chunked\r\n\r\n")?;
    for chunk in body.chunks(size) {
        write!(writer, "{:x}\r\n", chunk.len())?;
        writer.write_all(chunk)?;
        writer.write_all(b"\r\n")?;
    }
    writer.write_all(b"0\r\n\r\n")
}

/// The header lines, in small letters.
fn headers(reader: &mut impl BufRead) -> io::Result<String> {
    let mut all = String::new();
    loop {
        let begin = all.len();
        if reader.read_line(&mut all)? == 0 || all[begin..].trim().is_empty() {
            return Ok(all.to_ascii_lowercase());
        }
    }
}

fn chunked(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        let begin = all.len();
        all.resize(begin + size, 0);
        reader.read_exact(&mut all[begin..])?;
        reader.read_line(&mut line)?;
        if size == 0 {
            return Ok(all);
        }
    }
}
