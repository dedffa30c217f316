//! `slim comment`: which comment it is and where it goes.
//!
//! A room of its own because it exists only where forges are spoken to.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::forge::Forge;

#[derive(Debug, Args)]
pub(in crate::cli) struct CommentArgs {
    /// The image
    #[arg(required_unless_present = "body", requires = "against")]
    pub(in crate::cli) image: Option<String>,
    /// Compare with this image, or with a report of it that `slim report --format json` saved
    #[arg(long, value_name = "BASE", requires = "image")]
    pub(in crate::cli) against: Option<String>,
    /// Write what this file holds instead: Markdown that another run made with -o
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["image", "against"])]
    pub(in crate::cli) body: Option<PathBuf>,
    /// Show the budgets of this file [default: slim.toml and .dive-ci of the current directory]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) config: Option<PathBuf>,
    /// Which comment it is; of each key there is one [default: the image without tag and digest]
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) key: Option<String>,
    /// The kind of forge [default: as the CI says]
    #[arg(long, value_name = "FORGE", value_parser = forge, help_heading = "Where")]
    pub(in crate::cli) forge: Option<Forge>,
    /// The URL of its API, as in `https://git.example.com/api/v1` [default: as the CI says]
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub(in crate::cli) api: Option<String>,
    /// The repository; of GitLab the project's number or path [default: as the CI says]
    #[arg(long, value_name = "OWNER/NAME", help_heading = "Where")]
    pub(in crate::cli) repo: Option<String>,
    /// The number of the pull request or merge request [default: as the CI says]
    #[arg(long, value_name = "N", help_heading = "Where")]
    pub(in crate::cli) number: Option<u64>,
    /// The environment variable that holds the token [default: `GITHUB_TOKEN`, `GITLAB_TOKEN`, `CI_JOB_TOKEN` or `GITEA_TOKEN`]
    #[arg(long, value_name = "NAME", help_heading = "Where")]
    pub(in crate::cli) token_env: Option<String>,
    /// Send nothing and print the requests
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Write the Markdown to this file as well
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) output: Option<PathBuf>,
}

fn forge(text: &str) -> Result<Forge, String> {
    let found = Forge::ALL.into_iter().find(|forge| forge.as_str() == text);
    // Forgejo speaks as Gitea does.
    found
        .or_else(|| (text == "forgejo").then_some(Forge::Gitea))
        .ok_or_else(|| "there are github, gitlab, gitea and forgejo".to_owned())
}
