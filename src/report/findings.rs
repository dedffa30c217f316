//! Files that look as if they should not be in an image: keys, logins, identities.
//!
//! A module of its own because a finding is no category: such a file keeps the category of what it is for. Names and facts
//! of probes alone are read; contents are never shown. A file that a later layer hides is told as well: everybody who
//! downloads the image can read it.

use super::json_path;
use super::model::Finding;
use crate::content::ContentMap;
use crate::layer::{FactKind, Kind};

/// How a rule knows a file.
enum By {
    /// The file's name.
    Name(&'static str),
    /// How its name ends.
    Ending(&'static str),
    /// How its path ends.
    Tail(&'static str),
    /// The whole path.
    Path(&'static str),
}
use By::{Ending, Name, Path, Tail};

/// What a file looks like, by its name. An empty file is none of them.
#[rustfmt::skip] // a table
const RULES: &[(&str, By)] = &[
    ("machine-id", Path("/etc/machine-id")),
    ("machine-id", Path("/var/lib/dbus/machine-id")),
    ("host-key", Path("/etc/ssh/ssh_host_dsa_key")),
    ("host-key", Path("/etc/ssh/ssh_host_ecdsa_key")),
    ("host-key", Path("/etc/ssh/ssh_host_ed25519_key")),
    ("host-key", Path("/etc/ssh/ssh_host_rsa_key")),
    ("private-key", Name("id_dsa")),
    ("private-key", Name("id_ecdsa")),
    ("private-key", Name("id_ecdsa_sk")),
    ("private-key", Name("id_ed25519")),
    ("private-key", Name("id_ed25519_sk")),
    ("private-key", Name("id_rsa")),
    ("private-key", Ending(".ppk")),
    ("key-store", Ending(".jks")),
    ("key-store", Ending(".keystore")),
    ("key-store", Ending(".p12")),
    ("key-store", Ending(".pfx")),
    ("key-store", Ending(".kdbx")),
    ("login", Name(".dockercfg")),
    ("login", Name(".git-credentials")),
    ("login", Name(".htpasswd")),
    ("login", Name(".netrc")),
    ("login", Name(".npmrc")),
    ("login", Name(".pgpass")),
    ("login", Name(".pypirc")),
    ("login", Name(".yarnrc.yml")),
    ("login", Tail("/.aws/credentials")),
    ("login", Tail("/.azure/accessTokens.json")),
    ("login", Tail("/.cargo/credentials.toml")),
    ("login", Tail("/.config/containers/auth.json")),
    ("login", Tail("/.config/gcloud/application_default_credentials.json")),
    ("login", Tail("/.config/gh/hosts.yml")),
    ("login", Tail("/.docker/config.json")),
    ("login", Tail("/.gem/credentials")),
    ("login", Tail("/.kube/config")),
    ("login", Tail("/.m2/settings.xml")),
    ("environment-file", Name(".env")),
    ("environment-file", Name(".env.dev")),
    ("environment-file", Name(".env.development")),
    ("environment-file", Name(".env.local")),
    ("environment-file", Name(".env.prod")),
    ("environment-file", Name(".env.production")),
    ("environment-file", Name(".env.staging")),
    ("environment-file", Name(".envrc")),
    ("shell-history", Name(".ash_history")),
    ("shell-history", Name(".bash_history")),
    ("shell-history", Name(".mysql_history")),
    ("shell-history", Name(".node_repl_history")),
    ("shell-history", Name(".psql_history")),
    ("shell-history", Name(".python_history")),
    ("shell-history", Name(".zsh_history")),
];

/// Every finding of all layers, base to top, in tar order.
pub(super) fn findings(map: &ContentMap) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut path = Vec::new();
    for layer in 0..map.layer_count() {
        let mut keys = map
            .facts(layer)
            .filter(|(_, fact)| fact.kind == FactKind::PrivateKey)
            .map(|(id, _)| id)
            .peekable();
        for id in map.layer_entries(layer) {
            let entry = map.entry(id);
            let is_key = keys.next_if_eq(&id).is_some();
            if entry.kind != Kind::File || entry.size == 0 {
                continue;
            }
            map.tree().write_absolute(entry.node, &mut path);
            let kind = by_name(&path).or_else(|| is_key.then_some("private-key"));
            let Some(kind) = kind else { continue };
            found.push(Finding {
                kind: kind.to_owned(),
                path: json_path(&path),
                layer,
                shadowed: !map.is_inode_visible(id),
                hidden_by: map.hidden_by(id).filter(|_| !map.is_inode_visible(id)),
            });
        }
    }
    found
}

fn by_name(path: &[u8]) -> Option<&'static str> {
    let name = path.rsplit(|&b| b == b'/').next()?;
    let is = |by: &By| match by {
        Name(text) => name == text.as_bytes(),
        Ending(text) => name.ends_with(text.as_bytes()),
        Tail(text) => path.ends_with(text.as_bytes()),
        Path(text) => path == text.as_bytes(),
    };
    RULES.iter().find(|(_, by)| is(by)).map(|(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_like_secrets_and_names_that_do_not() {
        for (path, want) in [
            ("/root/.ssh/id_rsa", Some("private-key")),
            ("/root/.ssh/id_rsa.pub", None),
            ("/etc/ssh/ssh_host_rsa_key", Some("host-key")),
            ("/etc/ssh/ssh_host_rsa_key.pub", None),
            ("/app/.env", Some("environment-file")),
            ("/app/.env.example", None),
            ("/app/x.env", None),
            ("/root/.docker/config.json", Some("login")),
            ("/app/config.json", None),
            ("/etc/machine-id", Some("machine-id")),
            ("/srv/etc/machine-id", None),
            ("/srv/server.p12", Some("key-store")),
            ("/", None),
        ] {
            assert_eq!(by_name(path.as_bytes()), want, "{path}");
        }
    }
}
