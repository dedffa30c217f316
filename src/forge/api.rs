//! The three APIs: which URL, which header, which key.
//!
//! A module of its own so that the client knows one way of doing things. Documents: docs.github.com/rest/issues/comments,
//! docs.gitlab.com/api/notes, and the API of Gitea 1.22 and Forgejo 9.

use serde_json::Value;
use ureq::http::Method;

use super::{Forge, ForgeError, Place, Request, TokenKind};
use crate::http::percent_encoded;

/// Comments a page.
const PAGE: usize = 100;

/// A comment as a forge lists it.
pub(super) struct Listed {
    /// Its number.
    pub(super) id: u64,
    pub(super) body: String,
    /// Who wrote it.
    pub(super) author: Author,
}

/// Who wrote a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Author {
    pub(super) name: String,
    /// Whether the forge says that it is no person.
    is_machine: bool,
}

/// One write.
pub(super) struct Write {
    pub(super) method: Method,
    pub(super) url: String,
}

/// The headers that each request has, but for the token.
pub(super) fn headers(forge: Forge) -> &'static [(&'static str, &'static str)] {
    match forge {
        Forge::GitHub => &[
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
        ],
        Forge::GitLab | Forge::Gitea => &[("accept", "application/json")],
    }
}

/// The header of the token.
pub(super) fn login(place: &Place) -> Option<(&'static str, String)> {
    let token = place.token.as_ref()?;
    let secret = &token.secret;
    Some(match (place.forge, token.kind) {
        (Forge::GitHub, _) => ("authorization", format!("Bearer {secret}")),
        (Forge::GitLab, TokenKind::Own) => ("private-token", secret.clone()),
        (Forge::GitLab, TokenKind::Job) => ("job-token", secret.clone()),
        (Forge::Gitea, _) => ("authorization", format!("token {secret}")),
    })
}

/// Where a forge says who the token is. The token of a GitLab job may ask for its job only.
pub(super) fn me_url(place: &Place) -> String {
    let what = if is_job(place) { "job" } else { "user" };
    format!("{}/{what}", place.api)
}

/// Who the token is, as the answer to [`me_url`] says.
pub(super) fn me(place: &Place, answer: &Value) -> Author {
    author(place.forge, if is_job(place) { &answer["user"] } else { answer })
}

fn is_job(place: &Place) -> bool {
    let kind = place.token.as_ref().map(|token| token.kind);
    place.forge == Forge::GitLab && kind == Some(TokenKind::Job)
}

/// The open requests of a branch.
pub(super) fn requests_url(place: &Place, label: &str) -> String {
    let label = percent_encoded(label);
    format!(
        "{}/pulls?state=open&head={label}&per_page={PAGE}",
        repository(place)
    )
}

/// The number of the request with this commit, out of what [`requests_url`] gives.
pub(super) fn number_in(requests: &Value, label: &str, commit: &str) -> Option<u64> {
    let is_it = |one: &&Value| {
        let text = |pointer: &str| one.pointer(pointer).and_then(Value::as_str);
        // A forge that knows no `head` lists all.
        text("/head/sha") == Some(commit) && text("/head/label").is_none_or(|own| own == label)
    };
    requests.as_array()?.iter().find(is_it)?["number"].as_u64()
}

/// The first page of the comments of a request.
pub(super) fn list_url(place: &Place, number: u64) -> String {
    match place.forge {
        Forge::GitHub => format!("{}?per_page={PAGE}", comments(place, number)),
        Forge::GitLab => format!(
            "{}?per_page={PAGE}&order_by=created_at&sort=asc&page=1",
            comments(place, number)
        ),
        Forge::Gitea => comments(place, number),
    }
}

/// The next page, as the headers of one say.
pub(super) fn next_page(forge: Forge, url: &str, link: Option<&str>, next: Option<&str>) -> Option<String> {
    if forge == Forge::GitLab {
        let page: u64 = next?.trim().parse().ok()?;
        let (before, _) = url.rsplit_once("&page=")?;
        return Some(format!("{before}&page={page}"));
    }
    // <https://…?page=2>; rel="next", <https://…?page=9>; rel="last"
    let next = link?.split(',').find(|part| {
        let mut words = part.split(';').skip(1);
        words.any(|word| matches!(word.trim(), "rel=\"next\"" | "rel=next"))
    })?;
    let (_, rest) = next.split_once('<')?;
    Some(rest.split_once('>')?.0.to_owned())
}

/// How a comment is made.
pub(super) fn create(place: &Place, number: u64) -> Write {
    Write {
        method: Method::POST,
        url: comments(place, number),
    }
}

