//! The text of a comment: the hidden mark that finds it again, and the cut where a forge takes no more.
//!
//! A module of its own because it is pure, and the same for every forge.

/// The most characters of a comment: GitHub takes no more.
pub const LONGEST: usize = 65_536;
/// What is said where something was cut off.
const CUT: &str = "\n\n_The rest is cut off: a comment holds no more._\n";

/// What a comment says, and which one it is.
#[derive(Debug, Clone)]
pub struct Comment {
    key: String,
    markdown: String,
}

impl Comment {
    /// A comment of Markdown; of all comments with the same key there is one.
    pub fn new(key: &str, markdown: impl Into<String>) -> Self {
        Self {
            key: safe(key),
            markdown: markdown.into(),
        }
    }

    /// What a comment with this key begins with; it is not shown.
    pub fn mark(&self) -> String {
        format!("<!-- layerslim:{} -->", self.key)
    }

    /// Mark and text, of at most so many characters.
    pub fn body(&self, longest: usize) -> String {
        let mark = self.mark();
        let room = longest.saturating_sub(mark.chars().count() + 1);
        format!("{mark}\n{}", cut(&self.markdown, room))
    }
}

/// What tells the comments of several images apart: the image's name without its tag and digest, which change with each build.
pub fn key_of(image: &str) -> String {
    let bare = image.split('@').next().unwrap_or_default();
    let slash = bare.rfind('/').map_or(0, |at| at + 1);
    let name = &bare[slash..];
    // `oci:dir:tag` and `app:1.2` have a tag behind the last colon, `oci:dir` and `docker-archive:a.tar` have none.
    let transports = ["docker-archive", "oci-archive", "oci", "docker-daemon"];
    let tag = name
        .rfind(':')
        .filter(|at| slash > 0 || !transports.contains(&&name[..*at]));
    let end = tag.map_or(bare.len(), |at| slash + at);
    bare[..end].to_owned()
}

/// A key that ends no HTML comment and no line.
fn safe(key: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for c in key.chars() {
        if c.is_ascii_alphanumeric() || "._/:@+-".contains(c) && !(c == '-' && out.ends_with('-')) {
            out.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing into a `String` cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The first lines of a text that fit in so many characters, with what is open closed, and a word that there was more.
fn cut(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut length = CUT.chars().count();
    let mut open = 0;
    for line in text.split_inclusive('\n') {
        let is_open =
            (open + line.matches("<details").count()).saturating_sub(line.matches("</details>").count());
        let more = line.chars().count();
        if length + more + CLOSE.len() * is_open > longest {
            break;
        }
        kept.push_str(line);
        length += more;
        open = is_open;
    }
    kept + &CLOSE.repeat(open) + CUT
}

const CLOSE: &str = "\n</details>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_name_that_stays() {
        for (image, want) in [
            ("ghcr.io/o/app:pr-12", "ghcr.io/o/app"),
            (
                "docker://localhost:5000/o/app:1.2@sha256:00ff",
                "docker://localhost:5000/o/app",
            ),
            ("docker://localhost:5000/o/app", "docker://localhost:5000/o/app"),
            ("app:1.2", "app"),
            ("app", "app"),
            ("oci:build/image:1.2", "oci:build/image"),
            ("oci:image:1.2", "oci:image"),
            ("oci:image", "oci:image"),
            ("docker-archive:image.tar", "docker-archive:image.tar"),
            (
                "docker-archive:out/image.tar:app:1",
                "docker-archive:out/image.tar:app",
            ),
        ] {
            assert_eq!(key_of(image), want);
        }
    }

    #[test]
    fn a_mark_is_one_html_comment() {
        for (key, want) in [
            ("ghcr.io/o/app", "<!-- layerslim:ghcr.io/o/app -->"),
            ("a --> <b>\n", "<!-- layerslim:a%20-%2D%3E%20%3Cb%3E%0A -->"),
            ("\u{e9}", "<!-- layerslim:%C3%A9 -->"),
        ] {
            assert_eq!(Comment::new(key, "").mark(), want);
        }
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_line_and_closed() {
        let comment = Comment::new(
            "k",
            "one\n<details><summary>x</summary>\ntwo\nthree\n</details>\nfour\n",
        );
        let whole = comment.body(LONGEST);
        assert!(whole.ends_with("four\n"));
        for longest in 80..whole.chars().count() {
            let body = comment.body(longest);
            assert!(body.chars().count() <= longest, "{longest}: {body}");
            assert!(
                body.starts_with("<!-- layerslim:k -->\n") && body.ends_with(CUT),
                "{body}"
            );
            assert_eq!(
                body.matches("<details").count(),
                body.matches("</details>").count(),
                "{body}"
            );
        }
        assert_eq!(comment.body(whole.chars().count()), whole);
    }
}
