//! Colours: what a tone looks like in a terminal of some kind, and which characters that has.
//!
//! A module of its own because it is the one place that knows them. Without colours everything is told by letters, and what
//! is selected is reversed.

use ratatui::style::{Color, Modifier, Style};

use crate::report::text::Symbols;
use crate::tui::text::Tone;

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// None, or none are wanted.
    None,
    /// The sixteen that the person chose.
    #[default]
    Sixteen,
    /// 256.
    Indexed,
    /// 16 million.
    True,
}

/// What lies behind the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// Dark, or not known.
    #[default]
    Dark,
    /// Light.
    Light,
}

/// What tones look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Theme {
    /// Colours there are.
    pub depth: Depth,
    /// What they are seen against.
    pub background: Background,
    /// Characters there are.
    pub symbols: Symbols,
}

/// A colour as 16, 256 and 16 million have it, on dark and on light.
struct Hue {
    sixteen: Color,
    indexed: (u8, u8),
    full: (u32, u32),
}

const GOOD: Hue = hue(Color::Green, (114, 28), (0x8c_c8_70, 0x2a_7a_1e));
const WARN: Hue = hue(Color::Yellow, (179, 130), (0xe0_b0_58, 0x9a_62_00));
const BAD: Hue = hue(Color::Red, (203, 160), (0xf0_71_6b, 0xc0_2a_2a));
const DIRECTORY: Hue = hue(Color::Blue, (111, 25), (0x82_aa_ff, 0x1f_55_a8));
const BAR: Hue = hue(Color::Cyan, (73, 30), (0x56_b6_c2, 0x12_70_80));
const DIM: Hue = hue(Color::DarkGray, (245, 243), (0x8a_8f_98, 0x6b_70_78));

const fn hue(sixteen: Color, indexed: (u8, u8), full: (u32, u32)) -> Hue {
    Hue {
        sixteen,
        indexed,
        full,
    }
}

impl Theme {
    /// How text of a tone is drawn.
    pub fn style(self, tone: Tone) -> Style {
        let style = Style::default();
        match tone {
            Tone::Plain => style,
            Tone::Dim => self.dim(),
            Tone::Bold => style.add_modifier(Modifier::BOLD),
            Tone::Good => self.color(&GOOD),
            Tone::Warn => self.color(&WARN),
            Tone::Bad => self.color(&BAD),
            Tone::Directory => self.color(&DIRECTORY).add_modifier(Modifier::BOLD),
            Tone::Bar => self.color(&BAR),
            Tone::Found => self
                .color(&WARN)
                .add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        }
    }

    /// How the selected row is drawn, on top of what it is: of the pane that has the keys, and of another.
    pub fn selected(self, has_keys: bool) -> Style {
        if has_keys {
            let style = Style::default().add_modifier(Modifier::REVERSED);
            // Reversed colours would be patches: the whole row is of one.
            match self.depth {
                Depth::None => style,
                _ => style.fg(Color::Reset),
            }
        } else {
            Style::default().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
        }
    }

    fn dim(self) -> Style {
        match self.depth {
            Depth::None => Style::default(),
            Depth::Sixteen => Style::default().add_modifier(Modifier::DIM),
            _ => self.color(&DIM),
        }
    }

    fn color(self, hue: &Hue) -> Style {
        let is_light = self.background == Background::Light;
        let color = match self.depth {
            Depth::None => return Style::default(),
            Depth::Sixteen => hue.sixteen,
            Depth::Indexed => Color::Indexed(if is_light { hue.indexed.1 } else { hue.indexed.0 }),
            Depth::True => Color::from_u32(if is_light { hue.full.1 } else { hue.full.0 }),
        };
        Style::default().fg(color)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_no_style_has_one() {
        let tones = [
            Tone::Plain,
            Tone::Dim,
            Tone::Bold,
            Tone::Good,
            Tone::Warn,
            Tone::Bad,
            Tone::Directory,
            Tone::Bar,
            Tone::Found,
        ];
        for background in [Background::Dark, Background::Light] {
            for depth in [Depth::None, Depth::Sixteen, Depth::Indexed, Depth::True] {
                let theme = Theme {
                    depth,
                    background,
                    ..Theme::default()
                };
                for tone in tones {
                    let style = theme.style(tone);
                    assert!(
                        depth != Depth::None || (style.fg, style.bg) == (None, None),
                        "{tone:?}"
                    );
                    assert_eq!(style.bg, None, "the terminal's own background stays");
                }
            }
        }
        assert_eq!(
            Theme {
                depth: Depth::True,
                ..Theme::default()
            }
            .style(Tone::Bad)
            .fg,
            Some(Color::Rgb(0xf0, 0x71, 0x6b))
        );
    }
}