/// How a comment is changed; `id` is its number, or a word in its place.
pub(super) fn update(place: &Place, number: u64, id: &str) -> Write {
    match place.forge {
        Forge::GitLab => Write {
            method: Method::PUT,
            url: format!("{}/{id}", comments(place, number)),
        },
        Forge::GitHub | Forge::Gitea => Write {
            method: Method::PATCH,
            url: format!("{}/issues/comments/{id}", repository(place)),
        },
    }
}

/// The comments of a page.
pub(super) fn listed(forge: Forge, url: &str, page: &Value) -> Result<Vec<Listed>, ForgeError> {
    let rows = page.as_array();
    let rows = rows.ok_or_else(|| ForgeError::bad(url, "it gives no list of comments"))?;
    let comment = |row: &Value| {
        // GitLab's own notes on what happened are no comments.
        if row["system"].as_bool() == Some(true) {
            return None;
        }
        Some(Listed {
            id: row["id"].as_u64()?,
            body: row["body"].as_str()?.to_owned(),
            author: author(
                forge,
                &row[if forge == Forge::GitLab { "author" } else { "user" }],
            ),
        })
    };
    Ok(rows.iter().filter_map(comment).collect())
}

/// Somebody.
fn author(forge: Forge, user: &Value) -> Author {
    let name = |key: &str| user[key].as_str().unwrap_or_default().to_owned();
    match forge {
        Forge::GitHub => Author {
            name: name("login"),
            is_machine: user["type"] == "Bot",
        },
        Forge::GitLab => Author {
            name: name("username"),
            // It says so of nobody.
            is_machine: true,
        },
        Forge::Gitea => Author {
            name: name("login"),
            is_machine: name("login").ends_with("-actions") || user["id"].as_i64().is_some_and(|id| id < 0),
        },
    }
}

/// Whether a comment that begins with our mark is ours: of whoever the token is, or of a machine where that is not known. Anybody
/// can write the mark, and what other people write is theirs.
pub(super) fn is_ours(author: &Author, me: Option<&Author>) -> bool {
    me.map_or(author.is_machine, |me| me.name.eq_ignore_ascii_case(&author.name))
}

/// Where people see a comment, out of the answer to a write.
pub(super) fn shown_at(answer: &Value) -> Option<String> {
    answer["html_url"].as_str().map(str::to_owned)
}

fn comments(place: &Place, number: u64) -> String {
    match place.forge {
        Forge::GitLab => format!("{}/merge_requests/{number}/notes", repository(place)),
        Forge::GitHub | Forge::Gitea => format!("{}/issues/{number}/comments", repository(place)),
    }
}

fn repository(place: &Place) -> String {
    match place.forge {
        // `group/name` is one component.
        Forge::GitLab => format!("{}/projects/{}", place.api, percent_encoded(&place.repository)),
        Forge::GitHub | Forge::Gitea => {
            let parts: Vec<String> = place.repository.split('/').map(percent_encoded).collect();
            format!("{}/repos/{}", place.api, parts.join("/"))
        }
    }
}

/// What a request is called in messages.
pub(super) fn described(place: &Place) -> String {
    let request = match &place.request {
        Request::Number(number) => format!("{} {number}", place.forge.request()),
        Request::Head { label, .. } => format!("the {} of {label}", place.forge.request()),
    };
    format!("{request} of {}", place.repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_forge_says() {
        let link = "<https://h/c?page=1>; rel=\"prev\", <https://h/c?per_page=100&page=3>; rel=\"next\"";
        let found = next_page(Forge::GitHub, "u", Some(link), None);
        assert_eq!(found.as_deref(), Some("https://h/c?per_page=100&page=3"));
        for link in [
            "",
            "<https://h>; rel=\"last\"",
            "rel=\"next\"",
            "<x; rel=\"next\"",
        ] {
            assert_eq!(next_page(Forge::Gitea, "u", Some(link), None), None, "{link}");
        }
        let url = "https://h/notes?per_page=100&page=1";
        assert_eq!(
            next_page(Forge::GitLab, url, None, Some("2")).as_deref(),
            Some("https://h/notes?per_page=100&page=2")
        );
        assert_eq!(next_page(Forge::GitLab, url, None, Some("")), None);
    }

    #[test]
    fn a_comment_is_ours_by_its_author() {
        let author = |name: &str, is_machine| Author {
            name: name.to_owned(),
            is_machine,
        };
        let me = author("Me", false);
        assert!(is_ours(&author("me", false), Some(&me)));
        assert!(!is_ours(&author("you", false), Some(&me)));
        assert!(is_ours(&author("github-actions[bot]", true), None));
        assert!(
            !is_ours(&author("you", false), None),
            "a person who copied the mark"
        );
    }
}
