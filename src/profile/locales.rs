//! The languages that an image speaks.
//!
//! A module of its own because the profile's `locales` and the variables of an image's config say the same thing in
//! several spellings, and the C library looks for translations under several names of one locale.

/// The locales in use: translations for them stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Locales {
    wanted: Vec<Locale>,
}

/// `language[_territory][.codeset][@modifier]`, without the codeset: no translation is kept apart by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Locale {
    language: Vec<u8>,
    territory: Option<Vec<u8>>,
    modifier: Option<Vec<u8>>,
}

impl Locales {
    /// Reads the values of `LANG`, `LC_*`, `LANGUAGE` (several, with colons) and of a profile's `locales`.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let names = values
            .into_iter()
            .flat_map(|value| value.split(|&byte| byte == b':'));
        let mut wanted: Vec<Locale> = names.filter_map(parse).collect();
        wanted.sort_unstable();
        wanted.dedup();
        Self { wanted }
    }

    /// Whether a directory of translations, `de` or `pt_BR` or `sr@latin`, is looked into for a locale in use.
    ///
    /// As in gettext, `de_AT` also reads `de`, but neither `de_CH` nor, for `de`, `de_AT`.
    pub fn uses(&self, directory: &[u8]) -> bool {
        let Some(found) = parse(directory) else {
            return false;
        };
        // An image may name a million locales: those of one language lie together.
        let from = self
            .wanted
            .partition_point(|wanted| wanted.language < found.language);
        let mut alike = self.wanted[from..]
            .iter()
            .take_while(|wanted| wanted.language == found.language);
        alike.any(|wanted| {
            (found.territory.is_none() || found.territory == wanted.territory)
                && (found.modifier.is_none() || found.modifier == wanted.modifier)
        })
    }
}

/// None for the locales that need no translation: `C`, `POSIX`, the empty one.
fn parse(name: &[u8]) -> Option<Locale> {
    let (name, modifier) = cut(name, b'@');
    let (name, _codeset) = cut(name, b'.');
    let (language, territory) = cut(name, b'_');
    if matches!(language, b"" | b"C" | b"POSIX") {
        return None;
    }
    Some(Locale {
        language: language.to_ascii_lowercase(),
        territory: territory.map(<[u8]>::to_ascii_uppercase),
        modifier: modifier.map(<[u8]>::to_ascii_lowercase),
    })
}

fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == at) {
        Some(position) => (&text[..position], Some(&text[position + 1..])),
        None => (text, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_gettext_does() {
        for (values, directory, want) in [
            ("de_AT.UTF-8", "de", true),
            ("de_AT.UTF-8", "de_AT", true),
            ("de_AT.UTF-8", "de_AT.utf8", true),
            ("de_AT.UTF-8", "de_CH", false),
            ("de", "de_AT", false),
            ("sr_RS@latin", "sr@latin", true),
            ("sr_RS", "sr@latin", false),
            ("sv:de", "de", true),
            ("C.UTF-8", "C", false),
            ("", "de", false),
            ("POSIX", "de", false),
            ("en_US.UTF-8", "en_GB", false),
            ("den", "de", false),
        ] {
            assert_eq!(
                Locales::new([values.as_bytes()]).uses(directory.as_bytes()),
                want,
                "{values} {directory}"
            );
        }
    }
}
