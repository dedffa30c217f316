//! Names of an engine's images that come near one that it does not have.
//!
//! A module of its own because it is a matter of taste, and pure.

/// Names that are said at most.
const MOST: usize = 5;

/// The names among `all` that share the last part of `wanted`'s repository, or a beginning of it; all where there are few.
pub(super) fn names(wanted: &str, all: &[String]) -> Vec<String> {
    let word = last_part(wanted);
    let is_near = |name: &&String| {
        let other = last_part(name);
        let begins = word
            .chars()
            .zip(other.chars())
            .take_while(|(a, b)| a == b)
            .count();
        other.contains(word) || word.contains(other) || begins >= 4
    };
    let near: Vec<&String> = all.iter().filter(is_near).collect();
    let shown = match near.len() {
        0 if all.len() <= MOST => all.iter().collect(),
        _ => near,
    };
    shown
        .into_iter()
        .take(MOST)
        .map(|name| crate::http::shown(name))
        .collect()
}

/// `app` of `ghcr.io/o/app:1@sha256:…`.
fn last_part(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_come_near_are_said() {
        let all: Vec<String> = [
            "app:1",
            "ghcr.io/o/app:2",
            "my-app:3",
            "redis:7",
            "postgres:16",
            "nginx:1",
            "busybox:1",
        ]
        .map(str::to_owned)
        .to_vec();
        for (wanted, want) in [
            ("app:9", "app:1 ghcr.io/o/app:2 my-app:3"),
            ("postgresql", "postgres:16"),
            ("nothing", ""),
        ] {
            assert_eq!(names(wanted, &all).join(" "), want, "{wanted}");
        }
        assert_eq!(names("nothing", &all[..2]), all[..2]);
    }
}
