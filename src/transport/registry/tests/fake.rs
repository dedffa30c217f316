//! A scripted HTTP server: it says what a test tells it to say, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What was asked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Path and query.
    pub(super) path: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// How often this method and path were asked before.
    pub(super) times: usize,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// `GET /v2/a`, to match on.
    pub(super) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What is answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Say {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    cut: Option<usize>,
    no_length: bool,
}

impl Say {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            ..Self::default()
        }
    }

    pub(super) fn header(mut self, name: &str, value: &(impl ToString + ?Sized)) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(super) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        body.as_ref().clone_into(&mut self.body);
        self
    }

    /// Hangs up after so many bytes of the body.
    pub(super) fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }

    /// No `Content-Length`: the body ends where the connection does.
    pub(super) fn no_length(mut self) -> Self {
        self.no_length = true;
        self
    }
}

/// A server that runs until the tests end.
#[derive(Clone)]
pub(super) struct Fake {
    pub(super) host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    pub(super) fn start(script: impl Fn(&Asked) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let fake = Self {
            host,
            asked: Arc::clone(&asked),
        };
        let script = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, asked) = (Arc::clone(&script), Arc::clone(&asked));
                std::thread::spawn(move || drop(serve(stream, &*script, &asked)));
            }
        });
        fake
    }

    /// Everything that was asked so far, but for the probe of `/v2/`.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|one| one.path != "/v2/").cloned().collect()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

/// One exchange for each connection.
fn serve(
    stream: TcpStream,
    script: &dyn Fn(&Asked) -> Say,
    asked: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut first = [0];
    stream.peek(&mut first)?;
    if first[0] == 0x16 {
        return Ok(()); // a TLS hello: this server speaks none
    }
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.trim_end() {
            "" => break,
            text => head.push(text.to_owned()),
        }
    }
    let mut words = head[0].split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let headers = head[1..].iter().filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let times = {
        let known = asked.lock().unwrap();
        known
            .iter()
            .filter(|one| one.method == method && one.path == path)
            .count()
    };
    let mut request = Asked {
        method,
        path,
        headers,
        body: Vec::new(),
        times,
    };
    let mut writer = stream;
    if request.header("expect").is_some() {
        writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length: u64 = request
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    (&mut reader).take(length).read_to_end(&mut request.body)?;
    asked.lock().unwrap().push(request.clone());
    let say = if request.path == "/v2/" {
        Say::new(200)
    } else {
        script(&request)
    };
    answer(&mut writer, &say, request.method == "HEAD")
}

fn answer(writer: &mut TcpStream, say: &Say, is_head: bool) -> std::io::Result<()> {
    use std::fmt::Write as _;
    let mut head = format!("HTTP/1.1 {} Words\r\nConnection: close\r\n", say.status);
    let has_length = say.headers.iter().any(|(name, _)| name == "Content-Length");
    if !say.no_length && !has_length {
        write!(head, "Content-Length: {}\r\n", say.body.len()).unwrap();
    }
    for (name, value) in &say.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    writer.write_all(head.as_bytes())?;
    writer.write_all(b"\r\n")?;
    if is_head {
        return Ok(());
    }
    writer.write_all(&say.body[..say.cut.unwrap_or(say.body.len())])
}
