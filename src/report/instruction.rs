//! The instruction that made a layer, as its author wrote it in the Dockerfile.
//!
//! A module of its own because builders wrap instructions in words of their own, each in its way, and every
//! rendering wants them gone. The document keeps what the builder wrote.

/// `created_by` of a history row without what the builder added: `/bin/sh -c #(nop)`, build arguments,
/// `# buildkit`; white space runs become one space, long hashes are cut to twelve digits.
pub fn instruction(created_by: &str) -> String {
    let text = created_by.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.strip_suffix("# buildkit").unwrap_or(&text).trim();
    let shell = text.strip_prefix("RUN ").unwrap_or(text);
    let text = match command(shell) {
        Some(command) => match command.strip_prefix("#(nop)") {
            Some(instruction) => instruction.trim().to_owned(),
            None => format!("RUN {command}"),
        },
        None => text.to_owned(),
    };
    text.split(' ').map(short_hash).collect::<Vec<_>>().join(" ")
}

/// What `/bin/sh -c`, or `|2 A=1 B=2 /bin/sh -c`, is given to run.
fn command(text: &str) -> Option<&str> {
    let is_wrapped = text.starts_with("/bin/sh -c ") || is_count_of_arguments(text);
    let (_, command) = text.split_once("/bin/sh -c ").filter(|_| is_wrapped)?;
    Some(command.trim())
}

/// `|2 …`: the classic builder and `BuildKit` count the build arguments that they put before a command.
fn is_count_of_arguments(text: &str) -> bool {
    let count = text.strip_prefix('|').and_then(|rest| rest.split(' ').next());
    count.is_some_and(|count| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
}

/// `file:<64 digits>` with twelve of them.
fn short_hash(word: &str) -> &str {
    let hash = ["file:", "dir:", "multi:"]
        .iter()
        .find_map(|kind| Some((kind.len(), word.strip_prefix(kind)?)));
    match hash {
        Some((kind, digits)) if digits.len() >= 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            &word[..kind + 12]
        }
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_builders_add_is_gone() {
        let hash = "0123456789abcdef".repeat(4);
        for (created_by, want) in [
            ("", ""),
            ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD [\"bash\"]"),
            (
                &format!("/bin/sh -c #(nop) ADD file:{hash} in / "),
                "ADD file:0123456789ab in /",
            ),
            ("/bin/sh -c apt-get update", "RUN apt-get update"),
            (
                "RUN /bin/sh -c set -eux;   apt-get update \t&& true # buildkit",
                "RUN set -eux; apt-get update && true",
            ),
            ("RUN |2 A=1 B=x y /bin/sh -c make # buildkit", "RUN make"),
            ("|1 CA=-----BEGIN /bin/sh -c make", "RUN make"),
            ("COPY --link /usr /usr # buildkit", "COPY --link /usr /usr"),
            (
                "RUN /bin/bash -o pipefail -c make # buildkit",
                "RUN /bin/bash -o pipefail -c make",
            ),
            ("| grep x", "| grep x"),
            ("bazel build", "bazel build"),
        ] {
            assert_eq!(instruction(created_by), want, "{created_by}");
        }
    }
}
