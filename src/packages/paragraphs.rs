//! Databases that are paragraphs with an empty line between them, as dpkg and apk write theirs.
//!
//! A module of its own because they are read and taken apart in the same pieces: what is read as one package is what goes
//! as one.

/// Every paragraph with the empty lines behind it: joined they are the file.
pub(super) fn paragraphs(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (mut at, mut has_text, mut is_over) = (0, false, false);
        while at < rest.len() {
            let end = rest[at..]
                .iter()
                .position(|&b| b == b'\n')
                .map_or(rest.len(), |length| at + length + 1);
            let is_empty = rest[at..end].trim_ascii().is_empty();
            if is_over && !is_empty {
                break;
            }
            has_text |= !is_empty;
            is_over = has_text && is_empty;
            at = end;
        }
        let (paragraph, behind) = rest.split_at(at);
        rest = behind;
        Some(paragraph)
    })
}

/// The file without the paragraphs that `goes` says.
pub(super) fn without(bytes: &[u8], goes: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    paragraphs(bytes)
        .filter(|paragraph| !goes(paragraph))
        .collect::<Vec<_>>()
        .concat()
}

/// The fields of a paragraph of a control file (deb-control(5)): names in lower case, lines that go on joined by spaces.
pub(super) fn fields(paragraph: &[u8]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in paragraph.split(|&b| b == b'\n') {
        let text = String::from_utf8_lossy(line);
        if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((name, value)) = text.split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_they_are_the_file() {
        for (text, want) in [
            ("", &[][..]),
            ("a: 1\n\nb: 2\n", &["a: 1\n\n", "b: 2\n"]),
            ("\n\na: 1\nb\n\n\nc", &["\n\na: 1\nb\n\n\n", "c"]),
            ("a\n \nb", &["a\n \n", "b"]),
        ] {
            let got: Vec<_> = paragraphs(text.as_bytes()).collect();
            let want: Vec<_> = want.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(got, want, "{text:?}");
            assert_eq!(got.concat(), text.as_bytes());
        }
        let left = without(b"P:a\n\nP:b\n\nP:c\n\n", |paragraph| {
            paragraph.starts_with(b"P:b")
        });
        assert_eq!(left, b"P:a\n\nP:c\n\n");
    }

    #[test]
    fn fields_that_go_on() {
        let got = fields(b"Package: a\nDepends: b,\n c (>= 1)\nno field\n\n");
        let want = [("package", "a"), ("depends", "b, c (>= 1)")];
        assert_eq!(got, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
