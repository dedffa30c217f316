//! HTTP/1.1 as far as servers of tests need it: a port that is listened at, heads, bodies of known length, answers.
//!
//! A module of its own because the proxies and the token server live alike and read the same requests. It is written with the standard
//! library alone, so that no HTTP library, least of all the client's, smooths over what is on the wire.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The most of a request's head, in bytes.
const HEAD: usize = 16 << 10;
/// How long either side may be silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(30);

/// A server at a port of its own, with a thread for each connection; it ends when it is dropped.
pub(crate) struct Server {
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    life: Arc<Life>,
}

#[derive(Default)]
struct Life {
    /// Connections of clients.
    open: AtomicUsize,
    is_over: AtomicBool,
}

impl Server {
    /// Does `converse` with every client. What breaks there is what the client makes of it, or what the server is there
    /// to break.
    pub(crate) fn start(converse: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let life = Arc::<Life>::default();
        let (server, converse) = (life.clone(), Arc::new(converse));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if server.is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (life, converse) = (server.clone(), converse.clone());
                life.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    converse(&client).ok();
                    life.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { host, life }
    }

    /// How many clients are connected.
    pub(crate) fn open(&self) -> usize {
        self.life.open.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.life.is_over.store(true, Ordering::Relaxed);
        TcpStream::connect(&self.host).ok();
    }
}

/// The head of a request.
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) fields: Vec<(String, String)>,
    /// Bytes of the head, with the empty line.
    pub(crate) bytes: usize,
}

impl Head {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let same = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields.iter().find(same).map(|field| field.1.as_str())
    }

    pub(crate) fn expects_continue(&self) -> bool {
        self.field("expect").is_some()
    }

    /// Bytes of the body. Chunked requests, which slim never makes, have none here.
    pub(crate) fn body_size(&self) -> usize {
        self.field("content-length")
            .map_or(0, |text| text.parse().unwrap())
    }
}

/// The head of the next request, which stays unread; `None` where there is none (the end, or a TLS handshake).
pub(crate) fn peek_head(client: &TcpStream) -> io::Result<Option<Head>> {
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
pub(crate) struct Reply {
    pub(crate) first: String,
    fields: Vec<(String, String)>,
    /// As it is on the wire, chunked where it was.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn read(upstream: &mut TcpStream, is_head: bool) -> io::Result<Self> {
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

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|field| !field.0.eq_ignore_ascii_case(name));
        self.fields.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
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

/// An answer without a body.
pub(crate) fn answer(mut client: &TcpStream, status: u16, lines: &[&str]) -> io::Result<()> {
    let mut text = format!("HTTP/1.1 {status} Fault\r\nContent-Length: 0\r\n");
    for line in lines {
        text.extend([line, "\r\n"]);
    }
    client.write_all(format!("{text}\r\n").as_bytes())
}
