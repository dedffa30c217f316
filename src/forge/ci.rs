//! Where a comment belongs, out of what a CI tells its jobs.
//!
//! A module of its own because each CI has its own words for repository, request and token. It reads no environment: it is
//! given a way to look a variable up.

use serde_json::Value;

use super::{Forge, ForgeError, Place, Request, Token, TokenKind};

/// What a run knows: variables of the environment, the CI's event, and flags, which come first.
pub struct Surroundings<'a> {
    /// The value of a variable; `None` where it is not set, or empty.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The content of the file that `GITHUB_EVENT_PATH` names.
    pub event: Option<&'a [u8]>,
    /// `--forge`
    pub forge: Option<Forge>,
    /// `--api`
    pub api: Option<String>,
    /// `--repo`
    pub repository: Option<String>,
    /// `--number`
    pub number: Option<u64>,
    /// `--token-env`
    pub token: Option<String>,
}

/// Where a comment belongs. A token may be missing: then nothing is written.
///
/// Fails with [`ForgeError::Unknown`] or [`ForgeError::Odd`].
pub fn place_of(around: &Surroundings<'_>) -> Result<Place, ForgeError> {
    let forge = forge(around)?;
    let api = around
        .api
        .clone()
        .or_else(|| api(forge, around))
        .ok_or(ForgeError::Unknown {
            what: "the URL of the forge's API",
            way: "give it with --api, as in https://git.example.com/api/v1",
        })?;
    let repository = around.repository.clone().or_else(|| repository(forge, around));
    let repository = repository.ok_or(ForgeError::Unknown {
        what: "the repository",
        way: "give it with --repo OWNER/NAME; in a CI it is GITHUB_REPOSITORY or CI_PROJECT_ID",
    })?;
    let request = match around.number {
        Some(number) => Request::Number(number),
        None => request(forge, around)?,
    };
    Ok(Place {
        forge,
        api: api.trim_end_matches('/').to_owned(),
        repository,
        request,
        token: token(forge, around)?,
    })
}

fn forge(around: &Surroundings<'_>) -> Result<Forge, ForgeError> {
    let is_set = |name: &str| (around.variable)(name).is_some_and(|value| value != "false");
    let found = if is_set("GITEA_ACTIONS") || is_set("FORGEJO_ACTIONS") {
        Some(Forge::Gitea)
    } else if is_set("GITHUB_ACTIONS") || is_set("GITHUB_REPOSITORY") {
        Some(Forge::GitHub)
    } else if is_set("GITLAB_CI") || is_set("CI_API_V4_URL") {
        Some(Forge::GitLab)
    } else {
        None
    };
    around.forge.or(found).ok_or(ForgeError::Unknown {
        what: "the forge",
        way: "give it with --forge github, gitlab or gitea; in a CI it is known",
    })
}

fn api(forge: Forge, around: &Surroundings<'_>) -> Option<String> {
    let variable = |name: &str| (around.variable)(name);
    match forge {
        Forge::GitHub => variable("GITHUB_API_URL").or_else(|| Some("https://api.github.com".to_owned())),
        Forge::GitLab => variable("CI_API_V4_URL").or_else(|| Some("https://gitlab.com/api/v4".to_owned())),
        Forge::Gitea => variable("GITHUB_API_URL").or_else(|| {
            let server = variable("GITHUB_SERVER_URL")?;
            Some(format!("{}/api/v1", server.trim_end_matches('/')))
        }),
    }
}

fn repository(forge: Forge, around: &Surroundings<'_>) -> Option<String> {
    let variable = |name: &str| (around.variable)(name);
    match forge {
        // Of a merge request from a fork, the project that it wants to go into.
        Forge::GitLab => variable("CI_MERGE_REQUEST_PROJECT_ID").or_else(|| variable("CI_PROJECT_ID")),
        Forge::GitHub | Forge::Gitea => variable("GITHUB_REPOSITORY"),
    }
}

fn request(forge: Forge, around: &Surroundings<'_>) -> Result<Request, ForgeError> {
    if forge == Forge::GitLab {
        let way = "give it with --number; in a pipeline for merge requests it is CI_MERGE_REQUEST_IID";
        let what = "the merge request";
        let number = (around.variable)("CI_MERGE_REQUEST_IID").ok_or(ForgeError::Unknown { what, way })?;
        let odd = |_| ForgeError::Odd {
            name: "CI_MERGE_REQUEST_IID".to_owned(),
            reason: format!("`{number}` is no number"),
        };
        return number.parse().map(Request::Number).map_err(odd);
    }
    let event = around.event.map(|bytes| {
        serde_json::from_slice::<Value>(bytes).map_err(|error| ForgeError::Odd {
            name: "GITHUB_EVENT_PATH".to_owned(),
            reason: error.to_string(),
        })
    });
    let event = event.transpose()?.unwrap_or_default();
    let number = ["/pull_request/number", "/issue/number", "/number"]
        .iter()
        .find_map(|pointer| event.pointer(pointer)?.as_u64());
    // refs/pull/12/merge
    let of_ref = || {
        let name = (around.variable)("GITHUB_REF")?;
        name.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok()
    };
    number
        .or_else(of_ref)
        .map(Request::Number)
        .or_else(|| head(&event))
        .ok_or(ForgeError::Unknown {
            what: "the pull request",
            way: "give it with --number; in a workflow for pull requests it is in the event",
        })
}

