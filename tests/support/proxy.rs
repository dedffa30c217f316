//! A proxy that breaks things: HTTP/1.1 between a client and a registry, with faults where rules want them.
//!
//! A module of its own because it knows HTTP and nothing of images: what a fault must lead to is for the tests. It is
//! written with the standard library alone, so that no HTTP library, least of all the client's, smooths over what it
//! does. Every request has a connection of its own to the registry and its body is held in memory; the client's
//! connections are kept alive. To extend it: a new kind of fault is a variant of [`Fault`], with one arm in `serve`;
//! a server of another kind (tokens, another host) is a second proxy, or a [`Fault::Answer`] with a `Location`.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The most of a request's head, in bytes.
const HEAD: usize = 16 << 10;
/// How long either side may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// What goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The client's connection ends before the registry hears of the request.
    HangUp,
    /// The same with RST, so that the client reads `connection reset`.
    Reset,
    /// Half of the request's body reaches the registry, then both connections end.
    CutRequest,
    /// The registry does what it is asked; the client's connection ends without an answer.
    Swallow,
    /// The client gets the head and half of the body, then the connection ends. An answer without a body loses the
    /// end of its head.
    CutAnswer,
    /// The answer comes late.
    Delay(Duration),
    /// The registry never hears of the request; the client gets this status, and these header lines.
    Answer(u16, &'static [&'static str]),
    /// The answer claims another `Docker-Content-Digest`.
    OtherDigest,
    /// The answer's body has other bytes, as many as before.
    OtherBytes,
    /// The request's body reaches the registry with other bytes, as many as before.
    OtherRequest,
    /// The answer comes twice.
    Twice,
}

/// Which requests a fault befalls.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// `GET`, `PUT` …
    pub(crate) method: &'static str,
    /// What the path with its query must match, where `*` stands for anything.
    pub(crate) path: String,
    /// How many that match are let through before.
    pub(crate) skip: usize,
    /// How many it befalls after that.
    pub(crate) times: usize,
    /// What befalls them.
    pub(crate) fault: Fault,
}

/// One request that came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// With its query.
    pub(crate) path: String,
    /// Whether a fault befell it.
    pub(crate) is_hit: bool,
    /// Since the rules were set.
    pub(crate) after: Duration,
}

/// A running proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    /// `127.0.0.1:PORT`, for the client.
    pub(crate) host: String,
    shared: Arc<Shared>,
}

struct Shared {
    /// `127.0.0.1:PORT` of the registry.
    upstream: String,
    state: Mutex<State>,
    /// Connections of clients.
    open: AtomicUsize,
    is_over: AtomicBool,
}

struct State {
    rules: Vec<(Rule, usize)>,
    seen: Vec<Seen>,
    begin: Instant,
}

impl Proxy {
    /// A proxy to the registry at `upstream`, without faults.
    pub(crate) fn start(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            state: Mutex::new(State {
                rules: Vec::new(),
                seen: Vec::new(),
                begin: Instant::now(),
            }),
            open: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let all = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if all.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = all.clone();
                shared.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    // What breaks here is what a fault breaks, or what the client makes of it.
                    shared.converse(&client).ok();
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { host, shared }
    }

    /// From now on these rules hold, the first that matches wins, and what was seen is forgotten.
    pub(crate) fn set(&self, rules: Vec<Rule>) {
        let mut state = self.shared.state.lock().unwrap();
        state.rules = rules.into_iter().map(|rule| (rule, 0)).collect();
        state.seen.clear();
        state.begin = Instant::now();
    }

    /// Waits until the registry has answered everything that a client, now dead, had asked.
    #[track_caller]
    pub(crate) fn settle(&self) {
        let begin = Instant::now();
        while self.shared.open.load(Ordering::SeqCst) > 0 {
            assert!(begin.elapsed() < SILENCE, "a client is still connected");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Every request since the rules were set, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.state.lock().unwrap().seen.clone()
    }

    /// How many requests a fault befell since the rules were set.
    pub(crate) fn hits(&self) -> usize {
        self.seen().iter().filter(|seen| seen.is_hit).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        TcpStream::connect(&self.host).ok();
    }
}

impl Shared {
    /// The requests of one connection.
    fn converse(&self, client: &TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(SILENCE))?;
        client.set_nodelay(true)?;
        while let Some(head) = peek_head(client)? {
            let fault = self.fault_of(&head);
            if matches!(fault, Some(Fault::Reset)) {
                return Ok(()); // closed with the request unread: the system sends RST
            }
            if !self.serve(client, &head, fault.as_ref())? {
                return client.shutdown(Shutdown::Both);
            }
        }
        Ok(())
    }

