//! A cursor in a list that is longer than its pane: pure arithmetic.
//!
//! A module of its own because every pane, menu and overlay moves alike.

use super::super::keys::Action;

/// Which row is selected, and which is the first on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The selected row.
    pub at: usize,
    /// The first row on the screen.
    pub offset: usize,
}

impl Cursor {
    /// Moves as the action says in a list of `count` rows of which `height` are seen. Whether it is a move at all.
    pub fn go(&mut self, action: Action, count: usize, height: usize) -> bool {
        let page = height.saturating_sub(1).max(1);
        let to = match action {
            Action::Down => self.at + 1,
            Action::Up => self.at.saturating_sub(1),
            Action::PageDown => self.at + page,
            Action::PageUp => self.at.saturating_sub(page),
            Action::First => 0,
            Action::Last => usize::MAX,
            _ => return false,
        };
        self.set(to, count, height);
        true
    }

    /// Selects a row, the last one where there are not so many, and shows it.
    pub fn set(&mut self, at: usize, count: usize, height: usize) {
        self.at = at.min(count.saturating_sub(1));
        self.show(count, height);
    }

    /// Keeps the selected row on the screen, and no more empty rows below than must be.
    pub fn show(&mut self, count: usize, height: usize) {
        self.at = self.at.min(count.saturating_sub(1));
        let last = count.saturating_sub(height);
        self.offset = self.offset.min(last).min(self.at);
        if height > 0 && self.at >= self.offset + height {
            self.offset = self.at + 1 - height;
        }
    }

    /// Scrolls by rows, and takes the cursor along at the edges.
    pub fn scroll(&mut self, by: isize, count: usize, height: usize) {
        let last = count.saturating_sub(height);
        self.offset = self.offset.saturating_add_signed(by).min(last);
        let bottom = (self.offset + height.max(1) - 1).min(count.saturating_sub(1));
        self.at = self.at.clamp(self.offset.min(bottom), bottom);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_row_is_always_on_the_screen() {
        let mut cursor = Cursor::default();
        for (action, want) in [
            (Action::Up, (0, 0)),
            (Action::Down, (1, 0)),
            (Action::PageDown, (5, 1)),
            (Action::Last, (9, 5)),
            (Action::Down, (9, 5)),
            (Action::PageUp, (5, 5)),
            (Action::Up, (4, 4)),
            (Action::First, (0, 0)),
        ] {
            assert!(cursor.go(action, 10, 5));
            assert_eq!((cursor.at, cursor.offset), want, "{action:?}");
        }
        assert!(!cursor.go(Action::Mark, 10, 5));
        cursor.scroll(3, 10, 5);
        assert_eq!((cursor.at, cursor.offset), (3, 3), "it is taken along");
        cursor.scroll(99, 10, 5);
        assert_eq!((cursor.at, cursor.offset), (5, 5));
        cursor.show(2, 5);
        assert_eq!((cursor.at, cursor.offset), (1, 0), "rows are gone");
        cursor.show(0, 0);
        assert_eq!((cursor.at, cursor.offset), (0, 0));
    }
}