/// What a workflow that another one started knows of the pull request: where it comes from. Numbers that such an event lists
/// are never those of forks.
fn head(event: &Value) -> Option<Request> {
    let text = |pointer: &str| Some(event.pointer(pointer)?.as_str()?.to_owned());
    let owner = text("/workflow_run/head_repository/owner/login")?;
    let branch = text("/workflow_run/head_branch")?;
    Some(Request::Head {
        label: format!("{owner}:{branch}"),
        commit: text("/workflow_run/head_sha")?,
    })
}

fn token(forge: Forge, around: &Surroundings<'_>) -> Result<Option<Token>, ForgeError> {
    let variable = |name: &str| (around.variable)(name);
    let own = |secret| Token::new(TokenKind::Own, secret);
    let found = match (&around.token, forge) {
        (Some(name), Forge::GitLab) if name == "CI_JOB_TOKEN" => {
            variable(name).map(|secret| Token::new(TokenKind::Job, secret))
        }
        (Some(name), _) => variable(name).map(own),
        (None, Forge::GitLab) => variable("GITLAB_TOKEN")
            .map(own)
            .or_else(|| variable("CI_JOB_TOKEN").map(|secret| Token::new(TokenKind::Job, secret))),
        (None, Forge::GitHub) => variable("GITHUB_TOKEN").or_else(|| variable("GH_TOKEN")).map(own),
        (None, Forge::Gitea) => ["GITEA_TOKEN", "FORGEJO_TOKEN", "GITHUB_TOKEN"]
            .iter()
            .find_map(|name| variable(name))
            .map(own),
    };
    let is_odd = |token: &Token| token.secret.bytes().any(|byte| !byte.is_ascii_graphic());
    if found.as_ref().is_some_and(is_odd) {
        return Err(ForgeError::Odd {
            name: "the token".to_owned(),
            reason: "it has characters that no token has; is there a line end in the secret?".to_owned(),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)], event: Option<&str>) -> Result<Place, ForgeError> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        place_of(&Surroundings {
            variable: &variable,
            event: event.map(str::as_bytes),
            forge: None,
            api: None,
            repository: None,
            number: None,
            token: None,
        })
    }

    #[test]
    fn each_ci_is_understood() {
        let github = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "o/r"),
            ("GITHUB_TOKEN", "s3cret"),
        ];
        let gitea = [
            ("GITHUB_ACTIONS", "true"),
            ("GITEA_ACTIONS", "true"),
            ("GITHUB_SERVER_URL", "https://git.example.com/"),
            ("GITHUB_REPOSITORY", "o/r"),
        ];
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
            ("CI_PROJECT_ID", "7"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "8"),
            ("CI_MERGE_REQUEST_IID", "12"),
            ("CI_JOB_TOKEN", "s3cret"),
        ];
        let pull = Some(r#"{"pull_request": {"number": 12}}"#);
        for (variables, event, want) in [
            (&github[..], pull, "GitHub https://api.github.com o/r"),
            (&gitea, pull, "Gitea https://git.example.com/api/v1 o/r"),
            (&gitlab, None, "GitLab https://gitlab.example.com/api/v4 8"),
        ] {
            let place = place(variables, event).unwrap();
            assert_eq!(
                format!("{:?} {} {}", place.forge, place.api, place.repository),
                want
            );
            assert_eq!(place.request, Request::Number(12));
            assert!(!format!("{place:?}").contains("s3cret"));
        }
        let of_ref = place(
            &[github.as_slice(), &[("GITHUB_REF", "refs/pull/5/merge")]].concat(),
            None,
        )
        .unwrap();
        assert_eq!(of_ref.request, Request::Number(5));
        let run = r#"{"workflow_run": {"head_branch": "b", "head_sha": "00ff", "head_repository": {"owner": {"login": "me"}}}}"#;
        let want = Request::Head {
            label: "me:b".to_owned(),
            commit: "00ff".to_owned(),
        };
        assert_eq!(place(&github, Some(run)).unwrap().request, want);
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_out() {
        let github = ("GITHUB_REPOSITORY", "o/r");
        for (variables, event, want) in [
            (&[][..], None, "the forge is not known: give it with --forge"),
            (
                &[("GITHUB_ACTIONS", "true")],
                None,
                "the repository is not known: give it with --repo",
            ),
            (
                &[github],
                Some("{}"),
                "the pull request is not known: give it with --number",
            ),
            (&[github], Some("x"), "GITHUB_EVENT_PATH: expected value"),
            (
                &[("GITLAB_CI", "1"), ("CI_PROJECT_ID", "7")],
                None,
                "the merge request is not known",
            ),
            (
                &[
                    github,
                    ("GITHUB_TOKEN", "a\n"),
                    ("GITHUB_REF", "refs/pull/5/head"),
                ],
                None,
                "the token: it has characters",
            ),
        ] {
            let error = place(variables, event).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
