//! `slim comment`: one comment after ten runs, on three forges, whatever they answer.

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::support::cmd::Sandbox;
use crate::support::forge::{Fault, Forge, Kind, NUMBER, Said, TOKEN, me};
use crate::support::medium::Codec;
use crate::support::recipe::Recipe;

const KINDS: [Kind; 3] = [Kind::GitHub, Kind::GitLab, Kind::Gitea];
const RUN: &str = "comment --body comment.md --key app";

/// A sandbox in a job of the forge's CI.
fn job(forge: &Forge) -> Sandbox {
    let mut sandbox = Sandbox::new();
    for (name, value) in forge.environment() {
        sandbox.set(name, value);
    }
    sandbox.write("comment.md", "the image grew\n");
    sandbox
}

fn ours(forge: &Forge) -> Vec<Said> {
    let ours = |said: &Said| said.author == me(forge.kind);
    forge.comments().into_iter().filter(ours).collect()
}

#[test]
fn ten_runs_make_one_comment_among_many() {
    for kind in KINDS {
        let forge = Forge::start(kind);
        let sandbox = job(&forge);
        for number in 0..250 {
            forge.says("somebody", &format!("remark {number}"));
        }
        forge.says("eve", "<!-- layerslim:app -->\nI know your mark");
        forge.says("system", "<!-- layerslim:app -->\nchanged the description");
        for run in 0..10 {
            sandbox.write("comment.md", format!("run {run}\n"));
            sandbox.slim(RUN).ok();
        }
        let ours = ours(&forge);
        assert_eq!(ours.len(), 1, "{kind:?}");
        assert_eq!(ours[0].body, "<!-- layerslim:app -->\nrun 9\n", "{kind:?}");
        assert_eq!(ours[0].changes, 9, "{kind:?}");
        let others: Vec<_> = forge
            .comments()
            .into_iter()
            .filter(|said| said.author != me(kind))
            .collect();
        assert_eq!(others.len(), 252);
        assert!(
            others.iter().all(|said| said.changes == 0),
            "{kind:?}: what others wrote is theirs"
        );
    }
}

#[test]
fn each_image_has_its_own_comment() {
    for kind in KINDS {
        let forge = Forge::start(kind);
        let sandbox = job(&forge);
        for _ in 0..2 {
            for key in ["app", "app-worker", "registry.example/o/app"] {
                sandbox
                    .slim(&format!("comment --body comment.md --key {key}"))
                    .ok();
            }
        }
        assert_eq!(ours(&forge).len(), 3, "{kind:?}");
        let last = forge.asked().pop().unwrap();
        assert!(
            last.starts_with("GET "),
            "what says the same is not sent again: {last}"
        );
    }
}

#[test]
fn a_token_that_does_not_know_itself_touches_no_persons_comment() {
    for kind in [Kind::GitHub, Kind::Gitea] {
        let forge = Forge::start(kind);
        forge.does_not_know_itself();
        let sandbox = job(&forge);
        forge.says("eve", "<!-- layerslim:app -->\nI know your mark");
        sandbox.slim(RUN).ok();
        sandbox.write("comment.md", "again\n");
        sandbox.slim(RUN).ok();
        assert_eq!(ours(&forge).len(), 1, "{kind:?}");
        assert_eq!(forge.comments()[0].changes, 0, "{kind:?}");
    }
}

#[test]
fn a_token_of_a_fork_writes_summary_and_file_and_ends_well() {
    for kind in KINDS {
        let forge = Forge::start(kind);
        forge.read_only();
        let mut sandbox = job(&forge);
        let alone = sandbox.slim(RUN).ok();
        assert_eq!(alone.stdout, "the image grew\n", "{kind:?}: nowhere else to go");
        sandbox.write("summary.md", "an earlier step\n");
        sandbox.set(
            "GITHUB_STEP_SUMMARY",
            sandbox.path("summary.md").display().to_string(),
        );
        let done = sandbox.slim(&format!("{RUN} -o out.md")).ok();
        for word in ["may read and not write", "step summary", "out.md"] {
            assert!(done.stderr.contains(word), "{kind:?}: {}", done.stderr);
        }
        assert_eq!(done.stdout, "");
        assert_eq!(
            fs::read_to_string(sandbox.path("out.md")).unwrap(),
            "the image grew\n"
        );
        let summary = fs::read_to_string(sandbox.path("summary.md")).unwrap();
        assert_eq!(summary, "an earlier step\nthe image grew\n\n");
        assert!(forge.comments().is_empty());

        // No token at all: what a fork's build has where secrets are secrets.
        for name in ["GITHUB_TOKEN", "GITLAB_TOKEN"] {
            sandbox.set(name, "");
        }
        let done = sandbox.slim(&format!("{RUN} -o out.md")).ok();
        assert!(done.stderr.contains("no token"), "{}", done.stderr);
    }
}

