//! Real engines for a test: Debian's `dockerd`, and podman's service, each with everything below a directory of its own,
//! stopped on drop.
//!
//! A module of its own because they are servers with a life, and need more of a machine than others: root, mounts,
//! control groups. What a machine cannot run is said aloud.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::judges::{have, is_root, run, skipped};

/// How long an engine may take to start.
const START: Duration = Duration::from_secs(60);
/// Docker's engine without a network.
const ALONE: [&str; 8] = [
    "--storage-driver=overlay2",
    "--iptables=false",
    "--ip6tables=false",
    "--bridge=none",
    "--ip-forward=false",
    "--ip-masq=false",
    "--oom-score-adjust=0",
    "--log-level=warn",
];

/// A running engine.
pub(crate) struct RealEngine {
    child: Child,
    dir: TempDir,
    kind: Kind,
    /// What `DOCKER_HOST` must be.
    pub(crate) host: String,
    /// The same over TLS, with the directory of the client's certificates.
    pub(crate) tls: Option<(String, PathBuf)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Docker,
    Podman,
}

impl RealEngine {
    /// Docker's, at a socket and, with TLS, at a port.
    #[track_caller]
    pub(crate) fn docker() -> Option<Self> {
        if !have(&["dockerd", "docker", "containerd", "runc", "openssl"]) || !rooted("dockerd") {
            return None;
        }
        let dir = TempDir::new().unwrap();
        let certificates = certificates(dir.path());
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let socket = at("engine.sock");
        let tls = format!("tcp://127.0.0.1:{port}");
        let mut command = Command::new("dockerd");
        command
            .args(ALONE)
            .args([
                "--data-root",
                &at("data"),
                "--exec-root",
                &at("exec"),
                "--pidfile",
                &at("pid"),
            ])
            .args([
                "--host",
                &format!("unix://{socket}"),
                "--host",
                &tls,
                "--tlsverify",
            ])
            .args([
                "--tlscacert",
                &at("tls/ca.pem"),
                "--tlscert",
                &at("tls/server.pem"),
                "--tlskey",
                &at("tls/server-key.pem"),
            ]);
        Self::start(command, dir, Kind::Docker, &socket, Some((tls, certificates)))
    }

    /// Podman's compatible one.
    #[track_caller]
    pub(crate) fn podman() -> Option<Self> {
        if !have(&["podman", "runc"]) || !rooted("podman") {
            return None;
        }
        let dir = TempDir::new().unwrap();
        let socket = dir.path().join("podman.sock").display().to_string();
        let mut command = podman(dir.path());
        command.args(["system", "service", "--time=0", &format!("unix://{socket}")]);
        Self::start(command, dir, Kind::Podman, &socket, None)
    }

    #[track_caller]
    fn start(
        mut command: Command,
        dir: TempDir,
        kind: Kind,
        socket: &str,
        tls: Option<(String, PathBuf)>,
    ) -> Option<Self> {
        let log = File::create(dir.path().join("log")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let child = command.spawn().unwrap();
        let mut engine = Self {
            child,
            dir,
            kind,
            host: format!("unix://{socket}"),
            tls,
        };
        let begin = Instant::now();
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            if engine.child.try_wait().unwrap().is_some() || begin.elapsed() > START {
                let log = fs::read_to_string(engine.dir.path().join("log")).unwrap();
                let why = log.lines().last().unwrap_or_default();
                skipped(&format!(
                    "{} does not start here: {why}",
                    command.get_program().display()
                ));
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(engine)
    }

    /// Loads an archive as people do, with the engine's own client.
    #[track_caller]
    pub(crate) fn load(&self, archive: &Path) {
        run(self.client().args(["load", "--quiet", "--input"]).arg(archive));
    }

    /// What the engine's own client saves.
    #[track_caller]
    pub(crate) fn save(&self, image: &str, archive: &Path) {
        run(self.client().args(["save", image, "--output"]).arg(archive));
    }

    /// What a container of an image prints.
    #[track_caller]
    pub(crate) fn run(&self, image: &str) -> String {
        let mut client = self.client();
        client.args(["run", "--rm", "--network", "none"]);
        if self.kind == Kind::Podman {
            // No more than a machine inside a machine may give.
            client.args(["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]);
        }
        run(client.arg(image))
    }

    fn client(&self) -> Command {
        match self.kind {
            Kind::Docker => {
                let mut docker = Command::new("docker");
                docker.env("DOCKER_HOST", &self.host);
                docker
            }
            Kind::Podman => podman(self.dir.path()),
        }
    }
}

impl Drop for RealEngine {
    fn drop(&mut self) {
        // Asked, and not killed: it takes its mounts with it.
        let pid = self.child.id().to_string();
        Command::new("kill").arg(pid).status().ok();
        self.child.wait().ok();
        if self.kind == Kind::Podman {
            // Podman leaves its storage mounted on itself, which would keep the directory.
            let storage = self.dir.path().join("root/overlay");
            let mut umount = Command::new("umount");
            umount.arg(storage).stderr(Stdio::null()).status().ok();
        }
    }
}

/// Podman with everything below `dir`, on the runtime that works without a control group of its own kind.
fn podman(dir: &Path) -> Command {
    let mut podman = Command::new("podman");
    podman
        .args(["--runtime", "runc", "--root"])
        .arg(dir.join("root"))
        .arg("--runroot")
        .arg(dir.join("run"));
    podman
}

#[track_caller]
fn rooted(what: &str) -> bool {
    if !is_root() {
        skipped(&format!("{what} must run as root"));
    }
    is_root()
}

/// A CA, the engine's certificate and a client's: the directory of the client's.
fn certificates(dir: &Path) -> PathBuf {
    let tls = dir.join("tls");
    fs::create_dir(&tls).unwrap();
    let openssl = |line: &str| {
        run(Command::new("openssl")
            .current_dir(&tls)
            .args(line.split_whitespace()));
    };
    let new_key = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -batch";
    openssl(&format!(
        "{new_key} -x509 -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem"
    ));
    let server = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n";
    for (name, extra) in [("server", server), ("client", "extendedKeyUsage=clientAuth\n")] {
        fs::write(tls.join("extra"), extra).unwrap();
        openssl(&format!(
            "{new_key} -subj /CN={name} -keyout {name}-key.pem -out {name}.csr"
        ));
        openssl(&format!(
            "x509 -req -days 2 -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile extra -out {name}.pem"
        ));
    }
    let client = dir.join("client");
    fs::create_dir(&client).unwrap();
    for (from, to) in [
        ("ca.pem", "ca.pem"),
        ("client.pem", "cert.pem"),
        ("client-key.pem", "key.pem"),
    ] {
        fs::copy(tls.join(from), client.join(to)).unwrap();
    }
    client
}
