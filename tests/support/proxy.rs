//! A proxy that breaks things: HTTP/1.1 between a client and a registry, with faults where rules want them.
//!
//! A module of its own because it knows HTTP and nothing of images: what a fault must lead to is for the tests. Every request has a connection of its own to the registry and its body is held in memory; the client's
//! connections are kept alive. To extend it: a new kind of fault is a variant of [`Fault`], with one arm in `serve`;
//! a server of another kind (tokens, another host) is a second proxy, or a [`Fault::Answer`] with a `Location`.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::http::{Head, Reply, SILENCE, Server, answer, peek_head};

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
    /// A request with a body of more bytes than this is answered 413; others are let through, and not counted.
    TooLarge(usize),
    /// The answer claims another `Docker-Content-Digest`.
    OtherDigest,
    /// The answer's body has other bytes, as many as before.
    OtherBytes,
    /// The request's body reaches the registry with other bytes, as many as before.
    OtherRequest,
    /// The answer comes twice.
    Twice,
    /// The client gets what the request before this one was answered.
    Previous,
    /// The answer's body comes in eight pieces, with a pause before each.
    Slow(Duration),
    /// The answer ends after half of its body, and its `Content-Length` says the same.
    Short,
    /// `Content-Length` promises so many bytes more than there are, after which the connection ends.
    Longer(u64),
    /// `Content-Range` and `Range` of the answer speak of other bytes.
    OtherRange,
    /// The client is sent to this URL's origin, with the same path.
    Redirect(String),
}

impl Fault {
    /// Makes a lie of an answer, where that is what the fault is.
    fn falsify(&self, reply: &mut Reply) {
        match self {
            Self::OtherDigest => reply.set("Docker-Content-Digest", &format!("sha256:{}", "0".repeat(64))),
            Self::OtherBytes => spoil(&mut reply.body),
            Self::OtherRange => {
                reply.set("Content-Range", "bytes 7-8/9");
                reply.set("Range", "0-7");
            }
            Self::Short => {
                reply.body.truncate(reply.body.len() / 2);
                let size = reply.body.len().to_string();
                reply.set("Content-Length", &size);
            }
            _ => {}
        }
    }
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
    /// The login that it brought.
    pub(crate) authorization: Option<String>,
    /// Whether a fault befell it.
    pub(crate) is_hit: bool,
    /// Since the rules were set.
    pub(crate) after: Duration,
}

/// A running proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    /// `127.0.0.1:PORT`, for the client.
    pub(crate) host: String,
    server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    /// `127.0.0.1:PORT` of the registry.
    upstream: String,
    state: Mutex<State>,
}

struct State {
    rules: Vec<(Rule, usize)>,
    seen: Vec<Seen>,
    /// What the last request was answered.
    previous: Vec<u8>,
    begin: Instant,
}

impl Proxy {
    /// A proxy to the registry at `upstream`, without faults.
    pub(crate) fn start(upstream: &str) -> Self {
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            state: Mutex::new(State {
                rules: Vec::new(),
                seen: Vec::new(),
                previous: Vec::new(),
                begin: Instant::now(),
            }),
        });
        let all = shared.clone();
        let server = Server::start(move |client| all.converse(client));
        Self {
            host: server.host.clone(),
            server,
            shared,
        }
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
        while self.server.open() > 0 {
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
        let is_small = |rule: &Rule| matches!(rule.fault, Fault::TooLarge(most) if head.body_size() <= most);
        let matching =
            |rule: &Rule| rule.method == head.method && matches(&rule.path, &head.path) && !is_small(rule);
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
            authorization: head.field("authorization").map(str::to_owned),
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
            Some(Fault::TooLarge(_)) if head.expects_continue() => {
                return answer(client, 413, &[]).map(|()| false);
            }
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
            Some(Fault::Redirect(origin)) => {
                let location = format!("Location: {origin}{}", head.path);
                return answer(client, 307, &[&location]).map(|()| true);
            }
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
            Some(Fault::Longer(more)) => {
                let size = reply.body.len() as u64 + more;
                reply.set("Content-Length", &size.to_string());
                client.write_all(&reply.bytes())?;
                return Ok(false);
            }
            Some(Fault::Slow(pause)) => return slowly(client, &reply, *pause).map(|()| true),
            Some(Fault::Twice) => client.write_all(&reply.bytes())?,
            Some(Fault::Previous) => {
                let previous = self.state.lock().unwrap().previous.clone();
                return client.write_all(&previous).map(|()| !previous.is_empty());
            }
            Some(fault) => fault.falsify(&mut reply),
            None => {}
        }
        let bytes = reply.bytes();
        client.write_all(&bytes)?;
        self.state.lock().unwrap().previous = bytes;
        Ok(true)
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

fn slowly(mut client: &TcpStream, reply: &Reply, pause: Duration) -> io::Result<()> {
    let bytes = reply.bytes();
    for piece in bytes.chunks(bytes.len().div_ceil(8)) {
        std::thread::sleep(pause);
        client.write_all(piece)?;
    }
    Ok(())
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
