//! A forge on this machine, as far as comments go: GitHub, GitLab or Gitea, by their documents.
//!
//! A module of its own because it keeps state: comments that are made, changed and listed in pages, a token that may write or
//! not, and failures to order. It shares no code with the program.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// Which API is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    GitHub,
    GitLab,
    Gitea,
}

/// The token that may do everything.
pub(crate) const TOKEN: &str = "s3cr3t-of-the-tests";
/// The number of the request, the only one that there is.
pub(crate) const NUMBER: u64 = 12;

/// A comment.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) body: String,
    /// How often it was changed.
    pub(crate) changes: usize,
}

/// A failure that is answered in place of the next request that may have it.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// The method that it waits for.
    pub(crate) method: &'static str,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'static str,
    /// Whether the request is done all the same, and only its answer is lost.
    pub(crate) is_done: bool,
}

impl Fault {
    pub(crate) fn new(method: &'static str, status: u16) -> Self {
        Self {
            method,
            status,
            headers: Vec::new(),
            body: "{\"message\": \"as ordered\"}",
            is_done: false,
        }
    }
}

#[derive(Default)]
struct State {
    comments: Vec<Said>,
    faults: VecDeque<Fault>,
    asked: Vec<String>,
    is_read_only: bool,
    /// Whether the token may ask who it is.
    knows_itself: bool,
    longest: Option<usize>,
}

/// A forge that runs until the tests end.
pub(crate) struct Forge {
    pub(crate) kind: Kind,
    host: String,
    state: Arc<Mutex<State>>,
}

struct Asked {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Value,
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Forge {
    pub(crate) fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State {
            knows_itself: true,
            ..State::default()
        }));
        let forge = Self {
            kind,
            host: host.clone(),
            state: Arc::clone(&state),
        };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, host) = (Arc::clone(&state), host.clone());
                std::thread::spawn(move || serve(stream, kind, &host, &state).ok());
            }
        });
        forge
    }

    /// The variables that the forge's CI gives a job.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let api = self.api();
        match self.kind {
            Kind::GitHub => vec![
                ("GITHUB_ACTIONS", "true".into()),
                ("GITHUB_API_URL", api),
                ("GITHUB_REPOSITORY", "octo/app".into()),
                ("GITHUB_REF", format!("refs/pull/{NUMBER}/merge")),
                ("GITHUB_TOKEN", TOKEN.into()),
            ],
            Kind::GitLab => vec![
                ("GITLAB_CI", "true".into()),
                ("CI_API_V4_URL", api),
                ("CI_PROJECT_ID", "77".into()),
                ("CI_MERGE_REQUEST_IID", NUMBER.to_string()),
                ("GITLAB_TOKEN", TOKEN.into()),
            ],
            Kind::Gitea => vec![
                ("GITHUB_ACTIONS", "true".into()),
                ("GITEA_ACTIONS", "true".into()),
                ("GITHUB_SERVER_URL", format!("http://{}", self.host)),
                ("GITHUB_REPOSITORY", "octo/app".into()),
                ("GITHUB_REF", format!("refs/pull/{NUMBER}/head")),
                ("GITHUB_TOKEN", TOKEN.into()),
            ],
        }
    }

    fn api(&self) -> String {
        let path = match self.kind {
            Kind::GitHub => "",
            Kind::GitLab => "/api/v4",
            Kind::Gitea => "/api/v1",
        };
        format!("http://{}{path}", self.host)
    }

    pub(crate) fn comments(&self) -> Vec<Said> {
        self.state.lock().unwrap().comments.clone()
    }

    /// What was asked, as `METHOD path?query`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.lock().unwrap().asked.clone()
    }

    /// Somebody else writes a comment.
    pub(crate) fn says(&self, author: &str, body: &str) {
        say(&mut self.state.lock().unwrap(), author, body);
    }

    pub(crate) fn fails(&self, fault: Fault) {
        self.state.lock().unwrap().faults.push_back(fault);
    }

    pub(crate) fn read_only(&self) {
        self.state.lock().unwrap().is_read_only = true;
    }

    /// The token is one of a job, which may not ask who it is.
    pub(crate) fn does_not_know_itself(&self) {
        self.state.lock().unwrap().knows_itself = false;
    }

    pub(crate) fn takes_at_most(&self, characters: usize) {
        self.state.lock().unwrap().longest = Some(characters);
    }
}

