//! Logins as people have them: files of docker and podman, helpers, tokens, certificates, proxies. Debian's
//! `docker-registry` judges them. No secret is in any output, and none reaches a host that it does not belong to.

mod hosts;
mod places;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::support::cmd::Outcome;
use crate::support::recipe::Recipe;
use crate::support::registry::{PASSWORD, USER};
use crate::support::token::REFRESH;

fn recipe() -> Recipe {
    Recipe::new("layer ADD rootfs\nd usr\nf usr/a 90000 mode=755\nlayer RUN\nd tmp\nf tmp/x 5000\nf b 4000")
}

fn basic() -> String {
    STANDARD.encode(format!("{USER}:{PASSWORD}"))
}

/// A docker config that knows the password of a host.
fn with_password(host: &str) -> String {
    json!({"auths": {host: {"auth": basic()}}}).to_string()
}

/// Asserts that nothing secret was said.
#[track_caller]
fn discreet(outcome: Outcome) -> Outcome {
    for text in [&outcome.stdout, &outcome.stderr] {
        for secret in [PASSWORD, &basic(), REFRESH, "hunter2", "eyJ"] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
    }
    outcome
}
