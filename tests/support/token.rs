//! A token server: it gives the tokens that Debian's `docker-registry` asks for, signed with a key of its own, or does
//! not, as a test wants.
//!
//! A module of its own because it is a server with a life. The judge of its tokens is the registry, which checks their
//! signature, whom they are for, until when, and what they allow. Spec: distribution's `spec/auth/token.md`, `jwt.md` and
//! `oauth.md`.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::http::{SILENCE, Server, answer, peek_head};
use super::judges::run;
use super::registry::{Login, PASSWORD, USER};

/// What an OAuth 2 login may be refreshed with.
pub(crate) const REFRESH: &str = "refresh-me-0815";
const SERVICE: &str = "the tests' registry";
const ISSUER: &str = "the tests' tokens";
/// For how long the registry honours a token that is past its time, in seconds.
const LEEWAY: i64 = 60;

/// What the server does with who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Everybody may read; `USER` and who refreshes may write.
    Good,
    /// The same, and the registry takes a token for so many seconds, although the server promises five minutes.
    Hasty(i64),
    /// The tokens are for another registry.
    OtherService,
    /// Nobody gets a token.
    Refusing,
    /// What it answers is no token.
    Odd,
    /// It answers 503, so many times, and then as it should.
    Busy(usize),
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// With its query, decoded.
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    /// Decoded too.
    pub(crate) body: String,
}

/// A running token server; it ends when it is dropped.
pub(crate) struct TokenServer {
    /// `127.0.0.1:PORT`.
    pub(crate) host: String,
    _server: Server,
    shared: Arc<Shared>,
}

struct Shared {
    dir: TempDir,
    /// The certificate of the key, as the header of a token has it.
    certificate: String,
    manner: Mutex<Manner>,
    asked: Mutex<Vec<Asked>>,
}

impl TokenServer {
    pub(crate) fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let (key, pem) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
        let mut request = Command::new("openssl");
        request
            .args([
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=tests",
                "-keyout",
            ])
            .arg(&key)
            .arg("-out")
            .arg(&pem)
            .stderr(Stdio::null());
        run(&mut request);
        let pem = fs::read_to_string(pem).unwrap();
        let certificate = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let shared = Arc::new(Shared {
            dir,
            certificate,
            manner: Mutex::new(Manner::Good),
            asked: Mutex::default(),
        });
        let all = shared.clone();
        let server = Server::start(move |client| all.converse(client));
        Self {
            host: server.host.clone(),
            _server: server,
            shared,
        }
    }

    /// What a registry is told that takes this server's tokens.
    pub(crate) fn login(&self) -> Login {
        Login::Token(format!(
            "auth:\n  token: {{realm: \"http://{}/token\", service: \"{SERVICE}\", issuer: \"{ISSUER}\", rootcertbundle: \"{}\"}}\n",
            self.host,
            self.shared.dir.path().join("cert.pem").display()
        ))
    }

    /// From now on it behaves like this, and what was asked is forgotten.
    pub(crate) fn set(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
        self.shared.asked.lock().unwrap().clear();
    }

    /// Every request since, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

impl Shared {
    fn converse(&self, mut client: &TcpStream) -> std::io::Result<()> {
        client.set_read_timeout(Some(SILENCE))?;
        while let Some(head) = peek_head(client)? {
            client.read_exact(&mut vec![0; head.bytes])?;
            let mut body = vec![0; head.body_size()];
            client.read_exact(&mut body)?;
            let asked = Asked {
                method: head.method.clone(),
                path: decoded(&head.path),
                authorization: head.field("authorization").map(str::to_owned),
                body: decoded(&String::from_utf8_lossy(&body)),
            };
            self.asked.lock().unwrap().push(asked.clone());
            match self.reply(&asked) {
                Ok(text) => {
                    let size = text.len();
                    write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n{text}")?;
                }
                Err(status) => answer(client, status, &["Retry-After: 0"])?,
            }
        }
        Ok(())
    }

    /// The answer, or its status.
    fn reply(&self, asked: &Asked) -> Result<String, u16> {
        let manner = *self.manner.lock().unwrap();
        match manner {
            Manner::Refusing => return Err(401),
            Manner::Busy(times) if self.asked.lock().unwrap().len() <= times => return Err(503),
            Manner::Odd => return Ok("<html>hunter2</html>".to_owned()),
            _ => {}
        }
        let password = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
        let is_refresh = asked.method == "POST" && asked.body.contains("grant_type=refresh_token");
        let may_write = match &asked.authorization {
            Some(login) if *login == password => true,
            Some(_) => return Err(401),
            None if is_refresh => asked.body.contains(&format!("refresh_token={REFRESH}")),
            None => false,
        };
        if is_refresh && !may_write {
            return Err(400);
        }
        let token = self.token(manner, &access(asked, may_write));
        let key = if is_refresh { "access_token" } else { "token" };
        Ok(json!({key: token, "expires_in": 300}).to_string())
    }

    fn token(&self, manner: Manner, access: &[Value]) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
            .cast_signed();
        let life = match manner {
            Manner::Hasty(life) => life - LEEWAY,
            _ => 300,
        };
        let audience = if manner == Manner::OtherService {
            "another registry"
        } else {
            SERVICE
        };
        let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [self.certificate]});
        let claims = json!({
            "iss": ISSUER, "sub": USER, "aud": audience, "exp": now + life, "nbf": now - 600, "iat": now - 600,
            "jti": "1", "access": access,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.signature(&signed)))
    }

    fn signature(&self, text: &str) -> Vec<u8> {
        let mut openssl = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign"])
            .arg(self.dir.path().join("key.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        openssl.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        openssl.wait_with_output().unwrap().stdout
    }
}

/// What is granted of what was asked for: `scope=repository:NAME:ACTION,…`, once or more often, or with spaces between.
fn access(asked: &Asked, may_write: bool) -> Vec<Value> {
    let (_, query) = asked.path.split_once('?').unwrap_or_default();
    let pairs = query.split('&').chain(asked.body.split('&'));
    let scopes = pairs.filter_map(|pair| pair.strip_prefix("scope="));
    let row = |scope: &str| {
        let (rest, actions) = scope.rsplit_once(':')?;
        let (kind, name) = rest.split_once(':')?;
        let actions: Vec<_> = actions
            .split(',')
            .filter(|action| may_write || *action == "pull")
            .collect();
        Some(json!({"type": kind, "name": name, "actions": actions}))
    };
    scopes
        .flat_map(|scopes| scopes.split(' '))
        .filter_map(row)
        .collect()
}

/// Text with its `%XX` decoded.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        out.push(char::from(u8::from_str_radix(hex, 16).unwrap()));
        out.push_str(rest);
    }
    out
}