fn say(state: &mut State, author: &str, body: &str) -> Said {
    let said = Said {
        id: 1000 + state.comments.len() as u64,
        author: author.to_owned(),
        body: body.to_owned(),
        changes: 0,
    };
    state.comments.push(said.clone());
    said
}

/// Who our token is.
pub(crate) fn me(kind: Kind) -> &'static str {
    match kind {
        Kind::GitHub => "github-actions[bot]",
        Kind::GitLab => "project_77_bot",
        Kind::Gitea => "gitea-actions",
    }
}

fn answer_to(asked: &Asked, kind: Kind, host: &str, state: &mut State) -> Answer {
    let line = format!("{} {}?{}", asked.method, asked.path, asked.query);
    state.asked.push(line);
    let is_next = state
        .faults
        .front()
        .is_some_and(|fault| fault.method == asked.method);
    if let Some(fault) = is_next.then(|| state.faults.pop_front()).flatten() {
        if fault.is_done {
            route(asked, kind, host, state);
        }
        return Answer {
            status: fault.status,
            headers: fault.headers,
            body: fault.body.to_owned(),
        };
    }
    route(asked, kind, host, state)
}

fn route(asked: &Asked, kind: Kind, host: &str, state: &mut State) -> Answer {
    let header = |name: &str| {
        let found = asked
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let login = match kind {
        Kind::GitHub => header("authorization") == format!("Bearer {TOKEN}"),
        Kind::GitLab => header("private-token") == TOKEN || header("job-token") == TOKEN,
        Kind::Gitea => header("authorization") == format!("token {TOKEN}"),
    };
    if !login {
        return problem(401, "Bad credentials");
    }
    let (base, comments, one) = match kind {
        Kind::GitHub => (
            "",
            "/repos/octo/app/issues/12/comments",
            "/repos/octo/app/issues/comments/",
        ),
        Kind::GitLab => (
            "/api/v4",
            "/projects/77/merge_requests/12/notes",
            "/projects/77/merge_requests/12/notes/",
        ),
        Kind::Gitea => (
            "/api/v1",
            "/repos/octo/app/issues/12/comments",
            "/repos/octo/app/issues/comments/",
        ),
    };
    let Some(path) = asked.path.strip_prefix(base) else {
        return problem(404, "Not Found");
    };
    let change = if kind == Kind::GitLab { "PUT" } else { "PATCH" };
    match (asked.method.as_str(), path) {
        ("GET", "/user") if state.knows_itself => fine(200, &user(kind, me(kind))),
        ("GET", "/user") => problem(403, "Resource not accessible by integration"),
        ("GET", "/repos/octo/app/pulls") => fine(
            200,
            &json!([{"number": 3, "head": {"sha": "0000", "label": "fork:b"}},
                    {"number": NUMBER, "head": {"sha": "c0ffee", "label": "fork:b"}}]),
        ),
        ("GET", path) if path == comments => list(asked, kind, host, state),
        ("POST", path) if path == comments => write(asked, kind, state, None),
        (method, path) if method == change && path.starts_with(one) => {
            let id = path[one.len()..].parse().unwrap();
            write(asked, kind, state, Some(id))
        }
        _ => problem(404, "Not Found"),
    }
}

fn list(asked: &Asked, kind: Kind, host: &str, state: &State) -> Answer {
    let value = |name: &str, default: usize| {
        let found = asked
            .query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.map_or(default, |text| text.parse().unwrap())
    };
    // Gitea lists all comments of an issue at once.
    let per_page = match kind {
        Kind::Gitea => usize::MAX,
        _ => value("per_page", 30).min(100),
    };
    let page = value("page", 1);
    let from = (page - 1).saturating_mul(per_page).min(state.comments.len());
    let to = from.saturating_add(per_page).min(state.comments.len());
    let rows: Vec<Value> = state.comments[from..to]
        .iter()
        .map(|said| shown(kind, said))
        .collect();
    let mut answer = fine(200, &Value::from(rows));
    let has_next = to < state.comments.len();
    match kind {
        Kind::GitHub if has_next => {
            let next = format!(
                "http://{host}{}?per_page={per_page}&page={}",
                asked.path,
                page + 1
            );
            answer
                .headers
                .push(("Link", format!("<{next}>; rel=\"next\", <{next}>; rel=\"last\"")));
        }
        Kind::GitLab => {
            let next = if has_next {
                (page + 1).to_string()
            } else {
                String::new()
            };
            answer.headers.push(("X-Next-Page", next));
        }
        _ => {}
    }
    answer
}

fn write(asked: &Asked, kind: Kind, state: &mut State, id: Option<u64>) -> Answer {
    if state.is_read_only {
        return match kind {
            Kind::GitHub => problem(403, "Resource not accessible by integration"),
            Kind::GitLab => problem(404, "404 Not found"),
            Kind::Gitea => problem(403, "user should have a permission to write"),
        };
    }
    let body = asked.body["body"].as_str().expect("a body").to_owned();
    if state
        .longest
        .is_some_and(|longest| body.chars().count() > longest)
    {
        let message = json!({"message": "Validation Failed", "errors": [{"message": "body is too long (maximum is 65536 characters)"}]});
        return Answer {
            status: 422,
            headers: Vec::new(),
            body: message.to_string(),
        };
    }
    match id {
        None => fine(201, &shown(kind, &say(state, me(kind), &body))),
        Some(id) => match state.comments.iter_mut().find(|said| said.id == id) {
            Some(said) => {
                (said.body, said.changes) = (body, said.changes + 1);
                fine(200, &shown(kind, said))
            }
            None => problem(404, "Not Found"),
        },
    }
}

fn shown(kind: Kind, said: &Said) -> Value {
    let user = user(kind, &said.author);
    match kind {
        Kind::GitLab => {
            json!({"id": said.id, "body": said.body, "author": user, "system": said.author == "system"})
        }
        _ => {
            json!({"id": said.id, "body": said.body, "user": user, "html_url": format!("https://forge.example/c/{}", said.id)})
        }
    }
}

fn user(kind: Kind, name: &str) -> Value {
    match kind {
        Kind::GitHub => json!({"login": name, "type": if name.ends_with("[bot]") { "Bot" } else { "User" }}),
        Kind::GitLab => json!({"username": name, "id": 5}),
        Kind::Gitea => json!({"login": name, "id": if name.ends_with("-actions") { -2 } else { 5 }}),
    }
}

fn fine(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: body.to_string(),
    }
}

fn problem(status: u16, message: &str) -> Answer {
    fine(status, &json!({"message": message}))
}

/// One exchange for each connection.
fn serve(stream: TcpStream, kind: Kind, host: &str, state: &Mutex<State>) -> std::io::Result<()> {
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
    let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let headers: Vec<(String, String)> = head[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("content-length"));
    let length: u64 = length.map_or(0, |(_, text)| text.parse().unwrap());
    let mut body = Vec::new();
    (&mut reader).take(length).read_to_end(&mut body)?;
    let asked = Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let answer = answer_to(&asked, kind, host, &mut state.lock().unwrap());
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {} Words\r\nConnection: close\r\n",
        answer.status
    )?;
    for (name, value) in answer.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(
        stream,
        "Content-Length: {}\r\n\r\n{}",
        answer.body.len(),
        answer.body
    )
}