#[test]
fn a_busy_forge_is_borne_with() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let headers = |pairs: &[(&'static str, String)]| pairs.to_vec();
    let limited = headers(&[
        ("X-RateLimit-Remaining", "0".into()),
        ("X-RateLimit-Reset", (now + 1).to_string()),
    ]);
    let after = headers(&[("Retry-After", "1".into())]);
    let (get, post) = ("GET", "POST");
    for faults in [
        vec![Fault::new(get, 502), Fault::new(get, 503)],
        vec![Fault {
            headers: after.clone(),
            ..Fault::new(post, 429)
        }],
        vec![Fault {
            headers: limited.clone(),
            ..Fault::new(post, 403)
        }],
        vec![Fault {
            headers: after,
            ..Fault::new(post, 403)
        }],
        vec![Fault::new(post, 500)],
        // It was written, and the answer lost: it is not written twice.
        vec![Fault {
            is_done: true,
            ..Fault::new(post, 502)
        }],
    ] {
        let forge = Forge::start(Kind::GitHub);
        let sandbox = job(&forge);
        let said = format!("{faults:?}");
        for fault in faults {
            forge.fails(fault);
        }
        sandbox.slim(RUN).ok();
        assert_eq!(ours(&forge).len(), 1, "{said}");
    }
}

#[test]
fn patience_has_an_end() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let headers = vec![
        ("X-RateLimit-Remaining", "0".to_owned()),
        ("X-RateLimit-Reset", (now + 3000).to_string()),
    ];
    let forge = Forge::start(Kind::GitHub);
    let sandbox = job(&forge);
    forge.fails(Fault {
        headers,
        ..Fault::new("POST", 403)
    });
    let begin = Instant::now();
    sandbox
        .slim(&format!("{RUN} -q"))
        .one_line(4, &["no more requests for"]);
    assert!(
        begin.elapsed() < Duration::from_secs(10),
        "it does not wait for an hour"
    );
    for _ in 0..8 {
        forge.fails(Fault::new("GET", 500));
    }
    sandbox
        .slim(&format!("{RUN} -q"))
        .one_line(4, &["500 from", "as ordered"]);
    assert!(forge.comments().is_empty());
}

#[test]
fn what_a_forge_refuses_is_said() {
    for (status, code, words) in [
        (401, 4, &["401", "the token is refused", "as ordered"][..]),
        (404, 4, &["does not exist, or the token may not see it"]),
        (418, 4, &["418 from"]),
    ] {
        let forge = Forge::start(Kind::GitHub);
        let sandbox = job(&forge);
        // The first question is who the token is, and may be refused.
        forge.fails(Fault::new("GET", 403));
        forge.fails(Fault::new("GET", status));
        sandbox.slim(&format!("{RUN} -q")).one_line(code, words);
    }
    let forge = Forge::start(Kind::GitHub);
    let mut sandbox = job(&forge);
    sandbox.set("GITHUB_TOKEN", "wrong");
    sandbox
        .slim(&format!("{RUN} -q"))
        .one_line(4, &["token is refused", "Bad credentials"]);
    sandbox.set("GITHUB_API_URL", "http://forge.example:1");
    let said = sandbox
        .slim(&format!("{RUN} -q"))
        .one_line(4, &["https only", "forge.example"]);
    assert!(!said.contains("wrong"), "{said}");
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let forge = Forge::start(Kind::GitHub);
    let sandbox = job(&forge);
    sandbox.write("comment.md", "a line of the report\n".repeat(10_000));
    sandbox.slim(RUN).ok();
    let length = |forge: &Forge| ours(forge)[0].body.chars().count();
    assert!((60_000..=65_536).contains(&length(&forge)), "{}", length(&forge));
    forge.takes_at_most(20_000);
    sandbox.slim(&format!("{RUN}-2")).ok();
    let comments = ours(&forge);
    assert!(comments[1].body.chars().count() <= 20_000);
    assert!(
        comments
            .iter()
            .all(|said| said.body.contains("The rest is cut off"))
    );
    forge.takes_at_most(100);
    sandbox
        .slim(&format!("{RUN}-3 -q"))
        .one_line(4, &["refuses a comment of", "too long"]);
}

