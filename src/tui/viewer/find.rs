//! Bytes looked for in bytes, forwards and backwards.
//!
//! Of its own because it is all that a search in a viewer is: a word in small letters matches in any case.

/// Where `word` stands next, from `from` on; from the beginning again where it stands nowhere behind.
pub(super) fn next(bytes: &[u8], word: &str, from: usize) -> Option<usize> {
    let from = from.min(bytes.len());
    let behind = first(&bytes[from..], word).map(|at| from + at);
    behind.or_else(|| first(&bytes[..(from + word.len()).min(bytes.len())], word))
}

/// Where it stands last before `from`; from the end again where it stands nowhere before.
pub(super) fn previous(bytes: &[u8], word: &str, from: usize) -> Option<usize> {
    let end = (from + word.len()).saturating_sub(1).min(bytes.len());
    let before = last(&bytes[..end], word).filter(|&at| at < from);
    before.or_else(|| last(bytes, word))
}

fn first(bytes: &[u8], word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    if is_exact(word) {
        return memchr::memmem::find(bytes, word.as_bytes());
    }
    let head = word.as_bytes()[0];
    let heads = memchr::memchr2_iter(head, head.to_ascii_uppercase(), bytes);
    heads.into_iter().find(|&at| is_at(bytes, word, at))
}

fn last(bytes: &[u8], word: &str) -> Option<usize> {
    if word.is_empty() {
        return None;
    }
    if is_exact(word) {
        return memchr::memmem::rfind(bytes, word.as_bytes());
    }
    let head = word.as_bytes()[0];
    let mut heads = memchr::memrchr2_iter(head, head.to_ascii_uppercase(), bytes);
    heads.find(|&at| is_at(bytes, word, at))
}

fn is_exact(word: &str) -> bool {
    word.chars().any(char::is_uppercase)
}

fn is_at(bytes: &[u8], word: &str, at: usize) -> bool {
    bytes
        .get(at..at + word.len())
        .is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_round_and_round() {
        let text = b"one Two two TWO one";
        for (word, from, forwards, backwards) in [
            ("two", 0, Some(4), Some(12)),
            ("two", 5, Some(8), Some(4)),
            ("Two", 5, Some(4), Some(4)),
            ("two", 13, Some(4), Some(12)),
            ("one", 1, Some(16), Some(0)),
            ("one", 0, Some(0), Some(16)),
            ("none", 0, None, None),
            ("", 0, None, None),
        ] {
            assert_eq!(next(text, word, from), forwards, "{word} from {from}");
            assert_eq!(previous(text, word, from), backwards, "{word} before {from}");
        }
    }
}
