//! A real registry for a test: Debian's `docker-registry` on a free loopback port, stopped on drop.
//!
//! A module of its own because it is a server with a life: it knows nothing of images.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::judges::run;

/// Whom the registry lets in.
pub(crate) enum Login {
    /// Everybody.
    Anyone,
    /// `USER` with `PASSWORD`.
    Needed,
}

pub(crate) const USER: &str = "keeper";
pub(crate) const PASSWORD: &str = "open-sesame-4711";

/// A running registry.
pub(crate) struct Registry {
    child: Child,
    dir: TempDir,
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
}

impl Registry {
    pub(crate) fn start(login: &Login) -> Self {
        let dir = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let host = format!("127.0.0.1:{port}");
        let storage = dir.path().join("storage");
        let auth = match login {
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
            "version: 0.1\nlog: {{level: info}}\nhttp: {{addr: \"{host}\"}}\nstorage:\n  delete: {{enabled: true}}\n  \
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
        registry
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
        // 127.0.0.1 - - [21/Nov/2026:08:00:00 +0000] "PUT /v2/app/manifests/1 HTTP/1.1" 201 0 "" "agent"
        let request = |line: &str| {
            let (_, rest) = line.split_once("] \"")?;
            let (request, rest) = rest.split_once('"')?;
            let mut words = request.split(' ');
            let (method, path) = (words.next()?, words.next()?);
            let path = path.split('?').next()?;
            Some(format!("{method} {path} {}", rest.split_whitespace().next()?))
        };
        self.log().lines().filter_map(request).collect()
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