    /// What befalls this request.
    fn fault_of(&self, head: &Head) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let matching = |rule: &Rule| rule.method == head.method && matches(&rule.path, &head.path);
        let fault = state.rules.iter_mut().find_map(|(rule, count)| {
            if !matching(rule) {
                return None;
            }
            *count += 1;
            (*count > rule.skip && *count <= rule.skip.saturating_add(rule.times)).then(|| rule.fault.clone())
        });
        let after = state.begin.elapsed();
        state.seen.push(Seen {
            method: head.method.clone(),
            path: head.path.clone(),
            is_hit: fault.is_some(),
            after,
        });
        fault
    }

    /// One request and its answer. `false` where the connection must end.
    fn serve(&self, mut client: &TcpStream, head: &Head, fault: Option<&Fault>) -> io::Result<bool> {
        client.read_exact(&mut vec![0; head.bytes])?;
        match fault {
            Some(Fault::HangUp | Fault::Reset) => return Ok(false),
            Some(Fault::Answer(status, lines)) if head.expects_continue() => {
                return answer(client, *status, lines).map(|()| false); // the body is not sent
            }
            _ if head.expects_continue() => client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?,
            _ => {}
        }
        let size = head.body_size();
        if let Some(Fault::CutRequest) = fault {
            let mut half = vec![0; size / 2];
            client.read_exact(&mut half)?;
            self.send_on(head, &half)?;
            return Ok(false);
        }
        let mut body = vec![0; size];
        client.read_exact(&mut body)?;
        match fault {
            Some(Fault::Answer(status, lines)) => return answer(client, *status, lines).map(|()| true),
            Some(Fault::OtherRequest) => spoil(&mut body),
            _ => {}
        }
        let mut upstream = self.send_on(head, &body)?;
        let mut reply = Reply::read(&mut upstream, head.method == "HEAD")?;
        match fault {
            Some(Fault::Swallow) => return Ok(false),
            Some(Fault::CutAnswer) => {
                let bytes = reply.bytes();
                let end = if reply.body.is_empty() {
                    bytes.len() / 2
                } else {
                    bytes.len() - reply.body.len().div_ceil(2)
                };
                client.write_all(&bytes[..end])?;
                return Ok(false);
            }
            Some(Fault::Delay(time)) => std::thread::sleep(*time),
            Some(Fault::OtherDigest) => {
                reply.set("Docker-Content-Digest", &format!("sha256:{}", "0".repeat(64)));
            }
            Some(Fault::OtherBytes) => spoil(&mut reply.body),
            Some(Fault::Twice) => client.write_all(&reply.bytes())?,
            _ => {}
        }
        client.write_all(&reply.bytes()).map(|()| true)
    }

    /// The request on its way to the registry, with as much of its body as is given.
    fn send_on(&self, head: &Head, body: &[u8]) -> io::Result<TcpStream> {
        let mut upstream = TcpStream::connect(&self.upstream)?;
        upstream.set_read_timeout(Some(SILENCE))?;
        let mut bytes = format!("{} {} HTTP/1.1\r\n", head.method, head.path);
        for (name, value) in &head.fields {
            if !["connection", "expect"].contains(&name.to_ascii_lowercase().as_str()) {
                let _ = write!(bytes, "{name}: {value}\r\n");
            }
        }
        bytes += "Connection: close\r\n\r\n";
        upstream.write_all(bytes.as_bytes())?;
        upstream.write_all(body)?;
        Ok(upstream)
    }
}

/// The head of a request.
struct Head {
    method: String,
    path: String,
    fields: Vec<(String, String)>,
    /// Bytes of the head, with the empty line.
    bytes: usize,
}

