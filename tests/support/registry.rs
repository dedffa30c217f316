//! A real registry for a test: Debian's `docker-registry` on a free loopback port, stopped on drop.
//!
//! A module of its own because it is a server with a life: it knows nothing of images.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::judges::run;
use super::recipe::digest;

pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// Whom the registry lets in.
pub(crate) enum Login {
    /// Everybody.
    Anyone,
    /// `USER` with `PASSWORD`.
    Needed,
    /// Whoever brings a token: these lines of the configuration say whose.
    Token(String),
}

pub(crate) const USER: &str = "keeper";
pub(crate) const PASSWORD: &str = "open-sesame-4711";

/// One line of the log of requests.
struct Logged {
    method: String,
    /// With its query.
    path: String,
    status: String,
    /// Of the answer's body.
    bytes: u64,
}

/// A running registry.
pub(crate) struct Registry {
    child: Child,
    dir: TempDir,
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
}

impl Registry {
    pub(crate) fn start(login: &Login) -> Self {
        Self::listening("127.0.0.1:0", login, "").unwrap()
    }

    /// One at another address, with more lines for `http:` of its configuration; `None` where the address cannot be had.
    pub(crate) fn listening(address: &str, login: &Login, http: &str) -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let host = TcpListener::bind(address).ok()?.local_addr().unwrap().to_string();
        let storage = dir.path().join("storage");
        let auth = match login {
            Login::Token(auth) => auth.clone(),
            Login::Anyone => String::new(),
            Login::Needed => {
                let users = dir.path().join("htpasswd");
                fs::write(
                    &users,
                    run(Command::new("htpasswd").args(["-Bbn", USER, PASSWORD])),
                )
                .unwrap();
                format!(
                    "auth:\n  htpasswd: {{realm: \"the tests\", path: \"{}\"}}\n",
                    users.display()
                )
            }
        };
        let config = format!(
            "version: 0.1\nlog: {{level: info}}\nhttp:\n  addr: \"{host}\"\n{http}storage:\n  delete: {{enabled: true}}\n  \
             filesystem: {{rootdirectory: \"{}\"}}\n{auth}",
            storage.display()
        );
        let file = dir.path().join("config.yml");
        fs::write(&file, config).unwrap();
        let log = File::create(dir.path().join("log")).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut registry = Self { child, dir, host };
        registry.wait_until_it_listens();
        Some(registry)
    }

    fn wait_until_it_listens(&mut self) {
        let begin = Instant::now();
        while TcpStream::connect(&self.host).is_err() {
            let over = self.child.try_wait().unwrap();
            assert!(
                over.is_none() && begin.elapsed() < Duration::from_secs(20),
                "docker-registry did not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every request so far that changes something, as `METHOD PATH STATUS`, in order.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.requests()
            .into_iter()
            .filter(|line| !line.starts_with("GET") && !line.starts_with("HEAD"))
            .collect()
    }

    /// Every request so far, as `METHOD PATH STATUS`, in order. Queries are left out.
    pub(crate) fn requests(&self) -> Vec<String> {
        let without_query = |logged: Logged| {
            let path = logged.path.split('?').next().unwrap_or_default();
            format!("{} {path} {}", logged.method, logged.status)
        };
        self.logged().into_iter().map(without_query).collect()
    }

    /// Digests of the blobs that were uploaded, or mounted, so far, in order.
    pub(crate) fn taken(&self) -> Vec<String> {
        let digest = |logged: Logged| {
            let (_, query) = logged.path.split_once('?')?;
            let is_upload = logged.method == "PUT" && logged.path.contains("/blobs/uploads/");
            let is_mount = logged.method == "POST" && query.contains("mount=");
            let mut values = query
                .split('&')
                .filter_map(|pair| pair.strip_prefix(if is_mount { "mount=" } else { "digest=" }));
            let digest = values.next()?.replace("%3A", ":");
            (logged.status == "201" && (is_upload || is_mount)).then_some(digest)
        };
        self.logged().into_iter().filter_map(digest).collect()
    }

    /// Digests of the blobs that were sent down so far, with the bytes of each answer, in order.
    pub(crate) fn given(&self) -> Vec<(String, u64)> {
        let blob = |logged: Logged| {
            let (_, digest) = logged.path.split_once("/blobs/sha256:")?;
            (logged.method == "GET").then(|| (format!("sha256:{digest}"), logged.bytes))
        };
        self.logged().into_iter().filter_map(blob).collect()
    }

    fn logged(&self) -> Vec<Logged> {
        // 127.0.0.1 - - [21/Nov/2026:08:00:00 +0000] "PUT /v2/app/manifests/1 HTTP/1.1" 201 0 "" "agent"
        let request = |line: &str| {
            let (_, rest) = line.split_once("] \"")?;
            let (request, rest) = rest.split_once('"')?;
            let mut words = request.split(' ');
            let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
            let mut rest = rest.split_whitespace();
            Some(Logged {
                method,
                path,
                status: rest.next()?.to_owned(),
                bytes: rest.next()?.parse().ok()?,
            })
        };
        self.log().lines().filter_map(request).collect()
    }

    /// Bytes of all blobs that were sent so far, as the registry counted them.
    pub(crate) fn sent_blob_bytes(&self) -> u64 {
        let bytes = |line: &str| {
            let (_, rest) = line.split_once("] \"GET /v2/")?;
            let (request, rest) = rest.split_once('"')?;
            let mut words = rest.split_whitespace();
            let is_blob = request.contains("/blobs/") && words.next() == Some("200");
            words.next()?.parse::<u64>().ok().filter(|_| is_blob)
        };
        self.log().lines().filter_map(bytes).sum()
    }

    /// One request, past every proxy: the status and the body.
    pub(crate) fn ask(&self, method: &str, path: &str, fields: &[&str], body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        // HTTP/1.0, so that no answer is chunked.
        let mut head = format!(
            "{method} /v2/{path} HTTP/1.0\r\nHost: {}\r\nContent-Length: {}\r\n",
            self.host,
            body.len()
        );
        for field in fields {
            head.extend([field, "\r\n"]);
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer.split_off(end + 4))
    }

    /// The manifest under a tag or digest, as stored; `None` where there is none.
    pub(crate) fn manifest(&self, repository: &str, id: &str) -> Option<Vec<u8>> {
        let path = format!("{repository}/manifests/{id}");
        let accept = format!("Accept: {OCI_MANIFEST}, {DOCKER_MANIFEST}");
        match self.ask("GET", &path, &[&accept], b"") {
            (200, bytes) => Some(bytes),
            (404, _) => None,
            (status, _) => panic!("{status} for {path}"),
        }
    }

    /// The digest that a tag resolves to, of an image of which everything is there and is what its digest says.
    #[track_caller]
    pub(crate) fn whole(&self, repository: &str, tag: &str) -> Option<String> {
        let bytes = self.manifest(repository, tag)?;
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        let layers = manifest["layers"].as_array().unwrap();
        for row in layers.iter().chain([&manifest["config"]]) {
            let named = row["digest"].as_str().unwrap();
            let (status, blob) = self.ask("GET", &format!("{repository}/blobs/{named}"), &[], b"");
            assert_eq!(status, 200, "{repository}:{tag}: blob {named}");
            assert_eq!(digest(&blob), named, "{repository}:{tag}");
            assert_eq!(Some(blob.len() as u64), row["size"].as_u64());
        }
        Some(digest(&bytes))
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.path().join("log")).unwrap()).into_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