#[test]
fn a_dry_run_prints_the_requests_and_no_secret() {
    for kind in KINDS {
        let forge = Forge::start(kind);
        let sandbox = job(&forge);
        let said = sandbox.slim(&format!("{RUN} --dry-run")).ok().stdout;
        let change = if kind == Kind::GitLab { "PUT" } else { "PATCH" };
        for word in [
            "GET http://127.0.0.1",
            "POST http://127.0.0.1",
            change,
            "the image grew",
            "<!-- layerslim:app -->",
        ] {
            assert!(said.contains(word), "{kind:?}: {said}");
        }
        assert!(!said.contains(TOKEN) && forge.asked().is_empty(), "{said}");
    }
}

#[test]
fn a_workflow_that_another_one_started_finds_the_pull_request() {
    let forge = Forge::start(Kind::GitHub);
    let mut sandbox = job(&forge);
    sandbox.set("GITHUB_REF", "refs/heads/main");
    let event = |commit: &str| {
        format!(
            r#"{{"workflow_run": {{"head_branch": "b", "head_sha": "{commit}", "head_repository": {{"owner": {{"login": "fork"}}}}}}}}"#
        )
    };
    let path = sandbox.write("event.json", event("c0ffee"));
    sandbox.set("GITHUB_EVENT_PATH", path.display().to_string());
    sandbox.slim(RUN).ok();
    assert_eq!(ours(&forge).len(), 1);
    let asked = forge.asked();
    assert!(
        asked
            .iter()
            .any(|line| line.contains("/pulls?") && line.contains("head=fork%3Ab")),
        "{asked:?}"
    );
    assert!(
        asked
            .iter()
            .any(|line| line.contains(&format!("/issues/{NUMBER}/comments")))
    );
    sandbox.write("event.json", event("beef"));
    sandbox
        .slim(&format!("{RUN} -q"))
        .one_line(4, &["no open pull request of fork:b at beef"]);
}

#[test]
fn without_a_forge_it_says_what_is_missing() {
    let mut sandbox = Sandbox::new();
    sandbox.write("comment.md", "x");
    sandbox
        .slim(RUN)
        .one_line(2, &["the forge is not known", "--forge"]);
    sandbox
        .slim(&format!("{RUN} --forge github"))
        .one_line(2, &["--repo"]);
    sandbox
        .slim(&format!("{RUN} --forge github --repo o/r"))
        .one_line(2, &["--number"]);
    sandbox
        .slim(&format!("{RUN} --forge gitea --repo o/r --number 1"))
        .one_line(2, &["--api"]);
    sandbox.set("MY_TOKEN", "s3cr3t");
    let line = format!(
        "{RUN} --forge forgejo --api https://git.example.com/api/v1/ --repo o/r --number 1 --token-env MY_TOKEN --dry-run"
    );
    let said = sandbox.slim(&line).ok().stdout;
    assert!(
        said.contains("POST https://git.example.com/api/v1/repos/o/r/issues/1/comments"),
        "{said}"
    );
    sandbox.slim("comment --forge github").code(2);
    sandbox.slim("comment oci:a --forge github").code(2);
}

/// Two builds of one application: one source changed.
#[test]
fn the_comment_says_what_changed_and_which_budgets_hold() {
    let forge = Forge::start(Kind::GitHub);
    let sandbox = job(&forge);
    let build = |source: u32| {
        Recipe::new(&format!(
            "layer FROM base\nf usr/lib/libc.so 50000\nlayer COPY src /app/src\nf app/src/main.py {source}\nlayer RUN make\nf app/out 9000"
        ))
    };
    build(2000).oci(&sandbox.path("old"), "t", Codec::Gzip);
    build(3000).oci(&sandbox.path("new"), "t", Codec::Gzip);
    sandbox.write("slim.toml", "[budget]\nmax-growth = 100\nmax-disk = \"1 MB\"\n");
    for _ in 0..2 {
        sandbox
            .slim("comment oci:new:t --against oci:old:t -o out.md")
            .ok();
    }
    let comments = ours(&forge);
    assert_eq!(comments.len(), 1);
    assert_eq!(comments[0].changes, 0, "the same images give the same text");
    let body = &comments[0].body;
    for word in [
        "<!-- layerslim:oci:new -->",
        "COPY src /app/src",
        "max-growth",
        "over",
        "1 budget kept",
    ] {
        assert!(body.replace('\u{a0}', " ").contains(word), "{word}\n{body}");
    }
    assert!(body.ends_with(&fs::read_to_string(sandbox.path("out.md")).unwrap()));
    sandbox.slim("report oci:old:t --format json -o old.json").ok();
    sandbox.slim("comment oci:new:t --against old.json").ok();
    let body = &ours(&forge)[0].body;
    for word in ["+1.00 kB", "on disk", "max-growth", "saved report"] {
        assert!(body.replace('\u{a0}', " ").contains(word), "{word}\n{body}");
    }
}
