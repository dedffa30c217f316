//! Colours and symbols: what a terminal can show.
//!
//! A module of its own so that the layouts never write an escape sequence or a special character themselves.

/// Whether escape sequences for colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorMode {
    /// Plain text.
    #[default]
    None,
    /// The sixteen colours that every terminal has.
    Ansi,
}

/// Which characters bars and marks are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Symbols {
    /// Blocks, arrows and marks.
    #[default]
    Unicode,
    /// What every terminal has.
    Ascii,
}

/// How text is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Colours.
    pub color: ColorMode,
    /// Characters.
    pub symbols: Symbols,
}

/// What a piece of text is, so that it can be shown so. Never the only way in which that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Paint {
    #[default]
    Plain,
    /// Beside the point.
    Dim,
    /// A title, or the one number.
    Bold,
    /// Safe, done.
    Good,
    /// To be looked at.
    Warn,
    /// Risky, wrong.
    Bad,
}

/// What a symbol says, for [`Style::symbol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    Good,
    /// To be decided.
    Review,
    Bad,
    /// To be known.
    Notice,
    /// Nothing in particular.
    Point,
    /// Between two parts of a sentence.
    Dot,
    /// From one size to another.
    Arrow,
    /// Before an estimate.
    About,
    /// Where something was cut off.
    Ellipsis,
}

impl Style {
    pub(super) fn symbol(self, symbol: Symbol) -> &'static str {
        let (unicode, ascii) = match symbol {
            Symbol::Good => ("✓", "+"),
            Symbol::Review => ("?", "?"),
            Symbol::Bad => ("✗", "x"),
            Symbol::Notice => ("!", "!"),
            Symbol::Point => ("·", "."),
            Symbol::Dot => (" · ", " - "),
            Symbol::Arrow => ("→", "->"),
            Symbol::About => ("≈", "~"),
            Symbol::Ellipsis => ("…", ".."),
        };
        match self.symbols {
            Symbols::Unicode => unicode,
            Symbols::Ascii => ascii,
        }
    }

    /// Appends `text`, which is escaped already, in the colour of `paint`.
    pub(super) fn paint(self, paint: Paint, text: &str, out: &mut String) {
        let code = match (self.color, paint) {
            (ColorMode::None, _) | (_, Paint::Plain) => return out.push_str(text),
            (ColorMode::Ansi, Paint::Dim) => "2",
            (ColorMode::Ansi, Paint::Bold) => "1",
            (ColorMode::Ansi, Paint::Good) => "32",
            (ColorMode::Ansi, Paint::Warn) => "33",
            (ColorMode::Ansi, Paint::Bad) => "31",
        };
        for part in ["\u{1b}[", code, "m", text, "\u{1b}[0m"] {
            out.push_str(part);
        }
    }

    /// A bar of at most `cells` columns for a whole of `most`: first `solid`, then `light` in a lighter shade.
    /// What is not 0 is seen.
    pub(super) fn bar(self, solid: u64, light: u64, most: u64, cells: usize) -> String {
        let (full, shade) = match self.symbols {
            Symbols::Unicode => ('█', '░'),
            Symbols::Ascii => ('#', '-'),
        };
        if light > 0 || self.symbols == Symbols::Ascii {
            let lights = share(light, most, cells);
            let all = share(solid + light, most, cells)
                .max(lights + usize::from(solid > 0))
                .min(cells);
            let lights = lights.min(all - usize::from(solid > 0 && all > 1));
            return std::iter::repeat_n(full, all - lights)
                .chain(std::iter::repeat_n(shade, lights))
                .collect();
        }
        let eighths = share(solid, most, cells * 8);
        let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
        std::iter::repeat_n(full, eighths / 8)
            .chain(rest.chars())
            .collect()
    }
}

/// `part` of `whole` in `steps`, rounded; at least one for what is not 0, never more than all.
fn share(part: u64, whole: u64, steps: usize) -> usize {
    if part == 0 || whole == 0 {
        return 0;
    }
    let exact = part as f64 / whole as f64 * steps as f64;
    (exact.round() as usize).clamp(1, steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_show_what_is_there_and_no_more() {
        let unicode = Style::default();
        let ascii = Style {
            symbols: Symbols::Ascii,
            ..unicode
        };
        for (style, solid, light, want) in [
            (unicode, 0, 0, ""),
            (unicode, 100, 0, "████"),
            (unicode, 50, 0, "██"),
            (unicode, 1, 0, "▏"),
            (unicode, 60, 0, "██▍"),
            (unicode, 50, 50, "██░░"),
            (unicode, 99, 1, "███░"),
            (unicode, 1, 99, "█░░░"),
            (unicode, 0, 100, "░░░░"),
            (ascii, 50, 0, "##"),
            (ascii, 50, 50, "##--"),
            (ascii, 1, 1, "#-"),
        ] {
            assert_eq!(style.bar(solid, light, 100, 4), want, "{solid} {light}");
        }
        assert_eq!(unicode.bar(5, 5, 0, 4), "█");
    }
}