impl Head {
    fn field(&self, name: &str) -> Option<&str> {
        let same = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().find(same).map(|field| field.1.as_str())
    }

    fn expects_continue(&self) -> bool {
        self.field("expect").is_some()
    }

    /// Bytes of the body. Chunked requests, which slim never makes, have none here.
    fn body_size(&self) -> usize {
        self.field("content-length")
            .map_or(0, |text| text.parse().unwrap())
    }
}

/// The head of the next request, which stays unread; `None` where there is none (the end, or a TLS handshake).
fn peek_head(client: &TcpStream) -> io::Result<Option<Head>> {
    let mut buffer = vec![0; HEAD];
    let begin = Instant::now();
    loop {
        let count = client.peek(&mut buffer)?;
        if count == 0 || buffer[0] == 0x16 || begin.elapsed() > SILENCE {
            return Ok(None);
        }
        if let Some(end) = buffer[..count].windows(4).position(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let (first, fields) = parse(&text);
            let mut words = first.split(' ').map(str::to_owned);
            let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let bytes = end + 4;
            return Ok(Some(Head {
                method,
                path,
                fields,
                bytes,
            }));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn parse(head: &str) -> (&str, Vec<(String, String)>) {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let fields = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    });
    (first, fields.collect())
}

/// A registry's answer.
struct Reply {
    first: String,
    fields: Vec<(String, String)>,
    /// As it is on the wire, chunked where it was.
    body: Vec<u8>,
}

impl Reply {
    fn read(upstream: &mut TcpStream, is_head: bool) -> io::Result<Self> {
        let mut bytes = Vec::new();
        upstream.read_to_end(&mut bytes)?;
        let end = |bytes: &[u8]| bytes.windows(4).position(|four| four == b"\r\n\r\n");
        while bytes.starts_with(b"HTTP/1.1 1") {
            let end = end(&bytes).ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes.drain(..end + 4);
        }
        let end = end(&bytes).ok_or(io::ErrorKind::UnexpectedEof)?;
        let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let (first, mut fields) = parse(&text);
        fields.retain(|(name, _)| !name.eq_ignore_ascii_case("connection"));
        let mut reply = Self {
            first: first.to_owned(),
            fields,
            body: bytes.split_off(end + 4),
        };
        let is_framed = ["content-length", "transfer-encoding"].iter().any(|name| {
            reply
                .fields
                .iter()
                .any(|field| field.0.eq_ignore_ascii_case(name))
        });
        let has_none = is_head || [" 204 ", " 304 "].iter().any(|status| first.contains(status));
        if !is_framed && !has_none {
            let size = reply.body.len().to_string();
            reply.set("Content-Length", &size);
        }
        Ok(reply)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|field| !field.0.eq_ignore_ascii_case(name));
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{}\r\n", self.first);
        for (name, value) in &self.fields {
            let _ = write!(bytes, "{name}: {value}\r\n");
        }
        bytes += "\r\n";
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn answer(mut client: &TcpStream, status: u16, lines: &[&str]) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\n");
    for line in lines {
        text.extend([line, "\r\n"]);
    }
    client.write_all(format!("{text}\r\n").as_bytes())
}

/// Other bytes, as many: a letter in the middle becomes another letter, so that what was JSON may still be.
fn spoil(body: &mut [u8]) {
    let middle = body.len() / 2;
    if let Some(at) = (middle..body.len())
        .chain(0..middle)
        .find(|&at| body[at].is_ascii_alphanumeric())
    {
        body[at] = if body[at] == b'1' { b'2' } else { b'1' };
    }
}

/// Whether `text` is what `pattern` describes, where `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| matches(rest, text)))
        }),
    }
}

#[test]
fn patterns_match_whole_paths() {
    for (pattern, text, want) in [
        ("/v2/", "/v2/", true),
        ("/v2/", "/v2/a", false),
        ("/v2/*/blobs/*", "/v2/app/blobs/sha256:1", true),
        ("/v2/*/blobs/", "/v2/app/blobs/sha256:1", false),
        ("*", "", true),
    ] {
        assert_eq!(matches(pattern, text), want, "{pattern} {text}");
    }
}
