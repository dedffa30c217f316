//! Where things stand on a screen of some size: what is drawn there, and what a click there means.
//!
//! A module of its own because drawing and the mouse must agree. Cells, from the upper left.

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// The first column.
    pub x: u16,
    /// The first row.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Area {
    /// Whether a cell lies in it.
    pub fn holds(self, x: u16, y: u16) -> bool {
        (self.x..self.x + self.width).contains(&x) && (self.y..self.y + self.height).contains(&y)
    }

    /// Rows below the title of a pane.
    #[must_use]
    pub fn body(self) -> Self {
        Self {
            y: self.y + 1,
            height: self.height.saturating_sub(1),
            ..self
        }
    }
}

/// Which pane keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// Layers, categories or owners.
    List,
    /// Paths.
    #[default]
    Tree,
}

/// The parts of the screen. One that has no room is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Geometry {
    /// The image and its sizes.
    pub header: Area,
    /// What is shown, and the filter.
    pub filter: Area,
    /// Layers, categories or owners.
    pub list: Area,
    /// What is selected, in full.
    pub detail: Area,
    /// Paths.
    pub tree: Area,
    /// Keys, messages, progress.
    pub footer: Area,
    /// Everything.
    pub screen: Area,
}

/// Columns from which two panes stand side by side.
const WIDE: u16 = 80;
/// Columns that a pane has, at least.
const NARROW: u16 = 20;

impl Geometry {
    /// The parts of a screen of `width` by `height` cells, of whose columns the tree has `tree` percent where it says so.
    pub fn new((width, height): (u16, u16), focus: Focus, tree: Option<u16>) -> Self {
        let row = |y: u16| Area {
            x: 0,
            y,
            width,
            height: 1,
        };
        let mut parts = Self {
            header: row(0),
            filter: row(1),
            footer: row(height.saturating_sub(1)),
            screen: Area {
                x: 0,
                y: 0,
                width,
                height,
            },
            ..Self::default()
        };
        let body = Area {
            x: 0,
            y: 2,
            width,
            height: height.saturating_sub(3),
        };
        // What is selected in full takes a third, but leaves the rows above it room.
        let detail = if body.height >= 14 {
            (body.height / 3).clamp(6, 14)
        } else {
            0
        };
        let upper = Area {
            height: body.height - detail,
            ..body
        };
        let lower = Area {
            y: body.y + upper.height,
            height: detail,
            ..body
        };
        if width >= WIDE {
            let left = match tree {
                None => (width * 2 / 5).clamp(36, 90),
                Some(percent) => {
                    let rest = u32::from(100 - percent.min(100));
                    ((u32::from(width) * rest / 100) as u16).clamp(NARROW, width - NARROW - 1)
                }
            };
            parts.list = Area { width: left, ..upper };
            parts.detail = Area { width: left, ..lower };
            parts.tree = Area {
                x: left + 1,
                width: width - left - 1,
                ..body
            };
            return parts;
        }
        match focus {
            Focus::List => parts.list = upper,
            Focus::Tree => parts.tree = upper,
        }
        parts.detail = lower;
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_within_the_screen_and_beside_each_other() {
        for (width, height) in [
            (1, 1),
            (10, 4),
            (40, 12),
            (79, 24),
            (80, 24),
            (120, 40),
            (300, 100),
        ] {
            let widths = [None, Some(0), Some(35), Some(100), Some(u16::MAX)];
            let cases = [Focus::List, Focus::Tree].map(|focus| widths.map(|tree| (focus, tree)));
            for (focus, tree) in cases.into_iter().flatten() {
                let parts = Geometry::new((width, height), focus, tree);
                let panes = [parts.list, parts.detail, parts.tree];
                for pane in panes.into_iter().filter(|pane| pane.height > 0) {
                    assert!(pane.x + pane.width <= width, "{width}x{height}: {pane:?}");
                    assert!(pane.y + pane.height < height.max(3), "{width}x{height}: {pane:?}");
                    let others = panes.iter().filter(|other| **other != pane && other.height > 0);
                    assert!(
                        others.clone().all(|other| !other.holds(pane.x, pane.y)),
                        "{width}x{height}"
                    );
                }
                let focused = if focus == Focus::List {
                    parts.list
                } else {
                    parts.tree
                };
                assert!(
                    height < 5 || focused.height > 0,
                    "{width}x{height}: the pane with the focus is there"
                );
            }
        }
    }
}
